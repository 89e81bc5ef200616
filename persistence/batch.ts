import type { AnyActorDefinition } from '../actors/actor.ts'
import type { Write } from '../actors/engine/store.ts'

export type Row = Readonly<Record<string, unknown>>

/** The rows of a batch, by table. */
export type Batch = {
  /** In the order of their names, which is the order in which every node locks rows. */
  actors: readonly { definition: AnyActorDefinition; updated: Row[]; made: Row[] }[]
  turns: Row[]
  effects: Row[]
  timers: Row[]
  cleared: Row[]
  settled: Row[]
}

/** `leaseMs`: how long the effects belong to this node. */
export const batchOf = (writes: readonly Write[], leaseMs: number): Batch => {
  const actors = new Map<AnyActorDefinition, Batch['actors'][number]>()
  const turns: Row[] = []
  const effects: Row[] = []
  const timers: Row[] = []
  const cleared: Row[] = []
  const settled: Row[] = []
  writes.forEach((write, index) => {
    const { definition, id, base, version, machine, state, snapshot, timers: present, columns } = write
    const { actor } = definition.contract
    const known = actors.get(definition) ?? { definition, updated: [], made: [] }
    actors.set(definition, known)
    const row = { id, base, version, machine, state, snapshot, timers: present, ...columns }
    if (base === 0) known.made.push(row)
    else known.updated.push(row)
    for (const turn of write.turns) {
      const n = Math.max(turn.events.length, 1)
      turns.push({ ...turn, ord: turns.length, write: index, id, actor, n })
    }
    for (const effect of write.effects) effects.push({ ...effect, leaseMs })
    for (const timer of write.timersSet) timers.push({ ...timer, id, actor })
    for (const name of write.timersCleared) cleared.push({ id, name })
    for (const effect of write.settles) settled.push({ id, effect })
  })
  const sorted = [...actors.values()].toSorted((one, other) =>
    one.definition.contract.actor < other.definition.contract.actor ? -1 : 1,
  )
  return { actors: sorted, turns, effects, timers, cleared, settled }
}

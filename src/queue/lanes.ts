import type { DueEffect, Rooms } from '../../actors/engine/effects.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { createLane, type Lane, type LaneDependencies } from './lane.ts'

type Dependencies = LaneDependencies & {
  handlers: Readonly<Record<string, EffectHandler>>
  leaseMs: number
}

/** The part of a lease for which a commit has given an effect to its node, with a margin. */
const PROMISED = 0.1

export type Lanes = ReturnType<typeof createLanes>

/** A lane for each kind of effect, so that one that is stuck holds up no other. */
export const createLanes = (deps: Dependencies) => {
  const { store, handlers, leases, leaseMs } = deps
  const lanes = new Map<string, Lane>()
  let stopped = true

  const laneOf = (name: string): Lane => {
    let lane = lanes.get(name)
    if (!lane) {
      lane = createLane(deps, handlers[name]!)
      lanes.set(name, lane)
    }
    return lane
  }

  /** For how many more there is room, unless somebody else knows better how many wait. */
  const rooms = (waiting: Readonly<Record<string, number>> = {}): Rooms => {
    const entries = Object.keys(handlers).map((name) => [name, laneOf(name).room(waiting[name])] as const)
    return Object.fromEntries(entries.filter(([, room]) => room > 0))
  }

  /** What the table had for these rooms. Where it filled one, it may have more. */
  const filled = (offered: Rooms, found: readonly { name: string }[]) => {
    const counts = Map.groupBy(found, ({ name }) => name)
    for (const name in offered) laneOf(name).hasMore((counts.get(name)?.length ?? 0) >= offered[name]!)
  }

  return {
    start: () => {
      stopped = false
      for (const name in handlers) laneOf(name)
      leases.start()
    },
    /**
     * Effects that were committed a moment ago. `doubtful`: somebody else may know of them, too. What nobody can carry
     * out here stays in the table for another node, or for this one when it is set up for it again.
     */
    push: (effects: readonly DueEffect[], doubtful = false) => {
      if (stopped) return
      for (const effect of effects)
        if (handlers[effect.name]) laneOf(effect.name).add(effect, doubtful ? 0 : leaseMs * PROMISED)
    },
    /** Takes what is due from the table, for all lanes with room. */
    claim: async () => {
      const free = rooms()
      if (stopped || Object.keys(free).length === 0) return
      const lease = leases.lease()
      const takenLater = Object.keys(free).filter((name) => handlers[name]!.lookUp)
      const found = await store.claim(lease, free, takenLater)
      filled(free, found)
      for (const effect of found)
        laneOf(effect.name).add(effect, leaseMs / 2, { taken: effect.taken, until: lease.until })
    },
    /** Somebody says that this effect is due. */
    take: (name: string, id: string) => laneOf(name).take(id),
    rooms,
    filled,
    /** Waits for what runs. */
    stop: async () => {
      stopped = true
      await Promise.all([...lanes.values()].map((lane) => lane.stop()))
      leases.stop()
    },
    stats: () => Object.fromEntries([...lanes].map(([name, lane]) => [name, lane.stats()])),
  }
}

import type { Reply } from '../../contracts/protocol.ts'
import type { AnyActorDefinition } from '../actor.ts'
import type { Message } from './message.ts'
import { internal, STALE } from './replies.ts'
import { dehydrate } from './step.ts'
import type { Question, Write } from './store.ts'
import { decide, type Active, type Turn } from './turn.ts'

export type Waiting = {
  message: Message
  promise: Promise<Reply>
  answer: (reply: Reply) => void
  /** How often a decision about it was thrown away. */
  attempts: number
}

/** The one queue of an actor on this node. */
export type Mailbox = {
  definition: AnyActorDefinition
  id: string
  /** By message id, oldest first. */
  waiting: Map<string, Waiting>
  /** In a flight, or queued for one. */
  busy: boolean
  /** `undefined`: not loaded; `null`: there is no such actor. */
  active: Active | null | undefined
  /** Loaded in this flight, so that memory is not older than the database. */
  fresh: boolean
  /** How many messages still go one at a time, because their chain contained one that cannot be committed. */
  solo: number
}

/** What one flight does with one actor. */
export type Chain = {
  mailbox: Mailbox
  taken: { waiting: Waiting; turn: Turn }[]
  answered: { waiting: Waiting; reply: Reply }[]
}

export const aMailbox = (definition: AnyActorDefinition, id: string): Mailbox => ({
  definition,
  id,
  waiting: new Map(),
  busy: false,
  active: undefined,
  fresh: false,
  solo: 0,
})

/** Decides the waiting messages in order, each on what the one before it left behind. */
export const decideChain = (
  mailbox: Mailbox,
  limit: number,
  failed: (error: unknown, message: Message) => void,
): Chain => {
  const chain: Chain = { mailbox, taken: [], answered: [] }
  if (mailbox.active === undefined) return chain
  let current = mailbox.active ?? undefined
  const length = mailbox.solo > 0 ? 1 : limit
  if (mailbox.solo > 0) mailbox.solo--
  for (const waiting of mailbox.waiting.values().take(length)) {
    try {
      const decision = decide(mailbox.definition, current, waiting.message)
      if ('taken' in decision) {
        current = decision.taken.next
        chain.taken.push({ waiting, turn: decision.taken })
      } else chain.answered.push({ waiting, reply: 'stale' in decision ? STALE : decision.refused })
    } catch (error) {
      failed(error, waiting.message)
      chain.answered.push({ waiting, reply: internal() })
    }
  }
  return chain
}

/** One row update for the whole chain, with one journal row for each of its turns. */
export const writeOf = ({ mailbox, taken }: Chain): Write => {
  const { next } = taken.at(-1)!.turn
  const set = new Map<string, Write['timersSet'][number]>()
  const cleared = new Set<string>()
  for (const { turn } of taken) {
    for (const name of turn.timersCleared) {
      set.delete(name)
      cleared.add(name)
    }
    for (const timer of turn.timersSet) {
      cleared.delete(timer.name)
      set.set(timer.name, timer)
    }
  }
  return {
    definition: mailbox.definition,
    id: mailbox.id,
    base: mailbox.active?.version ?? 0,
    version: next.version,
    machine: mailbox.definition.machine.id,
    state: next.state,
    snapshot: dehydrate(next.snapshot),
    timers: next.timers,
    columns: next.columns,
    turns: taken.map(({ turn }) => turn.record),
    effects: taken.flatMap(({ turn }) => turn.effects),
    timersSet: [...set.values()],
    timersCleared: [...cleared],
    settles: taken.flatMap(({ waiting }) => waiting.message.settles ?? []),
  }
}

export const questionOf = ({ actor, id, creation, principal }: Message): Question => ({
  actorId: actor.id,
  messageId: id,
  ...(creation && principal ? { creation: { by: principal.userId } } : {}),
})

import type { Reply } from '../../contracts/protocol.ts'
import type { AnyActorDefinition } from '../actor.ts'
import type { Message } from './message.ts'
import { internal, STALE } from './replies.ts'
import { dehydrate } from './step.ts'
import type { Question, Write } from './store.ts'
import { decide, dueTimer, type Active, type Turn } from './turn.ts'

export type Waiting = {
  message: Message
  promise: Promise<Reply>
  answer: (reply: Reply) => void
  /** How often a decision about it was thrown away. */
  attempts: number
  /** It may have been applied, and the database has not been there to say so. */
  doubtful?: true
}

/** The one queue of an actor on this node. */
export type Mailbox = {
  definition: AnyActorDefinition
  id: string
  /** By message id, oldest first. */
  waiting: Map<string, Waiting>
  /** Since passivation last came by. */
  used: boolean
  /** In a flight, or queued for one. */
  busy: boolean
  /** `undefined`: not loaded; `null`: there is no such actor. */
  active: Active | null | undefined
  /** Loaded in this flight, so that memory is not older than the database. */
  fresh: boolean
  /** How many messages still go one at a time, because their chain contained one that cannot be committed. */
  solo: number
  /** Ids of timers that cannot fire because of a bug; they no longer hold up what comes after them. */
  parked: Set<string>
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
  used: true,
  busy: false,
  active: undefined,
  fresh: false,
  solo: 0,
  parked: new Set(),
})

type Failed = (error: unknown, message: Message) => void

/**
 * Decides the waiting messages in order, each on what the one before it left behind. Timers that were due before a
 * message come before it, even if nobody has fired them yet: the server may have been away at the time.
 */
export const decideChain = (mailbox: Mailbox, limit: number, failed: Failed): Chain => {
  const chain: Chain = { mailbox, taken: [], answered: [] }
  if (mailbox.active === undefined) return chain
  let current = mailbox.active ?? undefined
  const decideOne = (waiting: Waiting) => {
    const { message } = waiting
    try {
      const decision = decide(mailbox.definition, current, message)
      if ('taken' in decision) {
        current = decision.taken.next
        chain.taken.push({ waiting, turn: decision.taken })
      } else chain.answered.push({ waiting, reply: 'stale' in decision ? STALE : decision.refused })
    } catch (error) {
      failed(error, message)
      if (message.cause === 'timer') mailbox.parked.add(message.id)
      chain.answered.push({ waiting, reply: internal() })
    }
  }

  const solo = mailbox.solo > 0
  if (solo) mailbox.solo--
  for (const waiting of mailbox.waiting.values().take(solo ? 1 : limit)) {
    for (let fired = 0; fired < MOST_OVERDUE; fired++) {
      const timer = current && waiting.message.cause !== 'timer' && overdue(mailbox, current, waiting.message)
      if (!timer) break
      decideOne(mailbox.waiting.get(timer.id) ?? unasked(timer))
      if (solo) return chain
    }
    if (!isDecided(chain, waiting)) decideOne(waiting)
  }
  return chain
}

/** A machine that sets a timer again and again for the past must not hold the process. */
const MOST_OVERDUE = 32

/** The first timer that should have fired before the message. */
const overdue = ({ definition, id, parked }: Mailbox, current: Active, { at }: Message) =>
  dueTimer(current, { type: definition.contract.actor, id }, at, parked)

/** A message that nobody waits for. */
const unasked = (message: Message): Waiting => {
  const { promise, resolve: answer } = Promise.withResolvers<Reply>()
  return { message, promise, answer, attempts: 0 }
}

const isDecided = ({ taken, answered }: Chain, waiting: Waiting) =>
  waiting.message.cause === 'timer' && [...taken, ...answered].some((entry) => entry.waiting === waiting)

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
  actorType: actor.type,
  actorId: actor.id,
  messageId: id,
  ...(creation && principal ? { creation: { by: principal.userId } } : {}),
})

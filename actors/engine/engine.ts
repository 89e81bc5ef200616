import { refused, type Reply } from '../../contracts/protocol.ts'
import type { AnyActorDefinition } from '../actor.ts'
import { commitAll, patiently, type Committed } from './commit.ts'
import {
  aMailbox,
  decideChain,
  questionOf,
  writeOf,
  type Chain,
  type Mailbox,
  type Waiting,
} from './mailbox.ts'
import type { Message } from './message.ts'
import { accepted, internal, overloaded, repeat, reused, STALE } from './replies.ts'
import { activate, type Active } from './turn.ts'
import type { ActorStore, StoredActor, Write } from './store.ts'

/** A committed batch, as it goes to subscribers, to the effect queue and to the timer scheduler. */
export type CommittedBatch = { from: number; to: number; writes: readonly { write: Write; from: number }[] }

export type EngineLimits = {
  /** Messages waiting for one actor. */
  mailbox: number
  /** Messages waiting or under way on this node. */
  node: number
  /** Turns in one commit. */
  batch: number
  /** Fewer actors than this go in one commit even when a second flight is free. */
  split: number
  /** Turns of one actor in one commit. */
  chain: number
  /** Actors kept in memory. */
  active: number
}

const DEFAULT_LIMITS: EngineLimits = {
  mailbox: 1_000,
  node: 10_000,
  batch: 256,
  split: 16,
  chain: 256,
  active: 10_000,
}

export type Engine = {
  /** Takes a message and answers when its turn is committed, or refused. Never rejects. */
  send: (message: Message) => Promise<Reply>
  /** The answer that an earlier message with this id got, if there was one. */
  answered: (message: Message) => Promise<Reply | undefined>
  /** The actor as it was last committed; `undefined` when there is none. */
  peek: (type: string, id: string) => Promise<Active | undefined>
  /** Refuses new messages with `shutting_down`, and waits until everything that was taken is answered. */
  drain: () => Promise<void>
  stats: () => { active: number; ready: number; inFlight: number }
}

export type EngineDependencies = {
  store: ActorStore
  definitions: readonly AnyActorDefinition[]
  /** Called after each commit, before the senders are answered. Must not throw. */
  committed: (batch: CommittedBatch) => void
  /** A turn that failed because of a bug, of data that the database refuses, or of the database. Must not throw. */
  failed: (error: unknown, message: Message) => void
  limits?: Partial<EngineLimits>
}

const MAX_ATTEMPTS = 20

/**
 * Runs turns: one mailbox for each actor, many mailboxes in one commit.
 *
 * Nothing here decides who may write an actor: the version that the commit compares does. The loser loads the actor
 * again and decides again. The snapshot in memory moves only after the commit.
 */
export const createEngine = ({ store, committed, failed, ...deps }: EngineDependencies): Engine => {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits }
  const definitions = new Map(deps.definitions.map((definition) => [definition.contract.actor, definition]))
  const mailboxes = new Map<string, Mailbox>()
  const freeFlights = Array.from({ length: store.flights }, (_, index) => index)
  let ready: Mailbox[] = []
  let inFlight = 0
  let pumpScheduled = false
  let drained: (() => void) | undefined

  const send = (message: Message): Promise<Reply> => {
    if (drained) return Promise.resolve(refused('shutting_down', 'this server is shutting down'))
    if (inFlight >= limits.node) return Promise.resolve(overloaded('this server is busy'))
    const mailbox = mailboxOf(message.actor.type, message.actor.id)
    const twin = mailbox.waiting.get(message.id)
    if (twin) return twin.message.hash === message.hash ? twin.promise : Promise.resolve(reused())
    if (mailbox.waiting.size >= limits.mailbox) return Promise.resolve(overloaded('this actor is busy'))
    inFlight++
    const { promise, resolve } = Promise.withResolvers<Reply>()
    mailbox.waiting.set(message.id, { message, answer: resolve, promise, attempts: 0 })
    makeReady(mailbox)
    return promise
  }

  /** Moves the mailbox behind all others: the map's order is the order of last use. */
  const mailboxOf = (type: string, id: string): Mailbox => {
    const key = `${type}:${id}`
    let mailbox = mailboxes.get(key)
    if (mailbox) mailboxes.delete(key)
    else mailbox = aMailbox(definitions.get(type)!, id)
    mailboxes.set(key, mailbox)
    return mailbox
  }

  const makeReady = (mailbox: Mailbox) => {
    if (mailbox.busy || mailbox.waiting.size === 0) return
    mailbox.busy = true
    ready.push(mailbox)
    schedulePump()
  }

  const schedulePump = () => {
    if (pumpScheduled) return
    pumpScheduled = true
    // After the input of this tick has been read: what arrives together is committed together.
    setImmediate(() => {
      pumpScheduled = false
      while (freeFlights.length > 0 && ready.length > 0) {
        const share = Math.ceil(ready.length / freeFlights.length)
        void fly(freeFlights.pop()!, takeBatch(Math.max(share, limits.split)))
      }
    })
  }

  const takeBatch = (most: number): Mailbox[] => {
    let turns = 0
    let count = 0
    while (count < ready.length && count < most && turns < limits.batch)
      turns += Math.min(ready[count++]!.waiting.size, limits.chain)
    const batch = ready.slice(0, count)
    ready = ready.slice(count)
    return batch
  }

  /** One batch, from cold actors to answers. Never rejects. */
  const fly = async (flight: number, batch: Mailbox[]) => {
    try {
      await patiently(store, () => activateAll(batch))
      const chains = batch.map((mailbox) => decideChain(mailbox, limits.chain, failed))
      await patiently(store, () => settleRefusals(chains))
      const pending = chains.filter(({ taken }) => taken.length > 0)
      const results = await commitAll({ store, flight, writes: pending.map(writeOf) })
      announce(results)
      pending.forEach((chain, index) => finish(chain, results[index]!))
      for (const chain of chains) if (chain.taken.length === 0) answerRefusals(chain)
    } catch (error) {
      // What may have been applied by an earlier attempt waits until the database can say so.
      for (const mailbox of batch)
        refuseAll(
          mailbox,
          [...mailbox.waiting.values()].filter(({ attempts }) => attempts === 0),
          error,
        )
    }
    freeFlights.push(flight)
    for (const mailbox of batch) {
      mailbox.busy = false
      mailbox.fresh = false
      if (mailbox.waiting.size > 0) makeReady(mailbox)
      else if (!mailbox.active) mailboxes.delete(`${mailbox.definition.contract.actor}:${mailbox.id}`)
    }
    passivate()
    if (ready.length > 0) schedulePump()
    if (inFlight === 0) drained?.()
  }

  const activateAll = async (batch: readonly Mailbox[]) => {
    const cold = batch.filter(({ active }) => active === undefined)
    const loads = [...Map.groupBy(cold, ({ definition }) => definition)].map(async ([definition, boxes]) => {
      const ids = boxes.map(({ id }) => id)
      const stored = new Map((await store.load(definition, ids)).map((row) => [row.id, row]))
      for (const mailbox of boxes) {
        const row = stored.get(mailbox.id)
        mailbox.active = row ? revive(mailbox, row) : null
        mailbox.fresh = true
      }
    })
    await Promise.all(loads)
  }

  /** An actor that cannot be brought to life is refused by itself; its neighbours go on. */
  const revive = (mailbox: Mailbox, row: StoredActor) => {
    try {
      return activate(mailbox.definition, row)
    } catch (error) {
      for (const waiting of mailbox.waiting.values()) {
        failed(error, waiting.message)
        settle(mailbox, waiting, internal())
      }
      return undefined
    }
  }

  /**
   * A refusal may really be the repetition of a message that was applied, and one that was decided on memory may be
   * out of date when other processes write too. Both are found out before anybody hears of it.
   */
  const settleRefusals = async (chains: readonly Chain[]) => {
    const doubtful = chains.flatMap(({ answered }) =>
      answered.filter(
        ({ reply, waiting }) =>
          reply !== STALE && (waiting.message.hash !== undefined || waiting.attempts > 0),
      ),
    )
    if (doubtful.length > 0) {
      const answers = await store.answers(doubtful.map(({ waiting }) => questionOf(waiting.message)))
      doubtful.forEach((entry, index) => {
        if (answers[index]) entry.reply = repeat(entry.waiting.message, answers[index])
      })
    }
    if (!store.shared) return
    for (const chain of chains)
      if (!chain.mailbox.fresh && chain.answered.some(({ reply }) => !reply.ok)) decideAgain(chain)
  }

  const decideAgain = (chain: Chain) => {
    for (const { waiting } of [...chain.taken, ...chain.answered]) waiting.attempts++
    chain.mailbox.active = undefined
    chain.taken = []
    chain.answered = []
  }

  const announce = (results: readonly Committed[]) => {
    const written = results.filter((result) => result.status === 'committed')
    for (const writes of Map.groupBy(written, ({ batch }) => batch).values()) {
      writes.sort((one, other) => one.from - other.from)
      const last = writes.at(-1)!
      committed({ from: writes[0]!.from, to: last.from + positionsOf(last.write) - 1, writes })
    }
  }

  const finish = (chain: Chain, result: Committed) => {
    const { mailbox, taken } = chain
    if (result.status !== 'committed') mailbox.active = undefined
    switch (result.status) {
      case 'committed': {
        mailbox.active = taken.at(-1)!.turn.next
        let position = result.from - 1
        for (const { waiting, turn } of taken) {
          position += Math.max(turn.record.events.length, 1)
          settle(mailbox, waiting, accepted(mailbox.id, turn, position))
        }
        return answerRefusals(chain)
      }
      case 'conflict':
        for (const { waiting } of taken)
          if (++waiting.attempts >= MAX_ATTEMPTS)
            settle(mailbox, waiting, overloaded('this actor is contended'))
        return
      case 'unknown':
        for (const { waiting } of taken) waiting.attempts++
        return failed(result.error, taken[0]!.waiting.message)
      case 'answered':
        // Some had been applied before; the others are decided again without them.
        return taken.forEach(({ waiting }, index) => {
          const stored = result.answers[index]
          if (stored) settle(mailbox, waiting, repeat(waiting.message, stored))
        })
      case 'failed':
        if (!result.poison)
          return refuseAll(
            mailbox,
            taken.map(({ waiting }) => waiting),
            result.error,
          )
        if (taken.length > 1) {
          mailbox.solo = taken.length
          return
        }
        // The journal knows each id once, whatever the type: it belongs to an actor of another one.
        if (taken[0]!.waiting.message.creation && store.classify(result.error) === 'duplicate')
          return settle(mailbox, taken[0]!.waiting, refused('already_exists', 'this id is taken'))
        failed(result.error, taken[0]!.waiting.message)
        return settle(mailbox, taken[0]!.waiting, internal())
    }
  }

  const answerRefusals = ({ mailbox, answered }: Chain) => {
    for (const { waiting, reply } of answered) settle(mailbox, waiting, reply)
  }

  /** The database is away: nothing is known to be lost, and the sender may ask again with the same id. */
  const refuseAll = (mailbox: Mailbox, messages: readonly Waiting[], error: unknown) => {
    mailbox.active = undefined
    for (const waiting of messages) {
      failed(error, waiting.message)
      settle(mailbox, waiting, overloaded('the database is not available'))
    }
  }

  const settle = (mailbox: Mailbox, waiting: Waiting, reply: Reply) => {
    if (!mailbox.waiting.delete(waiting.message.id)) return
    inFlight--
    waiting.answer(reply)
  }

  /** Idle actors leave memory, those used least recently first. */
  const passivate = () => {
    if (mailboxes.size <= limits.active) return
    for (const [key, mailbox] of mailboxes) {
      if (mailboxes.size <= limits.active) return
      if (!mailbox.busy && mailbox.waiting.size === 0) mailboxes.delete(key)
    }
  }

  return {
    send,
    answered: async (message) => {
      if (message.hash === undefined) return undefined
      const [stored] = await store.answers([
        {
          ...questionOf(message),
          ...(message.principal ? { creation: { by: message.principal.userId } } : {}),
        },
      ])
      return stored && repeat(message, stored)
    },
    peek: async (type, id) => {
      const definition = definitions.get(type)!
      const known = store.shared ? undefined : mailboxes.get(`${type}:${id}`)?.active
      if (known) return known
      const [row] = await store.load(definition, [id])
      return row && activate(definition, row)
    },
    drain: () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      drained = resolve
      if (inFlight === 0) resolve()
      return promise
    },
    stats: () => ({ active: mailboxes.size, ready: ready.length, inFlight }),
  }
}

/** How many positions the turns of a write take: one for each event, one for a turn without any. */
const positionsOf = ({ turns }: Pick<Write, 'turns'>): number =>
  turns.reduce((sum, { events }) => sum + Math.max(events.length, 1), 0)

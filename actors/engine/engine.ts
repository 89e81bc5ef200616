import { refused, type Reply } from '../../contracts/protocol.ts'
import type { AnyActorDefinition } from '../actor.ts'
import { createFlights, type CommittedBatch } from './flight.ts'
import { aMailbox, questionOf, type Mailbox, type Waiting } from './mailbox.ts'
import type { Message } from './message.ts'
import { overloaded, repeat } from './replies.ts'
import { activate, type Active } from './turn.ts'
import type { ActorStore } from './store.ts'

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
  split: 64,
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
  /** Hears how many messages wait for an actor when they are decided. Must not throw. */
  depth?: ((messages: number) => void) | undefined
  limits?: Partial<EngineLimits>
}

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

  const settle = (mailbox: Mailbox, waiting: Waiting, reply: Reply) => {
    // A timer that a command did not wait for may have been fired meanwhile: that one waits for an answer of its own.
    if (mailbox.waiting.get(waiting.message.id) !== waiting) return
    mailbox.waiting.delete(waiting.message.id)
    inFlight--
    waiting.answer(reply)
  }

  const carry = createFlights({
    store,
    committed,
    failed,
    depth: deps.depth,
    settle,
    chainLimit: limits.chain,
  })

  const send = (message: Message): Promise<Reply> => {
    if (drained) return Promise.resolve(refused('shutting_down', 'this server is shutting down'))
    const { type, id } = message.actor
    if (!definitions.has(type))
      return Promise.resolve(refused('not_found', `there are no actors of type '${type}'`))
    if (inFlight >= limits.node) return Promise.resolve(overloaded('this server is busy'))
    const mailbox = mailboxOf(type, id)
    const twin = mailbox.waiting.get(message.id)
    // Who uses an id for something else must not spoil it for the one who used it first: the journal will know.
    if (twin)
      return twin.message.hash === message.hash ? twin.promise : twin.promise.then(() => send(message))
    if (mailbox.waiting.size >= limits.mailbox) return Promise.resolve(overloaded('this actor is busy'))
    inFlight++
    const { promise, resolve } = Promise.withResolvers<Reply>()
    mailbox.waiting.set(message.id, { message, answer: resolve, promise, attempts: 0 })
    makeReady(mailbox)
    return promise
  }

  const mailboxOf = (type: string, id: string): Mailbox => {
    const key = `${type}:${id}`
    let mailbox = mailboxes.get(key)
    if (!mailbox) {
      mailbox = aMailbox(definitions.get(type)!, id)
      mailboxes.set(key, mailbox)
    }
    mailbox.used = true
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

  const fly = async (flight: number, batch: Mailbox[]) => {
    await carry(flight, batch)
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

  /** Idle actors leave memory, oldest first; one that was used since the last look gets a second chance. */
  const passivate = () => {
    if (mailboxes.size <= limits.active) return
    for (const [key, mailbox] of mailboxes) {
      if (mailboxes.size <= limits.active) return
      if (mailbox.busy || mailbox.waiting.size > 0) continue
      mailboxes.delete(key)
      if (mailbox.used) mailboxes.set(key, mailbox)
      mailbox.used = false
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

import type { Socket } from 'socket.io'
import type { AnyActorDefinition, Principal } from '../../actors/actor.ts'
import { confidentialIn, isOfAnotherUser, type TopicRule } from '../../actors/topics.ts'
import {
  MAX_TOPICS,
  refused,
  SubscribeInput,
  UnsubscribeInput,
  type Reply,
} from '../../contracts/protocol.ts'
import type { Journal } from '../../persistence/journal.ts'
import type { TopicSnapshots } from '../../persistence/topic-snapshots.ts'
import { Broken, createCatchUp } from './catch-up.ts'
import type { CatchingUp, Channels, Mode } from './channels.ts'
import { invalid } from './dispatcher.ts'
import { aSender, type Sender } from './sender.ts'

export type Subscriber = { socket: Socket; principal: () => Principal; topics: Map<string, Mode> }

export type Subscriptions = {
  subscribe: (subscriber: Subscriber, payload: unknown, ack: (reply: Reply) => void) => Promise<void>
  unsubscribe: (subscriber: Subscriber, payload: unknown) => Reply
  /**
   * Leaves the topics that the subscriber may not see any more.
   * @throws the first error after all have been asked about; those about which it could not ask are left, too
   */
  recheck: (subscriber: Subscriber, topics?: readonly string[]) => Promise<void>
  /**
   * Leaves a topic at once. The work that it returns joins it again, from a position on, if that is still allowed: until
   * then the subscriber hears nothing, afterwards everything. What the subscriber says of the topic before that counts.
   */
  interrupt: (subscriber: Subscriber, topic: string, position: number) => () => Promise<void>
  leaveAll: (subscriber: Subscriber) => void
  /** Positions mean something else from now on: all of these leave all topics, and so do those that are about to join. */
  startOver: (subscribers: readonly Subscriber[]) => void
  stats: () => SubscriptionStats
}

export type SubscriptionStats = {
  /** Subscriptions by how they began. */
  begun: { snapshot: number; replayed: number; resync_required: number }
  /** Pages of the journal that were read for those that had missed something. */
  reads: number
}

type Dependencies = {
  channels: Channels
  journal: Journal
  snapshots: TopicSnapshots
  rules: ReadonlyMap<string, TopicRule>
  delivered: () => number
  /** Resolves when this node has delivered everything up to a position. */
  reached: (position: number) => Promise<void>
  /** The actor types whose events this namespace carries. */
  definitions: readonly AnyActorDefinition[]
  /** Bounds how many subscribers read the database at once, not how many wait for their clients. */
  limited: <Result>(work: () => Promise<Result>) => Promise<Result>
}

/** Joins subscribers to topics with neither a hole nor a repetition between what they are sent first and the live events. */
export const createSubscriptions = (deps: Dependencies): Subscriptions => {
  const { channels, journal, snapshots, rules, delivered, reached, definitions, limited } = deps
  const isConfidential = confidentialIn(definitions)

  /** Topics that were left to be joined again, each with who will do it, until the subscriber has said what it wants. */
  const interrupted = new WeakMap<Subscriber, Map<string, symbol>>()

  const begun = { snapshot: 0, replayed: 0, resync_required: 0 }
  /** How often positions have begun to mean something else. */
  let restarts = 0

  const mayWatch = async (principal: Principal, topic: string) => {
    const [kind, id] = topic.split(':') as [string, string]
    return (await rules.get(kind)?.(principal, id)) ?? false
  }

  /** The first of these topics that the subscriber may not see. */
  const forbiddenOf = async ({ principal }: Subscriber, topics: readonly string[]) => {
    for (const topic of topics) if (!(await mayWatch(principal(), topic))) return topic
    return undefined
  }

  const mustWatch = async (subscriber: Subscriber, topics: readonly string[]) => {
    if ((await forbiddenOf(subscriber, topics)) !== undefined) throw new Broken('forbidden')
  }

  const reader = createCatchUp({ journal, reached, definitions, limited, mustWatch })

  const subscribe: Subscriptions['subscribe'] = (subscriber, payload, ack) =>
    watch(subscriber, payload, ack, false)

  /** `goesOn`: it has watched these topics until the position from which it resumes. */
  const watch = async (
    subscriber: Subscriber,
    payload: unknown,
    ack: (reply: Reply) => void,
    goesOn: boolean,
  ) => {
    const parsed = SubscribeInput.safeParse(payload)
    if (!parsed.success) return ack(invalid(parsed.error))
    const { mode, after, epoch } = parsed.data
    const topics = [...new Set(parsed.data.topics)]
    if (new Set([...subscriber.topics.keys(), ...topics]).size > MAX_TOPICS)
      return ack(refused('invalid_input', `at most ${MAX_TOPICS} topics a connection`))
    const forbidden = await forbiddenOf(subscriber, topics)
    if (forbidden !== undefined) return ack(notAllowed(forbidden))

    for (const topic of topics) leave(subscriber, topic) // A second subscription replaces the first.
    // Whose topic it is does not change with what somebody may do.
    const restricted = new Set(topics.filter((topic) => isOfAnotherUser(subscriber.principal(), topic)))
    const catchingUp: CatchingUp = { topics: new Set(topics), restricted, buffer: [], overflowed: false }
    // The channel must outlive the change from waiting to listening: it knows the position that the next event follows.
    // No pause between the two: what is delivered meanwhile would be in neither.
    const begunIn = restarts
    const join = (sender: Sender) => {
      if (!subscriber.socket.connected) return
      if (begunIn !== restarts) throw new Broken('resync_required')
      sender.send(catchingUp.buffer)
      for (const topic of topics) {
        subscriber.topics.set(topic, mode)
        const member = { socket: subscriber.socket, topic, restricted: restricted.has(topic) }
        channels.join(member, mode, sender.last(topic))
      }
    }
    let answered = false
    const answer = (reply: Reply) => {
      answered = true
      ack(reply)
    }
    // Listen first, then read: what happens in between is in both, and positions take it out of one of them.
    channels.hold(catchingUp, delivered())
    try {
      const job = { subscriber, topics, mode, catchingUp, join, ack: answer }
      await (after === undefined ? begin(job) : resume({ ...job, after, epoch, goesOn }))
    } catch (error) {
      const reason = error instanceof Broken ? error.reason : undefined
      // Whoever has been told "yes" must hear that nothing more will come.
      if (answered) for (const topic of topics) closed(subscriber, topic, reason ?? 'overloaded')
      if (!reason) throw error
    } finally {
      channels.release(catchingUp)
    }
    // Permission may have been lost after the question and before the topic was there to be closed.
    await recheck(subscriber, topics)
  }

  type Job = {
    subscriber: Subscriber
    topics: string[]
    mode: Mode
    catchingUp: CatchingUp
    join: (sender: Sender) => void
    ack: (reply: Reply) => void
  }

  const begin = async ({ subscriber, topics, mode, catchingUp, join, ack }: Job) => {
    const hears = hearsBut(catchingUp)
    const first = await limited(async () => {
      // There may have been a long line.
      const forbidden = await forbiddenOf(subscriber, topics)
      return forbidden === undefined ? snapshots(topics, definitions, hears) : { forbidden }
    })
    if ('forbidden' in first) return ack(notAllowed(first.forbidden))
    const data = first
    begun.snapshot++
    ack({ ok: true, data })
    const { socket } = subscriber
    const sender = aSender({ socket, topics: catchingUp.topics, hears, mode }, data.position)
    await reached(data.position)
    await reader.untilReady({ subscriber, topics, sender, catchingUp })
    join(sender)
  }

  const resume = async (job: Job & { after: number; epoch: string | undefined; goesOn: boolean }) => {
    const { subscriber, topics, mode, catchingUp, join, ack, after, epoch, goesOn } = job
    const page = await limited(() => reader.first(topics, after))
    const { head } = page
    const impossible =
      (!goesOn && reader.isAnothersPast(page, topics)) ||
      (epoch !== undefined && epoch !== head.epoch) ||
      after > head.position ||
      after < head.floor
    if (impossible || (!page.complete && (await limited(() => reader.isTooLong(topics, after))))) {
      begun.resync_required++
      return ack(refused('resync_required', 'subscribe again without `after`'))
    }
    begun.replayed++
    ack({ ok: true, data: { epoch: head.epoch, position: after, topics: [] } })
    const { socket } = subscriber
    const hears = hearsBut(catchingUp)
    const sender = aSender({ socket, topics: catchingUp.topics, hears, mode }, after)
    await reader.readOn({ subscriber, topics, sender, catchingUp, page, goesOn })
    await reader.untilReady({ subscriber, topics, sender, catchingUp })
    for (const topic of topics) subscriber.socket.emit('position', { topic, position: sender.upTo() })
    join(sender)
  }

  const hearsBut =
    ({ restricted }: CatchingUp) =>
    (topic: string, type: string) =>
      !restricted.has(topic) || !isConfidential(type)

  const recheck: Subscriptions['recheck'] = async (subscriber, topics = [...subscriber.topics.keys()]) => {
    const errors: unknown[] = []
    for (const topic of topics) {
      if (!subscriber.topics.has(topic)) continue
      // A topic about which nobody can be asked now must not keep the others open, and is not left open itself.
      const isAllowed = await mayWatch(subscriber.principal(), topic).catch((error: unknown) => {
        errors.push(error)
        return undefined
      })
      if (isAllowed) continue
      leave(subscriber, topic)
      closed(subscriber, topic, isAllowed === undefined ? 'overloaded' : 'forbidden')
    }
    if (errors.length > 0) throw errors[0]
  }

  const leave = (subscriber: Subscriber, topic: string) => {
    interrupted.get(subscriber)?.delete(topic)
    if (subscriber.topics.delete(topic)) channels.leave(subscriber.socket, topic)
  }

  /** @returns whether nobody has joined or left the topic since */
  const claim = (subscriber: Subscriber, topic: string) => {
    const claims = interrupted.get(subscriber) ?? new Map<string, symbol>()
    const own = Symbol(topic)
    interrupted.set(subscriber, claims.set(topic, own))
    return () => claims.get(topic) === own
  }

  return {
    subscribe,
    unsubscribe: (subscriber, payload) => {
      const parsed = UnsubscribeInput.safeParse(payload)
      if (!parsed.success) return invalid(parsed.error)
      for (const topic of parsed.data.topics) leave(subscriber, topic)
      return { ok: true, data: { topics: [...subscriber.topics.keys()] } }
    },
    recheck,
    interrupt: (subscriber, topic, after) => {
      const mode = subscriber.topics.get(topic)
      leave(subscriber, topic)
      const isStillWanted = claim(subscriber, topic)
      const begunIn = restarts
      const answered = (reply: Reply) => reply.ok || closed(subscriber, topic, reply.error.code)
      return async () => {
        if (!isStillWanted()) return
        if (begunIn !== restarts) {
          closed(subscriber, topic, 'resync_required')
          return
        }
        await watch(subscriber, { topics: [topic], after, mode }, answered, true).catch((error: unknown) => {
          closed(subscriber, topic, 'resync_required')
          throw error
        })
      }
    },
    leaveAll: (subscriber) => {
      for (const topic of subscriber.topics.keys()) leave(subscriber, topic)
    },
    startOver: (subscribers) => {
      restarts++
      for (const subscriber of subscribers)
        for (const topic of subscriber.topics.keys()) {
          leave(subscriber, topic)
          closed(subscriber, topic, 'resync_required')
        }
    },
    stats: () => ({ begun, reads: reader.reads() }),
  }
}

const notAllowed = (topic: string) => refused('forbidden', 'you may not see one of these topics', [{ topic }])

const closed = ({ socket }: Subscriber, topic: string, reason: string) =>
  socket.emit('topic.closed', { topic, reason })

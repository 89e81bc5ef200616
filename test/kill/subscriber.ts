import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import type {
  BatchFrame,
  Closing,
  EventFrame,
  Reply,
  Subscribed,
  TopicSnapshot,
} from '../../contracts/protocol.ts'
import { createLine, type Line } from './line.ts'
import type { Rule, Violated } from './rules.ts'
import type { Door } from './server-process.ts'
import type { Person } from './world.ts'

/** What a client knows of one topic; `last` moves by the rule of the protocol and by nothing else. */
export type Cursor = {
  topic: string
  /** Where the subscriber began: it has seen everything behind. */
  first: number
  last: number
  /** What it was told when it began. */
  snapshot: TopicSnapshot
  applied: EventFrame[]
  /** What a resumption may repeat: it was asked for from here, and by the time of the answer the cursor was there. */
  repeatable: { after: number; upTo: number }
  /** Frames that were dropped because they had been applied, although nobody had asked for them again. */
  duplicates: number
  /** The first of them, and what had been asked and answered before it. */
  firstDuplicate?: string
  /** Frames that did not follow what had been applied. */
  gaps: number
}

/** One watching client, with everything that it was told. */
export type Subscriber = {
  name: string
  /** Events of one kind of actor only. */
  actorType: string | null
  cursors: ReadonlyMap<string, Cursor>
  line: Line
  /** Watches these topics too, from now on. */
  watch: (topics: readonly string[]) => void
  /** Asks for everything behind its cursors although it has missed nothing. */
  askAgain: () => void
}

export type SubscriberOptions = {
  name: string
  server: Door
  person: Person
  namespace: '/live' | '/certifications'
  mode: 'each' | 'batch'
  topics: readonly string[]
  violated: Violated
  /** Faults are under way: connections are closed, and questions refused or not answered for a while. */
  rough?: boolean
  /** Whether this received event is to be lost without anybody's notice. */
  loses: (frame: EventFrame) => boolean
}

const ANSWER_MS = 15_000

type Closed = { topic: string; reason: string }

const isTemporary = (code: string, rough: boolean) =>
  code === 'rate_limited' || (rough && (code === 'overloaded' || code === 'shutting_down'))

export const createSubscriber = (options: SubscriberOptions): Subscriber => {
  const { name, namespace, mode, loses, rough = false } = options
  const violated = (what: string, rule: Rule = 'exactly-the-events') =>
    options.violated(`${name}: ${what}`, rule)
  const topics = new Set(options.topics)
  const cursors = new Map<string, Cursor>()
  const resuming = new Set<string>()
  let epoch: string | undefined
  let socket: Socket | undefined
  /** What was asked and answered lately, for whoever has to find out why something came twice. */
  const story: string[] = []
  const note = (what: string) => {
    story.push(`${Math.round(performance.now())} ${what}`)
    if (story.length > 60) story.shift()
  }

  const repeated = (cursor: Cursor, { id, position, prev }: EventFrame) => {
    cursor.duplicates++
    const { last, repeatable } = cursor
    cursor.firstDuplicate ??= `${id} at ${position} after ${prev}; cursor ${last}, repeatable ${JSON.stringify(repeatable)}; ${story.join(' | ')}`
  }

  const apply = (frame: EventFrame) => {
    const cursor = cursors.get(frame.topic)
    // A subscription whose answer came too late is there all the same, until the next one replaces it.
    if (!cursor && rough && topics.has(frame.topic)) return
    if (!cursor) return violated(`was sent ${frame.id} on ${frame.topic}, which it does not watch`)
    if (frame.position <= cursor.last) {
      const { after, upTo } = cursor.repeatable
      if (frame.position <= after || frame.position > upTo) repeated(cursor, frame)
    } else if (frame.prev <= cursor.last) {
      cursor.last = frame.position
      if (!loses(frame)) cursor.applied.push(frame)
    } else if (!resuming.has(frame.topic)) {
      cursor.gaps++
      subscribe([frame.topic])
    }
  }

  const receive = (event: string, payload: unknown) => {
    if (event === 'closing' || event === 'topic.closed') note(`${event} ${JSON.stringify(payload)}`)
    if (event === 'position') {
      const { topic, position } = payload as { topic: string; position: number }
      const cursor = cursors.get(topic)
      if (cursor) cursor.last = Math.max(cursor.last, position)
    } else if (event === 'events') {
      const { topic, prev, events } = payload as BatchFrame
      if (mode !== 'batch') violated('was sent a batch')
      if (events.some((frame) => frame.topic !== topic) || events[0]?.prev !== prev)
        violated(`was sent a batch that contradicts itself: ${JSON.stringify(payload).slice(0, 500)}`)
      events.forEach(apply)
    } else if (rough && event === 'topic.closed' && (payload as Closed).reason === 'overloaded') {
      // The database went away in the middle of a replay: what was sent until then counts.
      void sleep(500).then(() => subscribe([(payload as Closed).topic]))
    } else if (event === 'closing' || event === 'topic.closed' || event.startsWith('session.')) {
      const isPlanned = rough && event === 'closing' && (payload as Closing).code === 'draining'
      if (event !== 'session.expiring' && !isPlanned)
        violated(`was told ${event} ${JSON.stringify(payload)}`, 'liveness')
    } else {
      const frame = payload as EventFrame
      if (mode !== 'each' || frame.type !== event) violated(`was sent ${frame.type} as ${event}`)
      apply(frame)
    }
  }

  /** Topics whose cursors agree are resumed in one call, the others one by one. */
  const subscribe = (wanted: Iterable<string>) => {
    for (const [after, group] of Map.groupBy(wanted, (topic) => cursors.get(topic)?.last)) ask(group, after)
  }

  const ask = (group: string[], after: number | undefined) => {
    const asked = socket
    if (!asked?.connected) return
    for (const topic of group) resuming.add(topic)
    const question = `${group.map((topic) => topic.slice(0, 20)).join(',')} after ${after}`
    note(`asked ${question}`)
    const resume = after === undefined ? {} : { after, ...(epoch === undefined ? {} : { epoch }) }
    // Not awaited: the events follow the answer so closely that they would be read first.
    asked
      .timeout(ANSWER_MS)
      .emit(
        'subscribe',
        { topics: group, mode, ...resume },
        (error: Error | null, reply: Reply<Subscribed>) => {
          if (socket !== asked) return
          note(`${error ? error.message : reply.ok ? 'yes' : reply.error.code} to ${question}`)
          for (const topic of group) resuming.delete(topic)
          if (!error) return answered(group, after, reply)
          if (!asked.connected) return
          if (rough) {
            // The server may answer it all the same, and nobody hears that: until the next answer anything may repeat.
            for (const cursor of group.flatMap((topic) => cursors.get(topic) ?? [])) {
              // Questions before this one may be waiting for their answers, too.
              const earlier = cursor.repeatable.upTo === Infinity ? cursor.repeatable.after : Infinity
              cursor.repeatable = { after: Math.min(after ?? 0, earlier), upTo: Infinity }
            }
            ask(group, after)
          } else violated(`got no answer to a subscription: ${error.message}`, 'liveness')
        },
      )
  }

  const answered = (group: string[], after: number | undefined, reply: Reply<Subscribed>) => {
    if (!reply.ok) {
      if (isTemporary(reply.error.code, rough)) return void sleep(500).then(() => subscribe(group))
      const rule = reply.error.code === 'resync_required' ? 'epoch' : 'liveness'
      return violated(`may not watch ${group.join(', ')} after ${after}: ${JSON.stringify(reply)}`, rule)
    }
    const { data } = reply
    if (epoch !== undefined && epoch !== data.epoch)
      violated(`the epoch changed from ${epoch} to ${data.epoch}`, 'epoch')
    epoch = data.epoch
    if (after === undefined) return data.topics.forEach((snapshot) => begin(snapshot, data.position))
    for (const topic of group) {
      const cursor = cursors.get(topic)!
      cursor.repeatable = { after, upTo: cursor.last }
    }
  }

  const begin = (snapshot: TopicSnapshot, position: number) => {
    const { topic } = snapshot
    const repeatable = { after: position, upTo: position }
    cursors.set(topic, {
      topic,
      first: position,
      last: position,
      snapshot,
      applied: [],
      repeatable,
      duplicates: 0,
      gaps: 0,
    })
  }

  const line = createLine({
    ...options,
    violated,
    prepare: (made) => {
      made.onAny(receive)
      made.once('connect', () => {
        socket = made
        note('connected')
        resuming.clear()
        subscribe(topics)
      })
      made.once('disconnect', () => {
        if (socket === made) socket = undefined
      })
    },
  })

  return {
    name,
    actorType: namespace === '/live' ? null : 'certification',
    cursors,
    line,
    watch: (more) => {
      const fresh = more.filter((topic) => !topics.has(topic))
      for (const topic of fresh) topics.add(topic)
      if (socket?.connected && fresh.length > 0) subscribe(fresh)
    },
    askAgain: () => {
      if (socket?.connected) subscribe(cursors.keys())
    },
  }
}

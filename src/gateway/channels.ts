import type { Namespace, Socket } from 'socket.io'
import type { EventFrame } from '../../contracts/protocol.ts'
import type { Routed } from '../../persistence/journal.ts'

export type Mode = 'each' | 'batch'

/** A subscriber that is still reading what it missed; live events wait for it here. */
export type CatchingUp = {
  topics: ReadonlySet<string>
  /** Those of them on which it does not hear of what is confidential. */
  restricted: ReadonlySet<string>
  buffer: Routed[]
  /** The buffer was full and has been thrown away: the journal has to be read further. */
  overflowed: boolean
}

/** The topics of one namespace that somebody on this node listens to. */
export type Channels = {
  deliver: (events: readonly Routed[], position: number) => void
  /** From now on, events of these topics are kept for the subscriber until `join` or `leave`. */
  hold: (catchingUp: CatchingUp, position: number) => void
  release: (catchingUp: CatchingUp) => void
  /**
   * The topic's events go to the socket from now on. It has been sent every event before; `last` is the position of the
   * latest one on this topic, or where the socket started when there was none.
   */
  join: (member: Member, mode: Mode, last: number) => void
  leave: (socket: Socket, topic: string) => void
  stop: () => void
  stats: () => ChannelStats
}

export type ChannelStats = {
  topics: number
  /** Topics of each socket, by how it wants their events. */
  subscriptions: Readonly<Record<Mode, number>>
  /** Events that somebody got, and the frames that they came in, one for each receiver. */
  delivered: number
  frames: number
}

/** `restricted`: it hears of everything on this topic but what is confidential. */
type Member = { socket: Socket; topic: string; restricted: boolean }

type Channel = {
  topic: string
  restricted: boolean
  /**
   * The `prev` of the next event: the position of the event before it on this topic or, as long as nobody has had to
   * know it, any later one up to which there is no event.
   */
  last: number
  members: Map<string, Mode>
  catchingUp: Set<CatchingUp>
  batch: EventFrame[]
  spokeAt: number
}

export const BATCH_EVENTS = 64
const BATCH_MS = 20
const SILENCE_MS = 15_000
const MAX_BUFFERED = 2_000

type Stream = Pick<Channel, 'topic' | 'restricted'>

const roomOf = ({ topic, restricted }: Stream, mode: Mode): string =>
  restricted ? `${mode} restricted ${topic}` : `${mode} ${topic}`

export const hasListeners = ({ adapter: { rooms } }: Namespace, topic: string): boolean =>
  [true, false].some((restricted) => MODES.some((mode) => rooms.has(roomOf({ topic, restricted }, mode))))

const MODES = ['each', 'batch'] as const

type Options = {
  /** Whether events of an actor type are published in this namespace. */
  accepts: (actorType: string) => boolean
  isConfidential: (actorType: string) => boolean
  /** The position up to which this node has delivered. */
  reached: () => number
}

export const createChannels = (
  namespace: Namespace,
  { accepts, isConfidential, reached }: Options,
): Channels => {
  /** By topic. What is left out for some makes a channel of its own, in which each event follows another one. */
  const whole = new Map<string, Channel>()
  const restricted = new Map<string, Channel>()
  const channelsOf = (stream: Pick<Stream, 'restricted'>) => (stream.restricted ? restricted : whole)
  const unsent = new Set<Channel>()
  let flushTimer: NodeJS.Timeout | undefined
  const subscriptions = { each: 0, batch: 0 }
  let delivered = 0
  let frames = 0

  const deliver = (events: readonly Routed[]) => {
    if (whole.size + restricted.size === 0) return
    for (const routed of events) {
      const { type } = routed.event.actor
      if (!accepts(type)) continue
      publishOn(whole, routed)
      if (restricted.size > 0 && !isConfidential(type)) publishOn(restricted, routed)
    }
  }

  const publishOn = (channels: ReadonlyMap<string, Channel>, routed: Routed) => {
    for (const topic of routed.topics) {
      const channel = channels.get(topic)
      if (channel) publish(channel, routed)
    }
  }

  const publish = (channel: Channel, routed: Routed) => {
    const { topic } = channel
    const frame: EventFrame = { topic, prev: channel.last, ...routed.event }
    channel.last = routed.event.position
    channel.spokeAt = performance.now()
    for (const subscriber of channel.catchingUp) keep(subscriber, routed)
    if (channel.members.size === 0) return
    delivered++
    emit(channel, 'each', frame.type, frame)
    if (namespace.adapter.rooms.has(roomOf(channel, 'batch'))) {
      channel.batch.push(frame)
      if (channel.batch.length >= BATCH_EVENTS) flush(channel)
      else {
        unsent.add(channel)
        flushTimer ??= setTimeout(flushAll, BATCH_MS)
      }
    }
  }

  /** An event of several topics is kept once. */
  const keep = (subscriber: CatchingUp, routed: Routed) => {
    if (subscriber.buffer.at(-1) === routed) return
    if (subscriber.buffer.length >= MAX_BUFFERED) {
      subscriber.buffer = []
      subscriber.overflowed = true
    }
    subscriber.buffer.push(routed)
  }

  const flush = (channel: Channel) => {
    unsent.delete(channel)
    const events = channel.batch
    if (events.length === 0) return
    channel.batch = []
    const { topic } = channel
    emit(channel, 'batch', 'events', { topic, prev: events[0]!.prev, events })
  }

  const emit = (channel: Channel, mode: Mode, name: string, frame: object) => {
    const room = roomOf(channel, mode)
    const receivers = namespace.adapter.rooms.get(room)?.size ?? 0
    if (receivers === 0) return // Socket.IO would encode it for nobody.
    frames += receivers
    namespace.local.to(room).emit(name, frame)
  }

  const flushAll = () => {
    flushTimer = undefined
    for (const channel of unsent) flush(channel)
  }

  /** An idle client's cursor moves on too, or it would be too old to resume from one day. */
  const heartbeat = setInterval(() => {
    const position = reached()
    const now = performance.now()
    for (const channel of [...whole.values(), ...restricted.values()]) {
      if (now - channel.spokeAt < SILENCE_MS) continue
      flush(channel)
      channel.spokeAt = now
      const { topic } = channel
      namespace.local.to(MODES.map((mode) => roomOf(channel, mode))).emit('position', { topic, position })
    }
  }, 1_000)

  const channelOf = (stream: Stream, position: number): Channel => {
    const channels = channelsOf(stream)
    let channel = channels.get(stream.topic)
    if (!channel) {
      channel = {
        topic: stream.topic,
        restricted: stream.restricted,
        last: position,
        members: new Map(),
        catchingUp: new Set(),
        batch: [],
        spokeAt: performance.now(),
      }
      channels.set(stream.topic, channel)
    }
    return channel
  }

  const dropIfEmpty = (channel: Channel) => {
    if (channel.members.size === 0 && channel.catchingUp.size === 0) {
      unsent.delete(channel)
      channelsOf(channel).delete(channel.topic)
    }
  }

  const streamsOf = ({ topics, restricted: some }: CatchingUp): Stream[] =>
    [...topics].map((topic) => ({ topic, restricted: some.has(topic) }))

  return {
    deliver,
    hold: (catchingUp, position) => {
      for (const stream of streamsOf(catchingUp)) channelOf(stream, position).catchingUp.add(catchingUp)
    },
    release: (catchingUp) => {
      for (const stream of streamsOf(catchingUp)) {
        const channel = channelsOf(stream).get(stream.topic)
        channel?.catchingUp.delete(catchingUp)
        if (channel) dropIfEmpty(channel)
      }
    },
    join: ({ socket, ...stream }, mode, last) => {
      const channel = channelOf(stream, last)
      flush(channel) // What waits in the batch is older than the newcomer.
      // A newcomer that knows nothing later than `last` and has missed nothing proves that there is nothing later.
      channel.last = Math.min(channel.last, last)
      channel.members.set(socket.id, mode)
      subscriptions[mode]++
      void socket.join(roomOf(channel, mode))
    },
    leave: (socket, topic) => {
      for (const channel of [whole.get(topic), restricted.get(topic)]) {
        const mode = channel?.members.get(socket.id)
        if (!channel || !mode) continue
        flush(channel)
        channel.members.delete(socket.id)
        subscriptions[mode]--
        void socket.leave(roomOf(channel, mode))
        dropIfEmpty(channel)
      }
    },
    stop: () => {
      clearInterval(heartbeat)
      clearTimeout(flushTimer)
      flushAll()
    },
    stats: () => ({ topics: whole.size + restricted.size, subscriptions, delivered, frames }),
  }
}

import { Redis, type RedisOptions } from 'ioredis'

/** The connections of this process to Redis, which may be away at any time: everything that uses it can do without. */
export type RedisLink = {
  prefix: string
  open: () => void
  isThere: () => boolean
  /** Is called when Redis goes and when it comes back, not when it is there from the start. */
  onChange: (listener: (isThere: boolean, reason: string) => void) => void
  /** For single commands, which fail at once when Redis is away and after two seconds when it does not answer. */
  commands: Redis
  /** How many wait in each of the lists; nothing when Redis is away. */
  lengths: (lists: readonly string[]) => Promise<number[] | undefined>
  /** What bull asks for: it may share all but those that block. */
  connectionFor: (type: 'client' | 'subscriber' | 'bclient') => Redis
  /** What the Socket.IO adapter gets: its promises are caught, and what cannot be sent now is never sent. */
  publisher: Redis
  subscriber: () => Redis
  stats: () => RedisStats
  close: () => void
}

export type RedisStats = { isThere: boolean; outages: number; unpublished: number }

/** An answer that takes longer is none. Milliseconds. */
const PATIENCE_MS = 2_000
/** Between two looks at whether it still answers. Milliseconds. */
const PULSE_MS = 1_000

/** Fails at once and keeps nothing back: whoever asks can do without. */
const IMPATIENT: RedisOptions = {
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  commandTimeout: PATIENCE_MS,
  lazyConnect: true,
}

/** Waits, also for Redis to come back, and subscribes again then; bull asks for these two. */
const BLOCKING: RedisOptions = { maxRetriesPerRequest: null, enableReadyCheck: false }

const PREFIX = 'laurel'

/** `note` hears what operators should know. */
export const createRedisLink = (url: string, note: (text: string) => void): RedisLink => {
  const connections: Redis[] = []
  const subscribers: Redis[] = []
  const listeners: ((isThere: boolean, reason: string) => void)[] = []
  let queueSubscriber: Redis | undefined
  let isThere: boolean | undefined
  let reason = 'the connection was closed'
  let closed = false
  let pulse: NodeJS.Timeout | undefined
  let outages = 0
  let unpublished = 0

  const open = (options: RedisOptions): Redis => {
    const connection = new Redis(url, { ...options, connectTimeout: 2 * PATIENCE_MS, retryStrategy })
    // All queues of this process listen to the same connections.
    connection.setMaxListeners(0)
    connection.on('error', (error: Error) => {
      reason = error.message
    })
    connections.push(connection)
    return connection
  }

  const aSubscriber = () => {
    const connection = caught(open(BLOCKING))
    subscribers.push(connection)
    return connection
  }

  const found = (now: boolean) => {
    if (closed || isThere === now) return
    const isNews = !now || isThere === false
    isThere = now
    if (!isNews) return
    if (!now) outages++
    note(now ? 'Redis is back' : `Redis is away, and this node does without: ${reason}`)
    for (const listener of listeners) listener(now, reason)
  }

  /** It writes as well, because one that is full or may only be read is as good as none. */
  const lengths = async (lists: readonly string[]): Promise<number[] | undefined> => {
    if (commands.status !== 'ready') return undefined
    try {
      const written = commands.set(`${PREFIX}:alive`, '1', 'EX', 60)
      const [, ...counts] = await Promise.all([written, ...lists.map((list) => commands.llen(list))])
      found(true)
      return counts
    } catch (error) {
      reason = String(error)
      found(false)
      // A connection on which nothing comes back may look as if it were open for a quarter of an hour.
      if (isTimeout(error)) for (const connection of connections) connection.disconnect(true)
      return undefined
    }
  }

  /** A subscriber hears nothing whether its connection is dead or nobody speaks; this tells one from the other. */
  const wake = async (subscriber: Redis) => {
    if (subscriber.status !== 'ready') return
    const late = Symbol('late')
    let timer: NodeJS.Timeout | undefined
    const answer = await Promise.race([
      subscriber.ping().catch(() => undefined),
      new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, late))),
    ])
    clearTimeout(timer)
    if (answer === late && !closed) subscriber.disconnect(true)
  }

  const feel = () => {
    void lengths([])
    for (const subscriber of subscribers) void wake(subscriber)
  }

  const commands = open(IMPATIENT)
  commands.on('ready', () => void lengths([])).on('close', () => found(false))
  commands.once('ready', () => void warnOfEviction(commands, note))

  return {
    prefix: PREFIX,
    open: () => {
      pulse ??= setInterval(feel, PULSE_MS)
      void commands.connect().catch(() => {})
    },
    isThere: () => isThere === true,
    onChange: (listener) => void listeners.push(listener),
    commands,
    lengths,
    connectionFor: (type) => {
      if (type === 'client') return commands
      return type === 'subscriber' ? (queueSubscriber ??= aSubscriber()) : open(BLOCKING)
    },
    publisher: guarded(
      commands,
      () => isThere === true,
      () => unpublished++,
    ),
    subscriber: aSubscriber,
    stats: () => ({ isThere: isThere === true, outages, unpublished }),
    close: () => {
      closed = true
      clearInterval(pulse)
      for (const connection of connections) connection.disconnect()
    },
  }
}

/**
 * The adapter leaves the promises of `publish` to themselves, and one that rejects would end the process. What cannot be
 * sent now is never sent.
 */
const guarded = (connection: Redis, isThere: () => boolean, lost: () => void): Redis =>
  instead(connection, {
    publish: async (channel: string, message: string | Buffer) => {
      if (!isThere()) return lost()
      return connection.publish(channel, message).catch(lost)
    },
  })

/**
 * So it does with those of `subscribe`, which wait for Redis and reject when the link is closed meanwhile; and ioredis with
 * its own, when it subscribes again after an outage.
 */
const caught = (connection: Redis): Redis => {
  for (const name of ['subscribe', 'psubscribe', 'unsubscribe', 'punsubscribe'] as const) {
    const ask = connection[name].bind(connection)
    Object.assign(connection, {
      [name]: (...channels: string[]) => ask(...channels.flat()).catch(() => undefined),
    })
  }
  return connection
}

/** The same connection with other methods of these names. */
const instead = (connection: Redis, methods: Readonly<Record<string, unknown>>): Redis =>
  new Proxy(connection, {
    get: (target, name) => {
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name]
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

/** A full Redis that removes what it likes best forgets limits and reminders. Managed ones may not tell. */
const warnOfEviction = async (connection: Redis, note: (text: string) => void) => {
  const answer = await connection.config('GET', 'maxmemory-policy').catch(() => undefined)
  const policy: unknown = Array.isArray(answer) ? answer[1] : undefined
  if (typeof policy === 'string' && policy !== 'noeviction')
    note(
      `Redis may remove what Laurel keeps there: its maxmemory-policy is ${policy} and should be noeviction`,
    )
}

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), PATIENCE_MS)

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Command timed out'

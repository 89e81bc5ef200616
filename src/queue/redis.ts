import { Redis, type RedisOptions } from 'ioredis'

export type RedisLink = ReturnType<typeof createRedisLink>

/** An answer that takes longer is none. Milliseconds. */
const PATIENCE_MS = 2_000

/** Fails at once and keeps nothing back: whoever asks can do without. */
const IMPATIENT: RedisOptions = {
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  commandTimeout: PATIENCE_MS,
  lazyConnect: true,
}

/** Waits, also for Redis to come back; bull asks for these two. */
const BLOCKING: RedisOptions = { maxRetriesPerRequest: null, enableReadyCheck: false }

const PREFIX = 'laurel'

/**
 * The connections of this process to Redis, which may be away at any time, and whether it is. `changed` is called when
 * it goes and when it comes back, not when it is there from the start.
 */
export const createRedisLink = (url: string, changed: (isThere: boolean, reason: string) => void) => {
  const connections: Redis[] = []
  let subscriber: Redis | undefined
  let isThere: boolean | undefined
  let reason = 'the connection was closed'
  let closed = false

  const open = (options: RedisOptions): Redis => {
    const connection = new Redis(url, { ...options, connectTimeout: 2 * PATIENCE_MS, retryStrategy })
    // All queues of this process listen to the same two connections.
    connection.setMaxListeners(0)
    connection.on('error', (error: Error) => {
      reason = error.message
    })
    connections.push(connection)
    return connection
  }

  const found = (now: boolean) => {
    if (closed || isThere === now) return
    const isNews = !now || isThere === false
    isThere = now
    if (isNews) changed(now, reason)
  }

  /**
   * How many wait in each of the lists; nothing when Redis is away. It writes as well, because one that is full or may
   * only be read is as good as none.
   */
  const lengths = async (lists: readonly string[]): Promise<number[] | undefined> => {
    if (shared.status !== 'ready') return undefined
    try {
      const written = shared.set(`${PREFIX}:alive`, '1', 'EX', 60)
      const [, ...counts] = await Promise.all([written, ...lists.map((list) => shared.llen(list))])
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

  const shared = open(IMPATIENT)
  shared.on('ready', () => void lengths([])).on('close', () => found(false))

  return {
    prefix: PREFIX,
    open: () => void shared.connect().catch(() => {}),
    isThere: () => isThere === true,
    lengths,
    /** What bull asks for: it may share all but those that block. */
    connectionFor: (type: 'client' | 'subscriber' | 'bclient') => {
      if (type === 'client') return shared
      return type === 'subscriber' ? (subscriber ??= open(BLOCKING)) : open(BLOCKING)
    },
    close: () => {
      closed = true
      for (const connection of connections) connection.disconnect()
    },
  }
}

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), PATIENCE_MS)

const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Command timed out'

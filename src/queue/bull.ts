import Bull from 'bull'
import type { RedisLink } from '../redis.ts'

type Dependencies = {
  link: RedisLink
  /** How long a reminder belongs to the process that works on it. */
  lockMs: number
  /** Works on a reminder, which is done with when that has ended, well or not. */
  remind: (name: string, effectId: string) => Promise<void>
}

type Kind = { queue: Bull.Queue<{ id: string }>; underWay: number }

/** Reminders on their way to Redis, of each kind; the others are left to the sweep. */
const MOST_UNDER_WAY = 1_000

export type Reminders = ReturnType<typeof createReminders>

/**
 * Reminders in Redis of which effects are due, in one queue of bull's for each kind. What an effect is, and how often
 * it has failed, is in its row only.
 */
export const createReminders = ({ link, lockMs, remind }: Dependencies) => {
  const kinds = new Map<string, Kind>()
  return {
    /** With a concurrency of zero this process reminds others, and works on nothing. */
    open: (name: string, concurrency: number) => {
      const queue = new Bull<{ id: string }>(name, {
        prefix: link.prefix,
        createClient: link.connectionFor,
        defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
        settings: {
          lockDuration: lockMs,
          // Of a process that died; the row decides whether anybody may go on with it.
          stalledInterval: lockMs / 2,
          maxStalledCount: 5,
          retryProcessDelay: 1_000,
          guardInterval: 15_000,
        },
      })
      // Bull names its connection in a promise that nobody awaits: closing while Redis is away would end the process.
      Object.assign(queue, { setWorkerName: async () => {} })
      // Everything that goes wrong in Redis comes here as well; the link says it once.
      queue.on('error', () => {})
      if (concurrency > 0) queue.process(concurrency, ({ id }) => remind(name, String(id))).catch(() => {})
      kinds.set(name, { queue, underWay: 0 })
    },
    /** One that is there already is not doubled. Rejects when it may not have arrived. */
    add: async (name: string, id: string): Promise<void> => {
      const kind = kinds.get(name)!
      if (kind.underWay >= MOST_UNDER_WAY) return
      kind.underWay++
      try {
        await kind.queue.add({ id }, { jobId: id })
      } finally {
        kind.underWay--
      }
    },
    /** What is left of one that came to nothing is in the way of a new one. Rejects while somebody works on it. */
    remove: async (name: string, id: string): Promise<void> => {
      const job = await kinds.get(name)!.queue.getJob(id)
      await job?.remove()
    },
    /** How many wait, by kind; nothing when Redis is away. */
    waiting: async (): Promise<Record<string, number> | undefined> => {
      const lengths = await link.lengths([...kinds.values()].map(({ queue }) => queue.toKey('wait')))
      return lengths && Object.fromEntries([...kinds.keys()].map((name, index) => [name, lengths[index]!]))
    },
    close: async () => {
      await Promise.allSettled([...kinds.values()].map(({ queue }) => queue.close(true)))
    },
  }
}

import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { inMemory, type LimiterOf } from './auth/limits.ts'
import { createCommonCounts } from './common-counts.ts'
import type { RedisLink } from './redis.ts'

/** Makes the limits of a node. */
export type SharedLimits = {
  limiterOf: LimiterOf
  /** How often this node has counted by itself because Redis was away. */
  alone: () => number
}

type Place = { link: RedisLink; space: string }

/**
 * Counts in Redis, so that a limit holds over all nodes together. While Redis is away each node counts in its memory,
 * and goes on from what it knows of the common count: nobody is without a limit. The most requests that somebody gets,
 * whatever Redis does, is the limit once for each node.
 */
export const createSharedLimits = (place: Place | undefined): SharedLimits => {
  if (!place) return { limiterOf: inMemory, alone: () => 0 }
  const counts = createCommonCounts(place.link)
  let alone = 0

  const limiterOf: LimiterOf = ({ isFinal = false, keyPrefix, points, duration }) => {
    const own = new RateLimiterMemory({ keyPrefix, points, duration })
    const named = (key: string) => `${place.space}:limit:${keyPrefix}:${key}`

    /** Whoever floods the node does not flood Redis, and what Redis forgets is not allowed once more. */
    const refuseAgain = async (key: string) => {
      const known = await own.get(key)
      if (known && known.msBeforeNext > 0 && known.consumedPoints > points) throw known
    }

    return {
      consume: async (key) => {
        if (isFinal) await refuseAgain(key)
        const count = await counts.add(named(key), 1, duration)
        if (!count) {
          alone++
          return own.consume(key)
        }
        const { total, msLeft } = count
        // What is known when Redis goes: never less than it has said, nor than this node has counted.
        const mine = await own.penalty(key)
        if (mine.consumedPoints < total) await own.set(key, total, seconds(msLeft))
        const answer = new RateLimiterRes(Math.max(0, points - total), msLeft, total)
        if (total > points) throw answer
        return answer
      },
      // What is taken back is taken back wherever it may have been counted.
      reward: async (key) => {
        await own.reward(key)
        await counts.add(named(key), -1, duration)
      },
      delete: async (key) => {
        await own.delete(key)
        await counts.remove(named(key))
      },
    }
  }
  return { limiterOf, alone: () => alone }
}

/** Never 0, which would be for ever. */
const seconds = (ms: number) => Math.max(ms, 1) / 1000

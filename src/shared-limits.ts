import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { inMemory, type Limiter, type LimiterOf } from './auth/limits.ts'
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
 * and goes on from what it knows of the common count: nobody is without a limit, and the most that somebody gets,
 * whatever Redis does, is the limit once for each node.
 */
export const createSharedLimits = (place: Place | undefined): SharedLimits => {
  if (!place) return { limiterOf: inMemory, alone: () => 0 }
  let alone = 0
  const inTime = untilAway(place.link)

  const limiterOf: LimiterOf = ({ isFinal = false, keyPrefix, points, duration }) => {
    const own = new RateLimiterMemory({ keyPrefix, points, duration })
    const shared = new RateLimiterRedis({
      storeClient: place.link.commands,
      rejectIfRedisNotReady: true,
      keyPrefix: `${place.space}:limit:${keyPrefix}`,
      points,
      duration,
    })

    /** What is known when Redis goes: never less than it has said, nor than this node has counted. */
    const remember = async (key: string, { consumedPoints, msBeforeNext }: RateLimiterRes) => {
      const mine = await own.penalty(key)
      if (mine.consumedPoints < consumedPoints) await own.set(key, consumedPoints, seconds(msBeforeNext))
    }

    const consume = async (key: string) => {
      try {
        const answer = await shared.consume(key)
        await remember(key, answer)
        return answer
      } catch (error) {
        if (error instanceof RateLimiterRes) await remember(key, error)
        throw error
      }
    }

    /** Whoever floods the node does not flood Redis, and what Redis forgets is not allowed once more. */
    const refuseAgain = async (key: string) => {
      const known = await own.get(key)
      if (known && known.msBeforeNext > 0 && known.consumedPoints > points) throw known
    }

    const isThere = place.link.isThere
    /** What is taken back is taken back wherever it may have been counted. */
    const takeBack = async (from: (limiter: Limiter) => Promise<unknown>) => {
      await from(own)
      if (isThere()) await inTime(() => from(shared)).catch(unlessRefused)
    }

    return {
      consume: async (key) => {
        if (isFinal) await refuseAgain(key)
        const answer = isThere() ? await inTime(() => consume(key)).catch(unlessRefused) : undefined
        if (answer) return answer
        alone++
        return own.consume(key)
      },
      reward: (key) => takeBack((limiter) => limiter.reward(key)),
      delete: (key) => takeBack((limiter) => limiter.delete(key)),
    }
  }
  return { limiterOf, alone: () => alone }
}

/** Never 0, which would be for ever. */
const seconds = (ms: number) => Math.max(ms, 1) / 1000

/** A refusal is an answer. Everything else means that Redis cannot count, of which its link tells operators. */
const unlessRefused = (error: unknown) => {
  if (error instanceof RateLimiterRes) throw error
  return undefined
}

/**
 * Whoever waits for Redis goes on as soon as it is known to be away: commands of one socket, some of which would wait
 * for an answer that never comes, stay in their order.
 */
const untilAway = ({ onChange }: RedisLink) => {
  const waiting = new Set<(reason: Error) => void>()
  onChange((isThere) => {
    if (!isThere) for (const giveUp of waiting) giveUp(new Error('Redis is away'))
  })
  return <Answer>(ask: () => Promise<Answer>): Promise<Answer> =>
    new Promise<Answer>((resolve, reject) => {
      waiting.add(reject)
      const over =
        <Value>(then: (value: Value) => void) =>
        (value: Value) => {
          waiting.delete(reject)
          then(value)
        }
      ask().then(over(resolve), over(reject))
    })
}

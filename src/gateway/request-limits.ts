import { RateLimiterMemory } from 'rate-limiter-flexible'
import { take, type Admission } from '../auth/limits.ts'

/** How much one user may ask for, over sockets and REST together (S4.45, C39). */
export type RequestLimits = {
  call: (userId: string) => Promise<Admission>
  subscription: (userId: string) => Promise<Admission>
  stats: () => { refused: number }
}

/** Subscriptions are counted apart: a reconnecting dashboard must not use up its commands. */
const SUBSCRIPTIONS_PER_MINUTE = 240

export const createRequestLimits = (callsPerMinute: number): RequestLimits => {
  const calls = new RateLimiterMemory({ points: callsPerMinute, duration: 60 })
  const subscriptions = new RateLimiterMemory({ points: SUBSCRIPTIONS_PER_MINUTE, duration: 60 })
  let refused = 0
  const counted = async (limiter: RateLimiterMemory, userId: string) => {
    const admission = await take(limiter, userId)
    if (!admission.ok) refused++
    return admission
  }
  return {
    call: (userId) => counted(calls, userId),
    subscription: (userId) => counted(subscriptions, userId),
    stats: () => ({ refused }),
  }
}

import { take, type Admission, type Limiter, type LimiterOf } from '../auth/limits.ts'

/** How much one user may ask for, over sockets and REST together (S4.45, C39). */
export type RequestLimits = {
  call: (userId: string) => Promise<Admission>
  subscription: (userId: string) => Promise<Admission>
  stats: () => { refused: number }
}

/** Subscriptions are counted apart: a reconnecting dashboard must not use up its commands. As many for each call. */
const SUBSCRIPTIONS = 2.4

export const createRequestLimits = (callsPerMinute: number, limiterOf: LimiterOf): RequestLimits => {
  const aMinute = { duration: 60, isFinal: true }
  const calls = limiterOf({ keyPrefix: 'calls', points: callsPerMinute, ...aMinute })
  const subscriptions = limiterOf({
    keyPrefix: 'subscriptions',
    points: Math.ceil(SUBSCRIPTIONS * callsPerMinute),
    ...aMinute,
  })
  let refused = 0
  const counted = async (limiter: Limiter, userId: string) => {
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

import { addressKey, take, type Admission, type Limiter, type LimiterOf } from '../auth/limits.ts'

/** How much one user may ask for, over sockets and REST together (S4.45, C39), and one address without a sign-in. */
export type RequestLimits = {
  call: (userId: string) => Promise<Admission>
  /** Of somebody who is not signed in. */
  anonymous: (address: string) => Promise<Admission>
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
  const anonymous = limiterOf({ keyPrefix: 'anonymous', points: callsPerMinute, ...aMinute })
  let refused = 0
  const counted = async (limiter: Limiter, key: string) => {
    const admission = await take(limiter, key)
    if (!admission.ok) refused++
    return admission
  }
  return {
    call: (userId) => counted(calls, userId),
    anonymous: (address) => counted(anonymous, addressKey(address)),
    subscription: (userId) => counted(subscriptions, userId),
    stats: () => ({ refused }),
  }
}

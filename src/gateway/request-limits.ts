import { refused, type Refused } from '../../contracts/protocol.ts'
import { addressKey, take, type Admission, type Limiter, type LimiterOf } from '../auth/limits.ts'

/** How much one user may ask for, over sockets and REST together (S4.45, C39), and one address without a sign-in. */
export type RequestLimits = {
  call: (userId: string) => Promise<Admission>
  /** Of somebody who is not signed in. */
  anonymous: (address: string) => Promise<Admission>
  /** Of somebody who asks by what can be guessed: a number. */
  lookup: (address: string) => Promise<Admission>
  subscription: (userId: string) => Promise<Admission>
  stats: () => { refused: number }
}

/** What whoever asks too often is told. */
export const tooManyRequests = ({ retryAfterMs }: { retryAfterMs: number }): Refused => ({
  ...refused('rate_limited', 'too many requests'),
  retryAfterMs,
})

/** Subscriptions are counted apart: a reconnecting dashboard must not use up its commands. As many for each call. */
const SUBSCRIPTIONS = 2.4

/** Numbers follow each other: at this pace, and for so many a day, nobody gets through them. As many for each call. */
const LOOKUPS = 0.3
const LOOKUPS_A_DAY = 10

export const createRequestLimits = (callsPerMinute: number, limiterOf: LimiterOf): RequestLimits => {
  const aMinute = { duration: 60, isFinal: true }
  const calls = limiterOf({ keyPrefix: 'calls', points: callsPerMinute, ...aMinute })
  const subscriptions = limiterOf({
    keyPrefix: 'subscriptions',
    points: Math.ceil(SUBSCRIPTIONS * callsPerMinute),
    ...aMinute,
  })
  const anonymous = limiterOf({ keyPrefix: 'anonymous', points: callsPerMinute, ...aMinute })
  const lookups = limiterOf({
    keyPrefix: 'lookups',
    points: Math.ceil(LOOKUPS * callsPerMinute),
    ...aMinute,
  })
  const lookupsOfDay = limiterOf({
    keyPrefix: 'lookups-of-day',
    points: LOOKUPS_A_DAY * callsPerMinute,
    duration: 86_400,
    isFinal: true,
  })
  let refusals = 0
  const counted = async (limiter: Limiter, key: string) => {
    const admission = await take(limiter, key)
    if (!admission.ok) refusals++
    return admission
  }
  return {
    call: (userId) => counted(calls, userId),
    anonymous: (address) => counted(anonymous, addressKey(address)),
    lookup: async (address) => {
      const key = addressKey(address)
      const admission = await counted(lookups, key)
      return admission.ok ? counted(lookupsOfDay, key) : admission
    },
    subscription: (userId) => counted(subscriptions, userId),
    stats: () => ({ refused: refusals }),
  }
}

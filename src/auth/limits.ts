import { hash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** Who tries to get in, as what, from where. */
export type Attempt = { account: string; address: string }

export type Admission = { ok: true } | { ok: false; retryAfterMs: number }

/** Slows down those who guess passwords. */
export type LoginLimits = {
  /** Counts an attempt before it is known how it ends, so that many at once do not slip through. */
  attempt: (attempt: Attempt) => Promise<Admission>
  /** Takes the attempt back and forgets the earlier ones of this account from this address. */
  succeeded: (attempt: Attempt) => Promise<void>
  registration: (address: string) => Promise<Admission>
}

export type LimitOptions = {
  /** Attempts on one account from one address in a quarter of an hour. */
  perAccountAndAddress: number
  /** Attempts from one address in a quarter of an hour, whatever the account. */
  perAddress: number
  /**
   * Attempts on one account from everywhere in a quarter of an hour. Beyond it each address gets one attempt every
   * half minute: guessing with a thousand addresses becomes slow, and the owner is never locked out.
   */
  perAccount: number
  /** Accounts made from one address in an hour; a school may share one. */
  registrationsPerAddress: number
}

const DEFAULTS: LimitOptions = {
  perAccountAndAddress: 10,
  perAddress: 200,
  perAccount: 50,
  registrationsPerAddress: 60,
}

const QUARTER_S = 15 * 60
const SLOW_S = 30

/** Makes one counter: in memory, or in Redis with the memory as its insurance. */
export type LimiterOf = (options: LimiterOptions) => Limiter

export type LimiterOptions = {
  keyPrefix: string
  points: number
  /** Seconds. */
  duration: number
  /** Nothing is ever taken back: whoever is refused is refused until the end of the duration. */
  isFinal?: boolean
}

export type Limiter = {
  /** Rejects with what is known of the refusal. */
  consume: (key: string) => Promise<RateLimiterRes>
  /** Takes one back. */
  reward: (key: string) => Promise<unknown>
  delete: (key: string) => Promise<unknown>
}

export const inMemory: LimiterOf = (options) => new RateLimiterMemory(options)

export const createLoginLimits = (
  options: Partial<LimitOptions> = {},
  limiterOf: LimiterOf = inMemory,
): LoginLimits => {
  const { perAccountAndAddress, perAddress, perAccount, registrationsPerAddress } = {
    ...DEFAULTS,
    ...options,
  }
  const pair = limiterOf({ keyPrefix: 'login-pair', points: perAccountAndAddress, duration: QUARTER_S })
  const address = limiterOf({ keyPrefix: 'login-address', points: perAddress, duration: QUARTER_S })
  const account = limiterOf({ keyPrefix: 'login-account', points: perAccount, duration: QUARTER_S })
  const slow = limiterOf({ keyPrefix: 'login-slow', points: 1, duration: SLOW_S })
  const registrations = limiterOf({ keyPrefix: 'register', points: registrationsPerAddress, duration: 3600 })

  /** Keys are not kept in one process only, and they are nobody's address book. */
  const accountKey = ({ account: email }: Attempt) => hash('sha256', email, 'base64url')
  const pairKey = (attempt: Attempt) => `${addressKey(attempt.address)} ${accountKey(attempt)}`
  return {
    attempt: async (attempt) => {
      for (const [limiter, key] of [
        [address, addressKey(attempt.address)],
        [pair, pairKey(attempt)],
      ] as const) {
        const admission = await take(limiter, key)
        if (!admission.ok) return admission
      }
      const calm = await take(account, accountKey(attempt))
      return calm.ok ? calm : take(slow, pairKey(attempt))
    },
    succeeded: async (attempt) => {
      await pair.delete(pairKey(attempt))
      await slow.delete(pairKey(attempt))
      await address.reward(addressKey(attempt.address))
      await account.reward(accountKey(attempt))
    },
    registration: (from) => take(registrations, addressKey(from)),
  }
}

/** Counts one request against a limiter. */
export const take = async (limiter: Limiter, key: string): Promise<Admission> => {
  try {
    await limiter.consume(key)
    return { ok: true }
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error
    return { ok: false, retryAfterMs: Math.max(1, error.msBeforeNext) }
  }
}

/** An IPv6 customer owns a /64 at least, so its first half stands for the whole; IPv4 written as IPv6 is IPv4. */
export const addressKey = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return mapped
  if (!isIPv6(address)) return address
  const [front = '', back] = address.replace(/%.*$/, '').toLowerCase().split('::')
  const head = front.split(':').filter(Boolean)
  const tail = (back ?? '').split(':').filter(Boolean)
  const zeros = back === undefined ? 0 : 8 - head.length - tail.length
  const groups = [...head, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...tail]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

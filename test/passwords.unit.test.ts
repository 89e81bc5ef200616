import { describe, expect, it } from 'vitest'
import { addressKey, createLoginLimits } from '../src/auth/limits.ts'
import { createPasswords, NewPassword } from '../src/auth/passwords.ts'

describe('a stored password', () => {
  it('is Argon2id with 19 MiB and two passes, in PHC notation, never twice the same', async () => {
    const { hash, matches } = createPasswords()
    const [one, two] = await Promise.all([hash('correct horse'), hash('correct horse')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(two)
    expect(await matches('correct horse', one)).toBe(true)
    expect(await matches('correct horsf', one)).toBe(false)
  })

  it('can be of another implementation', async () => {
    // From the test vectors of the reference implementation: "password" with the salt "somesalt", 2^8 KiB, 2 passes.
    const stored = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
    const { matches } = createPasswords()
    expect(await matches('password', stored)).toBe(true)
    expect(await matches('Password', stored)).toBe(false)
  })

  it('costs one derivation, also for somebody unknown', async () => {
    const { matches, load } = createPasswords()
    expect(await matches('anything', undefined)).toBe(false)
    expect(load()).toEqual({ running: 0, waiting: 0, derived: 1 })
  })

  it('is derived by few at a time; too many are sent away', async () => {
    const { hash, load } = createPasswords({ parallel: 2, queue: 3 })
    const all = Array.from({ length: 7 }, (_, n) => hash(`password ${n}`))
    expect(load()).toMatchObject({ running: 2, waiting: 3 })
    const results = await Promise.allSettled(all)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.map(({ reason }) => [reason.refusal.code, reason.httpStatus])).toEqual([
      ['overloaded', 429],
      ['overloaded', 429],
    ])
    expect(load()).toEqual({ running: 0, waiting: 0, derived: 5 })
  })
})

describe('a new password', () => {
  it.each([
    ['seven77', false],
    ['eight888', true],
    ['💚'.repeat(8), true],
    ['💚'.repeat(7), false],
    ['x'.repeat(128), true],
    ['💚'.repeat(128), true],
    ['x'.repeat(129), false],
    ['e\u0301'.repeat(7), false],
    ['password\ud800', false],
  ])('%s: %s', (password, accepted) => {
    expect(NewPassword.safeParse(password).success).toBe(accepted)
  })
})

describe('the limits', () => {
  it('know a customer by IPv4 address or by IPv6 /64', () => {
    expect(addressKey('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(addressKey('192.0.2.1')).toBe('192.0.2.1')
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(addressKey('2001:DB8:1:2::9')).toBe('2001:db8:1:2::/64')
    expect(addressKey('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(addressKey('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
    expect(addressKey('::1')).toBe('0:0:0:0::/64')
  })

  it('slow an account down under attack from everywhere, and never lock its owner out', async () => {
    const limits = createLoginLimits({ perAccount: 20 })
    const attempt = (address: string) => limits.attempt({ account: 'ada@example.org', address })
    for (let n = 0; n < 20; n++) expect((await attempt(`192.0.2.${n}`)).ok).toBe(true)
    expect((await attempt('198.51.100.1')).ok).toBe(true)
    expect(await attempt('198.51.100.1')).toEqual({ ok: false, retryAfterMs: expect.any(Number) })
    expect((await attempt('198.51.100.2')).ok).toBe(true)
  })

  it('stop one address that tries many accounts', async () => {
    const limits = createLoginLimits({ perAddress: 5 })
    const tries = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        limits.attempt({ account: `${n}@example.org`, address: '192.0.2.1' }),
      ),
    )
    expect(tries.filter(({ ok }) => ok)).toHaveLength(5)
  })

  it('count successes for nothing', async () => {
    const limits = createLoginLimits({ perAddress: 2, perAccountAndAddress: 2, perAccount: 2 })
    const attempt = { account: 'ada@example.org', address: '192.0.2.1' }
    for (let n = 0; n < 5; n++) {
      expect((await limits.attempt(attempt)).ok).toBe(true)
      await limits.succeeded(attempt)
    }
  })
})

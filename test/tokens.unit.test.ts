import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import jwt from 'jsonwebtoken'
import { describe, expect, it } from 'vitest'
import { createTokens, refreshTokenHash } from '../src/auth/tokens.ts'

const SECRET = 'a secret that is only for the tests'
const NOW_S = Date.parse('2026-11-23T09:00:00Z') / 1000
const clock = { ms: NOW_S * 1000 }
const tokens = createTokens({ secret: SECRET, now: () => clock.ms, newId: () => randomUUID() })
const principal = { userId: randomUUID(), orgId: randomUUID(), roles: ['admin', 'coordinator'] } as const
const sessionId = randomUUID()

const HEADER = { alg: 'HS256', typ: 'at+jwt' }
const CLAIMS = {
  iss: 'laurel',
  aud: 'laurel-api',
  sub: principal.userId,
  roles: principal.roles,
  org: principal.orgId,
  sid: sessionId,
  jti: randomUUID(),
  iat: NOW_S,
  exp: NOW_S + 900,
}
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const mac = (text: string, key: string, algorithm = 'sha256') =>
  createHmac(algorithm, key).update(text).digest('base64url')
/** A token with a right signature and anything else. */
const signed = (claims: object, header: object = HEADER, key = SECRET) => {
  const text = `${part(header)}.${part(claims)}`
  return `${text}.${mac(text, key)}`
}
const without = (name: keyof typeof CLAIMS) =>
  Object.fromEntries(Object.entries(CLAIMS).filter(([key]) => key !== name))

describe('an access token', () => {
  it('says who, where, as what and until when', () => {
    const { token, expiresAt } = tokens.issue(principal, sessionId)
    expect(expiresAt).toBe('2026-11-23T09:15:00.000Z')
    expect(tokens.verify(token)).toEqual({ ok: true, principal, sessionId, expiresAt })
    expect(jwt.decode(token, { complete: true })?.header).toEqual(HEADER)
    expect(tokens.verify(signed(CLAIMS))).toEqual({ ok: true, principal, sessionId, expiresAt })
  })

  it('ends in time, give or take what clocks may differ', () => {
    const { token } = tokens.issue(principal, sessionId)
    clock.ms = (NOW_S + 904) * 1000
    expect(tokens.verify(token).ok).toBe(true)
    clock.ms = (NOW_S + 906) * 1000
    expect(tokens.verify(token)).toEqual({ ok: false })
    clock.ms = NOW_S * 1000
  })

  const [head, body, signature] = signed(CLAIMS).split('.') as [string, string, string]
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  }) as string
  const unsigned = (alg: string) => `${part({ alg, typ: 'at+jwt' })}.${body}.`
  const nextLetter = String.fromCharCode(signature.charCodeAt(42) + 1)

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['empty', ''],
    ['an array', [signed(CLAIMS)]],
    ['an object', { token: signed(CLAIMS) }],
    ['bytes', Buffer.from(signed(CLAIMS))],
    ['a megabyte', 'a'.repeat(1 << 20)],
    ['too long', signed({ ...CLAIMS, pad: 'x'.repeat(4096) })],
    ['alg none', unsigned('none')],
    ['alg None', unsigned('None')],
    ['alg nOnE', unsigned('nOnE')],
    ['alg none, signed', signed(CLAIMS, { alg: 'none', typ: 'at+jwt' })],
    ['our header, no signature', `${head}.${body}.`],
    ['two parts', `${head}.${body}`],
    ['two signatures', `${head}.${body}.${signature}.${signature}`],
    ['another signature', `${head}.${part({ ...CLAIMS, roles: ['system'] })}.${signature}`],
    ['a signature in other base64', `${head}.${body}.${signature.slice(0, 42)}${nextLetter}`],
    ['a padded signature', `${head}.${body}.${signature}=`],
    ['a wrong key', signed(CLAIMS, HEADER, 'another secret that is long enough')],
    ['a public key as secret', signed(CLAIMS, HEADER, pem)],
    ['HS512', signed(CLAIMS, { alg: 'HS512', typ: 'at+jwt' })],
    ['crit', signed(CLAIMS, { ...HEADER, crit: ['exp'] })],
    ['jwk', signed(CLAIMS, { ...HEADER, jwk: { kty: 'oct', k: 'AA' } })],
    ['jku', signed(CLAIMS, { ...HEADER, jku: 'https://evil.example/keys' })],
    ['kid as path', signed(CLAIMS, { ...HEADER, kid: '../../dev/null' })],
    ['kid as SQL', signed(CLAIMS, { ...HEADER, kid: "x' or 1=1" })],
    ['a long kid', signed(CLAIMS, { ...HEADER, kid: 'k'.repeat(10_240) })],
    ['typ JWT, as of an id token', signed(CLAIMS, { alg: 'HS256', typ: 'JWT' })],
    ['typ refresh', signed(CLAIMS, { alg: 'HS256', typ: 'rt+jwt' })],
    ['no typ', signed(CLAIMS, { alg: 'HS256' })],
    ['a refresh token', tokens.newRefreshToken()],
    ['another issuer', signed({ ...CLAIMS, iss: 'laurel.evil.example' })],
    ['another audience', signed({ ...CLAIMS, aud: 'laurel-badges' })],
    ['no issuer', signed(without('iss'))],
    ['no audience', signed(without('aud'))],
    ['expired', signed({ ...CLAIMS, iat: NOW_S - 1000, exp: NOW_S - 100 })],
    ['not yet', signed({ ...CLAIMS, nbf: NOW_S + 60 })],
    ['from the future', signed({ ...CLAIMS, iat: NOW_S + 60, exp: NOW_S + 900 })],
    ['exp as text', signed({ ...CLAIMS, exp: String(CLAIMS.exp) })],
    ['exp below zero', signed({ ...CLAIMS, exp: -1 })],
    ['exp without end', signed({ ...CLAIMS, exp: 1e308 })],
    ['far too long', signed({ ...CLAIMS, exp: NOW_S + 901 })],
    ['long ago, for long', signed({ ...CLAIMS, iat: NOW_S - 2000 })],
    ...(['sub', 'roles', 'org', 'sid', 'jti', 'iat', 'exp'] as const).map(
      (name) => [`no ${name}`, signed(without(name))] as [string, unknown],
    ),
    ['an unknown role', signed({ ...CLAIMS, roles: ['root'] })],
    ['roles as text', signed({ ...CLAIMS, roles: 'admin' })],
    ['an operator as subject', signed({ ...CLAIMS, sub: { $ne: null } })],
    ['a payload that is an array', `${head}.${part([CLAIMS])}.${mac(`${head}.${part([CLAIMS])}`, SECRET)}`],
    ['a payload that is no JSON', `${head}.bm9uZQ.${mac(`${head}.bm9uZQ`, SECRET)}`],
  ])('is refused, without a reason: %s', (_, token) => {
    expect(tokens.verify(token)).toEqual({ ok: false })
  })

  it('is refused when any one character has changed', () => {
    const token = signed(CLAIMS)
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, letter) => {
        fc.pre(token[at] !== letter)
        expect(tokens.verify(token.slice(0, at) + letter + token.slice(at + 1)).ok).toBe(false)
      }),
    )
  })
})

describe('the secret', () => {
  it('has at least 32 characters', () => {
    expect(() => createTokens({ secret: 'x'.repeat(31), now: () => 0, newId: randomUUID })).toThrow(
      /32 characters/,
    )
  })
})

describe('a refresh token', () => {
  it('has 256 random bits and one successor, which only we can know', () => {
    const [one, two] = [tokens.newRefreshToken(), tokens.newRefreshToken()]
    expect(Buffer.from(one, 'base64url')).toHaveLength(32)
    expect(one).not.toBe(two)
    expect(tokens.childOf(one)).toBe(tokens.childOf(one))
    expect(tokens.childOf(one)).not.toBe(tokens.childOf(two))
    const elsewhere = createTokens({ secret: `${SECRET}.`, now: () => 0, newId: randomUUID })
    expect(elsewhere.childOf(one)).not.toBe(tokens.childOf(one))
    expect(refreshTokenHash(one)).not.toContain(one)
  })
})

import { createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import { ROLES, type Principal } from '../../actors/actor.ts'
import { Id } from '../../contracts/scalars.ts'

const ISSUER = 'laurel'
const AUDIENCE = 'laurel-api'
const TYPE = 'at+jwt'
const LIFETIME_S = 15 * 60
/** How far apart the clocks of two nodes may be. */
const TOLERANCE_S = 5
const MAX_LENGTH = 4096
const LEAST_SECRET = 32

/**
 * The one header that our tokens have, byte for byte. Comparing it is stricter than reading it: no other algorithm
 * (CVE-2015-9235), no `crit` (CVE-2025-65945), `kid`, `jwk` or `jku`, no token made for another purpose.
 */
const HEADER = Buffer.from(JSON.stringify({ alg: 'HS256', typ: TYPE })).toString('base64url')

const Claims = z.object({
  sub: Id,
  roles: z.array(z.enum(ROLES)).max(ROLES.length),
  org: Id,
  sid: Id,
  jti: Id,
  iat: z.int().min(0),
  exp: z.int().min(0),
})

export type Verified =
  | { ok: true; principal: Principal; sessionId: string; expiresAt: string }
  /** On purpose without a reason: all bad tokens look alike from outside. */
  | { ok: false }

export type Tokens = {
  issue: (principal: Principal, sessionId: string) => { token: string; expiresAt: string }
  /** Whether it is one of our access tokens and still in time; whether the session lives is asked elsewhere. */
  verify: (token: unknown) => Verified
  /** A fresh refresh token: 256 random bits. */
  newRefreshToken: () => string
  /**
   * The token that a refresh token is exchanged for. It follows from the parent and our secret, so that a repeated
   * exchange can give the same answer although only hashes are stored.
   */
  childOf: (refreshToken: string) => string
}

export type TokenOptions = {
  /** At least 32 characters. */
  secret: string
  /** Milliseconds. */
  now: () => number
  newId: () => string
}

/** @throws when the secret is too short */
export const createTokens = ({ secret, now, newId }: TokenOptions): Tokens => {
  if (secret.length < LEAST_SECRET)
    throw new Error(`the token secret must have at least ${LEAST_SECRET} characters`)
  const rotationKey = Buffer.from(hkdfSync('sha256', secret, '', 'laurel refresh token rotation', 32))
  return {
    issue: ({ userId, orgId, roles }, sessionId) => {
      const iat = Math.floor(now() / 1000)
      const exp = iat + LIFETIME_S
      const claims = {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: userId,
        roles,
        org: orgId,
        sid: sessionId,
        jti: newId(),
        iat,
        exp,
      }
      const token = jwt.sign(claims, secret, { algorithm: 'HS256', header: { alg: 'HS256', typ: TYPE } })
      return { token, expiresAt: instant(exp) }
    },
    verify: (token) => verify(token, secret, now()),
    newRefreshToken: () => randomBytes(32).toString('base64url'),
    childOf: (refreshToken) => createHmac('sha256', rotationKey).update(refreshToken).digest('base64url'),
  }
}

const verify = (token: unknown, secret: string, now: number): Verified => {
  if (typeof token !== 'string' || token.length > MAX_LENGTH || !token.startsWith(`${HEADER}.`))
    return { ok: false }
  const claims = Claims.safeParse(signedClaims(token, secret, now))
  if (!claims.success) return { ok: false }
  const { sub, roles, org, sid, iat, exp } = claims.data
  if (exp <= iat || exp - iat > LIFETIME_S || iat > now / 1000 + TOLERANCE_S) return { ok: false }
  return { ok: true, principal: { userId: sub, orgId: org, roles }, sessionId: sid, expiresAt: instant(exp) }
}

const signedClaims = (token: string, secret: string, now: number): unknown => {
  try {
    return jwt.verify(token, secret, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      clockTimestamp: Math.floor(now / 1000),
      clockTolerance: TOLERANCE_S,
      maxAge: LIFETIME_S,
    })
  } catch {
    // Each of jsonwebtoken's errors says "not a token of ours"; which one is nobody's business outside.
    return undefined
  }
}

/** What is stored of a refresh token. It has 256 random bits, so one round of SHA-256 is enough. */
export const refreshTokenHash = (refreshToken: string): string =>
  createHash('sha256').update(refreshToken).digest('base64url')

const instant = (seconds: number) => new Date(seconds * 1000).toISOString()

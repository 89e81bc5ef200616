import { createHash, createPublicKey } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { z } from 'zod'
import type { FetchDocument } from './guarded-fetch.ts'
import { objectOf } from './read.ts'
import { failed, passed, unknown, type Check } from './report.ts'

/** The claims of a token, whether or not its proof is good; `checks` say that. */
export type Opened = { checks: Check[]; claims: Readonly<Record<string, unknown>> | undefined }

/** Further headers are not allowed by Open Badges, and each of them has been a hole in somebody's library. */
const Header = z.strictObject({
  alg: z.enum(['RS256', 'ES256'], { error: 'must be RS256 or ES256' }),
  typ: z
    .string()
    .regex(/^(?:JWT|vc\+jwt)$/i)
    .optional(),
  kid: z.string().min(1).max(2_000).optional(),
  jwk: z.record(z.string(), z.unknown()).optional(),
})
type Header = z.output<typeof Header>

const Key = z.union([
  z.looseObject({ kty: z.literal('RSA'), n: z.string(), e: z.string(), kid: z.string().optional() }),
  z.looseObject({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: z.string(),
    y: z.string(),
    kid: z.string().optional(),
  }),
])
type Key = z.output<typeof Key>

/** Opens a token, checks its signature, and whether the key that made it is one of the issuer's. */
export const openToken = async (
  jws: string,
  fetchDocument: FetchDocument,
  issuerOf: (claims: Readonly<Record<string, unknown>>) => string | undefined,
): Promise<Opened> => {
  const [first = '', second = ''] = jws.split('.')
  const claims = objectOf(textOf(second))
  const header = Header.safeParse(objectOf(textOf(first)) ?? {})
  if (!claims) return { claims, checks: [failed('form', 'the token has no claims that can be read')] }
  if (!header.success) {
    const faults = header.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`)
    return { claims, checks: [failed('proof', `the token's header is not allowed: ${faults.join('; ')}`)] }
  }
  const found = await keyOf(header.data, fetchDocument)
  if ('check' in found) return { claims, checks: [found.check] }
  const signature = checkSignature(jws, header.data, found.key)
  if (signature.outcome !== 'passed') return { claims, checks: [signature] }
  const issuer = issuerOf(claims)
  const binding = issuer === undefined ? [] : [await checkBinding(found, issuer, fetchDocument)]
  return { claims, checks: [signature, ...binding] }
}

const textOf = (part: string) => Buffer.from(part, 'base64url').toString('utf8')

/** `from`: where the key was found, unless it came with the token. */
type FoundKey = { key: Key; from?: string } | { check: Check }

const keyOf = async ({ kid, jwk }: Header, fetchDocument: FetchDocument): Promise<FoundKey> => {
  if (kid === undefined && jwk === undefined)
    return { check: failed('proof', 'the token names no key: it has neither kid nor jwk') }
  if (kid === undefined) return asKey(jwk, 'the key in the token')
  if (!/^https?:/i.test(kid))
    return { check: unknown('proof', `keys of this kind are not known here: ${kid.slice(0, 100)}`) }
  const fetched = await fetchDocument(kid)
  if (!fetched.ok) return { check: unknown('proof', `the key cannot be had: ${fetched.reason}`) }
  const document = objectOf(fetched.body.toString('utf8'))
  const found = asKey(chosen(document, kid), 'what stands at the address of the key')
  return 'key' in found ? { ...found, from: fetched.from } : found
}

/** A single key, or the right one of a set. */
const chosen = (document: Readonly<Record<string, unknown>> | undefined, kid: string): unknown => {
  const keys = document?.['keys']
  if (!Array.isArray(keys)) return document
  const fragment = URL.parse(kid)?.hash.slice(1)
  const isNamed = (key: unknown) => {
    const name = (key as { kid?: unknown } | null)?.kid
    return name === kid || (fragment !== '' && name === fragment)
  }
  return keys.find(isNamed) ?? (keys.length === 1 ? keys[0] : undefined)
}

const asKey = (value: unknown, what: string): FoundKey => {
  const parsed = Key.safeParse(value)
  if (!parsed.success) return { check: failed('proof', `${what} is no public key of RSA or P-256`) }
  if ('d' in parsed.data)
    return { check: failed('proof', `${what} is a private key: everybody can sign with it`) }
  return { key: parsed.data }
}

const LEAST_MODULUS_BITS = 2048

const checkSignature = (jws: string, { alg }: Header, key: Key): Check => {
  try {
    const publicKey = createPublicKey({ key, format: 'jwk' })
    const bits = publicKey.asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && bits < LEAST_MODULUS_BITS)
      return failed('proof', `an RSA key of ${bits} bits can be broken`)
    // The key says which algorithm there can be, not the token.
    const algorithm = key.kty === 'RSA' ? 'RS256' : 'ES256'
    if (alg !== algorithm) return failed('proof', `the key is not one for ${alg}`)
    // Dates are looked at by themselves: an expired credential is not a forged one.
    jwt.verify(jws, publicKey, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true })
    return passed('proof', `signed with ${alg}`)
  } catch (error) {
    return failed('proof', `the signature is not good: ${(error as Error).message}`)
  }
}

/** Whoever signs can write anybody's name into the credential; the key has to be the named issuer's. */
const checkBinding = async (
  { key, from }: { key: Key; from?: string },
  issuer: string,
  fetchDocument: FetchDocument,
): Promise<Check> => {
  const place = URL.parse(issuer)
  if (!place || !/^https?:$/.test(place.protocol))
    return unknown('key', `nothing can be found out about the keys of ${issuer.slice(0, 100)}`)
  // Where it was found and not where it was looked for: a redirect may lead to anybody.
  if (from !== undefined && URL.parse(from)?.origin === place.origin)
    return passed('key', `the key stands at the issuer's own place, ${place.origin}`)
  const address = `${place.origin}/.well-known/jwks.json`
  const fetched = await fetchDocument(address)
  if (!fetched.ok) return unknown('key', `nothing says that the key is the issuer's: ${fetched.reason}`)
  if (URL.parse(fetched.from)?.origin !== place.origin)
    return unknown('key', `${address} leads away from the issuer's own place`)
  const keys: unknown = objectOf(fetched.body.toString('utf8'))?.['keys']
  const own = thumbprintOf(key)
  const isThere = (Array.isArray(keys) ? keys : []).some((one) => {
    const parsed = Key.safeParse(one)
    return parsed.success && thumbprintOf(parsed.data) === own
  })
  return isThere
    ? passed('key', `the key is among the issuer's, at ${address}`)
    : failed('key', `the key is not among the issuer's, at ${address}`)
}

/** RFC 7638. */
const thumbprintOf = (key: Key): string => {
  const members =
    key.kty === 'RSA'
      ? { e: key.e, kty: key.kty, n: key.n }
      : { crv: key.crv, kty: key.kty, x: key.x, y: key.y }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

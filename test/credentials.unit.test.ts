import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { crc32, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import jwt from 'jsonwebtoken'
import proxyAddr from '@fastify/proxy-addr'
import { describe, expect, it } from 'vitest'
import { bakePng, bakeSvg, bytesOf, unbakePng, unbakeSvg } from '../src/credentials/bake.ts'
import { standingOf, verificationOf, type CredentialFacts } from '../src/credentials/facts.ts'
import { createHolderIds, identityHash } from '../src/credentials/holder.ts'
import { createAddresses, openBadge } from '../src/credentials/open-badge.ts'
import { medalPng, medalSvg } from '../src/credentials/picture.ts'
import {
  bitOf,
  createStatusPlaces,
  decodeList,
  encodeList,
  LIST_ENTRIES,
} from '../src/credentials/status-list.ts'
import { signCredential } from '../src/credentials/vc-jwt.ts'
import { clientAddress } from '../src/gateway/address-of.ts'
import { createTokens } from '../src/auth/tokens.ts'

const SECRET = Buffer.alloc(32, 3)
const at = '2026-06-01T12:00:00.250Z'

const facts: CredentialFacts = {
  kind: 'course_certificate',
  actor: 'certificate',
  id: '0198d1a0-0000-7000-8000-000000000001',
  version: 2,
  orgId: '0198d1a0-0000-7000-8000-0000000000aa',
  issuer: 'Academy',
  holder: { userId: '0198d1a0-0000-7000-8000-0000000000bb', name: 'Ada <b>', isPublic: false },
  shown: true,
  number: 'CERT-2026-00001',
  title: 'First aid & “more”',
  description: 'It has been completed.',
  criteria: 'Every part was completed.',
  achievementId: '0198d1a0-0000-7000-8000-0000000000cc',
  issuedAt: '2026-01-01T00:00:00.999Z',
  firstIssuedAt: '2026-01-01T00:00:00.999Z',
  expiresAt: '2027-01-01T00:00:00.999Z',
  suspendedAt: null,
  revokedAt: null,
  goodSince: '2026-01-01T00:00:00.999Z',
  statusEntry: 7,
}

describe('how a credential stands', () => {
  const standing = (changes: Partial<CredentialFacts>, when = at) =>
    standingOf({ ...facts, ...changes }, when).status
  it('is valid to the millisecond before it expires, and expired from then on', () => {
    expect(standing({}, '2027-01-01T00:00:00.998Z')).toBe('valid')
    expect(standing({}, '2027-01-01T00:00:00.999Z')).toBe('expired')
    expect(standing({ expiresAt: null }, '2199-01-01T00:00:00.000Z')).toBe('valid')
  })
  it('is revoked for good, whatever else is so; a suspension counts more than its end', () => {
    expect(standing({ revokedAt: at, suspendedAt: at }, '2099-01-01T00:00:00.000Z')).toBe('revoked')
    expect(standing({ suspendedAt: at }, '2099-01-01T00:00:00.000Z')).toBe('suspended')
  })
  it('C42 is told without the name, and with nothing else of the holder, unless the name is shown', () => {
    const told = verificationOf(facts, at, false)
    expect(JSON.stringify(told)).not.toMatch(/Ada|0198d1a0/)
    expect(verificationOf(facts, at, true).holder).toBe('Ada <b>')
  })
})

describe('status lists', () => {
  const places = createStatusPlaces(SECRET)
  it('give each entry of a list a place of its own', () => {
    const taken = new Set(Array.from({ length: LIST_ENTRIES }, (_, entry) => places.of(entry).index))
    expect(taken.size).toBe(LIST_ENTRIES)
    expect([...taken].every((index) => index >= 0 && index < LIST_ENTRIES)).toBe(true)
  })
  it('give the same entry the same place whenever it is asked for, and neighbours no neighbouring places', () => {
    const again = createStatusPlaces(SECRET)
    const indexes = Array.from({ length: 200 }, (_, entry) => places.of(entry).index)
    expect(indexes).toEqual(Array.from({ length: 200 }, (_, entry) => again.of(entry).index))
    const steps = indexes.slice(1).filter((index, entry) => Math.abs(index - indexes[entry]!) < 10)
    expect(steps.length).toBeLessThan(5)
    expect(createStatusPlaces(Buffer.alloc(32, 4)).of(7)).not.toEqual(places.of(7))
    expect(places.of(LIST_ENTRIES + 7)).toMatchObject({ list: 1 })
  })
  it('are as long as the W3C asks for, have the first entry in the highest bit, and are the same text for the same bits', () => {
    const encoded = encodeList([0, 9])
    expect(encoded).toMatch(/^uH4sI[\w-]+$/)
    const bits = gunzipSync(Buffer.from(encoded.slice(1), 'base64url'))
    expect(bits.length).toBe(16_384)
    expect([bits[0], bits[1], bits[2]]).toEqual([0x80, 0x40, 0])
    expect(encodeList([9, 0])).toBe(encoded)
  })
  it('say of each place whether it is marked', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(LIST_ENTRIES - 1), { maxLength: 50 }),
        fc.nat(LIST_ENTRIES - 1),
        (marked, other) => {
          const bits = decodeList(encodeList(marked))
          return marked.every((index) => bitOf(bits, index)) && bitOf(bits, other) === marked.includes(other)
        },
      ),
      { numRuns: 30 },
    )
  })
  it('have no place behind their end, and no list is unpacked without an end', () => {
    const bits = decodeList(encodeList([]))
    for (const index of [LIST_ENTRIES, -1, 0.5, Number.NaN])
      expect(() => bitOf(bits, index)).toThrow(RangeError)
    expect(() => decodeList('uAAAA')).toThrow('incorrect header check')
  })
})

describe('a signed credential', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const addresses = createAddresses(() => 'https://laurel.example.org')
  const holders = createHolderIds(SECRET)
  const credential = (profile: 'ob3' | 'vc2' = 'ob3') =>
    openBadge({
      facts,
      subject: holders.subject(facts.holder.userId),
      place: createStatusPlaces(SECRET).of(facts.statusEntry),
      addresses,
      profile,
    })
  const signer = { kid: addresses.key('thumb'), privateKey }

  it('has the claims of Open Badges beside its fields, in whole seconds', async () => {
    const jws = await signCredential(credential(), signer)
    const { header, payload } = jwt.verify(jws, publicKey, {
      algorithms: ['RS256'],
      complete: true,
      clockTimestamp: Date.parse(at) / 1000,
    })
    expect(header).toEqual({
      alg: 'RS256',
      typ: 'JWT',
      kid: 'https://laurel.example.org/credentials/keys/thumb',
    })
    const { issuer, id, credentialSubject } = credential()
    expect(payload).toEqual({
      ...credential(),
      iss: issuer.id,
      jti: id,
      sub: credentialSubject.id,
      nbf: Date.parse('2026-01-01T00:00:00Z') / 1000,
      exp: Date.parse('2027-01-01T00:00:00Z') / 1000,
      validFrom: '2026-01-01T00:00:00Z',
      validUntil: '2027-01-01T00:00:00Z',
    })
  })
  it('is the same text for the same facts and key', async () => {
    expect(await signCredential(credential(), signer)).toBe(await signCredential(credential(), signer))
  })
  it('says nothing of who holds it: no id, no name, no address', () => {
    expect(JSON.stringify(credential())).not.toMatch(/0000000000bb|Ada/)
    expect(holders.subject('a')).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(holders.subject('a')).not.toBe(holders.subject('b'))
  })
  it('has one status, or both for those who read the data model of the W3C only', () => {
    expect(credential().credentialStatus).toMatchObject({
      type: 'BitstringStatusListEntry',
      statusPurpose: 'revocation',
    })
    expect(credential('vc2').credentialStatus).toMatchObject([
      { statusPurpose: 'revocation' },
      { statusPurpose: 'suspension' },
    ])
  })
  it('lets its holder show whose it is, on wish', () => {
    const { salt, identityHash: hash } = holders.emailIdentity('a', 'ada@example.org')
    expect(hash).toBe(identityHash('ada@example.org', salt))
    expect(hash).toMatch(/^sha256\$[0-9a-f]{64}$/)
  })
  it('C46 is no session token, and a session token is no credential', async () => {
    const tokens = createTokens({ secret: 'x'.repeat(32), now: Date.now, newId: () => crypto.randomUUID() })
    const jws = await signCredential({ ...credential(), validUntil: '2099-01-01T00:00:00Z' }, signer)
    expect(tokens.verify(jws)).toEqual({ ok: false })
    // With the public key as the secret of the session tokens: the oldest trick.
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
    const confused = createTokens({ secret: pem, now: Date.now, newId: () => crypto.randomUUID() })
    expect(confused.verify(jws)).toEqual({ ok: false })
    const principal = { userId: crypto.randomUUID(), orgId: crypto.randomUUID(), roles: [] }
    const { token } = confused.issue(principal, crypto.randomUUID())
    expect(() => jwt.verify(token, createPublicKey(pem), { algorithms: ['RS256'] })).toThrow(
      'invalid algorithm',
    )
  })
})

describe('baking', () => {
  const jws = 'eyJhbGciOiJSUzI1NiJ9.e30.c2ln'
  it('puts the credential into a PNG, once, uncompressed, and takes it out again', () => {
    const twice = bakePng(bakePng(medalPng(facts), 'a.b.c'), jws)
    expect(unbakePng(twice)).toBe(jws)
    expect(twice.toString('latin1').split('iTXtopenbadgecredential\0\0\0\0\0')).toHaveLength(2)
    expect(unbakePng(medalPng(facts))).toBeUndefined()
  })
  it('refuses a PNG that is damaged, cut off, or compressed where the standard forbids it', () => {
    const png = bakePng(medalPng(facts), jws)
    const damaged = Buffer.from(png)
    damaged[60]! ^= 1
    expect(() => unbakePng(damaged)).toThrow('damaged')
    expect(() => unbakePng(medalPng(facts).subarray(0, 200))).toThrow('cut off')
    expect(() => unbakePng(Buffer.from('no picture'))).toThrow('not a PNG')
    const compressed = bytesOf({
      type: 'iTXt',
      data: Buffer.from('openbadgecredential\0\x01\0\0\0xxx', 'latin1'),
    })
    const [front, back] = [png.subarray(0, 33), png.subarray(33)]
    expect(() => unbakePng(Buffer.concat([front, compressed, back]))).toThrow('compressed')
    expect(crc32(Buffer.from('IEND'))).toBe(0xae426082)
  })
  it('puts the credential into an SVG, directly behind its first tag, and takes it out again', () => {
    const svg = bakeSvg(medalSvg(facts), jws)
    expect(svg).toMatch(
      /<svg [^>]*xmlns:openbadges="https:\/\/purl\.imsglobal\.org\/ob\/v3p0"><openbadges:credential verify="/,
    )
    expect(unbakeSvg(svg)).toBe(jws)
    expect(() => bakeSvg(svg, jws)).toThrow('already')
    expect(unbakeSvg('<svg><openbadges:credential><![CDATA[ {"a":1} ]]></openbadges:credential></svg>')).toBe(
      '{"a":1}',
    )
    expect(svg).toContain('<title>First aid &#38; “more”</title>')
  })
})

describe('the address of a connection', () => {
  const isTrusted = proxyAddr.compile(['10.0.0.0/8', '::1'])
  const of = (forwarded: string | undefined, remote: string) =>
    clientAddress(
      {
        headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
        socket: { remoteAddress: remote },
      },
      isTrusted,
    )
  it('is what the trusted proxies say, and nothing that a client writes itself', () => {
    expect(of('1.1.1.1', '203.0.113.9')).toBe('203.0.113.9')
    expect(of('6.6.6.6, 198.51.100.7', '10.0.0.1')).toBe('198.51.100.7')
    expect(of('198.51.100.7, 10.2.3.4', '::ffff:10.0.0.1')).toBe('198.51.100.7')
    expect(of(undefined, '10.0.0.1')).toBe('10.0.0.1')
    expect(of('10.1.1.1', '10.0.0.1')).toBe('10.1.1.1')
  })
})

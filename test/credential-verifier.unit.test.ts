import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Ajv2019 } from 'ajv/dist/2019.js'
import addFormats from 'ajv-formats'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFetch } from '../src/credential-verifier/guarded-fetch.ts'
import { shapeOf } from '../src/credential-verifier/shape.ts'
import { verifyCredential } from '../src/credential-verifier/verify.ts'
import { bakePng, bakeSvg } from '../src/credentials/bake.ts'
import type { CredentialFacts } from '../src/credentials/facts.ts'
import { createHolderIds } from '../src/credentials/holder.ts'
import {
  createAddresses,
  openBadge,
  statusListCredential,
  type OpenBadge,
} from '../src/credentials/open-badge.ts'
import { medalPng, medalSvg } from '../src/credentials/picture.ts'
import { createStatusPlaces, encodeList } from '../src/credentials/status-list.ts'
import { signCredential } from '../src/credentials/vc-jwt.ts'
import { isPublic } from '../src/public-address.ts'

/** An issuer that is a real HTTP server; what stands at its addresses is the test's to say. */
const pages = new Map<string, string>()
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url!)
  const page = pages.get(request.url!)
  if (page?.startsWith('to:')) response.writeHead(302, { location: page.slice(3) }).end()
  else response.writeHead(page === undefined ? 404 : 200).end(page)
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' })

const AT = Date.parse('2026-06-01T12:00:00Z')
const places = createStatusPlaces(Buffer.alloc(32, 1))
const holders = createHolderIds(Buffer.alloc(32, 2))
const addresses = createAddresses(() => url)

const facts: CredentialFacts = {
  kind: 'course_certificate',
  actor: 'certificate',
  id: '0198d1a0-0000-7000-8000-000000000001',
  version: 2,
  orgId: 'org',
  issuer: 'Academy',
  holder: { userId: 'ada', name: 'Ada', isPublic: false },
  shown: true,
  number: 'CERT-2026-00001',
  title: 'First aid',
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

const place = () => places.of(facts.statusEntry)

const aCredential = (changes: Partial<CredentialFacts> = {}, profile: 'ob3' | 'vc2' = 'ob3') =>
  openBadge({
    facts: { ...facts, ...changes },
    subject: holders.subject('ada'),
    identity: holders.emailIdentity('ada', 'ada@example.org'),
    place: place(),
    addresses,
    profile,
  })

const signed = (credential: OpenBadge = aCredential(), kid = addresses.key('one')) =>
  signCredential(credential, { kid, privateKey: rsa.privateKey })

const list = (purpose: 'revocation' | 'suspension', indexes: number[], changes: object = {}) => ({
  ...statusListCredential({
    purpose,
    list: place().list,
    encodedList: encodeList(indexes),
    ttlMs: 30_000,
    validFrom: '2026-06-01T12:00:00Z',
    validUntil: '2026-06-01T14:00:00Z',
    issuer: { orgId: 'org', issuer: 'Academy' },
    addresses,
  }),
  ...changes,
})

const publish = async (purpose: 'revocation' | 'suspension', indexes: number[], changes: object = {}) => {
  const credential = list(purpose, indexes, changes)
  const key = { kid: addresses.key('one'), privateKey: rsa.privateKey }
  pages.set(`/credentials/status/org/${purpose}/0`, await signCredential(credential, key))
}

beforeAll(async () => {
  pages.set('/credentials/keys/one', JSON.stringify({ ...jwkOf(rsa.publicKey), kid: addresses.key('one') }))
  pages.set('/.well-known/jwks.json', JSON.stringify({ keys: [jwkOf(rsa.publicKey)] }))
  await publish('revocation', [1, 2, 3])
  await publish('suspension', [])
})

const fetchDocument = createFetch({ allowLoopback: true, timeoutMs: 2_000 })

const verify = (file: string | Buffer, options: { at?: number; email?: string } = {}) =>
  verifyCredential(Buffer.from(file), { fetchDocument, now: () => options.at ?? AT, email: options.email })

const outcomes = async (file: string | Buffer, options = {}) => {
  const { verdict, checks } = await verify(file, options)
  return { verdict, failed: checks.filter(({ outcome }) => outcome !== 'passed').map(({ name }) => name) }
}

/** Signs what it is told to, in the way that a careless or a hostile issuer would. */
const sign = (payload: object, header: object, key: KeyObject = rsa.privateKey) => {
  const algorithm = key.asymmetricKeyType === 'ec' ? 'ES256' : 'RS256'
  // As JSON has it: what is undefined is not there.
  const claims = JSON.parse(JSON.stringify(payload)) as object
  return jwt.sign(claims, key, { algorithm, noTimestamp: true, header: { alg: algorithm, ...header } })
}
const claimsOf = (credential: OpenBadge) => ({
  iss: credential.issuer.id,
  jti: credential.id,
  sub: credential.credentialSubject.id,
  nbf: Date.parse(credential.validFrom) / 1000,
  exp: Date.parse(credential.validUntil!) / 1000,
})

describe('the verifier', () => {
  it('takes what we issue, as a token, as JSON around one, and in both kinds of pictures', async () => {
    const jws = await signed()
    const enveloped = JSON.stringify({
      '@context': 'https://www.w3.org/ns/credentials/v2',
      id: `data:application/vc+jwt,${jws}`,
      type: 'EnvelopedVerifiableCredential',
    })
    for (const file of [
      jws,
      `\n${jws}\n`,
      enveloped,
      bakePng(medalPng(facts), jws),
      bakeSvg(medalSvg(facts), jws),
    ])
      expect(await outcomes(file, { email: 'ada@example.org' })).toEqual({ verdict: 'valid', failed: [] })
  })

  it('takes the older form, with the credential in `vc` and the names of the first data model', async () => {
    const { validFrom, validUntil, ...rest } = aCredential()
    const old = {
      ...rest,
      '@context': [
        'https://www.w3.org/2018/credentials/v1',
        'https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json',
      ],
      issuanceDate: validFrom,
      expirationDate: validUntil,
    }
    const jws = sign({ vc: old, ...claimsOf(aCredential()) }, { kid: addresses.key('one'), typ: 'JWT' })
    expect(await outcomes(jws)).toEqual({ verdict: 'valid', failed: [] })
    // Some leave to the claims what the claims say anyway.
    const short = { ...old, id: undefined, issuer: undefined }
    const shorter = sign({ vc: short, ...claimsOf(aCredential()) }, { kid: addresses.key('one') })
    expect((await verify(shorter)).verdict).toBe('valid')
  })

  it('takes a key in the token when it is among those of the issuer, and ES256', async () => {
    const embedded = sign({ ...aCredential(), ...claimsOf(aCredential()) }, { jwk: jwkOf(rsa.publicKey) })
    expect(await outcomes(embedded)).toEqual({ verdict: 'valid', failed: [] })
    pages.set('/credentials/keys/curve', JSON.stringify(jwkOf(elliptic.publicKey)))
    const curve = sign(
      { ...aCredential(), ...claimsOf(aCredential()) },
      { kid: addresses.key('curve') },
      elliptic.privateKey,
    )
    expect(await outcomes(curve)).toEqual({ verdict: 'valid', failed: [] })
  })

  it('says when it begins and ends', async () => {
    const jws = await signed()
    expect((await verify(jws, { at: Date.parse('2025-12-31T23:59:59Z') })).verdict).toBe('not_yet_valid')
    await publish('revocation', [], { validUntil: '2028-01-01T00:00:00Z' })
    expect((await verify(jws, { at: Date.parse('2027-01-01T00:00:00Z') })).verdict).toBe('expired')
    await publish('revocation', [1, 2, 3])
  })

  it('says what the issuer says now: revoked, suspended, or nothing that can be had', async () => {
    const jws = await signed()
    const both = await signed(aCredential({}, 'vc2'))
    await publish('suspension', [place().index])
    expect((await verify(jws)).verdict).toBe('valid')
    expect((await verify(both)).verdict).toBe('suspended')
    await publish('revocation', [place().index])
    expect((await verify(jws)).verdict).toBe('revoked')
    expect((await verify(both)).verdict).toBe('revoked')
    pages.delete('/credentials/status/org/revocation/0')
    expect(await outcomes(jws)).toEqual({ verdict: 'unverifiable', failed: ['status'] })
    await publish('revocation', [1, 2, 3])
    await publish('suspension', [])
  })

  it('believes no list that is old, short, of somebody else, for something else, or somewhere else', async () => {
    const jws = await signed()
    const { credentialSubject: subject, issuer: academy } = list('revocation', [])
    const somebody = { id: `${url}/credentials/issuers/other`, type: ['Profile'] }
    for (const [changes, verdict] of [
      [{ validUntil: '2026-06-01T12:00:00Z' }, 'unverifiable'],
      [{ credentialSubject: { ...subject, encodedList: `uH4sIAAAAAAAAA2NgYGAAAAFz_eUEAAAA` } }, 'invalid'],
      [{ credentialSubject: { ...subject, statusPurpose: 'suspension' } }, 'invalid'],
      [{ issuer: somebody }, 'invalid'],
      [
        { issuer: other, vc: { ...list('revocation', []), issuer: other, vc: { issuer: academy } } },
        'invalid',
      ],
      [{ id: `${url}/credentials/status/org/revocation/1` }, 'invalid'],
      [{ type: ['VerifiableCredential'] }, 'invalid'],
    ] as const) {
      await publish('revocation', [], changes)
      expect([changes, (await verify(jws)).verdict]).toEqual([changes, verdict])
    }
    await publish('revocation', [1, 2, 3])
  })

  it('believes the list of the 1EdTech, too', async () => {
    const credentialStatus = { id: `${url}/revoked`, type: '1EdTechRevocationList' }
    const jws = await signed({ ...aCredential(), credentialStatus } as never)
    const issuer = { id: addresses.issuer('org') }
    pages.set('/revoked', JSON.stringify({ id: `${url}/revoked`, issuer: issuer.id, revokedCredential: [] }))
    expect((await verify(jws)).verdict).toBe('valid')
    const revokedCredential = [{ id: `urn:uuid:${facts.id}`, revoked: true, revocationReason: 'error' }]
    pages.set('/revoked', JSON.stringify({ id: `${url}/revoked`, issuer, revokedCredential }))
    expect((await verify(jws)).verdict).toBe('revoked')
  })

  it('says whether it is of the owner of an address', async () => {
    const jws = await signed()
    expect((await verify(jws, { email: 'Ada@Example.org' })).verdict).toBe('valid')
    expect((await verify(jws, { email: 'eve@example.org' })).verdict).toBe('not_this_recipient')
  })

  it('refuses what has been changed, letter by letter', async () => {
    const [header, payload, signature] = (await signed()).split('.') as [string, string, string]
    const changed = JSON.parse(Buffer.from(payload, 'base64url').toString()) as OpenBadge
    changed.credentialSubject.achievement.name = 'Surgery'
    const forged = Buffer.from(JSON.stringify(changed)).toString('base64url')
    expect(await outcomes(`${header}.${forged}.${signature}`)).toMatchObject({ verdict: 'invalid' })
    expect(
      await outcomes(`${header}.${payload}.${signature.replace(/^./, (l) => (l === 'A' ? 'B' : 'A'))}`),
    ).toMatchObject({
      verdict: 'invalid',
    })
  })

  it('refuses tokens whose header is an attack', async () => {
    const claims = { ...aCredential(), ...claimsOf(aCredential()) }
    const kid = addresses.key('one')
    const raw = (header: object, signature = '') =>
      [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') +
      `.${signature}`
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string
    for (const token of [
      raw({ alg: 'none', kid }, 'AA'),
      jwt.sign(claims, pem, {
        algorithm: 'HS256',
        noTimestamp: true,
        keyid: kid,
        allowInvalidAsymmetricKeyTypes: true,
      }),
      sign(claims, { kid, crit: ['exp'] }),
      sign(claims, { kid, jku: `${url}/.well-known/jwks.json` }),
      sign(claims, { kid, x5u: `${url}/x` }),
      sign(claims, { kid, typ: 'at+jwt' }),
      sign(claims, {}),
      sign(claims, { jwk: jwkOf(rsa.privateKey) }),
    ])
      expect((await verify(token)).verdict).toBe('invalid')
  })

  it('refuses a key that is not the issuer’s, wherever it stands', async () => {
    const claims = { ...aCredential(), ...claimsOf(aCredential()) }
    expect(await outcomes(sign(claims, { jwk: jwkOf(other.publicKey) }, other.privateKey))).toEqual({
      verdict: 'invalid',
      failed: ['key'],
    })
    const stranger = createServer((_request, response) =>
      response.end(JSON.stringify(jwkOf(other.publicKey))),
    )
    await new Promise<void>((listening) => stranger.listen(0, '127.0.0.1', listening))
    const { port } = stranger.address() as AddressInfo
    const elsewhere = sign(claims, { kid: `http://127.0.0.1:${port}/key` }, other.privateKey)
    expect((await verify(elsewhere)).verdict).toBe('invalid')
    // Many sites lead on to whatever they are asked for.
    pages.set('/out', `to:http://127.0.0.1:${port}/key`)
    const through = sign(claims, { kid: `${url}/out` }, other.privateKey)
    expect((await verify(through)).verdict).toBe('invalid')
    stranger.close()
  })

  it('refuses weak keys, and an RSA key where the token says something else', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    pages.set('/credentials/keys/weak', JSON.stringify(jwkOf(weak.publicKey)))
    const jws = await signCredential(aCredential(), {
      kid: addresses.key('weak'),
      privateKey: weak.privateKey,
    })
    expect((await verify(jws)).verdict).toBe('invalid')
  })

  it('refuses a token that claims something else than its credential says', async () => {
    const claims = claimsOf(aCredential())
    for (const change of [
      { iss: 'https://other.example' },
      { jti: 'urn:uuid:other' },
      { sub: 'urn:uuid:other' },
      { nbf: claims.nbf - 1 },
      { exp: claims.exp + 1 },
    ])
      expect(
        await outcomes(sign({ ...aCredential(), ...claims, ...change }, { kid: addresses.key('one') })),
      ).toMatchObject({
        verdict: 'invalid',
      })
  })

  it('takes a token that leaves claims out, and says so', async () => {
    const bare = sign(aCredential(), { kid: addresses.key('one') })
    expect(await outcomes(bare)).toEqual({ verdict: 'valid', failed: ['claims'] })
    const { checks } = await verify(bare)
    expect(checks.find(({ name }) => name === 'claims')!.text).toContain('iss, jti, sub, nbf, exp')
  })

  it('takes nothing unsigned, and nothing whose proof it does not know, for signed', async () => {
    expect((await verify(JSON.stringify(aCredential()))).verdict).toBe('invalid')
    const proof = [{ type: 'DataIntegrityProof', cryptosuite: 'eddsa-rdfc-2022' }]
    expect(await outcomes(JSON.stringify({ ...aCredential(), proof }))).toEqual({
      verdict: 'unverifiable',
      failed: ['proof'],
    })
    const did = sign({ ...aCredential(), ...claimsOf(aCredential()) }, { kid: 'did:example:1#key' })
    expect(await outcomes(did)).toMatchObject({ verdict: 'unverifiable', failed: ['proof'] })
    pages.set('/credentials/keys/gone', 'to:/credentials/keys/nowhere')
    const unreachable = sign({ ...aCredential(), ...claimsOf(aCredential()) }, { kid: addresses.key('gone') })
    expect((await verify(unreachable)).verdict).toBe('unverifiable')
  })

  it('says of every other file that it is none', async () => {
    for (const file of [
      '',
      'hello',
      '{}',
      '[]',
      '{"a":',
      '<svg></svg>',
      medalPng(facts),
      Buffer.from([0xff, 0xfe]),
    ])
      expect((await verify(file)).verdict).toBe('invalid')
  })
})

describe('what a stranger’s document points at', () => {
  it('is fetched only when it is public, and by https', async () => {
    const strict = createFetch({ timeoutMs: 2_000 })
    const before = asked.length
    for (const address of [
      url,
      'http://example.org/',
      'https://127.0.0.1/',
      'https://localhost/',
      'https://[::1]/',
      'https://[::ffff:10.0.0.1]/',
      'https://10.1.2.3/',
      'https://169.254.169.254/latest/meta-data/',
      'https://0x7f000001/',
      'https://2130706433/',
      'https://name:secret@example.org/',
      'file:///etc/passwd',
      'no address',
    ])
      expect([address, (await strict(address)).ok]).toEqual([address, false])
    expect(asked.length).toBe(before)
  })

  it('does not lead inside by a redirect, nor on and on', async () => {
    pages.set('/inside', 'to:http://169.254.169.254/latest/meta-data/')
    pages.set('/loop', 'to:/loop')
    expect(await fetchDocument(`${url}/inside`)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('only https'),
    })
    expect(await fetchDocument(`${url}/loop`)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('redirects'),
    })
  })

  it('is read only so far', async () => {
    pages.set('/large', 'x'.repeat(100_000))
    const careful = createFetch({ allowLoopback: true, mostBytes: 50_000 })
    expect(await careful(`${url}/large`)).toMatchObject({ ok: false })
    expect(await fetchDocument(`${url}/large`)).toMatchObject({ ok: true })
  })

  it.each([
    ['8.8.8.8', true],
    ['2606:4700::1111', true],
    ['10.0.0.1', false],
    ['100.64.0.1', false],
    ['172.31.255.255', false],
    ['192.168.1.1', false],
    ['169.254.1.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['0.0.0.0', false],
    ['::', false],
    ['::1', false],
    ['::ffff:8.8.8.8', false],
    ['fe80::1', false],
    ['fc00::1', false],
    ['ff02::1', false],
    ['64:ff9b::7f00:1', false],
    ['2002:7f00:1::', false],
    ['2001:db8::1', false],
    ['no address', false],
  ])('%s is public: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected)
  })
})

/** The 1EdTech's own schema, which is not part of this project: https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ */
const SCHEMA = process.env['OPENBADGES_SCHEMA'] ?? ''

describe.skipIf(SCHEMA === '')(
  'the official schema of an AchievementCredential, which OPENBADGES_SCHEMA names',
  () => {
    const official = () => {
      const ajv = new Ajv2019({ strict: false, allErrors: true })
      addFormats.default(ajv)
      return ajv.compile(JSON.parse(readFileSync(SCHEMA, 'utf8')) as object)
    }

    it('allows every kind of credential that we issue', () => {
      const allows = official()
      for (const kind of ['badge', 'track_certificate', 'course_certificate'] as const)
        for (const changes of [{}, { expiresAt: null }, { number: null }]) {
          allows(aCredential({ kind, ...changes }))
          expect(allows.errors).toBeNull()
        }
    })

    it('and ours agree about what is missing or wrong', () => {
      const allows = official()
      const good = aCredential() as unknown as Record<string, unknown>
      const subject = good['credentialSubject'] as Record<string, unknown>
      const achievement = subject['achievement'] as Record<string, unknown>
      const without = (from: Record<string, unknown>, name: string) =>
        Object.fromEntries(Object.entries(from).filter(([key]) => key !== name))
      const bad = [
        ...['@context', 'id', 'type', 'issuer', 'validFrom', 'credentialSubject'].map((name) =>
          without(good, name),
        ),
        ...['type', 'achievement'].map((name) => ({ ...good, credentialSubject: without(subject, name) })),
        ...['id', 'type', 'name', 'description', 'criteria'].map((name) => ({
          ...good,
          credentialSubject: { ...subject, achievement: without(achievement, name) },
        })),
        { ...good, type: ['VerifiableCredential'] },
        { ...good, '@context': ['https://www.w3.org/ns/credentials/v2'] },
        { ...good, '@context': (good['@context'] as string[]).toReversed() },
        { ...good, validFrom: 'yesterday' },
        { ...good, credentialSubject: { ...subject, type: ['Person'] } },
      ]
      for (const credential of bad)
        expect([credential, allows(credential), shapeOf(credential).ok]).toEqual([credential, false, false])
      expect([allows(good), shapeOf(good).ok]).toEqual([true, true])
    })
  },
)

import { hash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCredentialKeyStore } from '../persistence/credential-keys.ts'
import { createFetch } from '../src/credential-verifier/guarded-fetch.ts'
import { verifyCredential } from '../src/credential-verifier/verify.ts'
import { rotateCredentialKey } from '../src/credentials/keys.ts'
import { createVault } from '../src/vault.ts'
import { done } from './support/catalog-scene.ts'
import { aBadge, aCertificate, anIssuer, revoke, type Issuer } from './support/credential-scene.ts'
import { days } from './support/clock.ts'
import { http, refusal, type Http } from './support/http.ts'
import { aServer, aUser, connect, type Client, type TestServer } from './support/server.ts'

/** On a machine that is busy. */
const PATIENTLY = { timeout: 120_000 }

const ends: (() => Promise<void>)[] = []
let server: TestServer
let issuer: Issuer
let nobody: Http
let asHolder: Http

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
  issuer = await anIssuer(server, (end) => ends.unshift(async () => end()))
  nobody = http(server)
  asHolder = http(server, issuer.holder)
})
afterAll(async () => {
  for (const end of ends) await end()
})

const verify = async (file: string | Buffer, email?: string) => {
  const fetchDocument = createFetch({ allowLoopback: true })
  return (await verifyCredential(Buffer.from(file), { fetchDocument, now: server.now, email })).verdict
}

/** A person who holds nothing yet: an organisation certifies a track once for each. */
const another = async () => ({ ...issuer, holder: await aUser(server, ['student'], issuer.orgId) })

describe('S3.24 public verification', () => {
  it('C42 answers whoever has the number with the minimum: no name, no id, nothing else of the holder', async () => {
    const scene = await another()
    const { number } = await aCertificate(scene)
    for (const path of ['/verify/', '/training/certificates/verify/']) {
      const { status, body, headers } = await nobody('GET', path + number)
      expect(status).toBe(200)
      expect(Object.keys(body.data).toSorted()).toEqual([
        'checkedAt',
        'expiresAt',
        'issuedAt',
        'issuer',
        'kind',
        'number',
        'since',
        'status',
        'title',
      ])
      expect(body.data).toMatchObject({ status: 'valid', kind: 'track_certificate', number })
      expect(Math.abs(Date.parse(body.data.checkedAt) - server.now())).toBeLessThan(10_000)
      expect(JSON.stringify(body)).not.toContain(scene.holder.email)
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })

  it('C42 shows no name at the wish of anybody but the holder', async () => {
    const scene = await another()
    const wish = { trackId: randomUUID(), title: 'First aid', userId: scene.holder.id, showName: true }
    expect(await issuer.boss.call('certificates.issue', wish)).toMatchObject({ error: { code: 'forbidden' } })
    const asAdmin = http(server, issuer.admin)
    const path = '/api/v1/certificates'
    expect(await asAdmin('POST', path, { body: wish })).toMatchObject(refusal(403, 'forbidden'))
  })

  it('C42 tells the name when the holder lets it, and to whoever was given the link', async () => {
    const scene = await another()
    const { id, number, link } = await aCertificate(scene)
    expect((await nobody('GET', `/verify/l/${link}`)).body.data.holder).toBe(scene.holder.email)
    const holder = await connect(server, scene.holder)
    await done(holder, 'certificates.setShowName', { id, showName: true })
    expect((await nobody('GET', `/verify/${number}`)).body.data.holder).toBe(scene.holder.email)
    await done(holder, 'certificates.setShowName', { id, showName: false })
    expect((await nobody('GET', `/verify/${number}`)).body.data).not.toHaveProperty('holder')
  })

  it('answers alike whatever is not there, not written so, or not sealed', async () => {
    const { id, link } = await aCertificate(await another())
    const wrong = link.replace(/.$/, (letter) => (letter === 'A' ? 'Q' : 'A'))
    for (const path of [
      '/verify/CERT-2026-99999',
      '/verify/nonsense',
      "/verify/CERT-2026-00001'--",
      `/verify/${id}`,
      `/verify/l/${id}`,
      `/verify/l/${wrong}`,
      `/verify/l/${randomUUID()}.${link.split('.')[1]}`,
      `/verify/l/${link}x`,
      '/training/certificates/verify/CERT-2026-99999',
    ])
      expect([path, await nobody('GET', path)]).toMatchObject([path, refusal(404, 'not_found')])
  })

  it('is a page for people and JSON for machines', async () => {
    const { number } = await aCertificate(await another(), { title: '<script>alert(1)</script>' })
    const page = await nobody('GET', `/verify/${number}`, { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect(page.status).toBe(200)
    expect(page.body).toContain('&#60;script&#62;alert(1)')
    expect(page.body).not.toContain('<script>alert')
    const policy = page.headers.get('content-security-policy')!
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ]) {
      const inline = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page.body)![1]!
      expect(policy).toContain(`${directive} 'sha256-${hash('sha256', inline, 'base64')}'`)
    }
    expect(policy).toContain("default-src 'none'")
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'x-robots-tag': 'noindex, nofollow, noarchive',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      vary: 'accept',
    })
    const json = await nobody('GET', `/verify/${number}.json`, { headers: { accept: 'text/html' } })
    expect(json.body.data.number).toBe(number)
    const missing = await nobody('GET', '/verify/CERT-2020-00000', { headers: { accept: 'text/html' } })
    expect([missing.status, missing.body.includes('No such credential')]).toEqual([404, true])
  })

  it('lets a number be typed in', async () => {
    const page = await nobody('GET', '/verify', { headers: { accept: 'text/html' } })
    expect(page.body).toContain('<form action="/verify"')
    const typed = await fetch(`${server.url}/verify?number=%20CERT-2026-00001%2F..`, { redirect: 'manual' })
    expect([typed.status, typed.headers.get('location')]).toEqual([303, '/verify/CERT-2026-00001%2F..'])
    const halved = `${server.url}/verify?number=${'a'.repeat(59)}%F0%9F%98%80`
    expect((await fetch(halved, { redirect: 'manual' })).status).toBe(303)
  })

  it('says from when on it is suspended, good again, expired, and revoked', async () => {
    const { boss } = issuer
    const { id, number } = await aCertificate(await another(), { expiresAt: server.clock.at(days(400)) })
    const read = async () => (await nobody('GET', `/verify/${number}`)).body.data
    const before = server.now()
    await done(boss, 'certificates.suspend', { id, reason: 'Complaint' })
    const suspended = await read()
    expect(suspended.status).toBe('suspended')
    expect(Date.parse(suspended.since)).toBeGreaterThanOrEqual(before)
    expect(JSON.stringify(suspended)).not.toContain('Complaint')
    await done(boss, 'certificates.reinstate', { id })
    const good = await read()
    expect([good.status, good.since > suspended.since]).toEqual(['valid', true])
    await revoke(boss, id)
    expect((await read()).status).toBe('revoked')
  })

  it('knows badges by their link, unless their holder wants nobody to see them', async () => {
    const scene = await another()
    const { id, link } = await aBadge(scene)
    expect((await nobody('GET', `/verify/l/${link}`)).body.data).toMatchObject({
      kind: 'badge',
      status: 'valid',
      number: null,
      holder: scene.holder.email,
    })
    const holder = await connect(server, scene.holder)
    const watcher = await connect(server, { token: '' }, '/verify')
    expect(await watcher.call('watch', { link })).toMatchObject({ ok: true })
    await done(holder, 'badges.decline', { id })
    expect((await nobody('GET', `/verify/l/${link}`)).status).toBe(404)
    expect(await watcher.next('credential.gone')).toEqual({ of: link })
    await done(holder, 'badges.accept', { id })
    await done(issuer.boss, 'badges.revoke', { id, reason: 'A mistake' })
    expect((await nobody('GET', `/verify/l/${link}`)).body.data.status).toBe('revoked')
  })
})

describe('disclosures', () => {
  it('are kept for every answer: when, how, to whom as far as is known, and whether with the name', async () => {
    const scene = await another()
    const { id, number, link } = await aCertificate(scene)
    await nobody('GET', `/verify/${number}`)
    await nobody('GET', `/verify/l/${link}`)
    await nobody('GET', `/verify/CERT-2020-00001`)
    await http(server, issuer.admin)('GET', `/api/v1/credentials/${id}`)
    const { body } = await http(server, scene.holder)('GET', `/api/v1/credentials/${id}/disclosures`)
    expect(body.data.items).toEqual([
      { means: 'download', nameShown: true, userId: issuer.admin.id, viewer: null, at: expect.any(String) },
      { means: 'link', nameShown: true, userId: null, viewer: expect.any(String), at: expect.any(String) },
      { means: 'number', nameShown: false, userId: null, viewer: expect.any(String), at: expect.any(String) },
    ])
    expect(body.data.items[1].viewer).toBe(body.data.items[2].viewer)
    expect(JSON.stringify(body)).not.toContain('127.0.0.1')
    const first = await http(server, scene.holder)('GET', `/api/v1/credentials/${id}/disclosures?limit=2`)
    expect(first.body.data.items).toHaveLength(2)
    const rest = `/api/v1/credentials/${id}/disclosures?limit=2&before=${first.body.data.next}`
    expect((await http(server, scene.holder)('GET', rest)).body.data).toEqual({ items: [body.data.items[2]] })
  })

  it('are never changed or taken away', async () => {
    const { number } = await aCertificate(await another())
    await nobody('GET', `/verify/${number}`)
    for (const text of ['delete from disclosure', 'update disclosure set name_shown = true'])
      await expect(server.database.sql.query({ name: `try ${text}`, text })).rejects.toThrow('only added')
  })
})

describe('a credential that is taken along', () => {
  it('U5 is verified by anybody, in every form, and no more once it is revoked', async () => {
    const scene = await another()
    const { id } = await aCertificate(scene)
    const files = new Map<string, Buffer>()
    for (const format of ['jwt', 'json', 'png', 'svg']) {
      const path = `${server.url}/api/v1/credentials/${id}/download?format=${format}&identity=email`
      const response = await fetch(path, { headers: { authorization: `Bearer ${scene.holder.token}` } })
      expect(response.headers.get('content-disposition')).toBe(`attachment; filename=certificate.${format}`)
      files.set(format, Buffer.from(await response.arrayBuffer()))
      expect([format, await verify(files.get(format)!, scene.holder.email)]).toEqual([format, 'valid'])
    }
    await revoke(issuer.boss, id)
    for (const [format, file] of files) expect([format, await verify(file)]).toEqual([format, 'revoked'])
  })

  it('U5 of a badge is good until the badge is taken back', async () => {
    const scene = await another()
    const { id } = await aBadge(scene)
    const { body: jws } = await http(server, scene.holder)('GET', `/api/v1/credentials/${id}/download`)
    expect(await verify(jws)).toBe('valid')
    await done(issuer.boss, 'badges.revoke', { id, reason: 'Awarded by mistake' })
    expect(await verify(jws)).toBe('revoked')
  })

  it('is not signed while it is suspended, unless it can say so', async () => {
    const scene = await another()
    const { id, link } = await aCertificate(scene)
    await done(issuer.boss, 'certificates.suspend', { id, reason: 'Complaint' })
    const theirs = http(server, scene.holder)
    for (const [asking, path] of [
      [theirs, `/api/v1/credentials/${id}`],
      [theirs, `/api/v1/credentials/${id}/download?format=png`],
      [nobody, `/verify/l/${link}/credential/jwt`],
    ] as const)
      expect([path, await asking('GET', path)]).toMatchObject([path, refusal(409, 'not_allowed_in_state')])
    const { body: jws } = await theirs('GET', `/api/v1/credentials/${id}/download?profile=vc2`)
    expect(await verify(jws)).toBe('suspended')
  })

  it('is good on the day of a renewal that begins when the present period ends', async () => {
    const scene = await another()
    const expiresAt = server.clock.at(days(30))
    const { id } = await aCertificate(scene, { expiresAt })
    await done(issuer.boss, 'certificates.renew', {
      id,
      issuedAt: expiresAt,
      expiresAt: server.clock.at(days(400)),
    })
    const { body: jws } = await http(server, scene.holder)('GET', `/api/v1/credentials/${id}/download`)
    expect(await verify(jws)).toBe('valid')
  })

  it('has the hash of an e-mail address on the wish of its holder only', async () => {
    const { id } = await aCertificate(await another())
    const asAdmin = http(server, issuer.admin)
    for (const path of ['', '/download'])
      expect(await asAdmin('GET', `/api/v1/credentials/${id}${path}?identity=email`)).toMatchObject(
        refusal(403, 'forbidden'),
      )
  })

  it('is the same text whoever makes it again, and says nothing of its holder', async () => {
    const scene = await another()
    const { id, link } = await aCertificate(scene)
    const { body } = await http(server, scene.holder)('GET', `/api/v1/credentials/${id}`)
    const again = await nobody('GET', `/verify/l/${link}/credential/jwt`)
    expect(again.headers.get('content-type')).toContain('text/plain')
    expect(again.body).toBe(body.data.jwt)
    const said = Buffer.from(again.body.split('.')[1], 'base64url').toString()
    expect(said).not.toContain(scene.holder.id)
    expect(said).not.toContain(scene.holder.email)
    expect((await nobody('GET', `/verify/l/${link}x/credential/jwt`)).status).toBe(404)
    expect((await nobody('GET', `/verify/l/${link}/credential/pdf`)).status).toBe(404)
  })

  it('is for its holder, and for administrators of the organisation', async () => {
    const scene = await another()
    const { id } = await aCertificate(scene)
    const stranger = await anIssuer(server)
    const fellow = await aUser(server, ['instructor', 'csm'], issuer.orgId)
    for (const path of ['', '/download', '/disclosures']) {
      const of = (asking: Http) => asking('GET', `/api/v1/credentials/${id}${path}`)
      expect((await of(http(server, scene.holder))).status).toBe(200)
      expect((await of(http(server, issuer.admin))).status).toBe(200)
      expect((await of(http(server, stranger.admin))).status).toBe(404)
      expect((await of(http(server, fellow))).status).toBe(404)
      expect((await of(nobody)).status).toBe(401)
    }
    const asAdmin = http(server, issuer.admin)
    expect(await asAdmin('GET', '/api/v1/credentials/nonsense')).toMatchObject(refusal(400, 'invalid_input'))
    expect(await asAdmin('GET', `/api/v1/credentials/${id}?format=exe`)).toMatchObject(
      refusal(400, 'invalid_input'),
    )
    expect(await asAdmin('GET', `/api/v1/credentials/${randomUUID()}`)).toMatchObject(
      refusal(404, 'not_found'),
    )
  })

  it('has both statuses on wish, so that a suspension is seen', async () => {
    const scene = await another()
    const { id } = await aCertificate(scene)
    const path = `/api/v1/credentials/${id}/download?profile=vc2`
    const { body: jws } = await http(server, scene.holder)('GET', path)
    expect(await verify(jws)).toBe('valid')
    await done(issuer.boss, 'certificates.suspend', { id, reason: 'Complaint' })
    expect(await verify(jws)).toBe('suspended')
    await done(issuer.boss, 'certificates.reinstate', { id })
    expect(await verify(jws)).toBe('valid')
  })

  it('C46 opens no session, and a session opens no credential', async () => {
    const scene = await another()
    const { id } = await aCertificate(scene)
    const { body: jws } = await http(server, scene.holder)('GET', `/api/v1/credentials/${id}/download`)
    expect((await http(server, { token: jws })('GET', '/currentuser')).status).toBe(401)
    await expect(connect(server, { token: jws })).rejects.toMatchObject({ data: { code: 'unauthenticated' } })
    expect(await verify(scene.holder.token)).toBe('invalid')
  })
})

describe('what verifiers fetch', () => {
  const fetchList = (purpose: string, headers = {}, list = 0) =>
    nobody('GET', `/credentials/status/${issuer.orgId}/${purpose}/${list}`, { headers })

  it('is a status list with a tag, which changes in the commit of a revocation and not otherwise', async () => {
    const { id } = await aCertificate(await another())
    const before = await fetchList('revocation')
    expect(before.status).toBe(200)
    expect(Object.fromEntries(before.headers)).toMatchObject({
      'content-type': 'application/vc+jwt',
      'cache-control': 'public, max-age=30, must-revalidate',
      'access-control-allow-origin': '*',
    })
    const claims = JSON.parse(Buffer.from(before.body.split('.')[1], 'base64url').toString())
    expect(claims.credentialSubject).toMatchObject({ ttl: 30_000, statusPurpose: 'revocation' })
    const tag = before.headers.get('etag')!
    expect((await fetchList('revocation', { 'if-none-match': `"x", W/${tag}` })).status).toBe(304)
    await done(issuer.boss, 'certificates.suspend', { id, reason: 'Complaint' })
    expect((await fetchList('revocation', { 'if-none-match': tag })).status).toBe(304)
    await revoke(issuer.boss, id)
    const after = await fetchList('revocation', { 'if-none-match': tag })
    expect([after.status, after.headers.get('etag') === tag]).toEqual([200, false])
  })

  it('is nothing where no credential has been made yet, or nobody issues', async () => {
    await aCertificate(await another())
    for (const path of [
      `${issuer.orgId}/revocation/1`,
      `${issuer.orgId}/revocation/-1`,
      `${issuer.orgId}/message/0`,
      `${randomUUID()}/revocation/0`,
      `nonsense/revocation/0`,
    ])
      expect([path, (await nobody('GET', `/credentials/status/${path}`)).status]).toEqual([path, 404])
    expect((await nobody('GET', `/credentials/issuers/${issuer.orgId}`)).body).toMatchObject({
      type: ['Profile'],
    })
    expect((await nobody('GET', `/credentials/issuers/${randomUUID()}`)).status).toBe(404)
    expect((await nobody('GET', `/credentials/keys/nonsense`)).status).toBe(404)
  })

  it('has every key that has ever signed; a new one signs from the next credential on', async () => {
    const scene = await another()
    const { id } = await aCertificate(scene)
    const path = `/api/v1/credentials/${id}/download`
    const { body: old } = await http(server, scene.holder)('GET', path)
    const store = createCredentialKeyStore(server.database)
    const vault = createVault([{ id: 'test', key: Buffer.alloc(32, 7) }])
    const kid = await rotateCredentialKey({ store, vault, sql: server.database.sql, now: server.now })
    const { body: fresh } = await http(server, scene.holder)('GET', path)
    expect(fresh).not.toBe(old)
    expect(await verify(old)).toBe('valid')
    expect(await verify(fresh)).toBe('valid')
    const { body } = await nobody('GET', '/.well-known/jwks.json')
    expect(body.keys[0].kid).toBe(`${server.url}/credentials/keys/${kid}`)
    expect(body.keys.length).toBeGreaterThanOrEqual(2)
    expect(JSON.stringify(body)).not.toMatch(/"(?:d|p|q|dp|dq|qi)":/)
  })

  it('keeps the private half sealed while it signs, and no longer', async () => {
    await asHolder('GET', '/.well-known/jwks.json')
    const rows = await server.database.sql.query<{ sealed: string | null; retired: boolean }>({
      name: 'test_keys',
      text: `select private_key as sealed, retired_at is not null as retired from credential_key`,
    })
    expect(rows.filter(({ retired }) => !retired)).toHaveLength(1)
    for (const { sealed, retired } of rows) expect(sealed?.startsWith('v1.test.') ?? false).toBe(!retired)
  })
})

describe('watching', () => {
  it('needs no sign-in, and tells the status at once and whenever it changes', async () => {
    const { id, number, link } = await aCertificate(await another())
    const byNumber = await connect(server, { token: '' }, '/verify')
    const byLink = await connect(server, { token: '' }, '/verify')
    const answer = await byNumber.call('watch', { number })
    expect(answer).toEqual({
      ok: true,
      data: {
        status: 'valid',
        since: expect.any(String),
        expiresAt: expect.any(String),
        checkedAt: expect.any(String),
      },
    })
    expect(await byLink.call('watch', { link })).toMatchObject({ ok: true })
    await done(issuer.boss, 'certificates.suspend', { id, reason: 'Complaint' })
    for (const [client, of] of [
      [byNumber, number],
      [byLink, link],
    ] as const)
      expect(await client.next('credential.status')).toEqual({
        of,
        status: 'suspended',
        since: expect.any(String),
        expiresAt: expect.any(String),
        checkedAt: expect.any(String),
      })
    expect(await byNumber.call('unwatch', { number })).toEqual({ ok: true, data: {} })
    await revoke(issuer.boss, id)
    await byLink.next('credential.status', ({ status }) => status === 'revoked')
    expect(byNumber.received.filter(([name]) => name === 'credential.status')).toHaveLength(1)
  })

  it('says nothing when something else changes', async () => {
    const scene = await another()
    const { id, number } = await aCertificate(scene)
    const client = await connect(server, { token: '' }, '/verify')
    await client.call('watch', { number })
    await done(await connect(server, scene.holder), 'certificates.setShowName', { id, showName: true })
    await revoke(issuer.boss, id)
    await client.next('credential.status')
    expect(client.received).toHaveLength(1)
  })

  it('tells nobody anything else', async () => {
    const client = await connect(server, { token: '' }, '/verify')
    for (const [name, payload, code] of [
      ['watch', { number: 'CERT-2020-00001' }, 'not_found'],
      ['watch', { link: `${randomUUID()}.${'A'.repeat(22)}` }, 'not_found'],
      ['watch', {}, 'invalid_input'],
      ['watch', { number: 'CERT-2020-00001', link: 'x' }, 'invalid_input'],
      ['watch', { number: 'x'.repeat(1_000) }, 'invalid_input'],
      ['subscribe', { topics: [`org:${issuer.orgId}`] }, 'unknown_command'],
      ['certificates.list', {}, 'unknown_command'],
    ] as const)
      expect([name, await client.call(name, payload)]).toMatchObject([name, { ok: false, error: { code } }])
    expect(client.received).toEqual([])
  })

  it('ends for those who send nonsense again and again, or watch everything', async () => {
    const client = await connect(server, { token: '' }, '/verify')
    for (let count = 0; count < 21; count++) void client.socket.emit('nonsense')
    await client.next('closing')
    const greedy = await connect(server, { token: '' }, '/verify')
    const scene = await another()
    const numbers: string[] = []
    const answers: string[] = []
    const watch = async ({ call }: Client, number: string) => {
      const { ok, error } = await call('watch', { number })
      return ok ? 'ok' : (error.code as string)
    }
    for (let count = 0; count < 11; count++) {
      const { number } = await aCertificate(scene)
      numbers.push(number)
      answers.push(await watch(greedy, number))
    }
    const expected = [...Array.from({ length: 10 }, () => 'ok'), 'too_many']
    expect(answers).toEqual(expected)
    // Nor all at once.
    const hasty = await connect(server, { token: '' }, '/verify')
    const atOnce = await Promise.all(numbers.map((number) => watch(hasty, number)))
    expect(atOnce.toSorted()).toEqual(expected)
  })

  it('hears of an expiry', async () => {
    const own = await aServer()
    const scene = await anIssuer(own)
    const { number } = await aCertificate(scene, { expiresAt: own.clock.at(days(1)) })
    const client = await connect(own, { token: '' }, '/verify')
    await client.call('watch', { number })
    own.clock.advance(days(1))
    expect(await client.next('credential.status')).toMatchObject({ status: 'expired' })
    expect((await http(own)('GET', `/verify/${number}`)).body.data.status).toBe('expired')
  })
})

describe('who asks too often', () => {
  it('C42 gets through no more numbers than the limit, over HTTP and sockets together; links have a limit of their own', async () => {
    const own = await aServer({ requestsPerMinute: 20 })
    const scene = await anIssuer(own)
    const { number, link } = await aCertificate(scene)
    const asking = http(own)
    const client = await connect(own, { token: '' }, '/verify')
    const answers: string[] = []
    for (let count = 0; count < 4; count++)
      answers.push(String((await asking('GET', `/verify/${number}`)).status))
    for (let count = 0; count < 4; count++) {
      const { ok, error } = await client.call('watch', { number })
      answers.push(ok ? '200' : error.code)
    }
    expect(answers).toEqual([...Array.from({ length: 6 }, () => '200'), 'rate_limited', 'rate_limited'])
    const refused = await asking('GET', `/verify/CERT-2020-00001`)
    expect(refused).toMatchObject(refusal(429, 'rate_limited'))
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await asking('GET', `/verify/l/${link}`)).status).toBe(200)
  })
})

describe.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')('two nodes', () => {
  it('never say valid after the acknowledgement of a revocation, whichever is asked', PATIENTLY, async () => {
    const one = await aServer()
    const two = await one.another()
    const scene = await anIssuer(one)
    for (let round = 0; round < 8; round++) {
      const { id, number, link } = await aCertificate(scene)
      const watcher = await connect(two, { token: '' }, '/verify')
      await watcher.call('watch', { number })
      const { body: jws } = await http(two)('GET', `/verify/l/${link}/credential/jwt`)
      await revoke(scene.boss, id)
      const [here, there, byLink] = await Promise.all([
        http(one)('GET', `/verify/${number}`),
        http(two)('GET', `/verify/${number}`),
        http(two)('GET', `/verify/l/${link}`),
      ])
      expect([here, there, byLink].map(({ body }) => body.data.status)).toEqual([
        'revoked',
        'revoked',
        'revoked',
      ])
      expect(await verify(jws)).toBe('revoked')
      expect(await watcher.next('credential.status')).toMatchObject({ of: number, status: 'revoked' })
    }
  })

  it('make one key and one secret, however many ask first at once', async () => {
    const one = await aServer()
    const two = await one.another()
    const sets = await Promise.all(
      [one, two, one, two].map((node) => http(node)('GET', '/.well-known/jwks.json')),
    )
    const names = sets.map(({ body }) => body.keys.map(({ n }: { n: string }) => n))
    expect(new Set(names.flat()).size).toBe(1)
  })
})

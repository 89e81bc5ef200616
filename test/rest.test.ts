import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { http, outcomeOf, refusal } from './support/http.ts'
import { restScene, type RestScene } from './support/rest-scene.ts'
import { aServer, aTeam, aUser, connect } from './support/server.ts'

let server: RestScene['server']
let team: RestScene['team']
let asAdmin: RestScene['asAdmin']
let asCoordinator: RestScene['asCoordinator']
let aCertificate: RestScene['aCertificate']
let issue: RestScene['issue']

restScene((scene) => {
  ;({ server, team, asAdmin, asCoordinator, aCertificate, issue } = scene)
})

describe('commands and queries of a contract', () => {
  it('are served under its namespace, in the envelope', async () => {
    const created = await asCoordinator('POST', '/api/v1/certifications', { body: aCertificate() })
    expect(created).toMatchObject({
      status: 201,
      body: {
        status: 'success',
        data: {
          version: 1,
          state: 'valid',
          allowed: ['renew', 'suspend'],
          position: expect.any(Number),
          view: { mentorId: team.mentorId, status: 'valid' },
        },
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    })
    const { id } = created.body.data
    expect(created.headers.get('location')).toBe(`/api/v1/certifications/${id}`)

    const suspended = await asCoordinator('POST', `/api/v1/certifications/${id}/suspend`, {
      body: { reason: 'x' },
    })
    expect(suspended).toMatchObject({ status: 200, body: { data: { id, version: 2, state: 'suspended' } } })
    expect(await asCoordinator('POST', `/api/v1/certifications/${id}/reinstate`)).toMatchObject({
      status: 200,
      body: { data: { version: 3, state: 'valid' } },
    })

    const got = await asCoordinator('GET', `/api/v1/certifications/${id}`)
    expect(got).toMatchObject({ status: 200, body: { data: { id, version: 3, view: { id } } } })
    expect(got.headers.get('etag')).toBe('"3"')

    const journal = await asCoordinator('GET', `/api/v1/certifications/${id}/journal?afterVersion=1`)
    expect(journal.body.data.items.map(({ type }: { type: string }) => type)).toEqual([
      'suspend',
      'reinstate',
    ])
    expect(await asAdmin('GET', '/api/v1/mentors?active=true&limit=1')).toMatchObject({
      status: 200,
      body: { data: { items: [{ id: team.mentorId }] } },
    })
    expect(
      await asCoordinator('GET', `/api/v1/certifications/status?mentorId=${team.mentorId}`),
    ).toMatchObject({ status: 200, body: { data: { status: 'valid' } } })
  })

  it('takes an id that the client chose, in any case', async () => {
    const id = randomUUID()
    const body = { ...aCertificate(), id }
    expect(await asCoordinator('POST', '/api/v1/certifications', { body })).toMatchObject({
      status: 201,
      body: { data: { id } },
    })
    expect(await asCoordinator('POST', '/api/v1/certifications', { body })).toMatchObject(
      refusal(409, 'already_exists'),
    )
    const suspended = await asCoordinator('POST', `/api/v1/certifications/${id.toUpperCase()}/suspend`, {
      body: { reason: 'x' },
    })
    expect(suspended.body.data).toMatchObject({ id, version: 2 })
    expect((await asCoordinator('GET', `/api/v1/certifications/${id}`)).body.data.version).toBe(2)
  })

  it('are the same turn for those who listen on a socket', async () => {
    const client = await connect(server, team.coordinator)
    await client.subscribe({ topics: [`coordinator:${team.coordinator.id}`] })
    const { id } = await issue()
    expect(await client.next('certification.issued')).toMatchObject({ actor: { id }, version: 1 })
  })
})

it('the documents that the server shows name only what it serves', async () => {
  const nobody = http(server)
  const { status, body } = await nobody('GET', '/docs/openapi.json')
  expect(status).toBe(200)
  expect((await nobody('GET', '/docs/asyncapi.json')).body.asyncapi).toBe('3.0.0')
  expect((await nobody('GET', '/docs')).headers.get('content-security-policy')).toContain(
    "default-src 'none'",
  )
  for (const [path, methods] of Object.entries<object>(body.paths))
    for (const method of Object.keys(methods)) {
      const answer = await nobody(method.toUpperCase(), path.replace('{id}', randomUUID()))
      // What everybody may ask for may be missing; the route itself says less.
      const isThere = answer.status !== 404 || answer.body.error.message !== 'Not found'
      if (!isThere || [405, 500].includes(answer.status))
        expect.fail(`${method} ${path} answers ${answer.status}`)
    }
})

describe('who may do what', () => {
  it('asks everybody to sign in', async () => {
    const nobody = http(server)
    const answer = await nobody('GET', '/api/v1/mentors')
    expect(answer).toMatchObject(refusal(401, 'unauthenticated'))
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    const wrong = http(server, { token: 'eyJhbGciOiJub25lIn0.e30.' })
    expect(await wrong('POST', '/api/v1/mentors', { body: '{' })).toMatchObject(
      refusal(401, 'unauthenticated'),
    )
  })

  it('refuses the wrong person, who still sees what is there', async () => {
    const { id } = await issue()
    const asMentor = http(server, team.mentorUser)
    expect(
      await asMentor('POST', `/api/v1/certifications/${id}/suspend`, { body: { reason: 'x' } }),
    ).toMatchObject(refusal(403, 'forbidden', { state: 'valid', version: 1, allowed: [] }))
    expect(await asMentor('GET', `/api/v1/certifications/${id}`)).toMatchObject({
      status: 200,
      body: { data: { allowed: [] } },
    })
    expect(await asMentor('POST', '/api/v1/certifications', { body: aCertificate() })).toMatchObject(
      refusal(403, 'forbidden'),
    )
  })

  it('does not say that something is there to another organisation or coordinator', async () => {
    const { id } = await issue()
    const other = await aTeam(server)
    const colleague = await aUser(server, ['coordinator'], team.orgId)
    for (const stranger of [other.admin, other.coordinator, colleague]) {
      const ask = http(server, stranger)
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/journal'],
        ['GET', '/status'],
        ['POST', '/reinstate'],
        ['DELETE', ''],
      ] as const)
        expect([path, outcomeOf(await ask(method, `/api/v1/certifications/${id}${path}`))]).toEqual([
          path,
          '404 not_found',
        ])
      expect(await ask('GET', '/api/v1/certifications')).toMatchObject({ body: { data: { items: [] } } })
    }
    expect(await asAdmin('GET', `/api/v1/certifications/${randomUUID()}`)).toMatchObject(
      refusal(404, 'not_found'),
    )
  })

  it('counts the calls of one user over sockets and REST together', async () => {
    const limited = await aServer({ requestsPerMinute: 5 })
    const person = await aUser(limited, ['student'])
    const client = await connect(limited, person)
    for (let call = 0; call < 3; call++) expect((await client.call('mentors.list')).ok).toBe(true)
    const ask = http(limited, person)
    expect((await ask('GET', '/api/v1/mentors')).status).toBe(200)
    expect((await ask('GET', '/api/v1/mentors')).status).toBe(200)
    const refused = await ask('GET', '/api/v1/mentors')
    expect(refused).toMatchObject(refusal(429, 'rate_limited', { retryAfterMs: expect.any(Number) }))
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await client.call('mentors.list')).toMatchObject({ ok: false, error: { code: 'rate_limited' } })
  })
})

describe('headers', () => {
  it('Idempotency-Key makes a retry safe', async () => {
    const request = { body: aCertificate(), headers: { 'idempotency-key': randomUUID() } }
    const first = await asCoordinator('POST', '/api/v1/certifications', request)
    const again = await asCoordinator('POST', '/api/v1/certifications', request)
    expect(again.status).toBe(201)
    expect(again.body.data).toEqual(first.body.data)

    const { id } = first.body.data
    const suspend = { body: { reason: 'x' }, headers: { 'idempotency-key': randomUUID() } }
    const path = `/api/v1/certifications/${id}/suspend`
    expect((await asCoordinator('POST', path, suspend)).body.data).toMatchObject({ version: 2 })
    expect((await asCoordinator('POST', path, suspend)).body.data).toMatchObject({ version: 2 })
    expect(await asCoordinator('POST', path, { ...suspend, body: { reason: 'y' } })).toMatchObject(
      refusal(409, 'command_id_reused'),
    )
    expect(
      await asCoordinator('POST', path, { body: { reason: 'x' }, headers: { 'idempotency-key': 'x' } }),
    ).toMatchObject(refusal(400, 'invalid_input', { details: [{ path: ['Idempotency-Key'] }] }))
  })

  it('If-Match refuses when the actor has moved on', async () => {
    const { id } = await issue()
    const path = `/api/v1/certifications/${id}`
    const { headers } = await asCoordinator('GET', path)
    const match = { 'if-match': headers.get('etag')! }
    const suspend = { body: { reason: 'x' }, headers: match }
    const done = await asCoordinator('POST', `${path}/suspend`, suspend)
    expect([done.status, done.headers.get('etag')]).toEqual([200, '"2"'])
    expect(await asCoordinator('POST', `${path}/reinstate`, { headers: match })).toMatchObject(
      refusal(412, 'version_conflict', { version: 2, state: 'suspended', allowed: ['reinstate'] }),
    )
    for (const wrong of ['7', 'W/"2"', '"0"', '"2", "3"'])
      expect(
        await asCoordinator('POST', `${path}/reinstate`, { headers: { 'if-match': wrong } }),
      ).toMatchObject(refusal(400, 'invalid_input'))
    expect(await asCoordinator('POST', `${path}/reinstate`, { headers: { 'if-match': '*' } })).toMatchObject({
      status: 200,
    })
  })

  it('name the request, and forbid to keep the answer', async () => {
    const { headers } = await asCoordinator('GET', '/api/v1/mentors')
    expect(headers.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect((await asAdmin('GET', '/api/v1/nowhere')).headers.get('x-correlation-id')).toBeTruthy()
  })
})

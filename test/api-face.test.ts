import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TAKEN_PATHS } from '../src/config.ts'
import packageJson from '../package.json' with { type: 'json' }
import { http, refusal, type Http } from './support/http.ts'
import { aServer, aUser, connect, type TestServer } from './support/server.ts'

const BASE = '/tutorcatalog-api'

let server: TestServer
let nobody: Http
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({ basePath: BASE }, (end) => ends.unshift(end))
  nobody = http(server)
})
afterAll(async () => {
  for (const end of ends) await end()
})

const without = { redirect: 'manual' } as const

describe.each([
  ['as it is', ''],
  ['S2.4 below the base path', BASE],
])('%s', (_, base) => {
  it('S2.3 / says what this is and where things are, to programs', async () => {
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.9', '']) {
      const { status, body, headers } = await nobody('GET', `${base}/`, { headers: { accept } })
      expect([accept, status]).toEqual([accept, 200])
      expect(body.data).toMatchObject({ name: 'Laurel', version: packageJson.version })
      expect(headers.get('vary')).toContain('accept')
      for (const path of Object.values<string>(body.data.links)) {
        expect(path.startsWith(`${base}/`)).toBe(true)
        expect([path, (await nobody('GET', path)).status]).toEqual([
          path,
          path.endsWith('/currentuser') ? 401 : 200,
        ])
      }
    }
  })

  it('S2.3 / is a page for people, with the same places', async () => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
    const { headers, body } = await nobody('GET', `${base}/`, { headers: { accept } })
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(body).toContain('<html lang="en">')
    expect(body).toContain(`<a href="${base}/docs">`)
    expect(body).not.toMatch(/<script|https?:/)
  })

  it('S2.3 /swagger leads to the documents', async () => {
    const answer = await fetch(`${server.url}${base}/swagger`, without)
    expect([answer.status, answer.headers.get('location')]).toEqual([302, `${base}/docs`])
    expect((await nobody('GET', `${base}/swagger`)).body).toContain('openapi.json')
    const { body } = await nobody('GET', `${base}/docs/openapi.json`)
    expect(body.servers).toEqual([{ url: base || '/' }])
  })

  it('S2.3 /getPostmanCollection has every operation, with an address that works', async () => {
    const { status, body, headers } = await nobody('GET', `${base}/getPostmanCollection`)
    expect(status).toBe(200)
    expect(headers.get('content-disposition')).toContain('postman_collection.json')
    const baseUrl = body.variable.find(({ key }: { key: string }) => key === 'baseUrl').value
    expect(baseUrl).toBe(server.url + base)
    expect((await fetch(`${baseUrl}/health`)).status).toBe(200)
  })

  it('S2.3 /currentuser is the sign-in, and 401 without one', async () => {
    const person = await aUser(server, ['instructor', 'student'])
    const asPerson = http(server, person)
    const { status, body, headers } = await asPerson('GET', `${base}/currentuser`)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body.data).toMatchObject({
      userId: person.id,
      orgId: server.defaultOrgId,
      email: person.email,
      roles: ['instructor', 'student'],
      sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      expiresAt: expect.stringMatching(/Z$/),
    })
    expect(JSON.stringify(body)).not.toContain(person.token)
    expect(await nobody('GET', `${base}/currentuser`)).toMatchObject(refusal(401, 'unauthenticated'))
    expect((await asPerson('POST', '/api/auth/user/logout')).status).toBe(200)
    expect(await asPerson('GET', `${base}/currentuser`)).toMatchObject(refusal(401, 'unauthenticated'))
  })

  it('S2.3 /admin/health is for administrators', async () => {
    const admin = await aUser(server, ['admin'])
    const { status, body } = await http(server, admin)('GET', `${base}/admin/health`)
    expect(status).toBe(200)
    expect(body.data).toMatchObject({
      ready: true,
      checks: { database: 'ok', migrations: 'ok' },
      database: process.env['LAUREL_TEST_DATABASE'],
      versions: { laurel: packageJson.version, node: process.versions.node },
    })
    expect(await nobody('GET', `${base}/admin/health`)).toMatchObject(refusal(401, 'unauthenticated'))
    const coordinator = await aUser(server, ['coordinator', 'csm'])
    expect(await http(server, coordinator)('GET', `${base}/admin/health`)).toMatchObject(
      refusal(403, 'forbidden'),
    )
  })

  it('S2.3 /favicon.ico is an icon', async () => {
    const answer = await fetch(`${server.url}${base}/favicon.ico`)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/x-icon'])
    const bytes = Buffer.from(await answer.arrayBuffer())
    // One picture of 16 by 16, which is as long as its directory says.
    expect([...bytes.subarray(0, 8)]).toEqual([0, 0, 1, 0, 1, 0, 16, 16])
    expect(bytes.length).toBe(bytes.readUInt32LE(14) + bytes.readUInt32LE(18))
  })
})

describe('S2.4 the base path', () => {
  it('is no other address, and says with a 201 where it was asked', async () => {
    const admin = await aUser(server, ['admin'])
    const asAdmin = http(server, admin)
    const create = (base: string, name: string) =>
      asAdmin('POST', `${base}/v1/coursecategories`, { body: { name } })
    const below = await create(BASE, 'Below')
    expect([below.status, below.headers.get('location')]).toEqual([
      201,
      `${BASE}/v1/coursecategories/${below.body.data.id}`,
    ])
    const plain = await create('', 'Plain')
    expect(plain.headers.get('location')).toBe(`/v1/coursecategories/${plain.body.data.id}`)
    const found = await nobody('GET', below.headers.get('location')!)
    expect(found.body.data).toMatchObject({ name: 'Below' })
    expect((await nobody('GET', `${BASE}/v1/coursecategories?name=Plain`)).body.data.items).toHaveLength(1)
  })

  it('matches whole parts only, and the root without its slash', async () => {
    expect((await nobody('GET', BASE)).body.data.name).toBe('Laurel')
    expect((await nobody('GET', `${BASE}?x=1`)).body.data.links.docs).toBe(`${BASE}/docs`)
    for (const path of [`${BASE}x/health`, `${BASE}x`, `/x${BASE}/health`, `${BASE}${BASE}/health`])
      expect([path, (await nobody('GET', path)).status]).toEqual([path, 404])
    expect((await fetch(`${server.url}${BASE}//example.test`, without)).status).toBe(404)
  })

  it('is none by default, and leaves sockets where they are', async () => {
    const plain = await aServer()
    expect((await http(plain)('GET', `${BASE}/health`)).status).toBe(404)
    const person = await aUser(server, ['student'])
    expect((await connect(server, person)).socket.connected).toBe(true)
  })

  it('cannot hide what the server has itself', async () => {
    const { body } = await nobody('GET', '/docs/openapi.json')
    const firsts = Object.keys(body.paths).map((path) => path.split('/')[1]!)
    for (const first of new Set(firsts)) if (first) expect([...TAKEN_PATHS]).toContain(first)
  })
})

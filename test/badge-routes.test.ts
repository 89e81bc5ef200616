import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { aBadgeTeam, aDefinition, PATIENCE, quiet } from './support/badge-scene.ts'
import { http, outcomeOf, refusal } from './support/http.ts'
import { aServer, aTeam, aUser, type Person, headOf, type TestServer } from './support/server.ts'

const BASE = '/api/v1/earned-badges'

let server: TestServer
let team: Awaited<ReturnType<typeof aBadgeTeam>>
let definitionId: string
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})
beforeEach(async () => {
  team = await aBadgeTeam(server)
  definitionId = await aDefinition(team.boss)
})

const as = (person: { token: string }) => http(server, person)
const wish = (fields: object = {}) => ({
  badge_definition_id: definitionId,
  peer_mentor_id: team.mentorId,
  ...fields,
})
const award = (fields: object = {}, person: { token: string } = team.admin) =>
  as(person)('POST', BASE, { body: wish(fields) })
const idsOf = ({ body }: { body: { data: { items: { id: string }[] } } }) =>
  body.data.items.map(({ id }) => id)

it('S1.17 POST /earned-badges answers 201 at first, and 200 with the same badge afterwards', async () => {
  const first = await award()
  expect(first).toMatchObject({
    status: 201,
    body: {
      status: 'success',
      data: {
        badge_definition_id: definitionId,
        peer_mentor_id: team.mentorId,
        organization_id: team.orgId,
        earned_at: expect.any(String) as unknown,
        awarded_by: 'admin',
        notification_sent: false,
        revoked_at: null,
        revoke_reason: null,
      },
    },
  })
  const { id, earned_at } = first.body.data
  expect(first.headers.get('location')).toBe(`${BASE}/${id}`)
  const system = await aUser(server, ['system'], team.orgId)
  for (const again of [
    await award(),
    await award({}, system),
    await award({ peer_mentor_id: team.mentorUser.id }),
  ]) {
    expect(again).toMatchObject({ status: 200, body: { data: { id, earned_at, awarded_by: 'admin' } } })
    expect(again.headers.get('location')).toBe(`${BASE}/${id}`)
  }
  const twenty = await Promise.all(Array.from({ length: 20 }, () => award({ peer_mentor_id: team.admin.id })))
  expect(twenty.filter(({ status }) => status === 201)).toHaveLength(1)
  expect(twenty.filter(({ status }) => status === 200)).toHaveLength(19)
  expect(new Set(twenty.map(({ body }) => body.data.id)).size).toBe(1)
})

it('S1.17 the same Idempotency-Key gets the same answer, and another payload none', async () => {
  const headers = { 'idempotency-key': randomUUID() }
  const send = (body: object) => as(team.admin)('POST', BASE, { body, headers })
  const first = await send(wish())
  const again = await send(wish())
  expect([first.status, again.body.data]).toEqual([201, first.body.data])
  expect(outcomeOf(await send(wish({ peer_mentor_id: team.admin.id })))).toBe('409 command_id_reused')
})

it('S1.17 refuses whoever may not, and what makes no sense; and writes nothing', async () => {
  const elsewhere = await aTeam(server)
  await quiet(server)
  const before = await headOf(server)
  for (const person of [team.mentorUser, team.coordinator])
    expect(await award({}, person)).toMatchObject(refusal(403, 'forbidden'))
  expect(await http(server)('POST', BASE, { body: wish() })).toMatchObject(refusal(401, 'unauthenticated'))
  expect(await award({}, elsewhere.admin)).toMatchObject(refusal(404, 'not_found'))
  expect(await award({ peer_mentor_id: elsewhere.mentorId })).toMatchObject(refusal(404, 'not_found'))
  expect(await award({ badge_definition_id: randomUUID() })).toMatchObject(refusal(404, 'not_found'))
  for (const fields of [
    { peer_mentor_id: undefined },
    { badge_definition_id: 'helper' },
    { peer_mentor_id: [team.mentorId] },
    { earned_at: '2020-01-01T00:00:00.000Z' },
    { awarded_by: 'system' },
    { commandId: randomUUID() },
  ])
    expect([fields, await award(fields)]).toMatchObject([fields, refusal(400, 'invalid_input')])
  expect(outcomeOf(await as(team.admin)('POST', BASE))).toBe('400 invalid_input')
  expect(outcomeOf(await as(team.admin)('POST', BASE, { body: '{"badge' }))).toMatch(/^400 /)
  expect(await headOf(server)).toBe(before)
  const draft = await aDefinition(team.boss, { activated: false })
  expect(await award({ badge_definition_id: draft })).toMatchObject(refusal(409, 'not_active'))
})

it('S1.15 GET /earned-badges lists page by page what the caller may see', async () => {
  const more = await Promise.all([aDefinition(team.boss), aDefinition(team.boss)])
  const ids: string[] = []
  for (const badge_definition_id of [definitionId, ...more]) {
    ids.push((await award({ badge_definition_id })).body.data.id)
    server.clock.advance(5)
  }
  for (const person of [team.admin, team.coordinator, team.mentorUser]) {
    const first = await as(person)('GET', `${BASE}?limit=2`)
    expect(idsOf(first)).toEqual(ids.slice(0, 2))
    const second = await as(person)('GET', `${BASE}?limit=2&after=${first.body.data.next}`)
    expect(idsOf(second)).toEqual(ids.slice(2))
    expect(second.body.data.next).toBeUndefined()
  }
  const get = as(team.admin)
  expect(idsOf(await get('GET', `${BASE}?badge_definition_id=${definitionId}`))).toEqual(ids.slice(0, 1))
  expect(idsOf(await get('GET', `${BASE}?peer_mentor_id=${team.mentorId}`))).toEqual(ids)
  expect(idsOf(await get('GET', `${BASE}?peer_mentor_id=${team.admin.id}`))).toEqual([])
  const nobody = await aUser(server, ['peer_mentor'], team.orgId)
  const elsewhere = await aTeam(server)
  for (const person of [nobody, elsewhere.admin] as Person[])
    expect(idsOf(await as(person)('GET', BASE))).toEqual([])
  for (const query of ['limit=0', 'limit=201', 'peer_mentor_id=me', 'mentor=x', 'limit=1&limit=2'])
    expect([query, outcomeOf(await get('GET', `${BASE}?${query}`))]).toEqual([query, '400 invalid_input'])
})

it('S1.16 GET /earned-badges/:id shows one, and that the mentor has been notified', async () => {
  const { id } = (await award()).body.data
  await vi.waitFor(async () => {
    expect(await as(team.mentorUser)('GET', `${BASE}/${id}`)).toMatchObject({
      status: 200,
      body: { data: { id, notification_sent: true } },
    })
  }, PATIENCE)
  const elsewhere = await aTeam(server)
  const unknown = await as(team.admin)('GET', `${BASE}/${randomUUID()}`)
  expect(unknown).toMatchObject(refusal(404, 'not_found'))
  expect(await as(elsewhere.admin)('GET', `${BASE}/${id}`)).toMatchObject({
    status: 404,
    body: { error: unknown.body.error },
  })
  expect(outcomeOf(await as(team.admin)('GET', `${BASE}/first`))).toBe('400 invalid_input')
})

describe('S1.18 C30 DELETE /earned-badges/:id', () => {
  it('C9 revokes with a reason; the record stays, and the list hides it', async () => {
    const { id } = (await award()).body.data
    const gone = await as(team.admin)('DELETE', `${BASE}/${id}`, { body: { reason: 'by mistake' } })
    expect(gone).toMatchObject({
      status: 200,
      body: { data: { id, revoke_reason: 'by mistake', revoked_at: expect.any(String) as unknown } },
    })
    expect(idsOf(await as(team.admin)('GET', BASE))).toEqual([])
    expect(await as(team.mentorUser)('GET', `${BASE}/${id}`)).toMatchObject({
      body: { data: { revoke_reason: 'by mistake' } },
    })
    expect(outcomeOf(await as(team.admin)('DELETE', `${BASE}/${id}`))).toBe('409 not_allowed_in_state')
    // C10
    const again = await award()
    expect([again.status, again.body.data.id === id]).toEqual([201, false])
  })

  it('takes the reason from the address, too, and does without', async () => {
    const first = (await award()).body.data
    const byAddress = await as(team.admin)('DELETE', `${BASE}/${first.id}?reason=left`)
    expect(byAddress.body.data.revoke_reason).toBe('left')
    const second = (await award()).body.data
    const system = await aUser(server, ['system'], team.orgId)
    const without = await as(system)('DELETE', `${BASE}/${second.id}`)
    expect([without.status, without.body.data.revoke_reason]).toEqual([200, 'deleted'])
  })

  it('is for administrators and the system; mentors never', async () => {
    const { id } = (await award()).body.data
    const path = `${BASE}/${id}`
    for (const person of [team.mentorUser, team.coordinator, await aUser(server, ['csm'], team.orgId)])
      expect(outcomeOf(await as(person)('DELETE', path))).toBe('403 forbidden')
    for (const person of [await aUser(server, ['peer_mentor'], team.orgId), (await aTeam(server)).admin])
      expect(outcomeOf(await as(person)('DELETE', path))).toBe('404 not_found')
    for (const body of [{ reason: '' }, { reason: 'x'.repeat(501) }, { why: 'x' }, { reason: 5 }])
      expect(outcomeOf(await as(team.admin)('DELETE', path, { body }))).toBe('400 invalid_input')
    expect(await as(team.admin)('GET', path)).toMatchObject({ body: { data: { revoked_at: null } } })
  })
})

it('S1.19 GET /earned-badges/check says whether somebody has a badge', async () => {
  const path = (peerMentorId = team.mentorId) =>
    `${BASE}/check?badge_definition_id=${definitionId}&peer_mentor_id=${peerMentorId}`
  const check = async (person: Person, peerMentorId?: string) =>
    (await as(person)('GET', path(peerMentorId))).body.data
  const none = { exists: false, earned_badge_id: null }
  expect(await check(team.admin)).toEqual(none)
  const { id } = (await award()).body.data
  const has = { exists: true, earned_badge_id: id }
  for (const person of [team.admin, team.coordinator, team.mentorUser]) {
    expect(await check(person)).toEqual(has)
    expect(await check(person, team.mentorUser.id)).toEqual(has)
  }
  expect(await check((await aTeam(server)).admin)).toEqual(none)
  await as(team.admin)('DELETE', `${BASE}/${id}`)
  expect(await check(team.admin)).toEqual(none)
  for (const query of ['', `?badge_definition_id=${definitionId}`, '?badge_definition_id=x&peer_mentor_id=y'])
    expect(outcomeOf(await as(team.admin)('GET', `${BASE}/check${query}`))).toBe('400 invalid_input')
  expect(outcomeOf(await http(server)('GET', path()))).toBe('401 unauthenticated')
})

import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { days } from './support/clock.ts'
import { http, outcomeOf, refusal } from './support/http.ts'
import { restScene, type RestScene } from './support/rest-scene.ts'
import { signIn } from './support/server.ts'

const BASE = '/api/v1/certifications'

let server: RestScene['server']
let team: RestScene['team']
let asAdmin: RestScene['asAdmin']
let asCoordinator: RestScene['asCoordinator']

restScene((scene) => {
  ;({ server, team, asAdmin, asCoordinator } = scene)
})

const issue = async (certType = 'first_aid', validDays = 100) => {
  const { mentorId } = team
  const expiresAt = server.clock.at(days(validDays))
  const body = { mentorId, certType, issuedAt: server.clock.at(), expiresAt }
  const answer = await asCoordinator('POST', BASE, { body })
  expect(answer.status).toBe(201)
  return answer.body.data.view as { id: string; issuedAt: string; expiresAt: string }
}

const idsOf = ({ body }: { body: { data: { items: { id: string }[] } } }) =>
  body.data.items.map(({ id }) => id).toSorted()

it('S0.13 lists certifications page by page, without the revoked ones', async () => {
  const all = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((type) => issue(type)))
  const ids = all.map(({ id }) => id).toSorted()
  for (const id of ids.slice(0, 3)) expect((await asAdmin('DELETE', `${BASE}/${id}`)).status).toBe(200)
  const left = ids.slice(3)

  expect(idsOf(await asCoordinator('GET', BASE))).toEqual(left)
  const first = await asCoordinator('GET', `${BASE}?limit=2`)
  expect(idsOf(first)).toEqual(left.slice(0, 2))
  const second = await asCoordinator('GET', `${BASE}?limit=2&after=${first.body.data.next}`)
  expect(idsOf(second)).toEqual(left.slice(2))
  expect(second.body.data.next).toBeUndefined()

  expect(idsOf(await asCoordinator('GET', `${BASE}?status=revoked`))).toEqual(ids.slice(0, 3))
  expect(await asCoordinator('GET', `${BASE}?status=expiring-soon`)).toMatchObject({
    status: 200,
    body: { data: { items: [] } },
  })
  expect(await asCoordinator('GET', `${BASE}?status=lost`)).toMatchObject(refusal(400, 'invalid_input'))
  expect(await asCoordinator('GET', `${BASE}?limit=1000`)).toMatchObject(refusal(400, 'invalid_input'))
})

it('S0.14 shows one certification, and 404 when there is none', async () => {
  const { id } = await issue()
  expect(await asCoordinator('GET', `${BASE}/${id}`)).toMatchObject({
    status: 200,
    body: { status: 'success', data: { id, view: { id, certType: 'first_aid', status: 'valid' } } },
  })
  expect(await asCoordinator('GET', `${BASE}/${randomUUID()}`)).toMatchObject(refusal(404, 'not_found'))
})

it('S0.15 creates a certification: 201', async () => {
  const { mentorId } = team
  const certificate = {
    mentorId,
    certType: 'first_aid',
    issuedAt: server.clock.at(),
    expiresAt: server.clock.at(days(10)),
  }
  expect(await asCoordinator('POST', BASE, { body: certificate })).toMatchObject({
    status: 201,
    body: { data: { version: 1, view: certificate } },
  })
  expect(
    await asCoordinator('POST', BASE, { body: { ...certificate, expiresAt: certificate.issuedAt } }),
  ).toMatchObject(refusal(400, 'invalid_input', { details: [{ path: ['expiresAt'] }] }))
})

it('S0.16 PUT with new dates is a renewal, which appends to the history', async () => {
  const { id, issuedAt, expiresAt } = await issue()
  const dates = { issuedAt: server.clock.at(), expiresAt: server.clock.at(days(400)) }
  expect(await asCoordinator('PUT', `${BASE}/${id}`, { body: { ...dates, notes: 'in time' } })).toMatchObject(
    {
      status: 200,
      body: {
        data: {
          version: 2,
          view: {
            ...dates,
            renewalCount: 1,
            renewals: [
              {
                previousIssuedAt: issuedAt,
                previousExpiresAt: expiresAt,
                renewedBy: team.coordinator.id,
                notes: 'in time',
              },
            ],
          },
        },
      },
    },
  )
})

it('S0.16 PUT of anything else is a correction, which leaves the history alone', async () => {
  const { id } = await issue()
  const body = { certType: 'cpr', reason: 'typing error' }
  expect(await asAdmin('PUT', `${BASE}/${id}`, { body })).toMatchObject({
    status: 200,
    body: { data: { view: { certType: 'cpr', renewalCount: 0 } } },
  })
  expect(await asCoordinator('PUT', `${BASE}/${id}`, { body })).toMatchObject(refusal(403, 'forbidden'))
})

it('C43 PUT of a renewal and a correction at once is refused, and so is half of either', async () => {
  const { id } = await issue()
  const dates = { issuedAt: server.clock.at(), expiresAt: server.clock.at(days(400)) }
  for (const body of [
    { ...dates, certType: 'cpr' },
    { ...dates, reason: 'x' },
    { ...dates, certType: 'cpr', reason: 'x' },
    { notes: 'x', reason: 'x' },
    { notes: 'x', expiresAt: dates.expiresAt },
    { certType: 'cpr' },
    { expiresAt: dates.expiresAt },
    {},
    [],
  ])
    expect([body, outcomeOf(await asAdmin('PUT', `${BASE}/${id}`, { body }))]).toEqual([
      body,
      '400 invalid_input',
    ])
  expect((await asAdmin('GET', `${BASE}/${id}`)).body.data.version).toBe(1)
})

it('S0.17 DELETE revokes and keeps the record', async () => {
  const { id } = await issue()
  expect(await asCoordinator('DELETE', `${BASE}/${id}`)).toMatchObject(refusal(403, 'forbidden'))
  expect(await asAdmin('DELETE', `${BASE}/${id}?reason=forged`)).toMatchObject({
    status: 200,
    body: { data: { view: { status: 'revoked', revokedReason: 'forged' } } },
  })
  expect(idsOf(await asAdmin('GET', BASE))).not.toContain(id)
  expect(await asAdmin('GET', `${BASE}/${id}`)).toMatchObject({ status: 200 })
  expect(await asAdmin('GET', `${BASE}/${id}/journal`)).toMatchObject({
    body: { data: { items: [{ type: 'issue' }, { type: 'revoke', by: team.admin.id }] } },
  })
  expect(await asAdmin('DELETE', `${BASE}/${id}`)).toMatchObject(refusal(409, 'not_allowed_in_state'))

  const reasons = await Promise.all([
    asAdmin('DELETE', `${BASE}/${(await issue('b')).id}`),
    asAdmin('DELETE', `${BASE}/${(await issue('c')).id}`, { body: { reason: 'lost' } }),
  ])
  expect(reasons.map(({ body }) => body.data.view.revokedReason)).toEqual(['deleted', 'lost'])
  const { id: kept } = await issue('d')
  for (const query of ['?reson=x', '?reason=x&reason=y'])
    expect(await asAdmin('DELETE', `${BASE}/${kept}${query}`)).toMatchObject(refusal(400, 'invalid_input'))
})

it('S0.18 shows the status that the dates give at this moment', async () => {
  const { id } = await issue('first_aid', 100)
  const status = async () => {
    // By then the token of before has ended.
    const ask = http(server, await signIn(server, team.admin.email))
    return (await ask('GET', `${BASE}/${id}/status`)).body.data.status
  }
  expect(await status()).toBe('valid')
  server.clock.advance(days(71))
  expect(await status()).toBe('expiring-soon')
  server.clock.advance(days(29))
  expect(await status()).toBe('expired')
  await http(server, await signIn(server, team.admin.email))('DELETE', `${BASE}/${id}`)
  expect(await status()).toBe('revoked')
})

it('S0.19 lists what expires within so many days', async () => {
  const soon = await issue('first_aid', 10)
  await issue('cpr', 100)
  const path = `${BASE}/expiring?coordinatorId=${team.coordinator.id}&withinDays=30`
  expect(idsOf(await asCoordinator('GET', path))).toEqual([soon.id])
  expect(idsOf(await asCoordinator('GET', `${BASE}/expiring?withinDays=5`))).toEqual([])
})

it('S0.19 records a renewal: 201', async () => {
  const { id } = await issue()
  const body = { issuedAt: server.clock.at(), expiresAt: server.clock.at(days(300)) }
  expect(await asCoordinator('POST', `${BASE}/${id}/renewals`, { body })).toMatchObject({
    status: 201,
    body: { data: { version: 2, view: { ...body, renewalCount: 1 } } },
  })
  expect(await asCoordinator('POST', `${BASE}/${id}/renewals`, { body: {} })).toMatchObject(
    refusal(400, 'invalid_input'),
  )
})

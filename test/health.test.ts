import { expect, it } from 'vitest'
import { http, refusal } from './support/http.ts'
import { aServer, aTeam, aUser } from './support/server.ts'

it('answers that it is alive and ready', async () => {
  const server = await aServer()
  const ask = http(server)
  expect(await ask('GET', '/health')).toMatchObject({ status: 200, body: { data: { alive: true } } })
  expect(await ask('GET', '/ready')).toMatchObject({
    status: 200,
    body: { data: { checks: { database: 'ok', migrations: 'ok' } } },
  })
})

it('is not ready while it shuts down, and not without its database or migrations', async () => {
  const server = await aServer()
  const ask = http(server)
  await server.database.sql.query({
    name: 'turn_back',
    text: `delete from migration where name = '0004-mentor'`,
  })
  expect(await ask('GET', '/ready')).toMatchObject(
    refusal(503, 'overloaded', { details: { database: 'ok', migrations: '1 not applied' } }),
  )
  const closed = server.close()
  expect(await ask('GET', '/ready')).toMatchObject(refusal(503, 'shutting_down'))
  await closed
})

it('says nothing about why the database does not answer', async () => {
  const server = await aServer()
  await server.database.sql.query({ name: 'break', text: 'alter table migration rename to broken' })
  const answer = await http(server)('GET', '/ready')
  await server.database.sql.query({ name: 'mend', text: 'alter table broken rename to migration' })
  expect(answer).toMatchObject(refusal(503, 'overloaded', { details: { migrations: 'does not answer' } }))
  expect(JSON.stringify(answer.body)).not.toContain('relation')
})

it('counts turns, refusals, sockets and topics', async () => {
  const server = await aServer()
  const { admin, mentorId, adminClient } = await aTeam(server)
  await adminClient.subscribe({ topics: [`mentor:${mentorId}`] })
  const ask = http(server, admin)
  await ask('POST', `/api/v1/mentors/${mentorId}/pause`, { body: { reason: 'x' } })
  await ask('POST', `/api/v1/mentors/${mentorId}/pause`, { body: { reason: 'x' } })
  const { status, body, headers } = await http(server)('GET', '/metrics')
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')])
  for (const line of [
    'laurel_turns_total 2',
    'laurel_events_total{type="mentor.registered"} 1',
    'laurel_batch_turns_count 2',
    'laurel_refusals_total{code="already_held"} 1',
    'laurel_sockets 1',
    'laurel_subscribed_topics 1',
    'laurel_in_flight_messages 0',
    'laurel_effects_dead_total{lane="tell"} 0',
  ])
    expect(body.split('\n')).toContain(line)
  for (const name of ['laurel_journal_repairs_total', 'nodejs_eventloop_lag_seconds'])
    expect(body).toContain(`\n${name} `)
})

it('shows numbers to this machine and to administrators only', async () => {
  const server = await aServer()
  const admin = await aUser(server, ['admin'])
  const student = await aUser(server, ['student'])
  // As a proxy on this machine would ask.
  const headers = { 'x-forwarded-for': '198.51.100.7' }
  expect(await http(server)('GET', '/metrics', { headers })).toMatchObject(refusal(401, 'unauthenticated'))
  expect(await http(server, student)('GET', '/metrics', { headers })).toMatchObject(refusal(403, 'forbidden'))
  expect((await http(server, admin)('GET', '/metrics', { headers })).status).toBe(200)
})

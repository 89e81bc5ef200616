import { expect, it } from 'vitest'
import { aServer, aTeam, connect } from './support/server.ts'

const MINUTE = 60_000

it('pushes the expiry of a certification to the coordinator, and holds the mentor', async () => {
  const server = await aServer()
  const { coordinator, mentorId } = await aTeam(server)
  const client = await connect(server, coordinator)
  const topic = `coordinator:${coordinator.id}`
  expect(await client.subscribe({ topics: [topic] })).toMatchObject({
    ok: true,
    data: { topics: [{ topic }] },
  })

  const issued = await client.call('certifications.issue', {
    mentorId,
    certType: 'first_aid',
    issuedAt: server.clock.at(),
    expiresAt: server.clock.at(10 * MINUTE),
  })
  expect(issued).toMatchObject({ ok: true, state: 'expiringSoon', version: 1 })

  server.clock.advance(10 * MINUTE)
  const expired = await client.next('certification.expired')
  expect(expired).toMatchObject({
    topic,
    actor: { id: issued.id },
    state: 'expired',
    at: issued.data.expiresAt,
  })
  expect(await client.next('mentor.held')).toMatchObject({ actor: { id: mentorId }, view: { active: false } })
})

import { expect, it } from 'vitest'
import { days } from './support/clock.ts'
import { aServer, aTeam, connect } from './support/server.ts'

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
    expiresAt: server.clock.at(days(100)),
  })
  expect(issued).toMatchObject({ ok: true, state: 'valid', version: 1 })

  server.clock.advance(days(100))
  const expired = await client.next('certification.expired')
  expect(expired).toMatchObject({
    topic,
    actor: { id: issued.id },
    state: 'expired',
    at: issued.data.expiresAt,
  })
  expect(await client.next('mentor.held')).toMatchObject({ actor: { id: mentorId }, view: { active: false } })
})

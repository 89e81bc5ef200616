import { describe, expect, it, vi } from 'vitest'
import { notificationScene, PATIENCE } from './support/notification-scene.ts'
import { aTeam, connect } from './support/server.ts'

const scene = notificationScene()
const { call, mailsTo } = scene
const DAY = 24 * 60 * 60_000

describe('S4.17 a mentor is told of a certification', () => {
  it('S0.23 before it expires, when it has, and when it is suspended, reinstated and revoked: each once', async () => {
    const server = scene.server()
    const { coordinator, mentorUser, mentorId, adminClient: live } = await aTeam(server)
    const desk = await connect(server, coordinator)
    const issue = async (certType: string, expiresInMs: number): Promise<string> => {
      const dates = { issuedAt: server.clock.at(), expiresAt: server.clock.at(expiresInMs) }
      const { id } = await call({ live: desk }, 'certifications.issue', { mentorId, certType, ...dates })
      return id
    }
    // In the window of the last reminder, a second from its end.
    await issue('first_aid', 7 * DAY + 1_000)
    const id = await issue('night_shift', 300 * DAY)
    await call({ live }, 'certifications.suspend', { id, reason: 'looked at' })
    await call({ live }, 'certifications.reinstate', { id })
    await call({ live }, 'certifications.revoke', { id, reason: 'fraud' })
    const subjects = () => mailsTo(mentorUser.email).map(({ headers }) => headers['subject']!)
    const told = (...wanted: string[]) =>
      vi.waitFor(() => expect(subjects().toSorted()).toEqual(wanted.toSorted()), PATIENCE)
    const decisions = [
      'Your certificate is suspended: night shift',
      'Your certificate is valid again: night shift',
      'Your certificate was revoked: night shift',
    ]
    const reminder = 'Your certificate expires soon: first aid'
    await told(...decisions, reminder)
    server.clock.advance(8 * DAY)
    await told(...decisions, reminder, 'Your certificate has expired: first aid')
  })
})

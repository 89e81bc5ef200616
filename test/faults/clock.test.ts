import { expect, it, vi } from 'vitest'
import { days } from '../support/clock.ts'
import { aServer, aTeam } from '../support/server.ts'

const POLL = { timeout: 20_000, interval: 50 }

it('a timer of two years, which JavaScript cannot wait for, is kept, survives a restart, and fires at its instant', async () => {
  const first = await aServer()
  const { mentorId, adminClient } = await aTeam(first)
  const expiresAt = first.clock.at(days(730))
  const { id } = await adminClient.call('certifications.issue', {
    mentorId,
    certType: 'first_aid',
    issuedAt: first.clock.at(),
    expiresAt,
  })
  const server = await first.restart()
  const recorded = (type: string) =>
    server.database.sql.query<{ at: Date }>(
      {
        name: 'recorded',
        text: `select at from journal where actor_id = $1 and events @> jsonb_build_array(jsonb_build_object('type', $2::text))`,
      },
      [id, type],
    )
  const happens = (type: string) => vi.waitFor(async () => expect(await recorded(type)).toHaveLength(1), POLL)

  // Whatever is due within these days has fired when the last reminder has; nobody has expired by then.
  server.clock.advance(days(729))
  await happens('certification.expiringSoon')
  await vi.waitFor(async () => {
    const due = { name: 'overdue', text: 'select 1 from timer where due_at <= $1::timestamptz' }
    expect(await server.database.sql.query(due, [server.clock.at()])).toEqual([])
  }, POLL)
  expect(await recorded('certification.expired')).toEqual([])

  server.clock.advance(days(2))
  await happens('certification.expired')
  const [{ at }] = (await recorded('certification.expired')) as [{ at: Date }]
  expect(new Date(at).toISOString()).toBe(expiresAt)
})

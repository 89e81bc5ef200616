import { expect, it } from 'vitest'
import { aServer, aTeam, connect } from './support/server.ts'

/** What means something to PostgreSQL's arrays, to JSON or to SQL, and nothing in a sentence. */
const ODD = [
  'NULL',
  '{}',
  '{"a","b"}',
  '"',
  '\\',
  '\\"',
  String.raw`\n \u0041 \\`,
  'line\nbreak\ttab\rend',
  "'; drop table journal; --",
  'a,b, c',
  'two  blanks',
  '🎓 ماجستير – 学位',
  'a\u2028\u2029\u0001z',
  '$1 $rows $$',
]

it('text comes back as it was sent, live, from the journal and from the database', async () => {
  const server = await aServer()
  const { adminClient, admin, mentorId, orgId } = await aTeam(server)
  await adminClient.subscribe({ topics: [`org:${orgId}`] })
  for (const reason of ODD) {
    expect(await adminClient.call('mentors.pause', { id: mentorId, reason })).toMatchObject({ ok: true })
    expect(await adminClient.call('mentors.resume', { id: mentorId })).toMatchObject({ ok: true })
  }
  const last = { id: mentorId, reason: ODD.join('|') }
  expect(await adminClient.call('mentors.pause', last)).toMatchObject({ ok: true })
  await adminClient.next('mentor.held', ({ data }) => data.reason === last.reason)
  const reasons = ({ received }: typeof adminClient) =>
    received.filter(([name]) => name === 'mentor.held').map(([, { data }]) => data.reason as string)
  expect(reasons(adminClient)).toEqual([...ODD, last.reason])

  const again = await server.restart()
  const client = await connect(again, admin)
  await client.subscribe({ topics: [`org:${orgId}`], after: 0 })
  await client.next('mentor.held', ({ data }) => data.reason === last.reason)
  expect(reasons(client)).toEqual([...ODD, last.reason])
  const { data } = await client.call('mentors.get', { id: mentorId })
  expect(JSON.stringify(data)).toContain(JSON.stringify(last.reason).slice(1, -1))
})

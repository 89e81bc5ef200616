import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { days } from './support/clock.ts'
import { http } from './support/http.ts'
import { aServer, aTeam, connect, type TestServer } from './support/server.ts'

const onPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'

const textOf = async (server: TestServer): Promise<string> => {
  const { status, body } = await http(server)('GET', '/metrics')
  expect(status).toBe(200)
  return body
}

/** The value of every series, by its name with its labels. */
const valuesOf = async (server: TestServer): Promise<Record<string, number>> => {
  const lines = (await textOf(server)).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

/** `name type label,label`, as the document has it. */
const documented = (): string[] =>
  [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(laurel_\w+)` \| (\w+) \|([^|]*)\|/gm)]
    .map(([, name, type, labels]) => `${name} ${type} ${labels!.replaceAll(/[` ]/g, '')}`)
    .toSorted()

const aCertification = ({ clock }: TestServer, mentorId: string, changes: object = {}) => ({
  mentorId,
  certType: 'first_aid',
  issuedAt: clock.at(-days(1)),
  expiresAt: clock.at(days(100)),
  ...changes,
})

const anEffect = (server: TestServer, status: string, dueInMs: number) =>
  server.database.sql.query(
    {
      name: 'an_effect',
      text: `insert into effect (id, actor_type, actor_id, version, name, params, status, next_at, announced)
        values ($1, 'nobody', $2, 1, 'nothing', '{}', $3, $4, true)`,
    },
    [randomUUID(), randomUUID(), status, server.clock.at(dueInMs)],
  )

it('counts commits, mailboxes, subscriptions and what was delivered', async () => {
  const server = await aServer()
  const { mentorId, admin, adminClient } = await aTeam(server, [])
  const topics = [`mentor:${mentorId}`]
  await adminClient.subscribe({ topics })
  const batched = await connect(server, admin, '/mentors')
  await batched.subscribe({ topics, mode: 'batch', after: 0 })
  await adminClient.subscribe({ topics, after: 1_000_000 })
  await adminClient.subscribe({ topics })
  // More than one of these waits for the mentor when the first is decided.
  const calls = Array.from({ length: 10 }, (_, turn) =>
    turn % 2 === 0
      ? adminClient.call('mentors.pause', { id: mentorId, reason: 'x' })
      : adminClient.call('mentors.resume', { id: mentorId }),
  )
  const { position } = (await Promise.all(calls)).at(-1)
  await batched.next('events', ({ events }) => events.at(-1).position === position)
  await anEffect(server, 'pending', days(1))
  await anEffect(server, 'pending', -1)
  await anEffect(server, 'dead', 0)

  const first = await valuesOf(server)
  expect(first).toMatchObject({
    laurel_turns_total: first['laurel_batch_turns_sum'],
    laurel_commit_seconds_count: first['laurel_batch_turns_count'],
    laurel_commit_conflicts_total: 0,
    'laurel_connections{namespace="/live"}': 1,
    'laurel_connections{namespace="/mentors"}': 1,
    'laurel_connections{namespace="/payments"}': 0,
    laurel_sockets: 2,
    laurel_subscribed_topics: 2,
    'laurel_subscriptions{mode="each"}': 1,
    'laurel_subscriptions{mode="batch"}': 1,
    'laurel_resumes_total{outcome="snapshot"}': 2,
    'laurel_resumes_total{outcome="replayed"}': 1,
    'laurel_resumes_total{outcome="resync_required"}': 1,
    // One for each `after`: the page itself says whether it begins where the subscriber left off.
    laurel_catch_up_reads_total: 2,
    'laurel_effects{state="pending"}': 2,
    'laurel_effects{state="due"}': 1,
    'laurel_effects{state="dead"}': 1,
    laurel_timers_overdue: 0,
    'laurel_bus_batches_total{direction="received"}': 0,
    [`laurel_build_info{version="${packageJson.version}",node="${process.versions.node}"}`]: 1,
  })
  expect(first['laurel_mailbox_depth_max']).toBeGreaterThan(1)
  expect(first['laurel_mailbox_depth_sum']).toBeGreaterThanOrEqual(11)
  // Ten events for two namespaces: ten frames to one, fewer than ten to the other.
  expect(first['laurel_delivered_events_total']).toBe(20)
  expect(first['laurel_delivered_frames_total']).toBeGreaterThan(10)
  expect(first['laurel_delivered_frames_total']).toBeLessThanOrEqual(20)
  expect(first).not.toHaveProperty('laurel_redis_up')
  expect(first['laurel_database_connections{state="total"}'] ?? 0).toBeGreaterThanOrEqual(onPostgres ? 1 : 0)

  batched.socket.disconnect()
  await vi.waitFor(async () =>
    expect(await valuesOf(server)).toMatchObject({
      laurel_mailbox_depth_max: 0,
      laurel_sockets: 1,
      'laurel_subscriptions{mode="batch"}': 0,
    }),
  )
  const { nodejs_eventloop_lag_p99_seconds: lag } = await valuesOf(server)
  expect(lag).toBeGreaterThan(0)
})

it('counts how late timers were fired, and those that are overdue', async () => {
  const server = await aServer()
  const { mentorId, adminClient } = await aTeam(server)
  await adminClient.call('certifications.issue', aCertification(server, mentorId))
  // One that somebody has claimed and not fired.
  const claimed = `insert into timer (actor_type, actor_id, name, generation, due_at, claimed_until)
    values ('nobody', $1, 'never', 1, $2, '9999-01-01')`
  await server.database.sql.query({ name: 'a_timer', text: claimed }, [randomUUID(), server.clock.at(-1)])
  server.clock.advance(days(101))
  // By then the client's sign-in is over, too.
  await vi.waitFor(
    async () => expect((await valuesOf(server))['laurel_timers_fired_total']).toBeGreaterThan(0),
    { timeout: 20_000 },
  )
  const values = await valuesOf(server)
  expect(values['laurel_timers_overdue']).toBeGreaterThanOrEqual(1)
  expect(values['laurel_timers_late_seconds_count']).toBeGreaterThan(0)
  expect(values['laurel_timers_late_seconds_sum']).toBeGreaterThan(0)
})

it('says how far what counts towards badges is behind the journal', async () => {
  const followed = await aServer()
  await aTeam(followed)
  await vi.waitFor(
    async () => {
      const text = `select (head.position - cursor.position)::int as behind,
          (select count(*)::int from effect where status = 'pending') as effects
        from journal_head as head, journal_cursor as cursor`
      const [row] = await followed.database.sql.query({ name: 'test_behind', text })
      expect(row).toEqual({ behind: 0, effects: 0 })
    },
    { timeout: 20_000 },
  )
  const none = { laurel_facts_behind_positions: 0, laurel_facts_behind_seconds: 0 }
  expect(await valuesOf(followed)).toMatchObject(none)

  const alone = await aServer({ roles: new Set(['gateway']) })
  await aTeam(alone)
  const text = `insert into journal_cursor (name, position, holder, held_until)
    select 'badges', position - 1, gen_random_uuid(), now() from journal_head`
  await alone.database.sql.query({ name: 'test_cursor', text })
  const values = await valuesOf(alone)
  expect(values['laurel_facts_behind_positions']).toBe(1)
  expect(values['laurel_facts_behind_seconds']).toBeGreaterThan(0)
})

it('counts commits that the database refused', async () => {
  const server = await aServer()
  const { mentorId, adminClient } = await aTeam(server)
  const commandId = randomUUID()
  const issue = (certType: string) =>
    adminClient.call('certifications.issue', aCertification(server, mentorId, { commandId, certType }))
  expect(await issue('first_aid')).toMatchObject({ ok: true })
  expect(await issue('safeguarding')).toMatchObject({ ok: false, error: { code: 'command_id_reused' } })
  expect(await valuesOf(server)).toMatchObject({
    'laurel_commit_failures_total{kind="duplicate"}': 1,
    'laurel_refusals_total{code="command_id_reused"}': 1,
  })
})

it.runIf(onPostgres)('counts the races that were lost to another node', async () => {
  const server = await aServer()
  const { mentorId, admin, adminClient } = await aTeam(server)
  const other = await connect(await server.another(), admin)
  const { id } = await adminClient.call('certifications.issue', aCertification(server, mentorId))
  for (const client of [adminClient, other, adminClient])
    expect(
      await client.call('certifications.correct', { id, certType: randomUUID(), reason: 'x' }),
    ).toMatchObject({ ok: true })
  expect((await valuesOf(server))['laurel_commit_conflicts_total']).toBeGreaterThanOrEqual(1)
})

it('leaves out what only the database knows when it does not say so', async () => {
  const server = await aServer()
  await server.database.sql.query({ name: 'break', text: 'alter table effect rename to broken' })
  const values = await valuesOf(server)
  await server.database.sql.query({ name: 'mend', text: 'alter table broken rename to effect' })
  expect(values).toHaveProperty('laurel_turns_total')
  for (const name of ['laurel_effects{state="pending"}', 'laurel_timers_overdue'])
    expect(values).not.toHaveProperty(name)
})

it('has every metric that docs/metrics.md has, and no other', async () => {
  const server = await aServer()
  await (await aTeam(server)).adminClient.call('mentors.get', { id: randomUUID() })
  const text = await textOf(server)
  const known = documented()
  const labelsOf = (name: string) => known.find((entry) => entry.startsWith(`${name} `))?.split(' ')[2]
  const typed = [...text.matchAll(/^# TYPE (laurel_\w+) (\w+)$/gm)]
  expect(typed.map(([, name, type]) => `${name} ${type} ${labelsOf(name!)}`).toSorted()).toEqual(known)
  for (const [, series, labels] of text.matchAll(/^(laurel_\w+)\{(.*)\} /gm)) {
    const name = series!.replace(/_(?:bucket|sum|count)$/, '')
    const names = [...labels!.matchAll(/(\w+)="/g)]
      .map(([, label]) => label)
      .filter((label) => label !== 'le')
    expect([name, names.join(',')]).toEqual([name, labelsOf(name)])
  }
})

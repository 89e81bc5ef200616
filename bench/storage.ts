import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { openDatabase } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { prepare, residentMb, serve } from './processes.ts'

const org = crypto.randomUUID()

/** Certifications as they lie in the table, made by SQL because a million commands would take minutes. */
const fill = async (url: string, count: number, dueAt: string) => {
  const database = await openDatabase({ url }, migrations)
  await database.migrator.up()
  const query = (text: string, values: unknown[] = []) =>
    database.sql.query({ name: `fill_${Math.random()}`, text }, values)
  await query(
    `insert into certification (id, version, machine, state, snapshot, timers, org_id, mentor_id, mentor_user_id,
       coordinator_id, cert_type, status, issued_at, expires_at)
     select id, 1, 'certification@1', 'expiringSoon',
       jsonb_build_object('value', 'expiringSoon', 'context', jsonb_build_object('id', id, 'orgId', $2::text, 'mentorId', mentor,
         'mentorUserId', id, 'coordinatorId', id, 'certType', 'first_aid', 'issuedAt', '2020-01-01T00:00:00.000Z',
         'expiresAt', $3::text, 'policy', '{"expiringWindowDays": 30, "reminderDays": []}'::jsonb, 'status', 'expiring_soon',
         'imported', false, 'renewals', '[]'::jsonb, 'remindersLeft', '[]'::jsonb, 'suspendedReason', null,
         'revokedReason', null, 'mentorVersion', 0)),
       jsonb_build_object('xstate.after.expiry.certification@1.expiringSoon', jsonb_build_object('generation', 1, 'dueAt', $3::text)), $2::uuid, mentor, id, id, 'first_aid', 'expiring_soon',
       '2020-01-01', $3::timestamptz
     from (select gen_random_uuid() as id, gen_random_uuid() as mentor from generate_series(1, $1)) as made`,
    [count, org, dueAt],
  )
  await query(
    `insert into mentor (id, version, machine, state, snapshot, timers, org_id, user_id, coordinator_id, active)
     select mentor_id, 1, 'mentor@1', 'active', jsonb_build_object('value', 'active', 'context', jsonb_build_object(
       'id', mentor_id, 'orgId', org_id, 'userId', mentor_user_id, 'coordinatorId', coordinator_id,
       'policy', '{"requiredCertTypes": ["first_aid"]}'::jsonb, 'holds', '[]'::jsonb, 'certifications', '{}'::jsonb)),
       '{}', org_id, mentor_user_id, coordinator_id, true from certification`,
  )
  await query(
    `insert into timer (actor_type, actor_id, name, generation, due_at)
     select 'certification', id, 'xstate.after.expiry.certification@1.expiringSoon', 1, expires_at from certification`,
  )
  await query('analyze')
  await database.close()
}

const countOf = async (url: string, text: string) => {
  const database = await openDatabase({ url, poolSize: 1 }, migrations)
  const [row] = await database.sql.query<{ n: string }>({ name: 'count', text })
  await database.close()
  return Number(row!.n)
}

/** 100,000 timers that became due while nobody was there; each certification also tells its mentor, who is held. */
export const benchDueTimers = async () => {
  const postgres = await startPostgres({ fsync: true })
  const { url } = await createDatabase(postgres.url)
  const count = 100_000
  await fill(url, count, '2026-01-01T00:00:00.000Z')
  const begun = performance.now()
  const laurel = await serve(url)
  const ready = performance.now()
  while ((await countOf(url, 'select count(*) as n from timer')) > 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
  const seconds = (performance.now() - ready) / 1000
  while ((await countOf(url, 'select count(*) as n from effect')) > 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
  const told = (performance.now() - ready) / 1000
  const held = await countOf(url, `select count(*) as n from mentor where state = 'held'`)
  const expired = await countOf(
    url,
    `select count(*) as n from certification where state = 'expired' and version = 2`,
  )
  console.log(`start with ${count} due timers: ready after ${(ready - begun).toFixed(0)} ms`)
  console.log(
    `${expired} of ${count} fired and committed in ${seconds.toFixed(1)} s: ${(count / seconds).toFixed(0)}/s`,
  )
  console.log(
    `${held} mentors held ${told.toFixed(1)} s after the start: ${((2 * count) / told).toFixed(0)} turns/s in all`,
  )
  await laurel.stop()
  await postgres.stop()
}

/** What a start costs when a million actors and timers are stored. */
export const benchColdStart = async () => {
  const postgres = await startPostgres({ fsync: false })
  const [empty, full] = [await createDatabase(postgres.url), await createDatabase(postgres.url)]
  await prepare(empty.url, async () => {})
  await fill(full.url, 1_000_000, '2099-01-01T00:00:00.000Z')
  for (const [label, url] of [
    ['an empty database', empty.url],
    ['1,000,000 actors and timers', full.url],
  ] as const) {
    const begun = performance.now()
    const laurel = await serve(url)
    const readyMs = performance.now() - begun
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    console.log(
      `${label}: ready after ${readyMs.toFixed(0)} ms, resident ${(await residentMb(laurel.child)).toFixed(0)} MB`,
    )
    await laurel.stop()
  }
  await postgres.stop()
}

if (import.meta.main) {
  await benchDueTimers()
  await benchColdStart()
  process.exit(0)
}

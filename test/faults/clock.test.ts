import { expect, it, onTestFinished, vi } from 'vitest'
import { openDatabase } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { createDatabaseClock } from '../../src/clock.ts'
import { days } from '../support/clock.ts'
import { aDatabaseAddress } from '../support/database.ts'
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

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'F27 a clock of the database that is set back is followed with the next question',
  async () => {
    const { database: address, remove } = await aDatabaseAddress()
    onTestFinished(remove)
    const opened = async () => {
      const database = await openDatabase(address, migrations)
      onTestFinished(database.close)
      return database.sql
    }
    const first = await opened()
    const sql = (text: string) => first.query<{ name: string }>({ name: '', text })
    // PostgreSQL has no clock that can be set: another function has its name, for those who connect from now on.
    await sql('create schema wrong')
    await sql(`create table wrong.clock as select interval '1 hour' as ahead`)
    await sql(`create function wrong.clock_timestamp() returns timestamptz language sql as
      $$ select pg_catalog.clock_timestamp() + ahead from wrong.clock $$`)
    const [{ name } = { name: '' }] = await sql('select current_database() as name')
    await sql(`alter database "${name}" set search_path = wrong, pg_catalog, public`)

    const asked = await opened()
    let answers = 0
    const counted: typeof asked = {
      ...asked,
      query: (...question) => asked.query(...question).finally(() => answers++) as never,
    }
    const clock = await createDatabaseClock(counted, () => {}, 300)
    onTestFinished(clock.stop)
    /** One question may have been under way. */
    const isAskedAgain = () => {
      const before = answers
      return vi.waitFor(() => expect(answers).toBeGreaterThan(before + 1), POLL)
    }
    const ahead = () => Math.round((clock.now() - Date.now()) / 60_000)
    expect(ahead()).toBe(60)
    await sql(`update wrong.clock set ahead = '30 minutes'`)
    await isAskedAgain()
    expect(ahead()).toBe(30)
    await sql(`update wrong.clock set ahead = '45 minutes'`)
    await isAskedAgain()
    expect(ahead()).toBe(45)
  },
)

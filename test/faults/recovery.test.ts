import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { openDatabase, type DatabaseOptions } from '../../persistence/database.ts'
import { verifyInvariants } from '../../persistence/doctor.ts'
import { beginEpoch } from '../../persistence/epoch.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { migrate } from '../../persistence/start-checks.ts'
import { aDatabaseAddress } from '../support/database.ts'
import { createDatabase } from '../support/postgres.ts'
import { findPostgres } from '../support/postgres-process.ts'
import { run } from '../support/program.ts'
import { aServer, aTeam, connect, type Client as Live, type TestServer } from '../support/server.ts'

const PATIENCE = { timeout: 120_000 }
const SOON = { timeout: 60_000, interval: 50 }
const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'

const pause = ({ call }: Live, id: string, commandId: string = crypto.randomUUID()) =>
  call('mentors.pause', { id, reason: 'a break', commandId })

const isSound = async ({ database }: Pick<TestServer, 'database'>) =>
  expect((await verifyInvariants(database)).filter(({ rows }) => rows.length > 0)).toEqual([])

describe('F31 what nobody can read', () => {
  it('in the row of one actor refuses its messages; all others, and the node, go on', PATIENCE, async () => {
    const first = await aServer()
    const broken = await aTeam(first)
    const whole = await aTeam(first)
    const server = await first.restart()
    const text = `update mentor set snapshot = '{"value": {"no": "such state"}, "context": 7}' where id = $1`
    await server.database.sql.query({ name: 'break', text }, [broken.mentorId])
    const [there, here] = [await connect(server, broken.admin), await connect(server, whole.admin)]

    const answers = await Promise.all([pause(there, broken.mentorId), pause(here, whole.mentorId)])
    expect(answers).toMatchObject([{ error: { code: 'internal' } }, { ok: true }])
    expect(await there.call('mentors.get', { id: broken.mentorId })).toMatchObject({
      error: { code: 'internal' },
    })
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
  })

  it('in the journal passes by; what comes after it arrives', PATIENCE, async () => {
    const first = await aServer()
    const { mentorId, admin, orgId } = await aTeam(first)
    const text = `with head as (update journal_head set position = position + 1 returning position)
      insert into journal (position, actor_type, actor_id, version, message_id, cause, type, message, at, to_state,
        events, view, allowed, topics)
      select position, 'mentor', gen_random_uuid(), 1, 'by hand', 'signal', 'ghost', '{}', now(), 'nowhere',
        '[{"type": "ghost.appeared", "data": {"deep": [[[[1]]]]}}]', '"no view"', '[]', array[$1] from head`
    await first.database.sql.query({ name: 'ghost', text }, [`org:${orgId}`])
    const server = await first.restart()
    const client = await connect(server, admin)
    expect(await client.subscribe({ topics: [`org:${orgId}`], after: 0 })).toMatchObject({ ok: true })
    expect(await pause(client, mentorId)).toMatchObject({ ok: true })
    await client.next('mentor.held')
  })
})

const WAITING = `select pid from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`

describe.runIf(isPostgres)('F35 migrations', () => {
  it(
    'of two nodes that start at once run once, and one that is killed in the middle leaves nothing',
    PATIENCE,
    async () => {
      const { url, drop } = await createDatabase(inject('postgresUrl')!)
      onTestFinished(drop)
      const other = new Client({ connectionString: url })
      await other.connect()
      onTestFinished(() => other.end())
      const tables = async () =>
        (await other.query(`select 1 from pg_tables where schemaname = 'public'`)).rowCount

      // The name is taken by somebody who has not committed yet, so the migration waits in its middle.
      await other.query('begin; create table payment (id integer)')
      const killed = run(['src/main.ts', '--migrate-only'], { DATABASE_URL: url })
      await vi.waitFor(async () => {
        // What a transaction has seen of the others, it would see again.
        await other.query('select pg_stat_clear_snapshot()')
        expect((await other.query(WAITING)).rowCount).toBe(1)
      }, SOON)
      killed.signal('SIGKILL')
      await killed.exit
      await other.query('rollback')
      await vi.waitFor(async () => expect(await tables()).toBeLessThanOrEqual(1), SOON)

      const nodes = await Promise.all([1, 2].map(() => openDatabase({ url }, migrations)))
      for (const node of nodes) onTestFinished(node.close)
      const applied = await Promise.all(nodes.map((node) => migrate(node, migrations, { apply: true })))
      expect(new Set(applied)).toEqual(new Set([0, migrations.length]))
      await isSound({ database: nodes[0]! })
    },
  )
})

describe('F48 a backup that is restored', () => {
  it(
    'goes on soundly: clients start afresh, and what may have been done since is looked up',
    PATIENCE,
    async () => {
      const { database: address, remove } = await aDatabaseAddress()
      onTestFinished(remove)
      const before = await aServer({ database: address })
      const { admin, mentorId, orgId } = await aTeam(before)
      const client = await connect(before, admin)
      const kept = crypto.randomUUID()
      expect(await pause(client, mentorId, kept)).toMatchObject({ ok: true, version: 2 })
      const begun = await client.subscribe({ topics: [`org:${orgId}`] })
      if (!begun.ok) throw new Error(begun.error.message)
      const { epoch, position } = begun.data
      const promised = `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
      values ('unknown', 'mentor', $1, 1, 'ofAnotherVersion', '{}', now())`
      await before.database.sql.query({ name: 'promise', text: promised }, [mentorId])
      await before.close()

      const restored = await copyOf(address)
      const database = await openDatabase(restored, migrations)
      await beginEpoch(database.sql)
      const taken = { name: 'taken', text: `select taken from effect where id = 'unknown'` }
      expect(await database.sql.query(taken)).toEqual([{ taken: 1 }])
      await database.close()

      const after = await aServer({ database: restored })
      const back = await connect(after, admin)
      const topics = [`org:${orgId}`]
      expect(await back.subscribe({ topics, after: position, epoch })).toMatchObject({
        error: { code: 'resync_required' },
      })
      expect(await back.subscribe({ topics })).toMatchObject({ ok: true, data: { position } })
      // What was acknowledged before the backup is answered as then; what is new goes on from there.
      expect(await pause(back, mentorId, kept)).toMatchObject({ ok: true, version: 2 })
      expect(await back.call('mentors.resume', { id: mentorId })).toMatchObject({ ok: true, version: 3 })
      await isSound(after)
    },
  )
})

/** As docs/operations.md makes a backup, and puts it in another place. */
const copyOf = async (address: DatabaseOptions): Promise<DatabaseOptions> => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-backup-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  if (!('url' in address)) {
    await cp(address.folder!, folder, { recursive: true })
    return { folder }
  }
  const { url, drop } = await createDatabase(inject('postgresUrl')!)
  onTestFinished(drop)
  const tool = (name: string, ...args: string[]) => promisify(execFile)(join(findPostgres()!, name), args)
  const file = join(folder, 'dump')
  await tool('pg_dump', '--format=custom', `--file=${file}`, address.url)
  await tool('pg_restore', `--dbname=${url}`, file)
  return { url, poolSize: 5 }
}

import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openDatabase } from '../../persistence/database.ts'
import { verifyInvariants } from '../../persistence/doctor.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { createDatabase, startPostgres, type Postgres } from '../support/postgres.ts'
import { aServer, aTeam, connect, type Client as Live, type TestServer } from '../support/server.ts'

const PATIENCE = { timeout: 90_000 }
const POLL = { timeout: 40_000, interval: 100 }

let postgres: Postgres

type Scene = {
  through?: (url: string) => Promise<string>
  settings?: readonly string[]
  poolSize?: number
}

/** A server on a database of its own, and somebody else who is connected to that. */
const aScene = async ({ through, settings = [], poolSize = 5 }: Scene = {}) => {
  const { url, name, drop } = await createDatabase(postgres.url)
  onTestFinished(drop)
  const other = new Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  for (const setting of settings) await other.query(`alter database ${name} set ${setting}`)
  const server = await aServer({ database: { url: through ? await through(url) : url, poolSize } })
  const team = await aTeam(server)
  const client = await connect(server, team.coordinator)
  return { server, other, url, name, client, issue: issuing(server, client, team.mentorId), ...team }
}

const issuing =
  ({ clock }: TestServer, { call }: Live, mentorId: string) =>
  (certType: string, commandId: string = crypto.randomUUID()) =>
    call('certifications.issue', {
      commandId,
      mentorId,
      certType,
      issuedAt: clock.at(),
      expiresAt: clock.at(1e9),
    })

const overloaded = { ok: false, error: { code: 'overloaded' }, retryAfterMs: expect.any(Number) as unknown }

const isReady = ({ url }: TestServer, status = 200) =>
  vi.waitFor(async () => expect((await fetch(`${url}/ready`)).status).toBe(status), POLL)

const isSound = async ({ database }: Pick<TestServer, 'database'>) =>
  expect((await verifyInvariants(database)).filter(({ rows }) => rows.length > 0)).toEqual([])

describe.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')('PostgreSQL', () => {
  beforeAll(async () => {
    postgres = await startPostgres({ fsync: false })
  })
  afterAll(() => postgres.stop())

  it(
    'F18 without a free connection: commands are refused, nothing hangs, and the node says how it is',
    PATIENCE,
    async () => {
      const { server, other, client, issue } = await aScene()
      const { id } = await issue('first_aid')
      await other.query('begin; lock table certification in access exclusive mode')
      const reads = Array.from({ length: 8 }, () => client.call('certifications.get', { id }))
      const commands = Array.from({ length: 4 }, (_, index) => issue(`type_${index}`))
      await isReady(server, 503)
      expect((await fetch(`${server.url}/health`)).status).toBe(200)
      // Also those that had a connection, and wait for whoever has locked the table.
      for (const reply of await Promise.all([...reads, ...commands])) expect(reply).toMatchObject(overloaded)

      await other.query('rollback')
      await isReady(server)
      expect(await client.call('certifications.get', { id })).toMatchObject({ ok: true })
      expect(await issue('cpr')).toMatchObject({ ok: true })
      await isSound(server)
    },
  )

  it(
    'whose snapshots take long: who is no longer allowed a topic when its turn comes gets none',
    PATIENCE,
    async () => {
      const { server, other, url, admin, coordinator, mentorId, client } = await aScene({ poolSize: 45 })
      const changes = await server.another({ database: { url, poolSize: 5 } })
      const topics = [`coordinator:${coordinator.id}`]
      await client.subscribe({ topics: [`mentor:${mentorId}`] })
      const others = await Promise.all(Array.from({ length: 32 }, () => connect(server, coordinator)))
      await other.query('begin; lock table certification in access exclusive mode')
      const first = others.map((one) => one.subscribe({ topics }))
      await Promise.all(others.map(({ call }) => call('mentors.get', { id: mentorId })))
      const late = client.subscribe({ topics })
      await client.call('mentors.get', { id: mentorId })
      const { status } = await fetch(`${changes.url}/api/v1/users/${coordinator.id}/roles`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${admin.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ roles: ['student'] }),
      })
      expect(status).toBe(200)
      await client.next('topic.closed')
      await other.query('commit')
      expect(await late).toMatchObject({ ok: false, error: { code: 'forbidden' } })
      await Promise.all(first)
    },
  )

  it('F19 that refuses a commit because of others: it is repeated, and applied once', PATIENCE, async () => {
    const { server, other, client, issue, mentorId, coordinator } = await aScene({
      settings: [`default_transaction_isolation = 'repeatable read'`, `deadlock_timeout = '4s'`],
    })
    const second = await server.another()
    const there = issuing(second, await connect(second, coordinator), mentorId)
    const waiting = (count: number) =>
      vi.waitFor(async () => {
        // What a transaction has seen of the others, it would see again.
        await other.query('select pg_stat_clear_snapshot()')
        expect((await other.query(WAITING)).rowCount).toBe(count)
      }, POLL)

    // At this level, whoever waits for a row that then changes cannot go on: 40001.
    await other.query('begin; update journal_head set floor = floor')
    const commits = [issue('first_aid'), there('cpr')]
    await waiting(2)
    await other.query('commit')
    for (const reply of await Promise.all(commits)) expect(reply).toMatchObject({ ok: true })

    // The node has its mentor and waits for the head; somebody else has the head and waits for the mentor: 40P01.
    await other.query(`set deadlock_timeout = '1min'; begin; update journal_head set floor = floor`)
    const pause = { commandId: randomUUID(), id: mentorId, reason: 'on leave' }
    const reply = client.call('mentors.pause', pause)
    // Asked from within the server, so that the two are locked in each other long before the node's backend looks.
    await other.query(`do $$ begin
      while not exists (${WAITING}) loop perform pg_sleep(0.01), pg_stat_clear_snapshot(); end loop;
      perform 1 from mentor for update;
    end $$`)
    await other.query('rollback')
    // Where that took longer than a commit is tried again, the client is told to come back.
    const { ok, error } = await reply
    expect([ok, error?.code]).toEqual(ok ? [true, undefined] : [false, 'overloaded'])
    const repeated = await client.call('mentors.pause', pause)
    expect(repeated).toMatchObject({ ok: true })
    const { items } = (await client.call('mentors.journal', { id: mentorId })).data
    expect(items.filter(({ type }: { type: string }) => type === 'pause')).toHaveLength(1)
    await isSound(server)
  })

  it(
    'F20 that ends a statement or an idle transaction: it is asked again, on another connection',
    PATIENCE,
    async () => {
      const { server, other, client, issue } = await aScene()
      const { id } = await issue('first_aid')
      await other.query('begin; lock table certification in access exclusive mode')
      const reply = client.call('certifications.renew', {
        id,
        issuedAt: server.clock.at(),
        expiresAt: server.clock.at(2e9),
      })
      await vi.waitFor(async () => expect((await other.query(WAITING)).rowCount).toBe(1), POLL)
      await other.query(`select pg_cancel_backend(pid) from (${WAITING}) as waiting`)
      await other.query('rollback')
      expect(await reply).toMatchObject({ ok: true })

      const idle = server.database.transaction(async (em) => {
        await em.execute(`set local idle_in_transaction_session_timeout = '50ms'`)
        await sleep(500)
        await em.execute('select 1')
      })
      await expect(idle).rejects.toThrow(/terminat|not queryable/)
      for (let time = 0; time < 10; time++)
        expect(await server.database.transaction((em) => em.execute('select 1 as one'))).toEqual([{ one: 1 }])
      await isSound(server)
    },
  )

  it(
    'F23 that may only be read: commands are refused, and go on when it may be written again',
    PATIENCE,
    async () => {
      const { server, other, client, issue } = await aScene()
      const { id } = await issue('first_aid')
      const readOnly = async (setting: string) => {
        await other.query('set default_transaction_read_only = off')
        await other.query(`alter system ${setting}`)
        await other.query('select pg_reload_conf()')
      }
      await readOnly('set default_transaction_read_only = on')
      onTestFinished(() => readOnly('reset default_transaction_read_only'))
      await vi.waitFor(async () => expect(await issue('cpr')).toMatchObject(overloaded), POLL)
      await isReady(server, 503)
      expect(await client.call('certifications.get', { id })).toMatchObject({ ok: true })

      await readOnly('reset default_transaction_read_only')
      await isReady(server)
      await vi.waitFor(async () => expect(await issue('swimming')).toMatchObject({ ok: true }), POLL)
      await isSound(server)
    },
  )

  it(
    'F23 whose new sessions may only read: the node is not ready, and is again when newer ones may write',
    PATIENCE,
    async () => {
      const { server, other, name, client, issue } = await aScene()
      await isReady(server)
      await other.query(`alter database ${name} set default_transaction_read_only = on`)
      await other.query(OTHERS_ENDED)
      await isReady(server, 503)
      const answer = await fetch(`${server.url}/ready`)
      expect(await answer.json()).toMatchObject({ error: { details: { database: 'may only be read' } } })
      expect((await fetch(`${server.url}/health`)).status).toBe(200)
      expect(client.socket.connected).toBe(true)

      // Nobody ends the sessions that the node has meanwhile.
      await other.query(`alter database ${name} reset default_transaction_read_only`)
      await isReady(server)
      await vi.waitFor(async () => expect(await issue('swimming')).toMatchObject({ ok: true }), POLL)
      await isSound(server)
    },
  )

  it('F23 that is a standby: the node is not ready until it has become the primary', PATIENCE, async () => {
    const own = await startPostgres({ fsync: false })
    onTestFinished(own.stop)
    const server = await aServer({ database: { url: own.url, poolSize: 5 } })
    const { mentorId, coordinator } = await aTeam(server)
    const client = await connect(server, coordinator)
    const issue = issuing(server, client, mentorId)
    const { id } = await issue('first_aid')
    // Each connection that commits has been used, and dies with the server.
    await Promise.all(Array.from({ length: 8 }, (_, number) => issue(`type_${number}`)))
    await own.kill()
    await writeFile(join(own.dataDir, 'standby.signal'), '')
    await own.restart()
    await vi.waitFor(
      async () => expect(await client.call('certifications.get', { id })).toMatchObject({ ok: true }),
      POLL,
    )
    await isReady(server, 503)
    expect(await issue('cpr')).toMatchObject(overloaded)

    const other = new Client({ connectionString: own.url })
    await other.connect()
    onTestFinished(() => other.end())
    await other.query('select pg_promote()')
    await isReady(server)
    await vi.waitFor(async () => expect(await issue('swimming')).toMatchObject({ ok: true }), POLL)
    await isSound(server)
  })

  it(
    'F37 that vanishes without a word: its connections are given up, and new ones are made',
    PATIENCE,
    async () => {
      const proxy = await startCuttingProxy(postgres.port)
      onTestFinished(proxy.close)
      const { server, other, url, client, issue, admin } = await aScene({
        through: async (address) => Object.assign(new URL(address), { port: proxy.port }).href,
      })
      const { id } = await issue('first_aid')
      proxy.stallAll()
      const login = { email: admin.email, password: 'correct horse battery' }
      const signIns = Array.from({ length: 3 }, () =>
        fetch(`${server.url}/api/auth/user/login`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(login),
        }),
      )
      const replies = await Promise.all([issue('cpr'), client.call('certifications.get', { id })])
      for (const reply of replies) if (!reply.ok) expect(reply).toMatchObject(overloaded)
      for (const answer of await Promise.all(signIns)) expect([200, 503]).toContain(answer.status)
      await isReady(server)

      // Until the last silent connection has been given up, there may be none for a command: it is refused, and repeated.
      const commandId = crypto.randomUUID()
      let reply = await issue('swimming', commandId)
      for (const until = Date.now() + POLL.timeout; !reply.ok && Date.now() < until;) {
        expect(reply).toMatchObject(overloaded)
        await sleep(reply.retryAfterMs)
        reply = await issue('swimming', commandId)
      }
      expect(reply).toMatchObject({ ok: true })
      const turns = await other.query('select 1 from journal where message_id = $1', [commandId])
      expect(turns.rowCount).toBe(1)
      // The node may still have silent connections, of which this must not get one.
      const database = await openDatabase({ url }, migrations)
      onTestFinished(database.close)
      await isSound({ database })
    },
  )
})

const OTHERS_ENDED = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`

const WAITING = `select pid from pg_stat_activity
  where application_name = 'laurel' and datname = current_database() and wait_event_type = 'Lock'`

import { expect, it, onTestFinished } from 'vitest'
import { startCuttingProxy } from './support/cutting-proxy.ts'
import { startPostgres, type Postgres } from './support/postgres.ts'
import { aServer, aTeam, connect, type TestServer } from './support/server.ts'

/** A server on a PostgreSQL of its own, which the test may kill. */
const aScene = async () => {
  const postgres: Postgres = await startPostgres()
  onTestFinished(postgres.stop)
  const server = await aServer({ database: { url: postgres.url } })
  const team = await aTeam(server)
  return { postgres, server, ...team, client: await connect(server, team.coordinator) }
}

/** The same with somebody in between who can cut its connections. */
const aCutScene = async () => {
  const postgres = await startPostgres()
  onTestFinished(postgres.stop)
  const proxy = await startCuttingProxy(postgres.port)
  onTestFinished(proxy.close)
  const { href } = Object.assign(new URL(postgres.url), { port: proxy.port })
  const server = await aServer({ database: { url: href } })
  const team = await aTeam(server)
  return { proxy, server, ...team, client: await connect(server, team.coordinator) }
}

const journalOf = (server: TestServer) =>
  server.database.sql.query<{ id: string; message: string }>({
    name: 'all_messages',
    text: 'select actor_id as id, message_id as message from journal',
  })

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'answers truly, whatever PostgreSQL does in the middle of a commit: applied once, or refused and not applied',
  async () => {
    const { postgres, server, mentorId, client } = await aScene()
    const sent = new Map<string, Promise<{ ok: boolean; error?: { code: string } }>>()
    let done = false
    const load = (async () => {
      while (!done) {
        for (let index = 0; index < 20; index++) {
          const commandId = crypto.randomUUID()
          const fields = {
            mentorId,
            certType: `t${sent.size}`,
            issuedAt: server.clock.at(),
            expiresAt: server.clock.at(1e9),
          }
          sent.set(commandId, client.call('certifications.issue', { commandId, ...fields }))
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })()
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      await postgres.kill()
      await new Promise((resolve) => setTimeout(resolve, 200))
      await postgres.restart()
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    done = true
    await load

    const codes = new Set<string>()
    const replies = new Map<string, boolean>()
    for (const [commandId, answer] of sent) {
      const reply = await answer
      replies.set(commandId, reply.ok)
      if (reply.error) codes.add(reply.error.code)
    }
    const messages = (await journalOf(server)).map(({ message }) => message)
    for (const [commandId, applied] of replies)
      expect(messages.filter((message) => message === commandId)).toHaveLength(applied ? 1 : 0)
    expect([...replies.values()].filter(Boolean).length).toBeGreaterThan(0)
    expect([...codes].filter((code) => code !== 'overloaded')).toEqual([])
  },
  120_000,
)

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'goes on committing, and stops, after connections were cut in the moment in which they were made',
  async () => {
    const { proxy, server, mentorId, client } = await aCutScene()
    const issue = (certType: string) =>
      client.call('certifications.issue', {
        commandId: crypto.randomUUID(),
        mentorId,
        certType,
        issuedAt: server.clock.at(),
        expiresAt: server.clock.at(1e9),
      })

    // Each flight loses its connection, and the next one as soon as it has it.
    const cuts = proxy.cutOn('plan_cache_mode', 2)
    proxy.cutAll()
    for (let round = 0; cuts() < 2; round++)
      await Promise.all(Array.from({ length: 64 }, (_, index) => issue(`r${round}n${index}`)))

    for (let count = 0; count < 20; count++) expect(await issue(`c${count}`)).toMatchObject({ ok: true })
    await server.close()
  },
)

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'refuses while PostgreSQL is away what the actor in memory would refuse, and waits for nothing',
  async () => {
    const { postgres, adminClient, mentorId } = await aScene()
    const call = (name: string, more: object = {}) => adminClient.call(name, { id: mentorId, ...more })
    expect(await call('mentors.pause', { reason: 'a break' })).toMatchObject({ ok: true })
    expect(await call('mentors.resume')).toMatchObject({ ok: true })
    await postgres.kill()
    expect(await call('mentors.resume')).toMatchObject({ ok: false, error: { code: 'overloaded' } })
    await postgres.restart()
  },
  60_000,
)

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'answers a repetition as before, though the connection is lost on which it looks for the answer',
  async () => {
    const { proxy, server, mentorId, client } = await aCutScene()
    const command = {
      commandId: crypto.randomUUID(),
      mentorId,
      certType: 'first_aid',
      issuedAt: server.clock.at(),
      expiresAt: server.clock.at(1e9),
    }
    const first = await client.call('certifications.issue', command)
    expect(first).toMatchObject({ ok: true })
    const cuts = proxy.cutOn('answers', 1)
    expect(await client.call('certifications.issue', command)).toEqual(first)
    expect(cuts()).toBe(1)
  },
)

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'goes on committing when somebody has taken away what its sessions had made for themselves',
  async () => {
    const { server, mentorId, client } = await aScene()
    const issue = (certType: string) =>
      client.call('certifications.issue', {
        mentorId,
        certType,
        issuedAt: server.clock.at(),
        expiresAt: server.clock.at(1e9),
      })
    expect(await issue('before')).toMatchObject({ ok: true })
    const dropped = await server.database.sql.query<{ name: string }>({ name: '', text: ROUTINES })
    expect(dropped.length).toBeGreaterThan(0)
    for (const { name } of dropped)
      await server.database.sql.query({ name: '', text: `drop function ${name}` })
    for (let count = 0; count < 10; count++) expect(await issue(`after${count}`)).toMatchObject({ ok: true })
  },
)

const ROUTINES = `select routine.oid::regprocedure::text as name from pg_proc as routine
  join pg_namespace as namespace on namespace.oid = routine.pronamespace where namespace.nspname like 'pg_temp_%'`

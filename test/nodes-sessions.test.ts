import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import { startRedis, withRedis, type RedisServer } from './support/redis.ts'
import {
  aServer,
  aTeam,
  aUser,
  connect,
  signIn,
  type Client,
  type Person,
  type TestServer,
} from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'
const PATIENCE = { timeout: 120_000 }

let redis: RedisServer
beforeAll(async () => {
  if (withRedis && isPostgres) redis = await startRedis()
})
afterAll(() => redis?.stop())

const rest = async (
  { url }: TestServer,
  { token }: { token: string },
  method: string,
  path: string,
  body?: object,
) => {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  expect(response.status).toBe(200)
}

const signOut = (node: TestServer, person: { token: string }) =>
  rest(node, person, 'POST', '/api/auth/user/logout')
const block = (node: TestServer, admin: Person, { id }: Person) =>
  rest(node, admin, 'POST', `/api/v1/users/${id}/block`)
const giveRoles = (node: TestServer, admin: Person, { id }: Person, ...roles: Role[]) =>
  rest(node, admin, 'PUT', `/api/v1/users/${id}/roles`, { roles })

const ended = async ({ next, socket }: Client) => {
  expect(await next('closing')).toEqual({ code: 'session_expired' })
  if (socket.connected) await new Promise((resolve) => socket.once('disconnect', resolve))
}

type Way = { node: Parameters<typeof aServer>[0]; silence?: (node: TestServer) => Promise<void> }

/** Cuts the connections on which PostgreSQL tells, for as long as the test runs. */
const deafen = async (node: TestServer) => {
  const cut = setInterval(
    () =>
      void node.database.sql
        .query({
          name: 'deafen',
          text: `select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'laurel notices' and datname = current_database()`,
        })
        .catch(() => {}),
    20,
  )
  onTestFinished(() => clearInterval(cut))
}

const reach = (way: () => Way) => {
  const aPair = async () => {
    const { node, silence } = way()
    const one = await aServer(node)
    const two = await one.another()
    if (node?.redisUrl)
      await vi.waitFor(() => expect(one.stats().redis?.isThere && two.stats().redis?.isThere).toBe(true))
    const team = await aTeam(one)
    await silence?.(one)
    return { one, two, ...team }
  }

  it('a sign-out, and no other sign-in of the user', PATIENCE, async () => {
    const { one, two, coordinator, mentorId } = await aPair()
    const second = await signIn(one, coordinator.email)
    const [client, other] = [await connect(two, coordinator), await connect(two, second)]
    await signOut(one, coordinator)
    await ended(client)
    expect(await other.call('mentors.get', { id: mentorId })).toMatchObject({ ok: true })
    await expect(connect(two, coordinator)).rejects.toMatchObject({ data: { code: 'unauthenticated' } })
  })

  it('a block, on both nodes', PATIENCE, async () => {
    const { one, two, admin, coordinator } = await aPair()
    const clients = [await connect(one, coordinator), await connect(two, coordinator)]
    await block(one, admin, coordinator)
    await Promise.all(clients.map(ended))
  })

  it('a change of roles, with the topics that went with them', PATIENCE, async () => {
    const { one, two, orgId, admin, coordinator, mentorId } = await aPair()
    const client = await connect(two, coordinator)
    const topic = `coordinator:${coordinator.id}`
    expect(await client.subscribe({ topics: [topic, `user:${coordinator.id}`] })).toMatchObject({ ok: true })
    await giveRoles(one, admin, coordinator, 'student')
    expect(await client.next('topic.closed')).toEqual({ topic, reason: 'forbidden' })
    expect(await client.call('mentors.get', { id: mentorId })).toMatchObject({ error: { code: 'not_found' } })
    expect(client.socket.connected).toBe(true)

    await giveRoles(one, admin, coordinator, 'admin')
    await vi.waitFor(
      async () => expect(await client.subscribe({ topics: [`org:${orgId}`] })).toMatchObject({ ok: true }),
      PATIENCE,
    )
  })
}

describe.runIf(isPostgres && withRedis)('sockets of another node hear, through Redis, of', () => {
  reach(() => ({ node: { redisUrl: redis.url } }))
})

describe.runIf(isPostgres)('sockets of another node hear, through notices of PostgreSQL, of', () => {
  reach(() => ({ node: {} }))
})

describe.runIf(isPostgres)('sockets of another node, which is told nothing, find in the table', () => {
  reach(() => ({ node: {}, silence: deafen }))
})

describe.runIf(isPostgres && withRedis)('sockets of another node hear, while Redis is frozen, of', () => {
  let own: RedisServer
  reach(() => ({
    node: { redisUrl: own.url },
    silence: async () => {
      own.freeze()
      onTestFinished(own.thaw)
    },
  }))
  beforeAll(async () => {
    own = await startRedis()
  })
  afterAll(() => own.stop())
})

describe.runIf(isPostgres)('roles that are changed on two nodes, one after the other,', () => {
  it('are the last ones, though a node hears of its own change first', PATIENCE, async () => {
    const one = await aServer()
    const two = await one.another()
    const { orgId, admin, coordinator } = await aTeam(one)
    const other = await aUser(one, ['coordinator'], orgId)
    await deafen(one)
    const [client, witness] = [await connect(one, coordinator), await connect(one, other)]
    const topics = [`coordinator:${other.id}`]
    for (let round = 0; round < 3; round++) {
      await giveRoles(two, admin, other, 'coordinator')
      await vi.waitFor(
        async () => expect(await witness.subscribe({ topics })).toMatchObject({ ok: true }),
        PATIENCE,
      )
      witness.received.length = 0
      await giveRoles(two, admin, coordinator, 'admin')
      await giveRoles(one, admin, coordinator, 'student')
      // Whoever has heard of this has heard of the two before.
      await giveRoles(two, admin, other, 'student')
      await witness.next('topic.closed')
      expect(await client.subscribe({ topics: [`org:${orgId}`] })).toMatchObject({
        error: { code: 'forbidden' },
      })
    }
  })
})

import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startCuttingProxy } from './support/cutting-proxy.ts'
import { startRedis, withRedis, type RedisServer } from './support/redis.ts'
import { aServer, aTeam, aUser, connect, type Person, type TestServer } from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'
const PATIENCE = { timeout: 120_000 }
const WAIT = { timeout: 60_000, interval: 100 }

let redis: RedisServer
beforeAll(async () => {
  if (withRedis && isPostgres) redis = await startRedis()
})
afterAll(() => redis?.stop())

const ask = async ({ url }: TestServer, { token }: Person, query = '') => {
  const response = await fetch(`${url}/api/v1/presence${query}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { data, error } = (await response.json()) as { data: object; error?: { code: string } }
  return error ? { status: response.status, code: error.code } : data
}

const metric = async ({ url }: TestServer, line: string) => {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find((one) => one.startsWith(line))
      ?.slice(line.length),
  )
}

describe('presence on one node', () => {
  it(
    'counts users once and their transports, and says that it knows of this node only',
    PATIENCE,
    async () => {
      const server = await aServer()
      // The administrator of a team is connected.
      const { admin, coordinator } = await aTeam(server)
      const clients = [await connect(server, coordinator), await connect(server, coordinator)]
      const other = clients[0]!.socket.io.socket('/mentors', { auth: { token: coordinator.token } })
      await new Promise((resolve) => other.once('connect', () => resolve(undefined)))
      const counts = { users: 2, sockets: 3, nodes: 1, complete: false }
      for (const person of [admin, coordinator]) expect(await ask(server, person)).toEqual(counts)
      expect(await metric(server, 'laurel_presence_users{scope="node"}')).toBe(2)
      expect(await metric(server, 'laurel_presence_sockets{scope="node"}')).toBe(3)

      for (const socket of [other, ...clients.map((client) => client.socket)]) socket.disconnect()
      await vi.waitFor(
        async () => expect(await ask(server, admin)).toEqual({ ...counts, users: 1, sockets: 1 }),
        WAIT,
      )
    },
  )

  it('is for administrators and coordinators, and for each of their own organisation', PATIENCE, async () => {
    const server = await aServer()
    const { orgId, mentorUser } = await aTeam(server)
    const student = await aUser(server, ['student'], orgId)
    const stranger = await aUser(server, ['admin'])
    for (const person of [mentorUser, student])
      expect(await ask(server, person)).toEqual({ status: 403, code: 'forbidden' })
    expect(await ask(server, { ...student, token: 'none' })).toEqual({ status: 401, code: 'unauthenticated' })
    expect(await ask(server, stranger)).toMatchObject({ users: 0, sockets: 0 })
    expect(await ask(server, stranger, `?orgId=${orgId}`)).toEqual({ status: 400, code: 'invalid_input' })
  })
})

describe.runIf(isPostgres && withRedis)('presence on several nodes', () => {
  const isThere = (node: TestServer, expected: boolean) =>
    vi.waitFor(() => expect(node.stats().redis?.isThere).toBe(expected), WAIT)

  /** The second node reaches Redis through a proxy. */
  const aPair = async (url: string) => {
    const proxy = await startCuttingProxy(Number(new URL(url).port))
    onTestFinished(proxy.close)
    const one = await aServer({ redisUrl: url })
    const two = await one.another({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
    for (const node of [one, two]) await isThere(node, true)
    return { one, two, proxy, ...(await aTeam(one)) }
  }

  const counted = (node: TestServer, person: Person, counts: object) =>
    vi.waitFor(async () => expect(await ask(node, person)).toEqual(counts), WAIT)

  it('counts who is on two nodes once, in each organisation and in total', PATIENCE, async () => {
    const { one, two, admin, coordinator } = await aPair(redis.url)
    const stranger = await aUser(one, ['admin'])
    await connect(one, coordinator)
    const leaving = await connect(two, coordinator)
    await connect(two, stranger)
    const all = { nodes: 2, complete: true }
    for (const node of [one, two]) {
      await counted(node, admin, { users: 2, sockets: 3, ...all })
      await counted(node, stranger, { users: 1, sockets: 1, ...all })
      await vi.waitFor(async () => {
        expect(await metric(node, 'laurel_presence_users{scope="all"}')).toBe(3)
        expect(await metric(node, 'laurel_presence_sockets{scope="all"}')).toBe(4)
      }, WAIT)
    }
    leaving.socket.disconnect()
    await counted(one, admin, { users: 2, sockets: 2, ...all })
    await two.close()
    await counted(one, admin, { users: 2, sockets: 2, nodes: 1, complete: true })
    await counted(one, stranger, { users: 0, sockets: 0, nodes: 1, complete: true })
  })

  it('forgets a node that is not heard of any more', PATIENCE, async () => {
    const { one, two, proxy, admin, coordinator } = await aPair(redis.url)
    await connect(two, coordinator)
    await counted(one, admin, { users: 2, sockets: 2, nodes: 2, complete: true })
    await proxy.close()
    await counted(two, admin, { users: 1, sockets: 1, nodes: 1, complete: false })
    await counted(one, admin, { users: 1, sockets: 1, nodes: 1, complete: true })
  })

  it(
    'counts its own node while Redis is away, and all again when it is back and empty',
    PATIENCE,
    async () => {
      const own = await startRedis()
      onTestFinished(own.stop)
      const { one, two, admin, coordinator } = await aPair(own.url)
      await connect(two, coordinator)
      await counted(one, admin, { users: 2, sockets: 2, nodes: 2, complete: true })
      await own.kill()
      for (const node of [one, two])
        await counted(node, admin, { users: 1, sockets: 1, nodes: 1, complete: false })
      await own.restart()
      for (const node of [one, two])
        await counted(node, admin, { users: 2, sockets: 2, nodes: 2, complete: true })
    },
  )
})

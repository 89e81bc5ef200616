import { beforeAll, afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createBus } from '../src/bus.ts'
import { createRedisLink } from '../src/redis.ts'
import { startCuttingProxy } from './support/cutting-proxy.ts'
import { days } from './support/clock.ts'
import { startRedis, withRedis, type RedisServer } from './support/redis.ts'
import { aServer, aTeam, connect, headOf, type Client, type TestServer } from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'
const PATIENCE = { timeout: 60_000 }

let redis: RedisServer
beforeAll(async () => {
  if (withRedis && isPostgres) redis = await startRedis()
})
afterAll(() => redis?.stop())

/** Two nodes on one database, and a subscriber of the organisation on the second. */
const aPair = async (options: Parameters<typeof aServer>[0] = {}) => {
  const one = await aServer(options)
  const two = await one.another()
  const team = await aTeam(one)
  const sender = await connect(one, team.admin)
  const listener = await connect(two, team.admin)
  const subscribed = await listener.subscribe({ topics: [`org:${team.orgId}`] })
  expect(subscribed.ok).toBe(true)
  return { one, two, ...team, sender, listener }
}

const issue = (node: TestServer, client: Client, mentorId: string, certType: string) =>
  client.call('certifications.issue', {
    commandId: crypto.randomUUID(),
    mentorId,
    certType,
    issuedAt: node.clock.at(),
    expiresAt: node.clock.at(days(30)),
  })

const issuedTypes = ({ received }: Client) =>
  received.filter(([name]) => name === 'certification.issued').map(([, { view }]) => view.certType as string)

/** Every frame follows the one before it, and none comes twice. */
const expectUnbroken = ({ received }: Client) => {
  let last = -1
  for (const [name, frame] of received) {
    if (name === 'position' || frame?.topic === undefined) continue
    expect(frame.position).toBeGreaterThan(last)
    if (last >= 0) expect(frame.prev).toBeLessThanOrEqual(last)
    last = frame.position
  }
}

describe.runIf(isPostgres)('what one node commits', () => {
  it.runIf(withRedis)(
    'arrives on the others through Redis, and the journal is not read for it',
    PATIENCE,
    async () => {
      const { one, two, sender, listener, mentorId } = await aPair({ redisUrl: redis.url })
      await vi.waitFor(() => expect(one.stats().redis?.isThere && two.stats().redis?.isThere).toBe(true))
      const before = two.stats()
      for (let count = 0; count < 20; count++) await issue(one, sender, mentorId, `type-${count}`)
      await listener.next('certification.issued', ({ view }) => view.certType === 'type-19')
      expect(issuedTypes(listener)).toEqual(Array.from({ length: 20 }, (_, count) => `type-${count}`))
      expectUnbroken(listener)
      expect(two.stats().bus.received).toBeGreaterThan(before.bus.received)
    },
  )

  it('arrives on the others without Redis, through notices', PATIENCE, async () => {
    const { one, two, sender, listener, mentorId } = await aPair()
    for (let count = 0; count < 20; count++) await issue(one, sender, mentorId, `type-${count}`)
    await listener.next('certification.issued', ({ view }) => view.certType === 'type-19')
    expect(issuedTypes(listener)).toHaveLength(20)
    expectUnbroken(listener)
    await vi.waitFor(() => expect(two.stats().bus.notices).toBeGreaterThan(0))
  })

  it('arrives when the connections for notices are cut off again and again', PATIENCE, async () => {
    const { one, sender, listener, mentorId } = await aPair()
    for (let count = 0; count < 10; count++) {
      await one.database.sql.query({
        name: `cut ${count}`,
        text: `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'laurel notices'`,
      })
      await issue(one, sender, mentorId, `type-${count}`)
      await listener.next('certification.issued', ({ view }) => view.certType === `type-${count}`)
    }
    expectUnbroken(listener)
  })

  it.runIf(withRedis)(
    'arrives once and in order while Redis is killed, restarted, and frozen',
    { timeout: 120_000 },
    async () => {
      const own = await startRedis()
      onTestFinished(own.stop)
      const { one, two, sender, listener, mentorId } = await aPair({ redisUrl: own.url })
      const isThere = (now: boolean) =>
        vi.waitFor(
          () => expect([one.stats().redis?.isThere, two.stats().redis?.isThere]).toEqual([now, now]),
          { timeout: 30_000 },
        )
      let count = 0
      const some = async () => {
        for (let turn = 0; turn < 10; turn++) await issue(one, sender, mentorId, `type-${count++}`)
        await listener.next('certification.issued', ({ view }) => view.certType === `type-${count - 1}`)
      }
      await isThere(true)
      await some()
      await own.kill()
      await some()
      await isThere(false)
      await some()
      await own.restart()
      await isThere(true)
      await some()
      own.freeze()
      await some()
      await isThere(false)
      await some()
      own.thaw()
      await isThere(true)
      const before = two.stats().bus.received
      await some()
      // Back on the fast path, by itself.
      await vi.waitFor(async () => {
        await some()
        expect(two.stats().bus.received).toBeGreaterThan(before)
      })
      expect(issuedTypes(listener)).toEqual(Array.from({ length: count }, (_, index) => `type-${index}`))
      expectUnbroken(listener)
    },
  )

  it.runIf(withRedis)('is noticed when Redis has dropped it without a word', PATIENCE, async () => {
    const proxy = await startCuttingProxy(Number(new URL(redis.url).port))
    onTestFinished(proxy.close)
    const { one, sender, listener, mentorId } = await aPair({ redisUrl: `redis://127.0.0.1:${proxy.port}` })
    await vi.waitFor(() => expect(one.stats().redis?.isThere).toBe(true))
    await issue(one, sender, mentorId, 'before')
    await listener.next('certification.issued', ({ view }) => view.certType === 'before')
    // From now on nothing that Redis publishes arrives anywhere, and all connections look well.
    proxy.swallow('certification.issued')
    await issue(one, sender, mentorId, 'dropped')
    await listener.next('certification.issued', ({ view }) => view.certType === 'dropped')
    expect(issuedTypes(listener)).toEqual(['before', 'dropped'])
    expect(proxy.swallowed()).toBeGreaterThan(0)
    expectUnbroken(listener)
  })

  it.runIf(withRedis)('is read from the journal when somebody says it in another way', PATIENCE, async () => {
    const { one, two, sender, listener, mentorId } = await aPair({ redisUrl: redis.url })
    await vi.waitFor(() => expect(one.stats().redis?.isThere && two.stats().redis?.isThere).toBe(true))
    const [row] = await one.database.sql.query<{ epoch: string }>({
      name: 'epoch',
      text: 'select epoch from journal_head',
    })
    const link = createRedisLink(redis.url, () => {})
    onTestFinished(link.close)
    link.open()
    const stranger = createBus({ link, notices: undefined, epoch: row!.epoch, failed: () => {} })
    stranger.start()
    await vi.waitFor(() => expect(link.isThere()).toBe(true))
    const next = (await headOf(one)) + 1
    const event = { position: next, id: 'mentor:x@1', type: 'mentor.held', version: 1, state: 's', at: '' }
    for (const events of [
      [{ topics: ['org:x'], event }],
      [{ topics: ['org:x'], event: { ...event, actor: null } }],
      [{ topics: [7], event: { ...event, actor: { type: 'mentor', id: 'x' } } }],
    ])
      stranger.publish({ from: next, to: next, events } as never)
    await issue(one, sender, mentorId, 'ours')
    await listener.next('certification.issued', ({ view }) => view.certType === 'ours')
    expectUnbroken(listener)
  })

  it.runIf(withRedis)(
    'is not heard by a deployment with another database on the same Redis',
    PATIENCE,
    async () => {
      const [one, other] = [await aServer({ redisUrl: redis.url }), await aServer({ redisUrl: redis.url })]
      await vi.waitFor(() => expect(one.stats().redis?.isThere && other.stats().redis?.isThere).toBe(true))
      const { adminClient, mentorId } = await aTeam(one)
      await issue(one, adminClient, mentorId, 'ours')
      await vi.waitFor(() => expect(one.stats().bus.sent).toBeGreaterThan(0))
      expect(other.stats().bus.received).toBe(0)
    },
  )
})

describe.runIf(isPostgres && withRedis)('a node that starts and stops', () => {
  for (const [how, away] of [
    ['frozen', (own: RedisServer) => own.freeze()],
    ['away', (own: RedisServer) => own.kill()],
  ] as const)
    it(`while Redis is ${how} leaves no promise behind`, PATIENCE, async () => {
      const own = await startRedis()
      onTestFinished(own.stop)
      await away(own)
      const { url, close } = await aServer({ redisUrl: own.url })
      expect((await fetch(`${url}/ready`)).status).toBe(200)
      await close()
      // An unhandled rejection would fail the test here.
      await new Promise((resolve) => setTimeout(resolve, 50))
      own.thaw()
    })

  it('leaves none behind, either, when Redis has stopped to answer since', PATIENCE, async () => {
    const own = await startRedis()
    onTestFinished(own.stop)
    const { close, stats } = await aServer({ redisUrl: own.url })
    await vi.waitFor(() => expect(stats().redis?.isThere).toBe(true))
    own.freeze()
    // Until the connections have been given up and made again, on which subscribing is never answered.
    await vi.waitFor(() => expect(stats().redis?.isThere).toBe(false), PATIENCE)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await close()
    await new Promise((resolve) => setTimeout(resolve, 50))
    own.thaw()
  })
})

describe.runIf(isPostgres)('a command that is sent to two nodes', () => {
  it('at once is applied once, and answered the same by both', PATIENCE, async () => {
    const { one, two, admin, mentorId } = await aPair()
    const [here, there] = [await connect(one, admin), await connect(two, admin)]
    for (let round = 0; round < 20; round++) {
      const isPause = round % 2 === 0
      const name = isPause ? 'mentors.pause' : 'mentors.resume'
      const command = { commandId: crypto.randomUUID(), id: mentorId }
      const payload = isPause ? { ...command, reason: `round ${round}` } : command
      const [first, second] = await Promise.all([here.call(name, payload), there.call(name, payload)])
      expect(first).toMatchObject({ ok: true })
      expect(second).toEqual(first)
    }
  })
})

describe.runIf(isPostgres)('roles', () => {
  const rolesOf = (...roles: ('gateway' | 'worker' | 'scheduler')[]) => ({ roles: new Set(roles) })

  for (const shared of withRedis ? ['Redis', 'the database alone'] : ['the database alone'])
    it(
      `are shared out with ${shared}: one node answers, another fires timers, a third carries out effects`,
      { timeout: 90_000 },
      async () => {
        const redisUrl = shared === 'Redis' ? { redisUrl: redis.url } : {}
        const gateway = await aServer({ ...rolesOf('gateway'), ...redisUrl })
        const { admin, mentorId } = await aTeam(gateway, ['first_aid'])
        const client = await connect(gateway, admin)
        await client.subscribe({ topics: [`mentor:${mentorId}`] })
        const issued = await client.call('certifications.issue', {
          mentorId,
          certType: 'first_aid',
          issuedAt: gateway.clock.at(),
          expiresAt: gateway.clock.at(5 * 60_000),
        })
        expect(issued.ok).toBe(true)
        // The mentor hears of it through an effect, which nobody carries out yet.
        const known = async () =>
          (await client.call('mentors.get', { id: mentorId })).data.certifications.length as number
        expect(await known()).toBe(0)

        const worker = await gateway.another({ ...rolesOf('worker'), ...redisUrl })
        // A reminder that Redis gave to a connection that broke comes again after two lock times.
        await vi.waitFor(async () => expect(await known()).toBe(1), { timeout: 45_000 })
        gateway.clock.advance(6 * 60_000)
        const scheduler = await gateway.another({ ...rolesOf('scheduler'), ...redisUrl })
        await client.next('mentor.held')
        expect(gateway.stats().timers.fired).toBe(0)
        expect(scheduler.stats().timers.fired).toBeGreaterThan(0)
        expect(Object.values(worker.stats().effects.lanes).some(({ done }) => done > 0)).toBe(true)
      },
    )

  it('a node without the gateway has no door but for those who look after it', PATIENCE, async () => {
    const worker = await aServer(rolesOf('worker', 'scheduler'))
    const status = async (path: string) => (await fetch(worker.url + path)).status
    expect([await status('/health'), await status('/ready'), await status('/metrics')]).toEqual([
      200, 200, 200,
    ])
    expect([await status('/docs'), await status('/api/v1/mentors')]).toEqual([404, 404])
    await expect(connect(worker, { token: 'none' })).rejects.toThrow('websocket error')
  })
})

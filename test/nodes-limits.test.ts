import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startRedis, withRedis, type RedisServer } from './support/redis.ts'
import { aServer, aTeam, aUser, connect, type Person, type TestServer } from './support/server.ts'

const isPostgres = process.env['LAUREL_TEST_DATABASE'] === 'postgres'
const PATIENCE = { timeout: 120_000 }
const LIMIT = 100

let redis: RedisServer
beforeAll(async () => {
  if (withRedis && isPostgres) redis = await startRedis()
})
afterAll(() => redis?.stop())

const isThere = async (nodes: readonly TestServer[], expected: boolean) =>
  vi.waitFor(
    () => expect(nodes.map((node) => node.stats().redis?.isThere)).toEqual(nodes.map(() => expected)),
    { timeout: 60_000 },
  )

/** Two nodes with a team; the prices are asked for since they cost nothing else. */
const aPair = async (redisUrl: string, options: Parameters<typeof aServer>[0] = {}) => {
  const one = await aServer({ redisUrl, requestsPerMinute: LIMIT, ...options })
  const two = await one.another()
  await isThere([one, two], true)
  return { one, two, ...(await aTeam(one)) }
}

type Answer = { ok: boolean; code?: string; retryAfterMs?: number }

const overHttp = async ({ url }: TestServer, { token }: Person): Promise<Answer> => {
  const response = await fetch(`${url}/api/v1/prices`, { headers: { authorization: `Bearer ${token}` } })
  if (response.ok) return { ok: true }
  const { error } = (await response.json()) as { error: { code: string; retryAfterMs: number } }
  return { ok: false, code: error.code, retryAfterMs: error.retryAfterMs }
}

const aSocket = async (node: TestServer, person: Person) => {
  const client = await connect(node, person)
  return async (): Promise<Answer> => {
    const { ok, error, retryAfterMs } = await client.call('mentors.list')
    return { ok, ...(error && { code: error.code, retryAfterMs }) }
  }
}

const times = async (count: number, call: () => Promise<Answer>) =>
  (await Promise.all(Array.from({ length: count }, call))).filter(({ ok }) => ok).length

const expectLimited = ({ code, retryAfterMs }: Answer) => {
  expect(code).toBe('rate_limited')
  expect(retryAfterMs).toBeGreaterThan(0)
  expect(retryAfterMs).toBeLessThanOrEqual(60_000)
}

describe.runIf(isPostgres && withRedis)('the requests of one user', () => {
  it('C39 S4.45 are counted over all nodes, sockets and REST together', PATIENCE, async () => {
    const { one, two, coordinator, mentorUser } = await aPair(redis.url)
    const [here, there] = [await aSocket(one, coordinator), await aSocket(two, coordinator)]
    expect(await times(60, here)).toBe(60)
    expect(await times(40, () => overHttp(two, coordinator))).toBe(40)
    for (const answer of [
      await here(),
      await there(),
      await overHttp(one, coordinator),
      await overHttp(two, coordinator),
    ])
      expectLimited(answer)
    expect(await overHttp(one, mentorUser)).toEqual({ ok: true })
    expect([one.stats().limits.alone, two.stats().limits.alone]).toEqual([0, 0])
  })

  it('that arrive at both nodes at once are admitted exactly as often as allowed', PATIENCE, async () => {
    const { one, two, coordinator } = await aPair(redis.url)
    const [here, there] = [await aSocket(one, coordinator), await aSocket(two, coordinator)]
    const admitted = await Promise.all([times(LIMIT, here), times(LIMIT, there)])
    expect(admitted[0] + admitted[1]).toBe(LIMIT)
  })

  it('are counted on when Redis is killed, and together again when it is back', PATIENCE, async () => {
    const own = await startRedis()
    onTestFinished(own.stop)
    const { one, two, coordinator, mentorUser } = await aPair(own.url)
    const [here, there] = [await aSocket(one, coordinator), await aSocket(two, coordinator)]
    expect(await times(60, here)).toBe(60)
    // The second node has heard the common count with its last answer.
    expect(await times(10, there)).toBe(10)

    await own.kill()
    await isThere([one, two], false)
    expect(await times(LIMIT, here)).toBe(40)
    expect(await times(LIMIT, there)).toBe(30)
    expectLimited(await here())
    expectLimited(await there())
    expect(await times(2 * LIMIT, () => overHttp(one, mentorUser))).toBe(LIMIT)
    expect(one.stats().limits.alone).toBeGreaterThan(LIMIT)
    expect(await (await fetch(`${one.url}/ready`)).json()).toMatchObject({ data: { redis: 'away' } })

    await own.restart()
    await isThere([one, two], true)
    const before = [one, two].map((node) => node.stats().limits.alone)
    const fresh = await aUser(one, ['admin'])
    expect(await times(60, () => overHttp(one, fresh))).toBe(60)
    expect(await times(60, () => overHttp(two, fresh))).toBe(40)
    expect([one, two].map((node) => node.stats().limits.alone)).toEqual(before)
    // What Redis has forgotten, the nodes have not.
    expectLimited(await here())
    expectLimited(await there())
    expect(await (await fetch(`${one.url}/ready`)).json()).toMatchObject({ data: { redis: 'there' } })
  })

  it('are answered while Redis is frozen, in their order, and limited', PATIENCE, async () => {
    const own = await startRedis()
    onTestFinished(async () => {
      own.thaw()
      await own.stop()
    })
    const { one, two, coordinator, mentorId } = await aPair(own.url)
    const { call } = await connect(one, coordinator)
    own.freeze()
    // None of these waits for the one before it, and each is possible only after it.
    const send = async (count: number) => {
      const { ok, error } = await (count % 2 === 0
        ? call('mentors.pause', { id: mentorId, reason: 'holiday' })
        : call('mentors.resume', { id: mentorId }))
      return ok ? 'done' : (error.code as string)
    }
    const sent: Promise<string>[] = []
    // Until it is known that Redis is away, and some more after that.
    while (one.stats().redis?.isThere) {
      sent.push(send(sent.length))
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
    while (sent.length < LIMIT + 50) sent.push(send(sent.length))
    const answers = await Promise.all(sent)
    expect(answers.slice(0, LIMIT)).toEqual(Array.from({ length: LIMIT }, () => 'done'))
    expect(new Set(answers.slice(LIMIT))).toEqual(new Set(['rate_limited']))
    own.thaw()
    await isThere([one, two], true)
    expectLimited(await overHttp(one, coordinator))
  })

  it('are limited by each node while Redis refuses to write', PATIENCE, async () => {
    const own = await startRedis()
    onTestFinished(own.stop)
    for (const [refuse, accept] of [
      [
        ['config', 'set', 'maxmemory', '1'],
        ['config', 'set', 'maxmemory', '0'],
      ],
      [
        ['replicaof', '127.0.0.1', '1'],
        ['replicaof', 'no', 'one'],
      ],
    ] as const) {
      const { one, two, coordinator } = await aPair(own.url)
      await own.command(refuse[0], ...refuse.slice(1))
      expect(await times(LIMIT + 20, () => overHttp(one, coordinator))).toBe(LIMIT)
      expectLimited(await overHttp(one, coordinator))
      await isThere([one, two], false)
      await own.command(accept[0], ...accept.slice(1))
      await isThere([one, two], true)
      expect(await times(LIMIT, () => overHttp(two, coordinator))).toBeLessThanOrEqual(LIMIT)
      expectLimited(await overHttp(two, coordinator))
    }
  })
})

describe.runIf(isPostgres && withRedis)('attempts to sign in', () => {
  const attempt = async ({ url }: TestServer, email: string, password: string) => {
    const response = await fetch(`${url}/api/auth/user/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    })
    return response.status
  }

  it('are counted over all nodes, and taken back over all of them', PATIENCE, async () => {
    const limits = { perAddress: 1_000_000, perAccount: 1_000_000, perAccountAndAddress: 4 }
    const { one, two, coordinator, mentorUser } = await aPair(redis.url, { loginLimits: limits })
    const wrong = async (node: TestServer, { email }: Person) =>
      attempt(node, email, 'wrong, but long enough')
    const right = async (node: TestServer, { email }: Person) => attempt(node, email, 'correct horse battery')
    for (const node of [one, two, one, two]) expect(await wrong(node, coordinator)).toBe(401)
    for (const node of [one, two]) expect(await right(node, coordinator)).toBe(429)

    for (const node of [one, two, one]) expect(await wrong(node, mentorUser)).toBe(401)
    expect(await right(two, mentorUser)).toBe(200)
    for (const node of [one, two, one]) expect(await wrong(node, mentorUser)).toBe(401)

    const keys = (await redis.command('keys', '*limit:*')) as string[]
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      expect(key).toMatch(/^laurel:/)
      expect(key).not.toContain('@')
      expect(key).not.toContain('example')
    }
  })

  it('and registrations are counted on when Redis is killed', PATIENCE, async () => {
    const own = await startRedis()
    onTestFinished(own.stop)
    const { one, two } = await aPair(own.url, { loginLimits: { registrationsPerAddress: 6 } })
    const register = async ({ url }: TestServer) => {
      const response = await fetch(`${url}/api/auth/user/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          email: `${crypto.randomUUID()}@example.test`,
          password: 'correct horse battery',
          name: 'Somebody',
        }),
      })
      return response.status
    }
    const statuses = async (...nodes: TestServer[]) => {
      const all: number[] = []
      for (const node of nodes) all.push(await register(node))
      return all
    }
    expect(await statuses(one, two, one, two)).toEqual([200, 200, 200, 200])
    await own.kill()
    await isThere([one, two], false)
    expect(await statuses(two, two, two)).toEqual([200, 200, 429])
  })
})

describe.runIf(isPostgres && withRedis)('a Redis that may remove keys', () => {
  it('is warned of at the start, and one that may not is not', PATIENCE, async () => {
    const own = await startRedis()
    onTestFinished(own.stop)
    const started = async () => {
      const lines: string[] = []
      const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
      const node = await aServer({ redisUrl: own.url, logger })
      await isThere([node], true)
      return lines
    }
    const calm = await started()
    await own.command('config', 'set', 'maxmemory-policy', 'allkeys-lru')
    const warned = await started()
    await vi.waitFor(() => expect(warned.join('')).toContain('maxmemory-policy is allkeys-lru'), {
      timeout: 60_000,
    })
    expect(calm.join('')).not.toContain('maxmemory-policy')
  })
})

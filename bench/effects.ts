import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { openDatabase } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import type { EffectHandler } from '../src/effects/handler.ts'
import { createReport } from '../src/effects/report.ts'
import { createPaystack } from '../src/payments/paystack.ts'
import { createRedisLink } from '../src/redis.ts'
import { ALL_ROLES } from '../src/roles.ts'
import { createRuntime } from '../src/runtime.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { startRedis } from '../test/support/redis.ts'
import { account, accountMigration } from './account.ts'
import { closedLoop, median, middle, show, type Measured } from './load.ts'
import { probe, probeMigration } from './probe.ts'

const AT_ONCE = 64
const ACCOUNTS = 1_000
const BACKLOG = 100_000
const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 5_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const principal = { userId: randomUUID(), orgId: randomUUID(), roles: [] }

/** Effects a second from the command to the turn that takes the answer, and what a backlog of them costs the others. */
export const benchEffects = async () => {
  const postgres = await startPostgres({ fsync: true })
  const redis = await startRedis()
  const references = Array.from({ length: AT_ONCE }, () => randomUUID())
  const provider = await aProvider(references)

  const nodes = {
    'in process': await aNode((await createDatabase(postgres.url)).url, { references, provider }),
    bull: await aNode((await createDatabase(postgres.url)).url, {
      references,
      provider,
      redisUrl: redis.url,
    }),
  }
  const runs: Record<string, Measured[]> = { 'in process': [], bull: [] }
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, node] of Object.entries(nodes)) {
      const run = await closedLoop(AT_ONCE, round === 0 ? 1_000 : WINDOW_MS, node.ask)
      if (round > 0) runs[name]!.push(run)
    }
  console.log(`PostgreSQL, durable commits; command → effect → HTTP → result, ${AT_ONCE} at once`)
  for (const [name, measured] of Object.entries(runs)) show(name, middle(measured))
  for (const node of Object.values(nodes)) await node.close()

  await benchBacklog(postgres.url)
  provider.stop()
  await redis.stop()
  await postgres.stop()
}

/** The same turns on two databases, one of which has a hundred thousand effects that nobody can finish. */
const benchBacklog = async (url: string) => {
  const empty = await aNode((await createDatabase(url)).url, {})
  const full = await aNode((await createDatabase(url)).url, {})
  await full.fill(BACKLOG)
  const runs: Record<'empty' | 'full', Measured[]> = { empty: [], full: [] }
  global.gc?.()
  const before = process.memoryUsage.rss()
  for (let round = 0; round < 2 * ROUNDS; round++) {
    runs.empty.push(await closedLoop(AT_ONCE, WINDOW_MS, empty.deposit))
    runs.full.push(await closedLoop(AT_ONCE, WINDOW_MS, full.deposit))
  }
  const grownMb = (process.memoryUsage.rss() - before) / 1024 ** 2
  const beside = middle(runs.empty)
  show('turns, no backlog', beside)
  show(`turns, ${BACKLOG} pending effects`, middle(runs.full), beside)
  const ratios = runs.full.map((run, index) => run.perSecond / runs.empty[index]!.perSecond)
  console.log(
    `median of the rounds' ratios: ${median(ratios).toFixed(2)}; memory grew by ${grownMb.toFixed(0)} MB`,
  )
  console.log(`pending at the end: ${await full.pending()}`)
  await empty.close()
  await full.close()
}

type Provider = { url: string; secretKey: string; stop: () => void }

const aProvider = async (references: readonly string[]): Promise<Provider> => {
  const child = fork('bench/simulator-server.ts', references)
  const address = await new Promise<Omit<Provider, 'stop'>>((resolve) =>
    child.once('message', (message) => resolve(message as Omit<Provider, 'stop'>)),
  )
  return { ...address, stop: () => child.kill() }
}

type NodeOptions = { references?: readonly string[]; provider?: Provider; redisUrl?: string }

const aNode = async (url: string, { references = [], provider, redisUrl }: NodeOptions) => {
  const definitions = [account, probe]
  const database = await openDatabase({ url }, [...migrations, accountMigration, probeMigration], definitions)
  await database.migrator.up()
  const link = redisUrl ? createRedisLink(redisUrl, (text) => console.log(text)) : undefined
  link?.open()
  const runtime = createRuntime({
    database,
    definitions,
    engineLimits: undefined,
    timerPollMs: undefined,
    fallbackOrgId: principal.orgId,
    link,
    roles: ALL_ROLES,
    now: Date.now,
    failed: (error) => console.error(error),
  })
  const { engine } = runtime
  const settings = { attempts: 5, backoffMs: () => 1_000, timeoutMs: 30_000, concurrency: AT_ONCE }
  if (provider) runtime.handle('askProvider', { ...settings, run: asking(provider, runtime) })
  runtime.handle('stuck', { ...settings, timeoutMs: 600_000, run: stuck })
  const waiting = new Map<string, () => void>()
  runtime.onCommitted(({ writes }) => {
    for (const { write } of writes)
      if (write.turns.some(({ type }) => type === 'provider.answered')) waiting.get(write.id)?.()
  })
  runtime.start()
  const send = async (type: string, id: string, name: string, creation?: { input: object }) => {
    const payload = name === 'deposit' ? { amount: 1 } : {}
    const at = new Date().toISOString()
    const actor = { type, id }
    const message = { id: randomUUID(), actor, cause: 'command' as const, type: name, payload, at, principal }
    const reply = await engine.send({ ...message, ...(creation ? { creation } : {}) })
    if (!reply.ok) throw new Error(JSON.stringify(reply))
  }
  const accounts = Array.from({ length: ACCOUNTS }, () => randomUUID())
  const owner = principal.userId
  await Promise.all(accounts.map((id) => send('account', id, 'open', { input: { owner } })))
  await Promise.all(references.map((id) => send('probe', id, 'open', { input: { id, owner } })))
  return {
    deposit: () => send('account', accounts[Math.floor(Math.random() * ACCOUNTS)]!, 'deposit'),
    ask: async (worker: number) => {
      const id = references[worker]!
      const answered = new Promise<void>((resolve) => waiting.set(id, resolve))
      await send('probe', id, 'ask')
      await answered
    },
    fill: (count: number) =>
      database.sql.query(
        {
          name: 'fill',
          text: `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
            select 'account:' || $2 || '@' || n || '.0', 'account', $2::uuid, n, 'stuck',
              jsonb_build_object('note', repeat('x', 400)), now()
            from generate_series(1, $1::integer) as n`,
        },
        [count, accounts[0]],
      ),
    pending: async () => {
      const [row] = await database.sql.query<{ n: number }>({
        name: 'pending',
        text: `select count(*)::integer as n from effect where status = 'pending'`,
      })
      return row!.n
    },
    close: async () => {
      await engine.drain()
      await runtime.stop()
      await database.close()
    },
  }
}

/** As `verifyPayment` does it. */
const asking = (
  { url, secretKey }: Provider,
  { engine }: ReturnType<typeof createRuntime>,
): EffectHandler['run'] => {
  const paystack = createPaystack({ url, secretKey, failed: (error) => console.error(error) })
  const report = createReport(engine, Date.now)
  return async (effect, signal) => {
    const { reference } = effect.params as { reference: string }
    const answer = await paystack.verify(reference, signal)
    if (!answer.ok) return { retry: answer.message }
    return report(effect, { type: 'provider.answered', status: answer.data.status })
  }
}

/** A provider that hangs: each attempt takes as long as it may. */
const stuck: EffectHandler['run'] = (_effect, signal) =>
  new Promise((resolve) => {
    const give = () => resolve({ againInMs: 0 })
    setTimeout(give, 5_000).unref()
    signal.addEventListener('abort', give)
  })

if (import.meta.main) {
  await benchEffects()
  process.exit(0)
}

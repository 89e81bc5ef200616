import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io-client'
import type { Reply } from '../contracts/protocol.ts'
import type { RemovalView } from '../contracts/removal.ts'
import { openDatabase, type Database } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { createRandom } from '../test/kill/random.ts'
import { plainLearners } from '../test/removal-campaign/learners.ts'
import { refundedTo } from '../test/removal-campaign/policy.ts'
import { startProvider, type Provider } from '../test/removal-campaign/provider.ts'
import { setStage } from '../test/removal-campaign/stage.ts'
import { freePort } from '../test/support/free-port.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { show, type Measured } from './load.ts'
import { familyProcessorMs, processorMs } from './processor-time.ts'
import { aHouse, prepare, residentMb, serve, TOKEN_SECRET, type Served } from './processes.ts'
import { connect, seconds, showFrames, watching } from './removal-frames.ts'
import { record } from './results.ts'

const ENROLLMENTS = Number(process.env['BENCH_ENROLLMENTS'] ?? 10_000)
const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 10_000)
const EMAIL = 'admin@bench.test'
const VAULT_KEY = Buffer.alloc(32, 7).toString('base64')
/** Others who work meanwhile, each with one command after the other and a pause between two. */
const OTHERS = 8
const PAUSE_MS = 50

/** One offering is removed from everybody who has paid for it, while an administrator watches and others work. */
export const benchRemoval = async () => {
  const postgres = await startPostgres({ fsync: true })
  const { url } = await createDatabase(postgres.url)
  const provider = await startProvider()
  const mentors = await prepare(url, (server) => aHouse(server, EMAIL, OTHERS))
  const learners = plainLearners(createRandom(1), ENROLLMENTS)
  const begun = performance.now()
  const place = { database: { url }, port: await freePort(), tokenSecret: TOKEN_SECRET, vaultKey: VAULT_KEY }
  const { offeringId } = await setStage(place, provider, learners)
  console.log(`${ENROLLMENTS} enrollments and their payments were made in ${seconds(begun)} s`)
  const laurel = await served(url, provider)
  const database = await openDatabase({ url, poolSize: 1 }, migrations)

  const others = await Promise.all(mentors.map(() => connect(laurel.url, EMAIL)))
  const ask = working(others, mentors)
  const alone = await paced(ask, until(WINDOW_MS))
  show(`${OTHERS} others, before the removal`, alone)

  const postmaster = Number(readFileSync(join(postgres.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  const used = () => ({
    server: processorMs(laurel.child.pid!),
    PostgreSQL: familyProcessorMs(postmaster),
    provider: processorMs(provider.pid),
  })
  const outcome = await remove({ laurel, offeringId, database, ask, used })
  show(`${OTHERS} others, beside the removal`, outcome.beside, alone)
  const owed = learners.reduce((sum, learner) => sum + refundedTo(learner), 0n)
  await provider.idle()
  const refunded = Object.values(await provider.books()).reduce(
    (sum, one) => sum + BigInt(one.refundedMinor),
    0n,
  )
  console.log(`the provider has refunded ${refunded} of ${owed} minor units`)
  if (refunded !== owed) throw new Error('the books do not agree')

  for (const socket of others) socket.disconnect()
  await database.close()
  await laurel.stop()
  provider.stop()
  await postgres.stop()
}

const served = async (url: string, provider: Provider): Promise<Served> => {
  const laurel = await serve(url, {
    PAYSTACK_URL: provider.url,
    PAYSTACK_SECRET_KEY: provider.secretKey,
    LAUREL_ENCRYPTION_KEYS: `test:${VAULT_KEY}`,
  })
  await provider.setWebhookUrl(`${laurel.url}/webhooks/paystack`)
  return laurel
}

type Removing = {
  laurel: Served
  offeringId: string
  database: Database
  ask: (worker: number) => Promise<unknown>
  used: () => Used
}

/** Processor time of each part so far, in milliseconds: what a busy machine does not change. */
type Used = Record<'server' | 'PostgreSQL' | 'provider', number>

const remove = async ({ laurel, offeringId, database, ask, used }: Removing) => {
  const socket = await connect(laurel.url, EMAIL)
  const call = async <Data>(name: string, input: object) => {
    const reply = (await socket.emitWithAck(name, input)) as Reply<Data>
    if (!reply.ok) throw new Error(`${name}: ${JSON.stringify(reply)}`)
    return reply
  }
  const reaches = async (id: string, wanted: RemovalView['status']) => {
    for (;;) {
      const { data } = await call<RemovalView>('removals.get', { id })
      if (data.status === wanted) return data
      await sleep(100)
    }
  }
  const before = await readings(database)
  const [planBegun, { id = '' }] = [
    performance.now(),
    await call('removals.plan', { offeringId, reason: 'not as described' }),
  ]
  const orgId = await orgOf(database)
  const watchers = {
    [`removal:<id>, each`]: await watching(laurel.url, EMAIL, `removal:${id}`, 'each'),
    [`org:<id>, each`]: await watching(laurel.url, EMAIL, `org:${orgId}`, 'each'),
    [`org:<id>, batch`]: await watching(laurel.url, EMAIL, `org:${orgId}`, 'batch'),
  }
  await reaches(id, 'planned')
  const planS = seconds(planBegun)
  const planned = await readings(database)
  const usedBefore = used()

  let isDone = false
  const besides = paced(ask, () => isDone)
  const runBegun = performance.now()
  await call('removals.run', { id })
  const view = await reaches(id, 'done')
  const runS = seconds(runBegun)
  const usedAfter = used()
  isDone = true
  const beside = await besides
  const after = await readings(database)
  await sleep(1_000)

  const rows = {
    plan: { seconds: planS, rowsPerSecond: ENROLLMENTS / planS, ...difference(planned, before) },
    run: { seconds: runS, rowsPerSecond: ENROLLMENTS / runS, ...difference(after, planned) },
  }
  console.log(`${view.processed} processed, ${view.failed} failed, ${view.review} to review`)
  for (const [label, row] of Object.entries(rows)) {
    record({ label, enrollments: ENROLLMENTS, ...row })
    console.log(
      `${label.padEnd(6)} ${row.seconds.toFixed(1).padStart(7)} s ${row.rowsPerSecond.toFixed(0).padStart(6)} rows/s  ` +
        `${row.turns} turns (${(row.turns / ENROLLMENTS).toFixed(1)} for each), ${row.transactions} transactions`,
    )
  }
  const cpuMs = (part: keyof Used) => (usedAfter[part] - usedBefore[part]) / ENROLLMENTS
  console.log(
    `processor time of the run for each enrollment, with what the others cost: server ${cpuMs('server').toFixed(1)} ms, ` +
      `PostgreSQL ${cpuMs('PostgreSQL').toFixed(1)} ms, provider ${cpuMs('provider').toFixed(1)} ms`,
  )
  for (const [label, watcher] of Object.entries(watchers)) showFrames(label, watcher.end())
  console.log(`resident set of the server ${(await residentMb(laurel.child)).toFixed(0)} MB`)
  socket.disconnect()
  return { beside }
}

type Readings = { turns: number; transactions: number }

/** Transactions are all of them, those that only read as well. */
const readings = async ({ sql }: Database): Promise<Readings> => {
  const [row] = await sql.query<Readings>({
    name: 'removal_readings',
    text: `select (select count(*)::integer from journal) as turns,
      (select xact_commit::integer from pg_stat_database where datname = current_database()) as transactions`,
  })
  return row!
}

const difference = (after: Readings, before: Readings): Readings => ({
  turns: after.turns - before.turns,
  transactions: after.transactions - before.transactions,
})

const orgOf = async ({ sql }: Database): Promise<string> => {
  const [row] = await sql.query<{ id: string }>({
    name: 'removal_org',
    text: 'select org_id as id from removal limit 1',
  })
  return row!.id
}

/** Commands on an actor of one's own. */
const working = (sockets: readonly Socket[], mentors: readonly string[]) => {
  const paused = new Set<number>()
  return async (worker: number) => {
    const isPaused = paused.has(worker)
    const id = mentors[worker]
    const [name, payload] = isPaused ? ['mentors.resume', { id }] : ['mentors.pause', { id, reason: 'bench' }]
    const reply = (await sockets[worker]!.emitWithAck(name, payload)) as Reply
    if (!reply.ok) throw new Error(JSON.stringify(reply))
    paused[isPaused ? 'delete' : 'add'](worker)
  }
}

const until = (ms: number) => {
  const end = performance.now() + ms
  return () => performance.now() > end
}

/** So many workers who pause between two requests: latencies of a server that is not full of these. */
const paced = async (ask: (worker: number) => Promise<unknown>, isOver: () => boolean): Promise<Measured> => {
  const latencies: number[] = []
  const begun = performance.now()
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: OTHERS }, async (_, worker) => {
      while (!isOver()) {
        const asked = performance.now()
        await ask(worker)
        latencies.push(performance.now() - asked)
        await sleep(PAUSE_MS)
      }
    }),
  )
  const { user, system } = process.cpuUsage(cpu)
  latencies.sort((one, other) => one - other)
  const at = (share: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    perSecond: latencies.length / seconds(begun),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMs: (user + system) / 1000 / latencies.length,
  }
}

if (import.meta.main) {
  await benchRemoval()
  process.exit(0)
}

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type Engine, type EngineLimits } from '../actors/engine/engine.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import { openDatabase, type DatabaseOptions } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { account, accountMigration } from './account.ts'
import { closedLoop, middle, show, type Measured } from './load.ts'
import { naiveService } from './naive.ts'

const ACTORS = 10_000
const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 3_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const CONCURRENCIES = [1, 16, 64, 256, 1_024]

/** Turns a second without sockets, beside one MikroORM transaction for each command, in turns so that noise hits both. */
export const benchEngine = async () => {
  const postgres = await startPostgres({ fsync: true })
  const [ours, theirs] = [await createDatabase(postgres.url), await createDatabase(postgres.url)]
  const laurel = await laurelEngine({ url: ours.url })
  const naive = await naiveService(theirs.url, ACTORS)
  console.log(`PostgreSQL, ${ACTORS} actors, durable commits`)
  for (const concurrency of CONCURRENCIES) {
    const runs: Record<string, Measured[]> = { naive: [], spread: [], hot: [] }
    for (let round = 0; round < ROUNDS; round++) {
      runs['naive']!.push(await closedLoop(Math.min(concurrency, 256), WINDOW_MS, naive.deposit))
      runs['spread']!.push(await closedLoop(concurrency, WINDOW_MS, laurel.deposit))
      runs['hot']!.push(await closedLoop(concurrency, WINDOW_MS, laurel.depositHot))
    }
    const beside = middle(runs['naive']!)
    show(`c=${concurrency} one MikroORM transaction a command`, beside)
    show(`c=${concurrency} Laurel, spread`, middle(runs['spread']!), beside)
    show(`c=${concurrency} Laurel, one hot actor`, middle(runs['hot']!), beside)
  }
  await laurel.close()
  await naive.close()
  await postgres.stop()

  const folder = mkdtempSync(join(tmpdir(), 'laurel-bench-'))
  const embedded = await laurelEngine({ folder })
  console.log('PGlite in a folder')
  for (const concurrency of CONCURRENCIES) {
    show(`c=${concurrency} Laurel, spread`, await closedLoop(concurrency, WINDOW_MS, embedded.deposit))
    show(
      `c=${concurrency} Laurel, one hot actor`,
      await closedLoop(concurrency, WINDOW_MS, embedded.depositHot),
    )
  }
  await embedded.close()
  rmSync(folder, { recursive: true })
}

export const laurelEngine = async (
  options: DatabaseOptions,
  count = ACTORS,
  limits: Partial<EngineLimits> = {},
) => {
  const database = await openDatabase(options, [...migrations, accountMigration])
  await database.migrator.up()
  const engine = createEngine({
    store: createActorStore(database),
    definitions: [account],
    committed: () => {},
    failed: (error) => console.error(error),
    limits: { active: 2 * count, node: 100_000, mailbox: 10_000, ...limits },
  })
  const principal = { userId: randomUUID(), orgId: randomUUID(), roles: [] }
  const ids = Array.from({ length: count }, () => randomUUID())
  const message = (id: string, type: string, payload: object) => ({
    id: randomUUID(),
    actor: { type: 'account', id },
    cause: 'command' as const,
    type,
    payload,
    at: new Date().toISOString(),
    principal,
  })
  for (let from = 0; from < count; from += 2_000)
    await Promise.all(
      ids
        .slice(from, from + 2_000)
        .map((id) =>
          engine.send({ ...message(id, 'open', {}), creation: { input: { owner: principal.userId } } }),
        ),
    )
  const deposit = (id: string) => mustSucceed(engine, message(id, 'deposit', { amount: 1 }))
  return {
    engine,
    database,
    owner: principal.userId,
    ids,
    deposit: () => deposit(ids[Math.floor(Math.random() * count)]!),
    depositHot: () => deposit(ids[0]!),
    close: async () => {
      await engine.drain()
      await database.close()
    },
  }
}

const mustSucceed = async (engine: Engine, message: Parameters<Engine['send']>[0]) => {
  const reply = await engine.send(message)
  if (!reply.ok) throw new Error(JSON.stringify(reply))
}

if (import.meta.main) {
  await benchEngine()
  process.exit(0)
}

import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import type { AnyActorDefinition } from '../actors/actor.ts'
import { createEngine } from '../actors/engine/engine.ts'
import { dehydrate, start } from '../actors/engine/step.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import { openDatabase } from '../persistence/database.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { account, accountMachine, accountMigration } from './account.ts'
import { benchSubscribers, requireFiles } from './growth-subscribers.ts'
import { closedLoop, middle, type Measured } from './load.ts'
import { record } from './results.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 2_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const STORED = (process.env['BENCH_STORED'] ?? '1000,100000,1000000').split(',').map(Number)
const JOURNAL = Number(process.env['BENCH_JOURNAL'] ?? 10_000_000)
const CONCURRENCY = 64
/** Actors that are kept in memory. */
const ACTIVE = 10_000
const owner = randomUUID()

/** How turns depend on how much is stored, on how many topics an event has, and on how many subscribe to a topic. */
export const benchGrowth = async () => {
  requireFiles()
  const postgres = await startPostgres({ fsync: true })
  const aPlace = async (stored: number, definition: AnyActorDefinition = account) =>
    openPlace((await createDatabase(postgres.url)).url, stored, definition)

  const sizes = new Map<string, Place>()
  for (const stored of STORED) sizes.set(`${stored} stored actors`, await aPlace(stored))
  const full = await aPlace(STORED.at(-1)!)
  const begun = performance.now()
  await fillJournal(full.url, JOURNAL, STORED.at(-1)!)
  await settle(full.url)
  console.log(
    `a journal of ${JOURNAL} turns was made in ${((performance.now() - begun) / 1_000).toFixed(0)} s`,
  )
  sizes.set(`${STORED.at(-1)} stored actors, ${JOURNAL} turns before`, full)
  await compare('turns of 1,000 actors, all of them in memory', sizes, ({ deposit, stored }) =>
    deposit(Math.min(1_000, stored)),
  )
  await compare(`turns of any actor, ${ACTIVE} of them in memory`, sizes, ({ deposit, stored }) =>
    deposit(stored),
  )
  for (const place of sizes.values()) await place.close()

  const topics = new Map<string, Place>()
  for (const count of [1, 5, 20])
    topics.set(
      `${count} ${count === 1 ? 'topic' : 'topics'} an event`,
      await aPlace(1_000, withTopics(count)),
    )
  await compare('turns of 1,000 actors, by topics', topics, ({ deposit }) => deposit(1_000))
  for (const place of topics.values()) await place.close()

  await benchSubscribers(postgres.url)
  await postgres.stop()
}

/** In turns; the first round warms up. */
const compare = async (
  part: string,
  places: ReadonlyMap<string, Place>,
  command: (place: Place) => Promise<void>,
) => {
  const runs = new Map<string, Measured[]>([...places.keys()].map((label) => [label, []]))
  for (let round = 0; round <= ROUNDS; round++)
    for (const [label, place] of places) {
      const measured = await closedLoop(CONCURRENCY, WINDOW_MS, () => command(place))
      if (round > 0) runs.get(label)!.push(measured)
    }
  const [first] = [...runs.values()].map(middle)
  console.log(`\n| ${part} | turns | p50 / p99 | CPU of the engine | |\n| --- | --- | --- | --- | --- |`)
  for (const [label, measured] of runs) {
    const { perSecond, p50Ms, p99Ms, cpuMs } = middle(measured)
    const ratio = perSecond / first!.perSecond
    record({ part, label, perSecond, p50Ms, p99Ms, cpuMs, ratio })
    const times = `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)} ms`
    console.log(
      `| ${label} | ${perSecond.toFixed(0)}/s | ${times} | ${cpuMs.toFixed(3)} ms | ${ratio.toFixed(2)} × |`,
    )
  }
}

/** The actor itself and one topic after another of its owner's. */
const withTopics = (count: number): AnyActorDefinition => ({
  ...account,
  topics: Object.fromEntries([
    ['account', 'id'],
    ...Array.from({ length: count - 1 }, (_, index) => [`user${index}`, 'owner']),
  ]),
})

type Place = Awaited<ReturnType<typeof openPlace>>

const openPlace = async (url: string, stored: number, definition: AnyActorDefinition) => {
  const database = await openDatabase({ url }, [...migrations, accountMigration], [definition])
  await database.migrator.up()
  const { snapshot } = start(accountMachine, { owner })
  await database.sql.query(
    {
      name: 'fill_accounts',
      text: `insert into account (id, version, machine, state, snapshot, timers, owner)
select ${ID('number')}, 1, $2, 'open', $3, '{}', $4 from generate_series(0, $1::integer - 1) as number`,
    },
    [stored, accountMachine.id, JSON.stringify(dehydrate(snapshot)), owner],
  )
  await settle(url)
  const engine = createEngine({
    store: createActorStore(database),
    definitions: [definition],
    committed: () => {},
    failed: (error) => console.error(error),
    limits: { active: ACTIVE },
  })
  const principal = { userId: owner, orgId: owner, roles: [] }
  const deposit = async (among: number) => {
    const reply = await engine.send({
      id: randomUUID(),
      actor: { type: 'account', id: idOf(Math.floor(Math.random() * among)) },
      cause: 'command',
      type: 'deposit',
      payload: { amount: 1 },
      at: new Date().toISOString(),
      principal,
    })
    if (!reply.ok) throw new Error(reply.error.message)
  }
  const close = async () => {
    await engine.drain()
    await database.close()
  }
  return { url, stored, deposit, close }
}

/** The same ids in JavaScript and in SQL. */
const idOf = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
const ID = (number: string) => `('00000000-0000-4000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`

/** Turns of the past, of actors that are gone; the indexes are made afterwards, which is faster. */
const fillJournal = (url: string, turns: number, stored: number) =>
  patiently(url, async (run) => {
    const { rows: indexes } = await run(
      `select indexdef as text, indexname as name from pg_indexes where tablename = 'journal' and indexname <> 'journal_pkey'`,
    )
    for (const { name } of indexes) await run(`drop index ${name}`)
    const id = ID(`turn % ${stored}`).replace('-8000-', '-9000-')
    await run(`insert into journal (position, actor_type, actor_id, version, message_id, cause, type, message, at, by, from_state,
  to_state, events, view, allowed, topics)
select turn, 'account', ${id}, turn / ${stored} + 1, 'past ' || turn, 'command', 'deposit', '{"amount": 1}',
  now() - interval '30 days', '${owner}', 'open', 'open', '[{"type": "account.deposited", "data": {"amount": 1}}]',
  '{"balance": 1}', '["deposit"]', array['account:' || ${id}, 'user:${owner}']
from generate_series(1, ${turns}) as turn`)
    await run(`set maintenance_work_mem = '1GB'`)
    for (const { text } of indexes) await run(text!)
    await run(`update journal_head set position = ${turns}`)
  })

const settle = (url: string) =>
  patiently(url, async (run) => {
    for (const table of ['account', 'journal']) await run(`vacuum analyze ${table}`)
    await run('checkpoint')
  })

/** The product's own connections give a query up after ten seconds. */
const patiently = async (
  url: string,
  work: (run: (text: string) => Promise<{ rows: Record<string, string>[] }>) => Promise<void>,
) => {
  const client = new Client({ connectionString: url })
  await client.connect()
  await work((text) => client.query(text))
  await client.end()
}

if (import.meta.main) {
  await benchGrowth()
  process.exit(0)
}

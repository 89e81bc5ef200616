import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDatabase, startPostgres, type Postgres } from '../test/support/postgres.ts'
import { laurelEngine } from './engine.ts'
import type { Done, Task } from './engine-node.ts'
import { median } from './load.ts'
import { familyProcessorMs, processorMs } from './processor-time.ts'
import { aWatcher, type Waits } from './wait-events.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 400)
const WARM_UP_MS = 100
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const NODES = [1, 2, 3, 4, 8]
const MOST = Math.max(...NODES)
/** Accounts of each node, and of everybody. */
const OWN = 500
const COMMON = 4_000

type Load = 'own' | 'any' | 'hot'
const LOADS: Record<Load, string> = {
  own: 'spread, each node has actors of its own',
  any: 'spread, every node writes every actor',
  hot: 'one hot actor',
}

/** How a node is started, beside what `npm start` does. */
const VARIANTS = {
  'head row': [],
  'head row, one flight a node': ['--import', './bench/one-flight.ts'],
  'no order': ['--import', './bench/without-head.ts'],
} as const
type Variant = keyof typeof VARIANTS
const NAMES = Object.keys(VARIANTS) as Variant[]

const COLUMNS = [
  'actors',
  'at once',
  'nodes',
  'positions',
  'turns',
  'of no order',
  'p50 / p99',
  'turns a commit',
  'conflicts a turn',
  'CPU a turn',
  'connections that work',
]

/**
 * Commands on several engine processes against one PostgreSQL, with the journal's head row and, beside it, with a sequence
 * that orders nothing. A commit waits for the disk with the head row locked, so that the same is run once more with a disk
 * that takes longer than this one: PostgreSQL then waits two milliseconds before each write of its log.
 */
export const benchNodes = async () => {
  const postgres = await startPostgres({ fsync: true })
  console.log(row(COLUMNS))
  console.log(row(COLUMNS.map(() => '---')))
  const fast = await aHouse(postgres, 0)
  await compare(fast, { load: 'own', concurrency: 64, counts: NODES })
  await compare(fast, { load: 'own', concurrency: 256, counts: NODES })
  await compare(fast, { load: 'any', concurrency: 256, counts: [2, 4, 8] })
  await compare(fast, { load: 'hot', concurrency: 256, counts: [1, 2, 4, 8] })
  await fast.stop()
  const slow = await aHouse(postgres, 2_000)
  await compare(slow, { load: 'own', concurrency: 64, counts: [1, 4, 8] })
  await compare(slow, { load: 'own', concurrency: 256, counts: [1, 4, 8] })
  await slow.stop()
  await postgres.stop()
}

/** One database, and as many nodes of each variant as are ever needed. */
const aHouse = async (postgres: Postgres, commitDelayUs: number) => {
  const sides = {} as Record<Variant, Side>
  for (const variant of NAMES) sides[variant] = await aSide(postgres, variant, commitDelayUs)
  return {
    sides,
    postgres,
    disk: commitDelayUs === 0 ? '' : `, disk ${commitDelayUs / 1_000} ms slower`,
    stop: async () => {
      for (const { nodes, watcher } of Object.values(sides)) {
        nodes.forEach((node) => node.kill())
        await watcher.close()
      }
    },
  }
}

type House = Awaited<ReturnType<typeof aHouse>>
type Side = Awaited<ReturnType<typeof aSide>>

const aSide = async (postgres: Postgres, variant: Variant, commitDelayUs: number) => {
  const { url, name } = await createDatabase(postgres.url)
  const made = await laurelEngine({ url }, MOST * OWN + COMMON)
  const statements = [
    'create sequence bench_position increment by 1024',
    // What has been committed so far has taken the positions up to the head row's.
    `select setval('bench_position', position + 1) from journal_head`,
    `alter database ${name} set commit_delay = ${commitDelayUs}`,
    `alter database ${name} set commit_siblings = 0`,
  ]
  for (const text of statements) await made.database.sql.query({ name: '', text })
  await made.close()
  const nodes = await Promise.all(Array.from({ length: MOST }, () => aNode(url, made.owner, variant)))
  return { ids: made.ids, nodes, watcher: await aWatcher(url) }
}

const aNode = async (url: string, owner: string, variant: Variant) => {
  const child = fork('bench/engine-node.ts', [url, owner], {
    execArgv: ['--max-semi-space-size=8', ...VARIANTS[variant]],
    serialization: 'advanced',
  })
  await once(child, 'message')
  return child
}

type Setting = { load: Load; concurrency: number; counts: readonly number[] }

const compare = async (house: House, { load, concurrency, counts }: Setting) => {
  for (const count of counts) {
    const rounds: Record<Variant, Run>[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const runs = {} as Record<Variant, Run>
      for (const variant of round % 2 === 0 ? NAMES : NAMES.toReversed())
        runs[variant] = await run(house, variant, { load, concurrency, count })
      rounds.push(runs)
    }
    for (const variant of NAMES) {
      const it = together(rounds.map((runs) => runs[variant]))
      const ratio = median(rounds.map((runs) => perSecond(runs[variant]) / perSecond(runs['no order'])))
      const cells = [
        `${LOADS[load]}${house.disk}`,
        concurrency,
        count,
        variant,
        `${perSecond(it).toFixed(0)}/s`,
        `${ratio.toFixed(2)} ×`,
        `${at(it, 0.5).toFixed(1)} / ${at(it, 0.99).toFixed(1)} ms`,
        (it.turns / it.commits).toFixed(1),
        `${(it.conflicts / it.turns).toFixed(2)}${it.refused > 0 ? `, ${it.refused} refused` : ''}`,
        `${(it.cpuMs / it.turns).toFixed(3)} ms`,
        waitsText(it),
      ]
      console.log(row(cells))
    }
  }
}

const row = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`

/** What all nodes of one side did, in one window or in several. */
type Run = Done & {
  windows: number
  /** Processor time of all nodes and of PostgreSQL. */
  cpuMs: number
  waits: Waits
}

const run = async (
  house: House,
  variant: Variant,
  { load, concurrency, count }: { load: Load; concurrency: number; count: number },
): Promise<Run> => {
  const { watcher, ids, nodes } = house.sides[variant]
  const taking = nodes.slice(0, count)
  const postmaster = postmasterOf(house.postgres)
  const usedSoFarMs = () =>
    taking.reduce((sum, { pid }) => sum + processorMs(pid!), familyProcessorMs(postmaster))
  const stopWatching = watcher.watch()
  const before = usedSoFarMs()
  const done = await Promise.all(
    taking.map((node, index) =>
      perform(node, {
        ids: idsOf(load, ids, index),
        concurrency: Math.floor(concurrency / count) + (index < concurrency % count ? 1 : 0),
        warmUpMs: WARM_UP_MS,
        windowMs: WINDOW_MS,
      }),
    ),
  )
  const cpuMs = usedSoFarMs() - before
  return { ...allOf(done), windows: 1, cpuMs, waits: await stopWatching() }
}

const allOf = (done: readonly Done[]): Done => ({
  latencies: done.flatMap(({ latencies }) => [...latencies]),
  inWindow: sumOf(done, (it) => it.inWindow),
  turns: sumOf(done, (it) => it.turns),
  refused: sumOf(done, (it) => it.refused),
  commits: sumOf(done, (it) => it.commits),
  conflicts: sumOf(done, (it) => it.conflicts),
})

const together = (runs: readonly Run[]): Run => {
  const names = new Set(runs.flatMap(({ waits }) => Object.keys(waits)))
  const waits = [...names].map((name) => [name, sumOf(runs, (it) => it.waits[name] ?? 0) / runs.length])
  return {
    ...allOf(runs),
    windows: runs.length,
    cpuMs: sumOf(runs, (it) => it.cpuMs),
    waits: Object.fromEntries(waits),
  }
}

const sumOf = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((sum, item) => sum + of(item), 0)

const perSecond = ({ inWindow, windows }: Run): number => (inWindow / windows / WINDOW_MS) * 1_000

const at = ({ latencies }: Run, share: number): number =>
  [...latencies].toSorted((one, other) => one - other)[Math.floor(latencies.length * share)] ?? 0

const perform = async (node: ChildProcess, task: Task): Promise<Done> => {
  const answer = once(node, 'message')
  node.send(task)
  return ((await answer) as [Done])[0]
}

const idsOf = (load: Load, ids: readonly string[], node: number): readonly string[] => {
  if (load === 'own') return ids.slice(node * OWN, (node + 1) * OWN)
  const common = ids.slice(MOST * OWN)
  return load === 'any' ? common : common.slice(0, 1)
}

const postmasterOf = ({ dataDir }: Postgres): number =>
  Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n', 1)[0])

/** How many connections were, on average, in what state. */
const waitsText = ({ waits }: Run): string =>
  Object.entries(waits)
    .filter(([, count]) => count >= 0.1)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, count]) => `${name} ${count.toFixed(1)}`)
    .join(', ')

if (import.meta.main) {
  await benchNodes()
  process.exit(0)
}

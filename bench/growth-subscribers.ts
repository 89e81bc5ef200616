import { readFileSync } from 'node:fs'
import { deliverAll, deliverBeside, deliverPaced } from './fanout-runs.ts'
import { aScene, laurelSide, leave, type Side } from './fanout-sides.ts'
import { median } from './load.ts'
import { record } from './results.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 2_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const SUBSCRIBERS = (process.env['BENCH_SUBSCRIBERS'] ?? '100,1000,10000').split(',').map(Number)
/** One event a second keeps a node busy for a third of it with 10,000 subscribers: the next one never waits for it. */
const PACE = { perSecond: 1, windowMs: Math.max(2_500, 5 * WINDOW_MS) }
/** Turns that nobody hears of. */
const AT_ONCE = 64
const QUIET_MENTORS = 1_000
/** Beside the subscribers: those that come first to warm up, connections to the database, files. */
const OTHER_FILES = 1_000

/** @throws when this process and those that it starts may not open as many files as there are subscribers. */
export const requireFiles = (): void => {
  const needed = Math.max(...SUBSCRIBERS) + OTHER_FILES
  const [, allowed] = /^Max open files +(\w+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  if (Number(allowed) < needed)
    throw new Error(`${Math.max(...SUBSCRIBERS)} subscribers need \`ulimit -n ${needed}\`; it is ${allowed}`)
}

/** What a topic costs that very many subscribe to, and what is left for turns beside it. One node, on one core. */
export const benchSubscribers = async (postgresUrl: string): Promise<void> => {
  const scene = await aScene(postgresUrl, { quietMentors: QUIET_MENTORS })
  console.log(`
| subscribers of one topic | deliveries | server CPU a delivery | p50 / p99 of single events | turns beside them | p50 / p99 beside turns |
| --- | --- | --- | --- | --- | --- |`)
  for (const count of SUBSCRIBERS) {
    const side = await laurelSide(scene, count, { cores: [0], mode: 'each' })
    show(count, await measure(side))
    leave(side)
  }
}

const measure = async (side: Side) => ({
  all: await inRounds(() => deliverAll(side, WINDOW_MS)),
  alone: await inRounds(() => deliverPaced(side, PACE)),
  beside: await inRounds(() => deliverBeside(side, PACE, AT_ONCE)),
})

/** Medians; the first round warms up. */
const inRounds = async <Key extends string>(run: () => Promise<Record<Key, number>>) => {
  const runs: Record<Key, number>[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const result = await run()
    if (round > 0) runs.push(result)
  }
  return (key: Key) => median(runs.map((result) => result[key]))
}

const show = (count: number, { all, alone, beside }: Awaited<ReturnType<typeof measure>>) => {
  const row = {
    deliveriesPerSecond: all('perSecond'),
    cpuUs: all('cpuUs'),
    p50Ms: alone('p50'),
    p99Ms: alone('p99'),
    turnsPerSecond: beside('turnsPerSecond'),
    p50BesideMs: beside('p50'),
    p99BesideMs: beside('p99'),
  }
  record({ part: 'subscribers', label: `${count} subscribers of one topic`, subscribers: count, ...row })
  const cells = [
    count,
    `${row.deliveriesPerSecond.toFixed(0)}/s`,
    `${row.cpuUs.toFixed(1)} µs`,
    `${row.p50Ms.toFixed(1)} / ${row.p99Ms.toFixed(1)} ms`,
    `${row.turnsPerSecond.toFixed(0)}/s`,
    `${row.p50BesideMs.toFixed(1)} / ${row.p99BesideMs.toFixed(1)} ms`,
  ]
  console.log(`| ${cells.join(' | ')} |`)
}

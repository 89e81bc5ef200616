import { startPostgres } from '../test/support/postgres.ts'
import { startRedis } from '../test/support/redis.ts'
import { deliverAll, deliverPaced } from './fanout-runs.ts'
import { aScene, laurelSide, leave, plainSide, tell, type Scene, type Side } from './fanout-sides.ts'
import { median } from './load.ts'
import { record } from './results.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 2_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
const SOCKETS = (process.env['BENCH_SOCKETS'] ?? '1000,5000').split(',').map(Number)
/** Single events a second. */
const PACE = 5
const BURST = 1_000

/** Events of one topic to a room full of sockets, beside plain Socket.IO that sends the same bytes to as many. */
export const benchFanout = async () => {
  const postgres = await startPostgres({ fsync: true })
  const redis = await startRedis()
  const scene = await aScene(postgres.url, { redisUrl: redis.url })
  for (const count of SOCKETS) await compareOneNode(scene, count)
  await compareBursts(scene)
  for (const count of SOCKETS) await compareTwoNodes(scene, count)
  await redis.stop()
  await postgres.stop()
}

type Sides = Record<'plain' | 'laurel', Side>

const compareOneNode = async (scene: Scene, count: number) => {
  const plain = await plainSide(scene, count, [0])
  const laurel = await laurelSide(scene, count, { cores: [0], mode: 'each' })
  const label = `${count} sockets, one node`
  await compareDelivery(label, { plain, laurel })
  show(`${label}, resident set of an idle connection`, [plain.residentKb], [laurel.residentKb], 'KB')
  show(`${label}, heap of an idle connection`, [plain.heapKb], [laurel.heapKb], 'KB')
  leave(plain)
  leave(laurel)
}

const compareTwoNodes = async (scene: Scene, count: number) => {
  const plain = await plainSide(scene, count, [0, 1], true)
  const laurel = await laurelSide(scene, count, { cores: [0, 1], mode: 'each', isShared: true })
  await compareDelivery(`${count} sockets, two nodes`, { plain, laurel })
  leave(plain)
  leave(laurel)
}

const compareDelivery = async (label: string, sides: Sides) => {
  const closed = await inTurns(sides, (side) => deliverAll(side, WINDOW_MS))
  const paced = await inTurns(sides, (side) => deliverPaced(side, { windowMs: WINDOW_MS, perSecond: PACE }))
  const of = (key: 'perSecond' | 'cpuUs') =>
    [closed.plain.map((run) => run[key]), closed.laurel.map((run) => run[key])] as const
  show(`${label}, deliveries`, ...of('perSecond'), '/s')
  show(`${label}, server CPU a delivery`, ...of('cpuUs'), 'µs')
  for (const key of ['p50', 'p99'] as const)
    show(
      `${label}, ${key} of ${PACE} events a second`,
      paced.plain.map((run) => run[key]),
      paced.laurel.map((run) => run[key]),
      'ms',
    )
}

/** A burst of events to a thousand sockets, which the one side sends one by one and the other in batches. */
const compareBursts = async (scene: Scene) => {
  const count = SOCKETS[0]!
  const plain = await plainSide(scene, count, [0])
  const laurel = await laurelSide(scene, count, { cores: [0], mode: 'batch' })
  const bursts = await inTurns({ plain, laurel }, burst)
  show(
    `${count} sockets, one node, a burst of ${BURST} events, \`batch\``,
    bursts.plain,
    bursts.laurel,
    'events/s',
  )
  leave(plain)
  leave(laurel)
}

/** The first round warms up. */
const inTurns = async <Result>(sides: Sides, run: (side: Side) => Promise<Result>) => {
  const results: Record<keyof Sides, Result[]> = { plain: [], laurel: [] }
  for (let round = 0; round <= ROUNDS; round++)
    for (const name of round % 2 === 0 ? (['plain', 'laurel'] as const) : (['laurel', 'plain'] as const)) {
      const result = await run(sides[name])
      if (round > 0) results[name].push(result)
    }
  return results
}

/** @returns events a second, until the last socket has the last event. */
const burst = async ({ nodes, subscribers }: Side) => {
  const first = nodes[0]!
  subscribers.start()
  const begun = performance.now()
  const arrived = new Promise<void>((resolve) => {
    let rounds = 0
    subscribers.onRound(() => {
      if (++rounds === BURST) resolve()
    })
  })
  tell(first, { do: 'send', count: BURST })
  await arrived
  const ms = performance.now() - begun
  const { closed } = await subscribers.stop()
  if (closed > 0) throw new Error(`${closed} connections were lost`)
  return (BURST / ms) * 1_000
}

const show = (label: string, plain: readonly number[], laurel: readonly number[], unit: string) => {
  const ratio = median(laurel.map((value, round) => value / plain[round]!))
  record({ label, unit, plain: median(plain), laurel: median(laurel), ratio })
  const text = (values: readonly number[]) => {
    const value = median(values)
    return `${value >= 1_000 ? value.toFixed(0) : value.toFixed(1)} ${unit}`
  }
  console.log(`| ${label} | ${text(plain)} | ${text(laurel)} | ${ratio.toFixed(2)} × |`)
}

if (import.meta.main) {
  await benchFanout()
  process.exit(0)
}

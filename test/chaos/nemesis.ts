import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../kill/random.ts'
import { faults as allFaults, type FaultName } from './faults.ts'
import type { FaultContext } from './faults/fault.ts'

/** Causes faults, one after the other and sometimes two at once. */
export type Nemesis = {
  /** Begins no fault after this instant (of `Date.now()`); resolves when the last one has been undone. */
  run: (untilMs: number) => Promise<void>
  /** Begins none any more; resolves when those under way have been undone. */
  stop: () => Promise<void>
  /** How often each fault has been caused. */
  counts: () => ReadonlyMap<FaultName, number>
}

type Options = { context: FaultContext; faults: readonly FaultName[] }

const NO_GAP = 0.2
const SECOND = 0.2

/** What a fault needs for itself. Faults of one node take different nodes, but only one of them restarts them all. */
const CLAIMS: Readonly<Record<FaultName, readonly string[]>> = {
  kill: ['node'],
  term: ['node'],
  rolling: ['node', 'all nodes'],
  'node-pause': ['node'],
  clock: ['node'],
  'redis-stop': ['redis'],
  'redis-kill': ['redis'],
  'redis-empty': ['redis'],
  'redis-pause': ['redis'],
  'redis-drop': ['node'],
  'cut-redis': ['node'],
  'postgres-restart': ['postgres'],
  'postgres-pause': ['postgres'],
  'pool-exhausted': ['postgres'],
  'cut-postgres': ['node'],
  'slow-client': ['slow client'],
  storm: ['storm'],
}

export const createNemesis = ({ context, faults }: Options): Nemesis => {
  const random = context.random.fork()
  const startedAt = Date.now()
  const running = new Map<FaultName, Promise<void>>()
  const counts = new Map(faults.map((name) => [name, 0]))
  const stopping = new AbortController()
  let bag: FaultName[] = []

  const say = (line: string) => context.log(`t+${((Date.now() - startedAt) / 1_000).toFixed(1)}s ${line}`)

  /** The next fault of the bag that can be caused now; each comes once before any comes again. */
  const draw = (): FaultName | undefined => {
    if (bag.length === 0) bag = shuffled(faults, random)
    const index = bag.findIndex((name) => isFree(name, [...running.keys()]))
    return index === -1 ? undefined : bag.splice(index, 1)[0]
  }

  const cause = (name: FaultName): Promise<void> => {
    const began = Date.now()
    counts.set(name, (counts.get(name) ?? 0) + 1)
    say(`fault ${name}`)
    const work = allFaults[name]({
      ...context,
      // What it draws must not depend on what else happens.
      random: random.fork(),
      log: (line) => say(`fault ${name} ${line}`),
    })
      .catch((error: unknown) => {
        const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
        context.cluster.violated(`fault ${name} could not be caused or undone: ${what}`, 'liveness')
      })
      .finally(() => {
        running.delete(name)
        say(`fault ${name} over after ${((Date.now() - began) / 1_000).toFixed(1)} s`)
      })
    running.set(name, work)
    return work
  }

  const goOn = (untilMs: number) => Date.now() < untilMs && !stopping.signal.aborted
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined)
  const finished = async () => void (await Promise.all(running.values()))

  return {
    counts: () => counts,
    run: async (untilMs) => {
      while (goOn(untilMs)) {
        const name = draw()
        if (name === undefined) {
          await Promise.race(running.values())
          continue
        }
        const first = cause(name)
        const second = random.chance(SECOND)
        const secondAfterMs = random.int(0, 2_000)
        const gapMs = random.chance(NO_GAP) ? 0 : random.int(500, 4_000)
        if (second) {
          await pause(secondAfterMs)
          const other = goOn(untilMs) ? draw() : undefined
          if (other !== undefined) void cause(other)
        }
        await first
        // Both are over before the quiet, which is there to see whether all recovers.
        if (gapMs > 0) {
          await finished()
          await pause(Math.max(0, Math.min(gapMs, untilMs - Date.now())))
        }
      }
      await finished()
    },
    stop: () => {
      stopping.abort()
      return finished()
    },
  }
}

const isFree = (name: FaultName, running: readonly FaultName[]): boolean =>
  running.every((other) => {
    const both = CLAIMS[name].filter((claim) => CLAIMS[other].includes(claim))
    const oneOfThemTakesAll = [...CLAIMS[name], ...CLAIMS[other]].includes('all nodes')
    // Two nodes of three may be in trouble at once, of different kinds.
    return both.length === 0 || (both[0] === 'node' && !oneOfThemTakesAll && name !== other)
  })

const shuffled = (names: readonly FaultName[], random: Random): FaultName[] => {
  const left = [...names]
  const order: FaultName[] = []
  while (left.length > 0) order.push(...left.splice(random.int(0, left.length - 1), 1))
  return order
}

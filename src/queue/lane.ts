import type { Claim, DueEffect, EffectStore } from '../../actors/engine/effects.ts'
import type { EffectHandler } from '../effects/handler.ts'
import type { Leases } from './leases.ts'
import type { LaneStats } from './queue.ts'
import type { Ending, Run } from './runner.ts'

export type LaneDependencies = {
  store: EffectStore
  run: Run
  leases: Leases
  failed: (error: unknown) => void
  /** There is room again, and the table has more. */
  hungry: () => void
}

/** `until` is when it may belong to somebody else, by this process's own clock; `claim` when it came from the table. */
type Entry = { effect: DueEffect; until: number; claim?: Claim }

/** What does not fit is found in the table later. */
const MOST_WAITING = 1_000
/** Other nodes may have more time for the rest. */
const MOST_CLAIMED = 256

export type Lane = ReturnType<typeof createLane>

/** Effects of one kind in the memory of this process: some wait, at most `concurrency` run. */
export const createLane = (
  { store, run, leases, failed, hungry }: LaneDependencies,
  { concurrency, lookUp }: Pick<EffectHandler, 'concurrency' | 'lookUp'>,
) => {
  const capacity = Math.min(Math.max(4 * concurrency, 16), MOST_CLAIMED)
  const waiting = new Map<string, Entry>()
  const running = new Set<Promise<void>>()
  const counts: Record<Ending, number> = { done: 0, again: 0, retried: 0, dead: 0 }
  let more = false
  let stopped = false

  const add = (effect: DueEffect, forMs: number, claim?: Claim) => {
    if (stopped || leases.has(effect.id)) return
    const known = waiting.get(effect.id)
    const entry = { effect, until: performance.now() + forMs, ...(claim ? { claim } : {}) }
    if (known || waiting.size < MOST_WAITING) waiting.set(effect.id, { ...known, ...entry })
    else more = true
    work()
  }

  const work = () => {
    while (!stopped && running.size < concurrency) {
      const [next] = waiting.values()
      if (!next) break
      waiting.delete(next.effect.id)
      const { effect, until, claim } = next
      // What waited for longer than it belonged to this node may be somebody else's by now. Who begins with what is
      // looked up leaves a trace of that first; where nothing is, that is one write less.
      const isOurs = !lookUp && until > performance.now()
      void attempt(effect.id, () => (isOurs ? renewing(effect, false) : takeAndRun(effect.id, claim)))
    }
    if (!stopped && more && waiting.size <= capacity / 2) hungry()
  }

  const attempt = (id: string, carry: () => Promise<Ending>): Promise<void> => {
    leases.hold(id)
    const attempted = carry()
      .then(
        (ending) => void counts[ending]++,
        (error: unknown) => failed(new Error(`effect ${id}`, { cause: error })),
      )
      .finally(() => {
        leases.drop(id)
        running.delete(attempted)
        work()
      })
    running.add(attempted)
    return attempted
  }

  const takeAndRun = async (id: string, claim?: Claim): Promise<Ending> => {
    const taken = await store.take(id, leases.lease(), claim)
    return taken ? renewing(taken, taken.first) : 'again'
  }

  const renewing: Run = (effect, fresh) => {
    leases.renew(effect)
    return run(effect, fresh)
  }

  return {
    add,
    /** Runs this effect, whatever waits, unless somebody else has it. */
    take: async (id: string) => {
      if (!stopped && !leases.has(id)) await attempt(id, () => takeAndRun(id))
    },
    /** For how many more there would be room if so many waited; for none until half of them are gone. */
    room: (waitingNow = waiting.size) => (waitingNow > capacity / 2 ? 0 : capacity - waitingNow),
    /** Whether the table may have more of them than there was room for. */
    hasMore: (value: boolean) => {
      more = value
    },
    stop: async () => {
      stopped = true
      waiting.clear()
      await Promise.all(running)
    },
    stats: (): LaneStats => {
      const { done, retried, dead } = counts
      return { running: running.size, waiting: waiting.size, done, retried, dead }
    },
  }
}

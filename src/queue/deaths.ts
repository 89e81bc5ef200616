import type { DeadEffect, DueEffect, EffectStore } from '../../actors/engine/effects.ts'

export type Deaths = {
  bury: (effect: DueEffect, reason: string) => Promise<void>
  /** Announces what was buried by a process that did not get that far. */
  sweep: () => Promise<void>
}

type Dependencies = {
  store: EffectStore
  /** Tells everybody; rejects when somebody may not have heard. Repeating it does no harm. */
  announce: ((dead: DeadEffect) => Promise<void>) | undefined
  now: () => number
  failed: (error: unknown, effect?: DueEffect) => void
}

/** How long an announcement may take before somebody else tries. Milliseconds. */
const ANNOUNCEMENT_MS = 60_000
const AT_ONCE = 50
/** Between two looks at the table, in milliseconds. */
const PAUSE_MS = 1_000

/** Effects that have failed for good stay in their table, and their owners and people are told, once for each time. */
export const createDeaths = ({ store, announce, now, failed }: Dependencies): Deaths => {
  let nextSweepAt = 0
  const until = () => new Date(now() + ANNOUNCEMENT_MS).toISOString()

  const tell = async (dead: DeadEffect) => {
    if (!announce) return
    try {
      await announce(dead)
      await store.announced(dead)
    } catch (error) {
      failed(error, dead)
    }
  }

  return {
    bury: async (effect, reason) => {
      failed(new Error(`effect ${effect.id} (${effect.name}) is a dead letter: ${reason}`), effect)
      const dead = await store.bury(effect, reason, until())
      if (dead) await tell(dead)
    },
    sweep: async () => {
      if (!announce || performance.now() < nextSweepAt) return
      nextSweepAt = performance.now() + PAUSE_MS
      const found = await store.unannounced(new Date(now()).toISOString(), until(), AT_ONCE)
      await Promise.all(found.map(tell))
    },
  }
}

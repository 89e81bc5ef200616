import { z } from 'zod'
import type { EffectStore } from '../../actors/engine/effects.ts'
import type { EffectReport } from '../../contracts/dead-letter.ts'
import type { EffectHandler } from './handler.ts'
import type { Report } from './report.ts'

type Dependencies = { store: EffectStore; report: Report; now: () => number }

const Decision = z.object({ effect: z.string() })

/** Somebody has decided that a dead effect is tried again; the sweep finds it. */
export const createRevive = ({ store, report, now }: Dependencies): EffectHandler =>
  deciding(report, async (id) => {
    await store.revive(id, new Date(now()).toISOString())
    return 'effect.revived'
  })

/** Somebody has decided that a dead effect is given up. */
export const createDiscard = ({ store, report }: Dependencies): EffectHandler =>
  deciding(report, async (id) => {
    await store.discard(id)
    return 'effect.discarded'
  })

/** Whether an effect that was tried again is still to be done. */
export const createFind = ({ store, report }: Dependencies): EffectHandler =>
  deciding(report, async (id) => ((await store.exists(id)) ? 'effect.found' : 'effect.settled'))

const deciding = (
  report: Report,
  decide: (effectId: string) => Promise<EffectReport['type']>,
): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
  timeoutMs: 30_000,
  concurrency: 4,
  run: async (effect) => {
    return report(effect, { type: await decide(Decision.parse(effect.params).effect) })
  },
})

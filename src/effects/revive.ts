import { z } from 'zod'
import type { EffectStore } from '../../actors/engine/effects.ts'
import type { EffectReport } from '../../contracts/dead-letter.ts'
import type { EffectHandler } from './handler.ts'
import type { Report } from './report.ts'

type Dependencies = { store: EffectStore; report: Report; now: () => number }

const Decision = z.object({ effect: z.string() })

/** Somebody has decided that a dead effect is tried again; the sweep finds it. */
export const createRevive = ({ store, report, now }: Dependencies): EffectHandler =>
  deciding(report, 'effect.revived', (id) => store.revive(id, new Date(now()).toISOString()))

/** Somebody has decided that a dead effect is given up. */
export const createDiscard = ({ store, report }: Dependencies): EffectHandler =>
  deciding(report, 'effect.discarded', (id) => store.discard(id))

const deciding = (
  report: Report,
  type: EffectReport['type'],
  decide: (effectId: string) => Promise<void>,
): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
  timeoutMs: 30_000,
  concurrency: 4,
  run: async (effect) => {
    await decide(Decision.parse(effect.params).effect)
    return report(effect, { type })
  },
})

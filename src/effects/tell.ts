import { z } from 'zod'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { EffectHandler } from './handler.ts'
import { outcomeOf, resultOf } from './report.ts'
import { tellOrCreate } from './tell-or-create.ts'

const Tell = z.object({
  actor: z.string(),
  id: z.string(),
  message: z.looseObject({ type: z.string() }),
  /** The input of the machine that is made when there is no such actor. */
  orCreate: z.looseObject({}).optional(),
})

/** How often somebody who is not there is looked for again. */
const BIRTH_ATTEMPTS = 6

/**
 * A message from one actor to another. The effect's id is the message id, so the receiver takes it once; its turn
 * settles the effect in the same commit.
 */
export const createTell = (engine: Engine, now: () => number): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
  timeoutMs: 30_000,
  concurrency: 256,
  run: async (effect) => {
    const { actor, id, message, orCreate } = Tell.parse(effect.params)
    const { type, ...fields } = message
    const source = sourceOf(effect)
    const told = { actor: { type: actor, id }, type, payload: { ...fields, source }, settles: effect.id }
    const birth = orCreate && { input: orCreate, payload: { source } }
    const outcome = outcomeOf(await tellOrCreate(engine, { ...resultOf(effect, now), ...told }, birth))
    // It may be about to be made by another effect of the same turn.
    const isAwaited = 'final' in outcome && !birth && effect.attempts < BIRTH_ATTEMPTS
    return isAwaited ? { retry: outcome.final } : outcome
  },
})

/** Who says so, and after which of its turns. */
export const sourceOf = ({ actorType, actorId, version }: DueEffect) => ({
  actor: actorType,
  id: actorId,
  version,
})

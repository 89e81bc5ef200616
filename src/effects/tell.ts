import { z } from 'zod'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { EffectHandler } from './handler.ts'
import { createReport, outcomeOf, resultOf } from './report.ts'

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
export const createTell = (engine: Engine, now: () => number): EffectHandler => {
  const report = createReport(engine, now)
  return {
    attempts: 20,
    backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
    timeoutMs: 30_000,
    concurrency: 256,
    run: async (effect) => {
      const { actor, id, message, orCreate } = Tell.parse(effect.params)
      const to = { type: actor, id }
      const told = () => report(effect, { ...message, source: sourceOf(effect) }, to)
      const outcome = await told()
      if (!('final' in outcome)) return outcome
      // It may be about to be made by another effect of the same turn.
      if (!orCreate) return effect.attempts < BIRTH_ATTEMPTS ? { retry: outcome.final } : outcome
      const made = await engine.send({
        ...resultOf(effect, now),
        id: `effect:${effect.id}:create`,
        actor: to,
        type: 'created',
        payload: { source: sourceOf(effect) },
        creation: { input: orCreate },
      })
      // Somebody else may have been faster: then there is one to tell.
      return made.ok || made.error.code === 'already_exists' ? told() : outcomeOf(made)
    },
  }
}

/** Who says so, and after which of its turns. */
export const sourceOf = ({ actorType, actorId, version }: DueEffect) => ({
  actor: actorType,
  id: actorId,
  version,
})

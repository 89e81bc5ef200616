import { z } from 'zod'
import { derivedId } from '../../actors/derived-id.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { EffectHandler } from './handler.ts'
import { outcomeOf, resultOf } from './report.ts'
import { sourceOf } from './tell.ts'

const Create = z.object({
  actor: z.string(),
  /** Without one, it follows from the effect: nobody has to know it beforehand who never speaks to it. */
  id: z.string().optional(),
  input: z.looseObject({}),
})

/** One actor makes another, in the name of the system. The commit that makes it settles the effect. */
export const createCreate = (engine: Engine, now: () => number): EffectHandler => ({
  attempts: 20,
  backoffMs: (attempts) => Math.min(100 * 2 ** attempts, 60_000),
  timeoutMs: 30_000,
  concurrency: 64,
  run: async (effect) => {
    const { actor, id = derivedId('created by', effect.id), input } = Create.parse(effect.params)
    const result = resultOf(effect, now)
    const reply = await engine.send({
      ...result,
      actor: { type: actor, id },
      type: 'created',
      payload: { source: sourceOf(effect) },
      creation: { input },
      settles: effect.id,
      // With a hash, a repetition gets the stored answer where it would be told that the id is taken.
      hash: result.id,
    })
    return !reply.ok && reply.error.code === 'already_exists'
      ? { final: reply.error.message }
      : outcomeOf(reply)
  },
})

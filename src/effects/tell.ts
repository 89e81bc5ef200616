import { z } from 'zod'
import type { Engine } from '../../actors/engine/engine.ts'
import type { EffectHandler } from './handler.ts'

const Tell = z.object({
  actor: z.string(),
  id: z.string(),
  message: z.looseObject({ type: z.string() }),
})

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
    const { actor, id, message } = Tell.parse(effect.params)
    const { type, ...payload } = message
    const source = { actor: effect.actorType, id: effect.actorId, version: effect.version }
    const reply = await engine.send({
      id: `effect:${effect.id}`,
      actor: { type: actor, id },
      cause: 'signal',
      type,
      payload: { ...payload, source },
      at: new Date(now()).toISOString(),
      settles: effect.id,
      ...(effect.correlationId ? { correlationId: effect.correlationId } : {}),
    })
    if (reply.ok) return { settled: true }
    const reason = `${reply.error.code}: ${reply.error.message}`
    return reply.error.code === 'not_found' ? { final: reason } : { retry: reason }
  },
})

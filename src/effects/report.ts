import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Message } from '../../actors/engine/message.ts'
import type { Reply } from '../../contracts/protocol.ts'
import type { EffectOutcome } from './handler.ts'

/** Tells an actor, by default the one that wanted it, what became of an effect; the commit of its turn settles that. */
export type Report = (
  effect: DueEffect,
  message: { type: string; [field: string]: unknown },
  actor?: Message['actor'],
) => Promise<EffectOutcome>

export const createReport =
  (engine: Engine, now: () => number): Report =>
  async (effect, { type, ...payload }, actor = ownerOf(effect)) =>
    outcomeOf(await engine.send({ ...resultOf(effect, now), actor, type, payload, settles: effect.id }))

/** The effect's id is the message's id, so whoever hears of it twice takes it once. */
export const resultOf = ({ id, correlationId }: DueEffect, now: () => number) => ({
  id: `effect:${id}`,
  cause: 'signal' as const,
  at: new Date(now()).toISOString(),
  ...(correlationId ? { correlationId } : {}),
})

const ownerOf = ({ actorType, actorId }: DueEffect) => ({ type: actorType, id: actorId })

export const outcomeOf = (reply: Reply): EffectOutcome => {
  if (reply.ok) return { settled: true }
  const reason = `${reply.error.code}: ${reply.error.message}`
  return reply.error.code === 'not_found' ? { final: reason } : { retry: reason }
}

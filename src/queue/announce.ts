import type { AnyActorDefinition } from '../../actors/actor.ts'
import { derivedId } from '../../actors/derived-id.ts'
import type { DeadEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Message } from '../../actors/engine/message.ts'
import type { Reply } from '../../contracts/protocol.ts'

type Dependencies = {
  engine: Engine
  definitions: readonly AnyActorDefinition[]
  /** Whose operators hear of effects whose owner belongs to no organisation. */
  fallbackOrgId: string
  now: () => number
}

/**
 * Tells the owner of a dead effect, and opens its dead letter or says there that it has died again. The ids follow from
 * the effect and the number of its deaths, so that a repetition changes nothing.
 * @returns a function that rejects when somebody may not have heard of it
 */
export const createAnnounce = ({ engine, definitions, fallbackOrgId, now }: Dependencies) => {
  const knows = (type: string) => definitions.some(({ contract }) => contract.actor === type)

  const orgOf = async ({ actorType, actorId }: DeadEffect) => {
    const owner = knows(actorType)
      ? await engine.peek(actorType, actorId).catch(() => undefined) // It may be what is broken.
      : undefined
    const orgId = owner?.columns['orgId']
    return typeof orgId === 'string' ? orgId : fallbackOrgId
  }

  const tellOwner = (dead: DeadEffect) =>
    engine.send({
      ...envelope(dead, now),
      id: `effect:${dead.id}:failed:${dead.deaths}`,
      actor: ownerOf(dead),
      type: 'effect.failed',
      payload: { effect: dead.name, reason: dead.reason },
    })

  const openLetter = async (dead: DeadEffect) => {
    const { id: effect, name, params, attempts, reason, deaths } = dead
    const letter = {
      ...envelope(dead, now),
      id: `effect:${effect}:dead:${deaths}`,
      actor: { type: 'deadLetter', id: derivedId('dead letter', effect) },
    }
    const input = { effect, name, owner: ownerOf(dead), orgId: await orgOf(dead), params, attempts, reason }
    const opened = await engine.send({
      ...letter,
      type: 'opened',
      payload: {},
      creation: { input },
      // With a hash, the repetition of an announcement that was cut off is known from a second death.
      hash: letter.id,
    })
    if (opened.ok || opened.error.code !== 'already_exists') return opened
    return engine.send({
      ...letter,
      id: `${letter.id}:again`,
      type: 'effect.died',
      payload: { attempts, reason },
    })
  }

  return async (dead: DeadEffect): Promise<void> => {
    const replies = await Promise.all([
      ...(knows(dead.actorType) ? [tellOwner(dead)] : []),
      ...(knows('deadLetter') ? [openLetter(dead)] : []),
    ])
    for (const reply of replies) throwUnlessHeard(reply)
  }
}

const ownerOf = ({ actorType, actorId }: DeadEffect) => ({ type: actorType, id: actorId })

const envelope = ({ correlationId }: DeadEffect, now: () => number) => ({
  cause: 'signal' as const satisfies Message['cause'],
  at: new Date(now()).toISOString(),
  ...(correlationId ? { correlationId } : {}),
})

const throwUnlessHeard = (reply: Reply) => {
  if (!reply.ok && reply.error.code !== 'not_found')
    throw new Error(`not announced: ${reply.error.code}: ${reply.error.message}`)
}

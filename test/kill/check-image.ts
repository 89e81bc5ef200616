import { isDeepStrictEqual } from 'node:util'
import { activate } from '../../actors/engine/turn.ts'
import { actors as definitions } from '../../actors/registry.ts'
import type { SentCommand } from './commander.ts'
import type { ActorRow, History, Image, Turn } from './history.ts'
import type { Violated } from './rules.ts'

/** What must be true at every instant, so also right after a kill. */
export const checkImage = (history: History, image: Image, violated: Violated): void => {
  const last = history.turns.at(-1)?.position ?? 0
  if (image.head.position !== last)
    violated(`the head is ${image.head.position}, the last turn ${last}`, 'positions-dense')
  for (const actor of image.actors) checkActor(history, actor, violated)
  checkTimers(image, violated)
  checkEffects(history, image, violated)
}

/** The row is what the last turn left behind. */
const checkActor = (history: History, actor: ActorRow, violated: Violated) => {
  const place = `${actor.actorType}:${actor.id}`
  const last = history.ofActor(actor.id).at(-1)
  if (actor.version !== last?.version || actor.state !== last.to)
    violated(
      `${place} is ${actor.state}@${actor.version}, its journal ends with ${last?.to}@${last?.version}`,
      'versions-dense',
    )
  const definition = definitions.find(({ contract }) => contract.actor === actor.actorType)!
  const { snapshot, state } = activate(definition, actor)
  if (state !== actor.state)
    violated(`${place} is stored as ${actor.state}, its snapshot is ${state}`, 'versions-dense')
  const view: unknown = JSON.parse(JSON.stringify(definition.view(snapshot, actor.id)))
  if (!isDeepStrictEqual(ordered(view), ordered(last?.view)))
    violated(`${place} looks like ${text(view)}, its last turn like ${text(last?.view)}`, 'versions-dense')
}

/** A view made from a stored snapshot may list a mentor's certifications in another order than the turn did. */
export const ordered = (view: unknown): unknown => {
  if (typeof view !== 'object' || view === null || !('certifications' in view)) return view
  const certifications = view.certifications as { certificationId: string }[]
  const byId = (one: { certificationId: string }, other: { certificationId: string }) =>
    one.certificationId < other.certificationId ? -1 : 1
  return { ...view, certifications: certifications.toSorted(byId) }
}

const checkTimers = ({ actors, timers }: Image, violated: Violated) => {
  const wanted = actors.flatMap(({ id, timers: own }) =>
    Object.entries(own).map(([name, { generation }]) => `${id} ${name} ${generation}`),
  )
  const stored = timers.map(({ actorId, name, generation }) => `${actorId} ${name} ${generation}`)
  for (const timer of difference(wanted, stored)) violated(`timer ${timer} is not stored`, 'timers-once')
  for (const timer of difference(stored, wanted))
    violated(`timer ${timer} belongs to no actor`, 'timers-once')
}

/** Each promise to tell a mentor is either still waiting or has been kept, and never both. */
const checkEffects = (history: History, { effects }: Image, violated: Violated) => {
  const waiting = new Set(effects.map(({ id }) => id))
  for (const { id, status, lastError } of effects)
    if (status !== 'pending') violated(`effect ${id} is ${status}: ${lastError}`, 'effects-once')
  for (const turn of history.turns) {
    if (!tellsMentor(turn)) continue
    const id = `certification:${turn.actorId}@${turn.version}.${noticesOf(turn)}`
    const { mentorId } = turn.view as { mentorId: string }
    const kept = history.byMessage.has(`${mentorId} effect:${id}`)
    if (kept === waiting.has(id))
      violated(`effect ${id} is ${kept ? 'done and waiting' : 'lost'}`, 'effects-once')
  }
}

/** The effects of a turn are numbered, and people are notified before the mentor is told. */
const noticesOf = ({ events }: Turn) => events.filter(({ type }) => NOTIFIED.test(type)).length

const NOTIFIED = /^certification\.(reminderDue|expired|suspended|reinstated|revoked)$/

const TELLING = new Set(['issue', 'renew', 'suspend', 'reinstate', 'revoke'])

const tellsMentor = ({ actorType, type }: Turn) =>
  actorType === 'certification' &&
  (TELLING.has(type) || /^xstate\.after\.(expiry|expiringWindow)\./.test(type))

/**
 * What was acknowledged is there, as it was acknowledged; what was refused is not; and nothing is there that nobody
 * sent. @param baseline the position up to which other clients made the world
 * @returns the ids of those that were applied and whose answer has not arrived
 */
export const checkCommands = (
  history: History,
  commands: ReadonlyMap<string, SentCommand>,
  baseline: number,
  violated: Violated,
): string[] => {
  const applied = new Map<string, Turn>()
  for (const turn of history.turns) {
    if (turn.cause !== 'command' || turn.position <= baseline || !OURS.has(turn.actorType)) continue
    if (!commands.has(turn.messageId))
      violated(`nobody sent ${turn.type} ${turn.messageId}, which was applied: ${text(turn)}`, 'nobody-sent')
    const other = applied.get(turn.messageId)
    if (other)
      violated(
        `${turn.type} ${turn.messageId} was applied to two actors: ${text(turn)}; ${text(other)}`,
        'acked-once',
      )
    applied.set(turn.messageId, turn)
  }
  const unanswered: string[] = []
  for (const command of commands.values()) {
    const { reply, name, id } = command
    const turn = applied.get(id)
    if (!reply) {
      if (turn) unanswered.push(id)
      continue
    }
    if (!reply.ok) {
      // A refusal answers the attempt that it was given to; an earlier one may have been applied after it.
      if (turn && command.sent === command.answered)
        violated(
          `${name} ${id} was refused with ${text(reply)} and applied at ${turn.position}: ${text(turn)}`,
          'refused-never',
        )
      continue
    }
    if (!turn) {
      violated(
        `${name} ${id} was acknowledged and is lost: ${text(reply)}; the journal has ${text(history.ofActor(reply.id!).at(-1))}`,
        'acked-once',
      )
      continue
    }
    const acknowledged = { ...reply, ok: undefined }
    const { actorId, version, position, to: state, view: data, allowed } = turn
    const stored = { ok: undefined, id: actorId, version, position, state, data, allowed }
    if (!isDeepStrictEqual(acknowledged, stored))
      violated(
        `${name} ${id} was acknowledged as ${text(acknowledged)}, and is stored as ${text(stored)}`,
        'acked-once',
      )
  }
  return unanswered
}

/** What is sent to payments is held against the provider's books. */
const OURS = new Set(['certification', 'mentor'])

const difference = (one: readonly string[], other: readonly string[]) => {
  const known = new Set(other)
  return one.filter((entry) => !known.has(entry))
}

const text = (value: unknown) => JSON.stringify(value)?.slice(0, 1_500)

import { lapsedTypes, isHeldBy, type MentorContext } from '../../machines/mentor.ts'
import type { CertificationContext } from '../../machines/certification.ts'
import type { ActorRow, History, Image, Turn } from './history.ts'
import type { Violated } from './rules.ts'

/** By so much the server's idea of the database's clock may be ahead of it. */
const EARLY_MS = 5

/** What must be true when nothing is under way any more. */
export const checkRules = (history: History, image: Image, violated: Violated): void => {
  for (const { actorId, name, dueAt } of image.timers)
    if (dueAt <= image.takenAt) violated(`timer ${name} of ${actorId} is left, due ${dueAt}`, 'timers-once')
  for (const { id, attempts, lastError } of image.effects)
    violated(`effect ${id} is left after ${attempts} attempts: ${lastError}`, 'effects-once')
  for (const turn of history.turns) checkPunctuality(turn, violated)
  for (const actor of image.actors)
    if (actor.actorType === 'certification') checkExpiry(history, actor, image.takenAt, violated)
  for (const actor of image.actors) if (actor.actorType === 'mentor') checkHold(actor, image, violated)
}

const checkPunctuality = ({ cause, at, recordedAt, type, actorId, version }: Turn, violated: Violated) => {
  if (cause === 'timer' && Date.parse(recordedAt) < Date.parse(at) - EARLY_MS)
    violated(`${type} of ${actorId}@${version} was due ${at} and fired at ${recordedAt}`, 'timers-once')
}

/** One stretch in which the dates decide: from an issue, a renewal or a reinstatement to whatever ends it. */
type Period = { expiresAt: string; from: string; expired: Turn[]; endedAt?: string }

/** Each period that was lived through to its expiry expired once, at that instant or when it began too late. */
const checkExpiry = (history: History, { id }: ActorRow, now: string, violated: Violated) => {
  for (const { expiresAt, from, expired, endedAt } of periodsOf(history.ofActor(id))) {
    const place = `certification ${id}, from ${from} to ${expiresAt},`
    if (expired.length > 1) violated(`${place} expired ${expired.length} times`, 'timers-once')
    // A timer that was due before a command comes before it, however late it is fired.
    if (expired.length === 0 && expiresAt <= (endedAt ?? now))
      violated(`${place} never expired`, 'timers-once')
    if (expired.length > 0 && (endedAt ?? now) < expiresAt)
      violated(`${place} expired too early`, 'timers-once')
    for (const { at, cause } of expired)
      if (at !== (cause === 'timer' || from < expiresAt ? expiresAt : from))
        violated(`${place} expired as of ${at} by a ${cause}`, 'timers-once')
  }
}

const periodsOf = (turns: readonly Turn[]) => {
  const periods: Period[] = []
  for (const turn of turns)
    for (const { type, data } of turn.events) {
      const current = periods.at(-1)
      const { expiresAt } = data as { expiresAt: string }
      if (type === 'certification.expired') current?.expired.push(turn)
      // A command that was sent before the expiry and came after it, on a busy node, ended nothing.
      if (/^certification\.(renewed|suspended|revoked)$/.test(type) && current?.expired.length === 0)
        current.endedAt ??= turn.at
      if (/^certification\.(issued|renewed|reinstated)$/.test(type))
        periods.push({ expiresAt, from: turn.at, expired: [] })
    }
  return periods
}

/** The mentor knows each certification as it is, and is held for want of one exactly when the rule says so. */
const checkHold = ({ id, state, snapshot }: ActorRow, { actors }: Image, violated: Violated) => {
  const context = snapshot.context as MentorContext
  const certifications: Record<string, MentorContext['certifications'][string]> = {}
  for (const actor of actors) {
    if (actor.actorType !== 'certification') continue
    const {
      mentorId,
      certType,
      status: standing,
      expiresAt,
      imported,
    } = actor.snapshot.context as CertificationContext
    if (mentorId !== id) continue
    const known = context.certifications[actor.id]
    if (known?.standing !== standing || known.expiresAt !== expiresAt)
      violated(`mentor ${id} takes ${actor.id} for ${known?.standing}, and it is ${standing}`, 'effects-once')
    certifications[actor.id] = { version: actor.version, certType, standing, expiresAt, imported }
  }
  const lapsed = lapsedTypes({ policy: context.policy, certifications })
  if (isHeldBy(context, 'certification') !== lapsed.length > 0)
    violated(
      `mentor ${id} has holds ${JSON.stringify(context.holds)}; lapsed: ${lapsed.join(', ')}`,
      'effects-once',
    )
  if ((state === 'held') !== context.holds.length > 0)
    violated(`mentor ${id} is ${state} with ${context.holds.length} holds`, 'effects-once')
}

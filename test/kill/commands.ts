import type { Random } from './random.ts'
import type { Mentor, Person, World } from './world.ts'

/** What one command client sends next. */
export type PlannedCommand = {
  namespace: 'certifications' | 'mentors'
  name: string
  /** Absent when the server is to choose the id of what it makes. */
  actor: string | undefined
  fields: object
  expectedVersion?: number
}

/** Certifications that somebody has sent an `issue` for, with the newest version that an answer gave. */
export type KnownCertifications = {
  list: { id: string; mentor: Mentor; version: number }[]
  /** More are not issued: the state of a mentor contains all certifications. */
  mayIssue: () => boolean
}

const DAY_MS = 86_400_000
const CERT_TYPES = ['first_aid', 'safeguarding', 'archery']

/** Draws a command that this person would send. Some are refused, and that is part of the test. */
export const planCommand = (
  random: Random,
  world: World,
  known: KnownCertifications,
  person: Person,
): PlannedCommand => {
  const own = world.mentors.find(({ user }) => user === person)
  const draw = random.next()
  if (own || draw < 0.2) return planHold(random, own ?? random.pick(world.mentors))
  if (known.list.length === 0 || (draw < 0.3 && known.mayIssue())) return planIssue(random, world, person)
  const { id: actor, version } = random.pick(known.list)
  const expected = random.chance(0.1) ? { expectedVersion: version } : {}
  const plan = (name: string, fields: object): PlannedCommand => {
    return { namespace: 'certifications', name, actor, fields, ...expected }
  }
  if (draw < 0.65)
    return plan('renew', { ...period(random), ...(random.chance(0.2) ? { notes: 'again' } : {}) })
  if (draw < 0.8) return plan('suspend', { reason: `reason ${random.int(1, 1_000)}` })
  if (draw < 0.99 || person !== world.admin) return plan('reinstate', {})
  return plan('revoke', { reason: 'for good' })
}

const planHold = (random: Random, { id: actor }: Mentor): PlannedCommand => {
  const pause = random.chance(0.5)
  const fields = pause ? { reason: `reason ${random.int(1, 1_000)}` } : {}
  return { namespace: 'mentors', name: pause ? 'pause' : 'resume', actor, fields }
}

const planIssue = (random: Random, world: World, person: Person): PlannedCommand => {
  const mine = world.mentors.filter(({ coordinator }) => coordinator === person)
  const mentor = random.pick(person === world.admin || random.chance(0.1) ? world.mentors : mine)
  const actor = random.chance(0.5) ? random.uuid() : undefined
  const fields = { mentorId: mentor.id, certType: random.pick(CERT_TYPES), ...period(random) }
  return { namespace: 'certifications', name: 'issue', actor, fields }
}

/**
 * Half of the periods end within seconds; others begin to end, or are due for a reminder, within seconds; a few end so
 * soon that the command may be too late by then.
 */
const period = (random: Random) => {
  const now = Date.now()
  const soonMs = random.int(random.chance(0.1) ? 50 : 1_000, 3_000)
  const daysAhead = random.chance(0.5) ? 0 : random.pick([7, 14, 30, 60, 400])
  return {
    issuedAt: new Date(now - 1_000).toISOString(),
    expiresAt: new Date(now + daysAhead * DAY_MS + soonMs).toISOString(),
  }
}

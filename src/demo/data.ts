import type { Money } from '../../contracts/money.ts'
import { derivedId } from '../../actors/derived-id.ts'
import {
  ADMIN_EMAIL,
  CERTIFICATIONS_OF_EACH,
  COORDINATORS,
  coordinatorEmail,
  LEARNER_EMAIL,
  MENTORS,
  mentorEmail,
  REQUIRED_CERT_TYPES,
  TUTOR_EMAIL,
  type DemoUser,
} from './accounts.ts'
import { createDice, personName, RENEWAL_NOTES, SUSPENSION_REASONS, type Dice } from './dice.ts'

/** A command that follows the one that made the actor. */
export type DemoStep = { name: 'renew' | 'suspend' | 'pause'; at: string; payload: object }

export type DemoMentor = {
  id: string
  userId: string
  coordinatorId: string
  registeredAt: string
  steps: readonly DemoStep[]
}

export type DemoCertification = {
  id: string
  mentorId: string
  coordinatorId: string
  certType: string
  issuedAt: string
  expiresAt: string
  /** It had expired before it was recorded. */
  import: boolean
  recordedAt: string
  steps: readonly DemoStep[]
}

/** What learners can pay for. */
export type DemoOffering = { offeringId: string; title: string; amount: Money }

export type DemoData = {
  admin: DemoUser
  learner: DemoUser
  tutor: DemoUser
  offerings: readonly DemoOffering[]
  coordinators: readonly DemoUser[]
  mentorUsers: readonly DemoUser[]
  mentors: readonly DemoMentor[]
  certifications: readonly DemoCertification[]
}

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** How long a certificate of each type is valid, in days. */
const VALID_DAYS: Record<string, number> = {
  first_aid: 1095,
  safeguarding: 730,
  mental_health: 365,
  data_protection: 365,
  group_facilitation: 730,
}
const OPTIONAL_CERT_TYPES = Object.keys(VALID_DAYS).filter((type) => !REQUIRED_CERT_TYPES.includes(type))

/** The reminder that comes first is this many days before expiry; nothing later than it has happened yet. */
const QUIET_DAYS = 61

/** When certificates of the first mentors expire, so that boards move: a few for each coordinator. Minutes from now. */
const EXPIRY_MINUTES = [
  1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 22, 26, 30, 35, 40, 45, 60, 75, 90, 110, 130, 150, 180, 240, 300,
  420, 540, 720,
]

/** In kobo. */
const OFFERINGS: Record<string, number> = {
  'Peer mentor foundation course': 2_500_000,
  'First aid refresher': 750_000,
  'Safeguarding workshop': 1_200_000,
  'Group facilitation certificate': 4_850_000,
}

/** A few mentors who take a break, by their number. */
const PAUSED: Record<number, string> = {
  41: 'On parental leave until spring',
  78: 'Moving to another town',
  124: 'Asked for a break after exams',
  165: 'Returns when the new term starts',
}

/**
 * The demo organisation's people, certificates and prices, the same for each organisation id: only the dates follow `nowMs`.
 * Ids follow from the organisation, so that loading twice makes nothing twice.
 */
export const demoData = (orgId: string, nowMs: number): DemoData => {
  const user = (role: DemoUser['role'], email: string, index: number): DemoUser => {
    return { id: demoId(orgId, email), email, name: personName(index), role }
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
  const coordinators = numbers(COORDINATORS).map((n) => user('coordinator', coordinatorEmail(n), n))
  const mentorUsers = numbers(MENTORS).map((n) => user('peer_mentor', mentorEmail(n), COORDINATORS + n))
  const mentors = mentorUsers.map((mentorUser, index) => {
    const coordinatorId = coordinators[index % COORDINATORS]!.id
    return aMentor({ orgId, nowMs, mentorUser, coordinatorId, number: index + 1 })
  })
  const certifications = mentors.flatMap((mentor, index) =>
    numbers(CERTIFICATIONS_OF_EACH).map((n) => {
      const certType = REQUIRED_CERT_TYPES[n - 1] ?? OPTIONAL_CERT_TYPES[index % OPTIONAL_CERT_TYPES.length]!
      const { id: mentorId, coordinatorId } = mentor
      const id = demoId(orgId, `certification:${index + 1}:${n}`)
      return { id, mentorId, coordinatorId, certType, ...lifeOf(certType, index, n, nowMs) }
    }),
  )
  const offerings = Object.entries(OFFERINGS).map(([title, minor], index) => ({
    offeringId: demoId(orgId, `offering:${index + 1}`),
    title,
    amount: { minor, currency: 'NGN' as const },
  }))
  const admin = user('admin', ADMIN_EMAIL, 0)
  const learner = user('student', LEARNER_EMAIL, COORDINATORS + MENTORS + 1)
  const tutor = user('instructor', TUTOR_EMAIL, COORDINATORS + MENTORS + 2)
  return { admin, learner, tutor, offerings, coordinators, mentorUsers, mentors, certifications }
}

/** The id of what the demo organisation calls by this name. */
export const demoId = (orgId: string, name: string): string => derivedId('demo', orgId, name)

type MentorFacts = {
  orgId: string
  nowMs: number
  mentorUser: DemoUser
  coordinatorId: string
  number: number
}

const aMentor = ({ orgId, nowMs, mentorUser, coordinatorId, number }: MentorFacts): DemoMentor => {
  const dice = createDice(number)
  const reason = PAUSED[number]
  const pausedAt = instant(nowMs - dice.between(2, 20) * DAY_MS)
  return {
    id: demoId(orgId, `mentor:${number}`),
    userId: mentorUser.id,
    coordinatorId,
    registeredAt: instant(nowMs - dice.between(100, 900) * DAY_MS),
    steps: reason === undefined ? [] : [{ name: 'pause', at: pausedAt, payload: { reason } }],
  }
}

type Life = Pick<DemoCertification, 'issuedAt' | 'expiresAt' | 'import' | 'recordedAt' | 'steps'>

/** One of the first mentors has one certificate that expires soon; of all others, chance decides. */
const lifeOf = (certType: string, mentorIndex: number, n: number, nowMs: number): Life => {
  const dice = createDice(10_000 + mentorIndex * CERTIFICATIONS_OF_EACH + n)
  const life = livesOf(certType, nowMs, dice)
  const minutes = EXPIRY_MINUTES[mentorIndex]
  if (minutes !== undefined)
    return n - 1 === mentorIndex % REQUIRED_CERT_TYPES.length
      ? life.until(nowMs + minutes * MINUTE_MS)
      : life.valid()
  const chance = dice.between(0, 100)
  if (chance < 12) return life.until(nowMs - dice.between(1, 200) * DAY_MS)
  if (chance < 27) return life.until(nowMs + dice.between(1, 29) * DAY_MS)
  if (chance < 30) return life.suspended()
  return chance < 47 ? life.renewed() : life.valid()
}

const livesOf = (certType: string, nowMs: number, dice: Dice) => {
  const validDays = VALID_DAYS[certType]!
  /** What has not begun to be announced was recorded soon after it was issued; the rest is recorded now. */
  const until = (expiresAtMs: number): Life => {
    const issuedAtMs = expiresAtMs - validDays * DAY_MS
    const isQuiet = expiresAtMs - nowMs > QUIET_DAYS * DAY_MS
    return {
      issuedAt: instant(issuedAtMs),
      expiresAt: instant(expiresAtMs),
      import: expiresAtMs <= nowMs,
      recordedAt: instant(isQuiet ? issuedAtMs + 2 * DAY_MS : nowMs),
      steps: [],
    }
  }
  const laterOn = () => until(nowMs + dice.between(QUIET_DAYS + 1, validDays - 30) * DAY_MS)
  return {
    until,
    valid: laterOn,
    suspended: (): Life => {
      const at = instant(nowMs - dice.between(1, 20) * DAY_MS)
      return {
        ...laterOn(),
        steps: [{ name: 'suspend', at, payload: { reason: dice.oneOf(SUSPENSION_REASONS) } }],
      }
    },
    renewed: (): Life => {
      const before = until(nowMs - dice.between(5, 270) * DAY_MS)
      const renewedAtMs = Date.parse(before.expiresAt) - dice.between(3, 20) * DAY_MS
      const payload = {
        issuedAt: instant(renewedAtMs - DAY_MS),
        expiresAt: instant(renewedAtMs + (validDays - 1) * DAY_MS),
        notes: dice.oneOf(RENEWAL_NOTES),
      }
      return {
        ...before,
        import: false,
        recordedAt: instant(Date.parse(before.issuedAt) + 2 * DAY_MS),
        steps: [{ name: 'renew', at: instant(renewedAtMs), payload }],
      }
    },
  }
}

const instant = (ms: number) => new Date(ms).toISOString()

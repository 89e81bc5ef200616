import { CertificationView } from '../../contracts/certification.ts'
import type { MentorView } from '../../contracts/mentor.ts'
import type { EventFrame, TopicSnapshot } from '../../contracts/protocol.ts'
import { MENTORS, REQUIRED_CERT_TYPES } from './accounts.ts'
import { demoData } from './data.ts'

/** What a coordinator watches, kept up to date by nothing but the snapshot and the pushes after it. */
export type Board = {
  start: (snapshot: TopicSnapshot['snapshot']) => void
  apply: (event: EventFrame) => void
  /** The board as text, as of this instant. */
  lines: (nowMs: number) => string[]
  /** The certificate that expires next. */
  soonest: () => CertificationView | undefined
  /** A mentor without a valid certificate of a required type, whom a new one that expires will put on hold. */
  candidate: () => { mentorId: string; certType: string } | undefined
  mentorName: (mentorId: string) => string
}

const SHOWN = 5
const BAR = 40

export const createBoard = (orgId: string): Board => {
  const certifications = new Map<string, CertificationView>()
  const mentors = new Map<string, MentorView>()
  // The wire carries ids; whose they are follows from the organisation, in demo data only.
  const { mentors: known, mentorUsers } = demoData(orgId, 0)
  const names = new Map(known.map(({ id }, index) => [id, mentorUsers[index % MENTORS]!.name]))
  const mentorName = (mentorId: string) => names.get(mentorId) ?? `mentor ${mentorId.slice(0, 8)}`

  const keep = (type: string, id: string, view: unknown) => {
    if (type === 'certification') certifications.set(id, view as CertificationView)
    if (type === 'mentor') mentors.set(id, view as MentorView)
  }

  const toCome = () =>
    [...certifications.values()]
      .filter(({ status }) => status === 'valid' || status === 'expiring_soon')
      .toSorted((one, other) => (one.expiresAt < other.expiresAt ? -1 : 1))

  return {
    start: (snapshot) => {
      for (const { actor, view } of snapshot) keep(actor.type, actor.id, view)
    },
    apply: ({ actor, view }) => keep(actor.type, actor.id, view),
    mentorName,
    soonest: () => toCome()[0],
    candidate: () => candidateOf([...mentors.values()]),
    lines: (nowMs) => {
      const held = [...mentors.values()].filter(({ active }) => !active).length
      return [
        '',
        `  ${certifications.size} certifications of ${mentors.size} mentors, ${held} of them on hold`,
        ...statusLines([...certifications.values()]),
        '  expiring next',
        ...toCome()
          .slice(0, SHOWN)
          .map(
            ({ certType, mentorId, expiresAt }) =>
              `    ${certType.padEnd(20)}${mentorName(mentorId).padEnd(20)}${until(Date.parse(expiresAt) - nowMs)}`,
          ),
      ]
    },
  }
}

const statusLines = (certifications: readonly CertificationView[]) =>
  CertificationView.shape.status.options.flatMap((status) => {
    const count = certifications.filter((certification) => certification.status === status).length
    if (count === 0 && status === 'revoked') return []
    const bar = '█'.repeat(Math.ceil((count / Math.max(certifications.length, 1)) * BAR))
    return `  ${status.replace('_', ' ').padEnd(15)}${String(count).padStart(4)}  ${bar}`
  })

/** The first active mentor, or else the first who is on hold for this one reason: a valid certificate releases them. */
const candidateOf = (mentors: readonly MentorView[]) => {
  for (const mentor of mentors.toSorted((one, other) => Number(other.active) - Number(one.active)))
    for (const certType of REQUIRED_CERT_TYPES)
      if (isCandidate(mentor, certType)) return { mentorId: mentor.id, certType }
  return undefined
}

const isCandidate = (mentor: MentorView, certType: string) => {
  const others = REQUIRED_CERT_TYPES.filter((type) => type !== certType)
  const isHeldForThis =
    mentor.holds.every(({ hold }) => hold === 'certification') &&
    others.every((other) => !lacks(mentor, other))
  return lacks(mentor, certType) && (mentor.active || isHeldForThis)
}

const lacks = ({ certifications }: MentorView, certType: string) =>
  !certifications.some(
    (own) => own.certType === certType && (own.standing === 'valid' || own.standing === 'expiring_soon'),
  )

/** `in 0:42`, `in 3 h 05 min`, `in 12 days`. */
const until = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const two = (value: number) => String(value).padStart(2, '0')
  if (hours >= 48) return `in ${Math.floor(hours / 24)} days`
  if (hours > 0) return `in ${hours} h ${two(minutes % 60)} min`
  return `in ${minutes}:${two(seconds % 60)}`
}

import { certificationStatus } from '../../contracts/certification-status.ts'
import type { CredentialKind, CredentialStanding, Verification } from '../../contracts/verification.ts'
import type { StatusPurpose } from './status-list.ts'

/** What is known of a credential, whatever kind of actor it is. */
export type CredentialFacts = {
  kind: CredentialKind
  /** The type of its actor. */
  actor: string
  id: string
  version: number
  orgId: string
  issuer: string
  holder: {
    userId: string
    name: string
    /** Whether the name is for everybody who knows the number. */
    isPublic: boolean
  }
  /** Whether the holder wants anybody to see it at all. */
  shown: boolean
  number: string | null
  title: string
  description: string
  criteria: string
  /** What all that were awarded for the same have in common. */
  achievementId: string
  issuedAt: string
  /** Of the first period: a renewal may begin when the present one ends, and it is good meanwhile. */
  firstIssuedAt: string
  expiresAt: string | null
  suspendedAt: string | null
  revokedAt: string | null
  /** Since when it has been good without a break, should it be good. */
  goodSince: string
  /** What the database gave to it when it was made. */
  statusEntry: number
}

/** Reads what stands in the database at that moment, and remembers nothing. */
export type CredentialSource = {
  byNumber: (number: string) => Promise<CredentialFacts | undefined>
  byId: (id: string) => Promise<CredentialFacts | undefined>
  /** Entries of one organisation, from `from` to before `to`, whose credentials are revoked or suspended. */
  marked: (marked: Marked) => Promise<number[]>
  /** The last entry that was given out. */
  lastEntry: () => Promise<number>
  /** Whether actors of this type are credentials. */
  isOne: (actorType: string) => boolean
}

export type Marked = { orgId: string; purpose: StatusPurpose; from: number; to: number }

type Standing = Pick<CredentialStanding, 'status' | 'since'>

/** How a credential stands at an instant. Revoked is for good, whatever else is so. */
export const standingOf = (facts: CredentialFacts, at: string): Standing => {
  const { expiresAt } = facts
  const decided = decidedOn(facts)
  // By the clock, not by the timer, which may be late.
  const status = certificationStatus({ ...decided, expiresAt }, NO_WINDOW, at)
  return status === 'expired' && expiresAt !== null ? { status, since: expiresAt } : decided
}

/** Whoever verifies asks whether it is good, not for how long. */
const NO_WINDOW = { expiringWindowDays: 0 }

const decidedOn = ({ revokedAt, suspendedAt, goodSince }: CredentialFacts): Standing => {
  if (revokedAt !== null) return { status: 'revoked', since: revokedAt }
  if (suspendedAt !== null) return { status: 'suspended', since: suspendedAt }
  return { status: 'valid', since: goodSince }
}

/** What the public page says. */
export const verificationOf = (facts: CredentialFacts, at: string, nameShown: boolean): Verification => ({
  ...standingOf(facts, at),
  kind: facts.kind,
  number: facts.number,
  title: facts.title,
  issuer: facts.issuer,
  issuedAt: facts.issuedAt,
  expiresAt: facts.expiresAt,
  ...(nameShown ? { holder: facts.holder.name } : {}),
  checkedAt: at,
})

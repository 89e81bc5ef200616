import { z } from 'zod'
import { CARD_REFUSED, isFreeOfCards } from './card-numbers.ts'
import { CERTIFICATION_STATUSES } from './certification-status.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Days, GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { inOrder, outOfOrder, Renewal, RenewalInput } from './renewal.ts'
import { Id, Instant, Note, StoredInstant } from './scalars.ts'

export const CertificationStatus = z.enum(CERTIFICATION_STATUSES)
export type CertificationStatus = z.output<typeof CertificationStatus>

/** A kind of certificate, such as `first_aid`. Organisations name their own. */
export const CertType = z
  .string()
  .max(64)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'must be lower-case letters, digits, "_" and "-"')
  .refine(isFreeOfCards, CARD_REFUSED)

export const CertificationView = z.strictObject({
  id: Id,
  mentorId: Id,
  coordinatorId: Id,
  certType: CertType,
  status: CertificationStatus,
  issuedAt: StoredInstant,
  expiresAt: StoredInstant,
  expiringWindowDays: z.int().describe('With `expiresAt` all that `certificationStatus` needs'),
  renewals: z.array(Renewal).describe('Append-only, oldest first'),
  renewalCount: z.int(),
  suspendedReason: z.string().optional(),
  revokedReason: z.string().optional(),
})

const facts = { mentorId: Id, certType: CertType, issuedAt: StoredInstant, expiresAt: StoredInstant }
const Facts = z.strictObject(facts)
const FactsAndReason = z.strictObject({ ...facts, reason: Note })

const MentorStatus = z.strictObject({
  mentorId: Id,
  status: z.enum([...CERTIFICATION_STATUSES, 'none']).describe('The worst of the required types'),
  types: z.array(
    z.strictObject({
      certType: CertType,
      status: CertificationStatus,
      certificationId: Id,
      expiresAt: StoredInstant,
    }),
  ),
})

export const certificationContract = defineContract({
  actor: 'certification',
  namespace: 'certifications',
  commands: {
    issue: {
      summary: 'Issue a certification to a mentor',
      creates: true,
      input: z
        .strictObject({
          mentorId: Id,
          certType: CertType,
          issuedAt: Instant,
          expiresAt: Instant,
          import: z.boolean().optional().describe('A record of the past: it may have expired already'),
        })
        .refine(inOrder, outOfOrder),
    },
    renew: {
      summary: 'Record a renewal',
      input: RenewalInput,
    },
    suspend: { summary: 'Suspend until it is reinstated', input: z.strictObject({ reason: Note }) },
    reinstate: { summary: 'End a suspension; the dates decide what follows', input: z.strictObject({}) },
    revoke: { summary: 'Revoke for good', input: z.strictObject({ reason: Note }) },
    correct: {
      summary: 'Correct what was recorded wrongly',
      input: z
        .strictObject({
          certType: CertType.optional(),
          issuedAt: Instant.optional(),
          expiresAt: Instant.optional(),
          reason: Note,
        })
        .refine(inOrder, outOfOrder)
        .refine(({ certType, issuedAt, expiresAt }) => certType ?? issuedAt ?? expiresAt, {
          error: 'must name at least one of certType, issuedAt and expiresAt',
        }),
    },
  },
  queries: {
    get: { summary: 'One certification', input: GetInput, output: CertificationView },
    list: {
      summary: 'Certifications that the caller may see',
      input: z.strictObject({
        mentorId: Id.optional(),
        coordinatorId: Id.optional(),
        status: CertificationStatus.optional(),
        certType: CertType.optional(),
        ...PageFields,
      }),
      output: pageOf(CertificationView),
    },
    status: {
      summary: 'Where a mentor stands: over all required types, and for each type',
      input: z.strictObject({ mentorId: Id }),
      output: MentorStatus,
    },
    expiring: {
      summary: 'Certifications that expire within so many days, the earliest first',
      input: z.strictObject({ coordinatorId: Id.optional(), withinDays: Days, ...PageFields }),
      output: pageOf(CertificationView),
    },
    forecast: {
      summary: 'Counts only: how many will expire within so many days, and how many have expired',
      input: z.strictObject({ coordinatorId: Id.optional(), withinDays: Days }),
      output: z.strictObject({ expiring: z.int(), expired: z.int() }),
    },
    journal: { summary: 'What happened to one certification', input: JournalInput, output: JournalPage },
  },
  events: {
    'certification.issued': z.strictObject({ ...facts, imported: z.boolean() }),
    'certification.renewed': z.strictObject({ ...facts, ...Renewal.shape }),
    'certification.expiringSoon': Facts,
    'certification.reminderDue': z.strictObject({ ...facts, daysBefore: z.int() }),
    'certification.expired': Facts,
    'certification.suspended': FactsAndReason,
    'certification.reinstated': Facts,
    'certification.revoked': FactsAndReason,
    'certification.corrected': z.strictObject({
      ...facts,
      reason: Note,
      previous: Facts.omit({ mentorId: true }),
    }),
    'certification.reassigned': z.strictObject({ ...facts, previousCoordinatorId: Id, coordinatorId: Id }),
  },
  view: CertificationView,
})
export type CertificationCommand = CommandOf<typeof certificationContract>
export type CertificationEvent = EventOf<typeof certificationContract>
export type CertificationView = ViewOf<typeof certificationContract>

/** What a certification tells its mentor after each change of its standing. */
export type StandingChanged = {
  type: 'certification.standingChanged'
  certificationId: string
  certType: string
  standing: CertificationStatus
  expiresAt: string
  coordinatorId: string
  /** It had expired when it was imported and has not been valid since. */
  imported: boolean
}

/**
 * Where a mentor stands: the best certificate counts for each type, the worst of the required types counts for the
 * mentor, and `none` when one of them was never certified. Without required types, the worst of those that are there.
 */
export const mentorStatus = <Certificate extends { certType: string; status: CertificationStatus }>(
  certificates: readonly Certificate[],
  requiredCertTypes: readonly string[],
): { status: CertificationStatus | 'none'; types: Certificate[] } => {
  const best = new Map<string, Certificate>()
  for (const certificate of certificates) {
    const rival = best.get(certificate.certType)
    if (!rival || badness(certificate.status) < badness(rival.status))
      best.set(certificate.certType, certificate)
  }
  const counted = requiredCertTypes.length > 0 ? requiredCertTypes : [...best.keys()]
  const statuses = counted.map((certType) => best.get(certType)?.status)
  const missing = statuses.length === 0 || statuses.includes(undefined)
  const worst = Math.max(...statuses.map((status) => (status ? badness(status) : -1)))
  return {
    status: missing ? 'none' : (CERTIFICATION_STATUSES[worst] ?? 'none'),
    types: [...best.values()].toSorted((a, b) => a.certType.localeCompare(b.certType)),
  }
}

const badness = (status: CertificationStatus): number => CERTIFICATION_STATUSES.indexOf(status)

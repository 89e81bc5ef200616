import { z } from 'zod'
import { CERTIFICATION_STATUSES } from './certification-status.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Renewal, RenewalInput } from './renewal.ts'
import { Id, Instant, Note, StoredInstant, titleOf } from './scalars.ts'

export const CertificateKind = z.enum(['course_certificate', 'track_certificate'])
export type CertificateKind = z.output<typeof CertificateKind>

/** While it is `numbering`, nobody can rely on it: it is not valid yet. */
export const CertificateStatus = z.enum(['numbering', ...CERTIFICATION_STATUSES])
export type CertificateStatus = z.output<typeof CertificateStatus>

export const CertificateView = z.strictObject({
  id: Id,
  kind: CertificateKind,
  holderId: Id,
  holderName: z.string().describe('As it was when the certificate was issued'),
  offeringId: Id.nullable(),
  enrollmentId: Id.nullable(),
  trackId: Id.nullable(),
  title: z.string().describe('What was completed'),
  number: z.string().nullable().describe('`CERT-2026-00001`; null while it is numbering'),
  status: CertificateStatus,
  issuedAt: StoredInstant,
  expiresAt: StoredInstant.nullable().describe('Null when it does not expire'),
  expiringWindowDays: z.int().describe('With `expiresAt` all that `certificationStatus` needs'),
  renewals: z.array(Renewal).describe('Append-only, oldest first'),
  showName: z.boolean().describe('Whether whoever knows no more than the number is told the name'),
  suspendedReason: z.string().optional(),
  revokedReason: z.string().optional(),
})

const facts = {
  holderId: Id,
  kind: CertificateKind,
  offeringId: Id.nullable(),
  title: z.string(),
  number: z.string(),
  issuedAt: StoredInstant,
  expiresAt: StoredInstant.nullable(),
}
const Facts = z.strictObject(facts)
const FactsAndReason = z.strictObject({ ...facts, reason: Note })

const IssueInput = z
  .strictObject({
    offeringId: Id.optional().describe('The course that was completed'),
    trackId: Id.optional().describe('Or the training track, which an administrator vouches for'),
    title: titleOf(200).optional().describe('Of the track'),
    userId: Id.optional().describe('Somebody else, for administrators'),
    issuedAt: Instant.optional().describe('For administrators; not in the future'),
    expiresAt: Instant.optional().describe('For administrators; by default never, and of tracks in 2 years'),
    showName: z.boolean().default(false),
  })
  .refine(({ offeringId, trackId }) => (offeringId === undefined) !== (trackId === undefined), {
    error: 'give an offeringId or a trackId',
    path: ['offeringId'],
  })
  .refine(({ trackId, title }) => (trackId === undefined) === (title === undefined), {
    error: 'goes with a trackId',
    path: ['title'],
  })

export const certificateContract = defineContract({
  actor: 'certificate',
  namespace: 'certificates',
  commands: {
    issue: {
      summary: 'Certify what somebody has completed; what is certified already is answered as it is',
      creates: true,
      input: IssueInput,
      errors: ['incomplete_course', 'certificate_revoked'],
    },
    renew: { summary: 'Record a renewal of what expires', input: RenewalInput },
    suspend: { summary: 'Suspend until it is reinstated', input: z.strictObject({ reason: Note }) },
    reinstate: { summary: 'End a suspension; the dates decide what follows', input: z.strictObject({}) },
    revoke: { summary: 'Revoke for good', input: z.strictObject({ reason: Note }) },
    setShowName: {
      summary: 'Say whether whoever knows no more than the number is told the name',
      input: z.strictObject({ showName: z.boolean() }),
    },
  },
  queries: {
    get: { summary: 'One certificate', input: GetInput, output: CertificateView },
    list: {
      summary: 'Certificates that the caller may see and that have their number, unless the status asks',
      input: z.strictObject({
        holderId: Id.optional(),
        offeringId: Id.optional(),
        kind: CertificateKind.optional(),
        status: CertificateStatus.optional(),
        number: z.string().min(1).max(40).optional(),
        ...PageFields,
      }),
      output: pageOf(CertificateView),
    },
    journal: { summary: 'What happened to one certificate', input: JournalInput, output: JournalPage },
  },
  events: {
    'certificate.issued': Facts,
    'certificate.renewed': z.strictObject({ ...facts, ...Renewal.shape }),
    'certificate.expiringSoon': Facts,
    'certificate.reminderDue': z.strictObject({ ...facts, daysBefore: z.int() }),
    'certificate.expired': Facts,
    'certificate.suspended': FactsAndReason,
    'certificate.reinstated': Facts,
    'certificate.revoked': FactsAndReason,
    'certificate.nameShown': Facts,
    'certificate.nameHidden': Facts,
  },
  view: CertificateView,
})
export type CertificateCommand = CommandOf<typeof certificateContract>
export type CertificateEvent = EventOf<typeof certificateContract>
export type CertificateView = ViewOf<typeof certificateContract>

/** What a certificate tells the enrollment that it was issued for, which answers when that was refunded meanwhile. */
export type CertificateOpened = { type: 'certificate.opened' }

/** What an enrollment tells its certificates when everything that was paid for it has gone back. */
export type EnrollmentRefunded = { type: 'enrollment.refunded' }

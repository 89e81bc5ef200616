import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { LessonStatus } from './lesson.ts'
import { Minor, Money } from './money.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

/** `active` is what S4 calls `in_progress`. */
export const EnrollmentStatus = z.enum([
  'requested',
  'pending_payment',
  'active',
  'suspended',
  'completed',
  'closing',
  'dropped',
  'cancelled',
  'refunded',
])
export type EnrollmentStatus = z.output<typeof EnrollmentStatus>

/** A share of one, kept with four decimals; what is more precise is rounded down, so that only 1 is done. */
export const Progress = z
  .number()
  .min(0)
  .max(1)
  .transform((share) => Math.floor(share * 10_000 + 1e-6) / 10_000)
  .describe('0 to 1, four decimals')

/** A hundred years. */
const Seconds = z.int().min(0).max(3_155_760_000)

export const ModuleProgress = z.strictObject({
  moduleId: Id,
  progress: z.number().describe('0 to 1, four decimals'),
  timeSpentSeconds: z.int(),
  lastAccessedAt: StoredInstant,
  completedAt: StoredInstant.nullable(),
})
export type ModuleProgress = z.output<typeof ModuleProgress>

/** What a learner asked for, once, and what became of it (S2.67). */
export const RefundRequest = z.strictObject({
  refundId: Id,
  status: z.enum(['pending', 'approved', 'rejected', 'autoApproved']),
  reason: z.string(),
  requestedBy: Id.nullable(),
  requestedAt: StoredInstant,
  decidedAt: StoredInstant.nullable(),
  processedAt: StoredInstant.nullable().describe('When the money had gone back'),
  outcome: z.enum(['processed', 'failed', 'rejected', 'nothing_due']).nullable(),
  firstLessonCompleted: z.boolean().describe('The first lesson, and no other'),
  adminNote: z.string().nullable(),
  policy: z.string().describe('What decided, with its version'),
  inputs: z
    .strictObject({
      totalMinor: z.int(),
      enrolledAt: StoredInstant,
      completedLessons: z.int(),
      totalLessons: z.int(),
    })
    .describe('What the policy looked at'),
  amountMinor: z.int().describe('What was granted'),
  note: z.string(),
})
export type RefundRequest = z.output<typeof RefundRequest>

export const EnrollmentView = z.strictObject({
  id: Id,
  userId: Id,
  offeringId: Id,
  offeringTitle: z.string(),
  status: EnrollmentStatus,
  price: Money.describe('Of the offering, when it began'),
  paid: Money.nullable().describe('What was paid for it; null while nothing was'),
  paymentId: Id.nullable(),
  enrolledAt: StoredInstant,
  activatedAt: StoredInstant.nullable(),
  payBefore: StoredInstant.optional().describe('While it is reserved'),
  completedAt: StoredInstant.nullable(),
  endedAt: StoredInstant.nullable(),
  endReason: z.string().nullable(),
  progress: z.number().describe('Of all modules, 0 to 1'),
  resumeAt: Id.nullable().describe('The module that was used last'),
  modules: z.array(ModuleProgress),
  lessons: z.array(z.strictObject({ lessonId: Id, status: LessonStatus })),
  refundRequest: RefundRequest.nullable(),
})

const Of = z.strictObject({ userId: Id, offeringId: Id })
const Ended = z.strictObject({ ...Of.shape, reason: z.string() })

export const enrollmentContract = defineContract({
  actor: 'enrollment',
  namespace: 'enrollments',
  commands: {
    enroll: {
      summary: 'Enrol in an offering; what costs something is reserved until it is paid',
      creates: true,
      input: z.strictObject({
        offeringId: Id,
        paymentId: Id.optional().describe('The payment that was made for it before'),
        userId: Id.optional().describe('Somebody else, for administrators'),
      }),
      errors: ['own_offering'],
    },
    drop: {
      summary: 'Leave; what was paid is given back on request only, also afterwards',
      input: z.strictObject({}),
    },
    recordProgress: {
      summary: 'Say how far a module has been worked through; it never goes back',
      input: z.strictObject({
        moduleId: Id,
        progress: Progress,
        timeSpentSeconds: Seconds.default(0).describe('On this module, in all'),
      }),
      errors: ['progress_backwards', 'unknown_module'],
    },
    suspend: { summary: 'Take access away for a while', input: z.strictObject({ reason: Note }) },
    resume: { summary: 'Give access back', input: z.strictObject({}) },
    requestRefund: {
      summary: 'Ask for the money back, once; the policy of the organisation decides, or an administrator',
      input: z.strictObject({ reason: Note }),
      errors: ['already_requested', 'nothing_paid'],
    },
    approveRefund: {
      summary: 'Grant what a learner asked for',
      input: z.strictObject({
        amountMinor: Minor.min(1).optional().describe('By default everything'),
        note: Note.optional(),
      }),
      errors: ['nothing_requested', 'not_refundable'],
    },
    rejectRefund: {
      summary: 'Refuse what a learner asked for',
      input: z.strictObject({ note: Note }),
      errors: ['nothing_requested'],
    },
  },
  queries: {
    get: { summary: 'One enrollment', input: GetInput, output: EnrollmentView },
    list: {
      summary: 'Enrollments that the caller may see',
      input: z.strictObject({
        userId: Id.optional(),
        offeringId: Id.optional(),
        status: EnrollmentStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(EnrollmentView),
    },
    journal: { summary: 'What happened to one enrollment', input: JournalInput, output: JournalPage },
  },
  events: {
    'enrollment.requested': z.strictObject({ ...Of.shape, price: Money }),
    'enrollment.reserved': z.strictObject({ ...Of.shape, price: Money, payBefore: StoredInstant }),
    'enrollment.activated': Of,
    'enrollment.progressed': z.strictObject({
      ...Of.shape,
      moduleId: Id,
      moduleProgress: z.number(),
      progress: z.number(),
    }),
    'enrollment.lessonChanged': z.strictObject({ ...Of.shape, lessonId: Id, status: LessonStatus }),
    'enrollment.completed': Of,
    'enrollment.suspended': Ended,
    'enrollment.resumed': Of,
    'enrollment.refundRequested': z.strictObject({ ...Of.shape, reason: z.string() }),
    'enrollment.refundDecided': z.strictObject({
      ...Of.shape,
      status: RefundRequest.shape.status,
      amountMinor: z.int(),
      note: z.string(),
    }),
    'enrollment.closing': Ended.describe('The offering is removed: access is gone, the money is looked at'),
    'enrollment.dropped': Of,
    'enrollment.cancelled': Ended,
    'enrollment.refunded': Ended,
  },
  view: EnrollmentView,
})
export type EnrollmentCommand = CommandOf<typeof enrollmentContract>
export type EnrollmentEvent = EventOf<typeof enrollmentContract>
export type EnrollmentView = ViewOf<typeof enrollmentContract>

/** What a lesson tells the enrollment that it belongs to. */
export type LessonChanged = { type: 'lesson.changed'; status: LessonStatus }

/** What a settlement tells the enrollment of an offering that is removed. */
export type RemovalNews =
  | { type: 'removal.began'; reason: string }
  | { type: 'removal.ended'; outcome: 'refunded' | 'cancelled'; note: string }

/** What an enrollment answers to a settlement. */
export type EnrollmentAnswer =
  /** It waits; nobody uses it any more. */
  | {
      type: 'enrollment.closing'
      paymentId: string | null
      paid: Money | null
      enrolledAt: string
      lessonIds: readonly string[]
    }
  /** There is nothing to be done about it. */
  | { type: 'enrollment.over'; status: EnrollmentStatus }

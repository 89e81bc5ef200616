import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Money } from './money.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

export const SettlementStatus = z.enum([
  'planned',
  'closing',
  'measuring',
  'refunding',
  'refunded',
  'cancelled',
  'skipped',
  'discarded',
  'failed',
  'needs_review',
])
export type SettlementStatus = z.output<typeof SettlementStatus>

/** What was decided about one enrollment, by which policy and on what. */
export const Verdict = z.strictObject({
  policy: z.string(),
  decision: z.enum(['full', 'partial', 'none', 'review']),
  amountMinor: z.int().min(0),
  note: z.string(),
  inputs: z.strictObject({
    totalMinor: z.int(),
    enrolledAt: StoredInstant,
    completedLessons: z.int(),
    totalLessons: z.int(),
  }),
})
export type Verdict = z.output<typeof Verdict>

export const SettlementView = z.strictObject({
  id: Id,
  removalId: Id,
  enrollmentId: Id,
  offeringId: Id,
  studentId: Id,
  status: SettlementStatus,
  totalAmount: Money.describe('What was paid'),
  refundAmount: Money.describe('What is or will be given back; nothing of what was settled by hand'),
  completedLessons: z.int(),
  totalLessons: z.int(),
  note: z.string(),
  verdict: Verdict.nullable(),
  paymentId: Id.nullable(),
  refundId: Id,
  failure: z.string().nullable().describe('Why it is stuck'),
})

const Of = z.strictObject({ removalId: Id, enrollmentId: Id, studentId: Id })

/** One row of a removal: one enrollment, and the money that is due for it. */
export const settlementContract = defineContract({
  actor: 'settlement',
  namespace: 'settlements',
  commands: {
    retry: {
      summary: 'Settle it again from the beginning, after it failed or could not be measured',
      input: z.strictObject({}),
    },
    resolve: {
      summary: 'Say how it was settled by hand',
      input: z.strictObject({ as: z.enum(['refunded', 'cancelled']), note: Note }),
    },
  },
  queries: {
    get: { summary: 'One settlement', input: GetInput, output: SettlementView },
    list: {
      summary: 'The settlements of a removal',
      input: z.strictObject({
        removalId: Id.optional(),
        enrollmentId: Id.optional(),
        status: SettlementStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(SettlementView),
    },
    journal: { summary: 'What happened to one settlement', input: JournalInput, output: JournalPage },
  },
  events: {
    'settlement.planned': Of,
    'settlement.decided': z.strictObject({ ...Of.shape, verdict: Verdict }),
    /** S2.62, without what can be looked up: who the student is. `refund` is where the refund stands, really. */
    'settlement.removedByAdmin': z.strictObject({
      coursePackId: Id,
      courseTitle: z.string(),
      removalReason: z.string(),
      studentId: Id,
      refund: z.enum(['requested', 'none', 'processed', 'failed']),
      refundAmount: z.int().describe('Minor units'),
      totalAmount: z.int().describe('Minor units'),
      currency: z.string(),
      completedLessons: z.int(),
      totalLessons: z.int(),
      refundNote: z.string(),
      removedAt: StoredInstant,
    }),
    'settlement.refunded': Of,
    'settlement.cancelled': Of,
    'settlement.skipped': Of.describe('It had ended by itself'),
    'settlement.discarded': Of.describe('Its plan was thrown away, and nothing was done'),
    'settlement.failed': z.strictObject({ ...Of.shape, reason: z.string() }),
    'settlement.needsReview': z.strictObject({ ...Of.shape, reason: z.string() }),
    'settlement.retried': Of,
  },
  view: SettlementView,
})
export type SettlementCommand = CommandOf<typeof settlementContract>
export type SettlementEvent = EventOf<typeof settlementContract>
export type SettlementView = ViewOf<typeof settlementContract>

/** What the planner tells a settlement that was planned before, and the meter one that asked for it. */
export type SettlementReport =
  | { type: 'planner.measured'; verdict: Verdict }
  /** `enrolledAt`: of the first enrollment on this payment; whoever measured before 0.7 has not said it. */
  | { type: 'lessons.measured'; completedLessons: number; totalLessons: number; enrolledAt?: string }
  /** Nothing is known for certain, so no money moves. */
  | { type: 'lessons.unmeasurable'; reason: string }

/** What a settlement tells its removal. Only one that has been counted may be retried. */
export type SettlementNews =
  | { type: 'settlement.ended'; outcome: 'processed' | 'failed' | 'review'; refunded: Money | null }
  | { type: 'settlement.reopened'; from: 'failed' | 'review' }
  /** What was stuck has been settled by hand. */
  | { type: 'settlement.resolved'; from: 'failed' | 'review' }

/** What a removal tells its settlements; that it is discarded it tells all of them. */
export type SettlementOrder =
  | { type: 'removal.run' }
  | { type: 'removal.counted' }
  | { type: 'removal.discarded' }

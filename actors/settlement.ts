import type { SnapshotFrom } from 'xstate'
import { settlementContract, type SettlementStatus } from '../contracts/settlement.ts'
import { settlementMachine } from '../machines/settlement.ts'
import { defineActor, type Principal } from './actor.ts'
import { derivedId } from './derived-id.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { decides, isOperator } from './rules.ts'

/** The same for the same enrollment in the same removal, so that a plan that is made again makes nothing twice. */
export const settlementId = (removalId: string, enrollmentId: string): string =>
  derivedId('settlement', removalId, enrollmentId)

/** Nobody decides on money that goes to themselves. */
const decidesForOthers = (
  principal: Principal,
  snapshot: { context: { orgId: string; studentId: string } },
): boolean => decides(principal, snapshot) && snapshot.context.studentId !== principal.userId

export const settlement = defineActor({
  contract: settlementContract,
  machine: settlementMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    removalId: { type: 'uuid', indexed: true, of: ({ context }) => context.removalId },
    enrollmentId: { type: 'uuid', indexed: true, of: ({ context }) => context.enrollmentId },
    studentId: { type: 'uuid', of: ({ context }) => context.studentId },
    status: { type: 'text', of: (snapshot) => statusOf(snapshot) },
    // A plan that may never be carried out is nobody's news.
    heardBy: {
      type: 'uuid',
      of: ({ value, context }) => (value === 'planned' || value === 'discarded' ? null : context.studentId),
    },
  },
  // Not on the organisation's topic: ten thousand of them would drown everything else there.
  topics: { settlement: 'id', user: 'heardBy' },
  scopes: (principal) => (isOperator(principal) ? [{ orgId: principal.orgId }] : []),
  allow: { retry: decidesForOthers, resolve: decidesForOthers },
  prepare: { retry: async ({ newId }) => ({ ok: true, payload: { refundId: newId() } }) },
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  explain: {
    retry: () => NOT_YET,
    resolve: () => NOT_YET,
  },
  view: (snapshot, id) => {
    const { context } = snapshot
    const { removalId, enrollmentId, offeringId, studentId, total, verdict, paymentId, refundId } = context
    const { refundMinor, failure } = context
    const status = statusOf(snapshot)
    return {
      id,
      removalId,
      enrollmentId,
      offeringId,
      studentId,
      status,
      totalAmount: total,
      refundAmount: {
        minor: DECIDED.has(status) ? refundMinor : (verdict?.amountMinor ?? 0),
        currency: total.currency,
      },
      completedLessons: verdict?.inputs.completedLessons ?? 0,
      totalLessons: verdict?.inputs.totalLessons ?? 0,
      note: verdict?.note ?? '',
      verdict,
      paymentId,
      refundId,
      failure,
    }
  },
})

/** What the payment said counts, not what was planned. */
const DECIDED: ReadonlySet<SettlementStatus> = new Set([
  'refunded',
  'cancelled',
  'skipped',
  'discarded',
  'failed',
])

const NOT_YET = { code: 'overloaded', message: 'the removal has not counted it yet; ask again' }

const statusOf = ({
  value,
  context,
}: Pick<SnapshotFrom<typeof settlementMachine>, 'value' | 'context'>): SettlementStatus => {
  if (value === 'needsReview') return 'needs_review'
  // Nobody has to begin it: it waits for the removal only.
  if (value === 'planned' && context.reopened) return 'closing'
  return value === 'deciding' ? 'measuring' : value
}

import type { SnapshotFrom } from 'xstate'
import { refundContract, type RefundStatus } from '../contracts/refund.ts'
import { refundMachine } from '../machines/refund.ts'
import { defineActor } from './actor.ts'
import { decidesForOthers, isPayerOrDecides } from './payment.ts'
import { ownOrOperated } from './purchase.ts'
import { actorJournal, getActor, listActors } from './queries.ts'

type Snapshot = SnapshotFrom<typeof refundMachine>

export const refund = defineActor({
  contract: refundContract,
  machine: refundMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    paymentId: { type: 'uuid', indexed: true, of: ({ context }) => context.paymentId },
    payerId: { type: 'uuid', indexed: true, of: ({ context }) => context.payerId },
    status: { type: 'text', indexed: true, of: (snapshot) => STATUSES[stateOf(snapshot)] },
  },
  topics: { refund: 'id', payment: 'paymentId', user: 'payerId', org: 'orgId', finance: 'orgId' },
  scopes: ownOrOperated,
  allow: {
    approve: decidesForOthers,
    reject: decidesForOthers,
    resubmit: decidesForOthers,
    resolve: decidesForOthers,
    submitBankDetails: isPayerOrDecides,
  },
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: (snapshot, id) => {
    const { paymentId, payerId, amount, reason, requestedBy, requestedAt } = snapshot.context
    const { providerRefundId, expectedAt, failure } = snapshot.context
    return {
      id,
      paymentId,
      payerId,
      amount,
      reason,
      requestedBy,
      status: STATUSES[stateOf(snapshot)],
      ...(providerRefundId === null ? {} : { providerRefundId }),
      ...(expectedAt === null ? {} : { expectedAt }),
      ...(failure === null ? {} : { failure }),
      requestedAt,
    }
  },
  state: (snapshot) => stateOf(snapshot),
})

const stateOf = ({ value }: Pick<Snapshot, 'value'>) => (typeof value === 'string' ? value : value.open)

const STATUSES: Record<ReturnType<typeof stateOf>, RefundStatus> = {
  pendingApproval: 'pending_approval',
  submitting: 'submitting',
  reconciling: 'uncertain',
  pending: 'pending',
  processing: 'processing',
  needsAttention: 'needs_attention',
  needsReview: 'needs_review',
  processed: 'processed',
  failed: 'failed',
  rejected: 'rejected',
}

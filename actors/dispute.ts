import type { SnapshotFrom } from 'xstate'
import { disputeContract, type DisputeStatus } from '../contracts/dispute.ts'
import { disputeMachine } from '../machines/dispute.ts'
import { defineActor } from './actor.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { decides, isOperator } from './rules.ts'

type Snapshot = SnapshotFrom<typeof disputeMachine>

export const dispute = defineActor({
  contract: disputeContract,
  machine: disputeMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    paymentId: { type: 'uuid', indexed: true, of: ({ context }) => context.paymentId },
    payerId: { type: 'uuid', indexed: true, of: ({ context }) => context.payerId },
    status: { type: 'text', indexed: true, of: (snapshot) => STATUSES[stateOf(snapshot)] },
  },
  // What is said between merchant and bank is not for the payer, who may listen to the topic of the payment.
  topics: { dispute: 'id', org: 'orgId', finance: 'orgId' },
  scopes: (principal) => (isOperator(principal) ? [{ orgId: principal.orgId }] : []),
  allow: { submitEvidence: decides, accept: decides },
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: (snapshot, id) => {
    const { paymentId, payerId, providerDisputeId, amount, openedAt } = snapshot.context
    const { resolution, dueAt, evidenceSubmittedAt } = snapshot.context
    return {
      id,
      paymentId,
      payerId,
      providerDisputeId,
      amount,
      status: STATUSES[stateOf(snapshot)],
      ...(resolution === null ? {} : { resolution }),
      ...(dueAt === null ? {} : { dueAt }),
      ...(evidenceSubmittedAt === null ? {} : { evidenceSubmittedAt }),
      openedAt,
    }
  },
  state: (snapshot) => stateOf(snapshot),
})

const stateOf = ({ value }: Pick<Snapshot, 'value'>) => (typeof value === 'string' ? value : value.unresolved)

const STATUSES: Record<ReturnType<typeof stateOf>, DisputeStatus> = {
  opening: 'opening',
  opened: 'opened',
  underReview: 'under_review',
  accepted: 'accepted',
  declined: 'declined',
}

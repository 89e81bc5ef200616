import { assertEvent } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { RefundNews } from '../contracts/payment.ts'
import {
  bucketsOf,
  dueOf,
  isHeldUp,
  refundableOf,
  stuckOf,
  withDispute,
  withRefund,
  type Owed,
  type Wanted,
} from './payment-money.ts'
import { paymentNotice, stuckAlert } from './payment-notices.ts'
import { factsOf, payment, releaseWhenGone } from './payment-steps.ts'

/** Money that goes back: who decides how much, and what becomes of it. */

type RefundRequest = {
  refundId: string
  minor: number
  approved: boolean
  reason: string
  requestedBy: string | null
  wanted?: Wanted
  /** The refund that this one is in place of. */
  insteadOf?: string
}

const beginRefund = ({ refundId, minor, wanted, insteadOf, ...request }: RefundRequest) =>
  payment.enqueueActions(({ context, enqueue }) => {
    const { id: paymentId, orgId, payerId, amount } = context
    const asked = request.requestedBy === payerId ? { byPayer: true as const } : {}
    const hears = { ...(wanted ? { wanted } : {}), ...(insteadOf ? { insteadOf } : {}), ...asked }
    const refunds = [...context.refunds, { refundId, minor, standing: 'pending' as const, ...hears }]
    const refund = { minor, currency: amount.currency }
    const books = bucketsOf({ ...context, refunds })
    enqueue.emit({ type: 'payment.refundRequested', ...factsOf(context), refundId, refund, ...books })
    enqueue.assign({ refunds })
    const input = { orgId, paymentId, payerId, amount: refund, ...request }
    enqueue({ type: 'create', params: { actor: 'refund', id: refundId, input } })
  })

export const requestRefund = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'requestRefund')
  const { refundId, approved, reason, by } = event
  const minor = event.amount?.minor ?? refundableOf(context)
  // Nobody decides on a refund to themselves.
  const mayDecide = approved && by !== context.payerId
  enqueue(beginRefund({ refundId, approved: mayDecide, reason, requestedBy: by ?? null, minor }))
})

/** The larger of two decisions stands: each says up to which amount everything goes back. */
const owe = (owed: Owed) =>
  payment.assign({
    owed: ({ context: { owed: known } }) => (known && known.minor >= owed.minor ? known : owed),
  })

export const refundAll = (reason: string) =>
  payment.enqueueActions(({ context, enqueue }) => {
    const { autoRefundId: refundId, amount } = context
    enqueue(owe({ refundId, minor: amount.minor, reason }))
    enqueue(beginRefund({ refundId, approved: true, reason, requestedBy: null, minor: amount.minor }))
  })

/**
 * Somebody has decided that money is due; how much of it is still to be given back is known here only, and only when no
 * other refund is under way, because that may fail.
 */
export const giveBack = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'refund.due')
  const { reason, source, upToMinor } = event
  const minor = upToMinor ?? context.charged
  const refundId = event.refundId ?? context.autoRefundId
  const wanted = whoWants(source)
  const hears = wanted ? { wanted } : {}
  // A settlement sees by itself to what fails.
  if (wanted?.actor !== 'settlement') enqueue(owe({ refundId, minor, reason, ...hears }))
  const known = context.refunds.find((refund) => refund.refundId === refundId)
  // What was begun is answered when it ends.
  if (known?.standing === 'pending') return
  if (known) {
    const { minor: given, standing } = known
    if (wanted) enqueue(answer(wanted, { type: 'payment.refundEnded', refundId, minor: given, standing }))
    enqueue(sayStuck)
    return
  }
  if (context.dues?.some((due) => due.refundId === refundId)) return
  enqueue.assign({ dues: [...(context.dues ?? []), { refundId, upToMinor: minor, reason, ...hears }] })
  enqueue(settleDues)
})

/** One after the other: what the first one gives back counts for the next. */
const settleDues = payment.enqueueActions(({ context, enqueue }) => {
  const [due, ...dues] = context.dues ?? []
  if (!due || context.refunds.some(({ standing }) => standing === 'pending')) return
  enqueue.assign({ dues })
  const { refundId, upToMinor, reason, wanted } = due
  const minor = dueOf(context, upToMinor)
  if (wanted?.actor === 'settlement' && isHeldUp(context, upToMinor)) {
    // How much it comes to is known when the bank has decided; whoever sees to it asks again then.
    const held = { minor: 0, standing: 'failed', reason: 'disputed' } as const
    enqueue(answer(wanted, { type: 'payment.refundEnded', refundId, ...held }))
    enqueue(settleDues)
  } else if (minor > 0) {
    const begun = { refundId, approved: true, reason, requestedBy: null, minor }
    enqueue(beginRefund({ ...begun, ...(wanted ? { wanted } : {}) }))
    if (wanted) enqueue(answer(wanted, { type: 'payment.refundBegan', refundId, minor }))
  } else {
    if (wanted) enqueue(answer(wanted, { type: 'payment.nothingDue', refundId }))
    enqueue(settleDues)
  }
})

/** A purchase says it in nobody's name. */
const whoWants = ({ actor, id }: Required<Envelope>['source']): Wanted | undefined =>
  actor === 'enrollment' || actor === 'settlement' ? { actor, id } : undefined

const answer = (wanted: Wanted, message: RefundNews) =>
  payment.enqueueActions(({ enqueue }) => enqueue({ type: 'tell', params: { ...wanted, message } }))

export const takeRefund = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'refund.changed')
  const { refundId, standing } = event
  const refunds = withRefund(context, refundId, standing)
  const { minor, wanted, insteadOf } = refunds.find((refund) => refund.refundId === refundId)!
  if (wanted)
    enqueue(answer(wanted, { type: 'payment.refundEnded', refundId: insteadOf ?? refundId, minor, standing }))
  const refund = { minor, currency: context.amount.currency }
  const books = bucketsOf({ ...context, refunds })
  enqueue.emit({ type: REFUND_EVENTS[standing], ...factsOf(context), refundId, refund, ...books })
  if (standing === 'processed')
    enqueue({ type: 'create', params: paymentNotice('payment.refundIssued', context, refund) })
  enqueue.assign({ refunds })
  enqueue(releaseWhenGone)
  enqueue(settleDues)
  enqueue(sayStuck)
})

const REFUND_EVENTS = {
  processed: 'payment.refundIssued',
  failed: 'payment.refundFailed',
  rejected: 'payment.refundRejected',
} as const

/** Nothing more happens by itself: people have to see to it, and money does not stay because nobody heard of it. */
const sayStuck = payment.enqueueActions(({ context, enqueue }) => {
  const minor = stuckOf(context)
  if (minor === 0) return
  const due = { minor, currency: context.amount.currency }
  enqueue.emit({ type: 'payment.refundStuck', ...factsOf(context), due })
  const key = `${context.owed!.refundId} ${context.refunds.length} ${minor}`
  enqueue({ type: 'alert', params: stuckAlert(context, due, key) })
})

export const retryRefund = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'retryRefund')
  const { refundId: insteadOf, reason, wanted } = context.owed!
  const { refundId, by = null } = event
  const begun = { refundId, approved: true, reason, requestedBy: by, minor: stuckOf(context), insteadOf }
  enqueue(beginRefund({ ...begun, ...(wanted ? { wanted } : {}) }))
})

export const resolveRefund = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'resolveRefund')
  const due = { minor: stuckOf(context), currency: context.amount.currency }
  enqueue.emit({ type: 'payment.refundResolved', ...factsOf(context), due, note: event.note })
  enqueue.assign({ owed: null })
})

export const takeDispute = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'dispute.changed')
  const { disputeId, minor, standing } = event
  const disputes = withDispute(context, { disputeId, minor, standing })
  const dispute = { minor, currency: context.amount.currency }
  const fact = { ...factsOf(context), disputeId, dispute, ...bucketsOf({ ...context, disputes }) }
  if (standing === 'open') enqueue.emit({ type: 'payment.disputed', ...fact })
  else enqueue.emit({ type: 'payment.disputeResolved', ...fact, standing })
  enqueue.assign({ disputes })
  enqueue(releaseWhenGone)
  // What the bank held while it was due can go back now.
  if (standing !== 'open') enqueue(sayStuck)
})

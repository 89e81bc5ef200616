import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { Money } from '../contracts/money.ts'
import type { RefundChanged } from '../contracts/payment.ts'
import type {
  ProviderRefundStatus,
  RefundCommand,
  RefundEvent,
  RefundHint,
  RefundReport,
} from '../contracts/refund.ts'
import type { Notice } from './notification.ts'
import { bankDetailsNotice } from './payment-notices.ts'
import { DOUBLED, RANKS } from './refund-ranks.ts'

export type RefundInput = Envelope & {
  id: string
  orgId: string
  /** Also the reference under which the provider knows the payment. */
  paymentId: string
  payerId: string
  amount: Money
  reason: string
  /** Null when the system gives money back by itself. */
  requestedBy: string | null
  /** Nobody needs to decide. */
  approved: boolean
}

export type RefundContext = Omit<RefundInput, keyof Envelope> & {
  requestedAt: string
  submissions: number
  /** The latest submission, or the latest bank details. */
  submittedAt: string
  /** The latest time at which nobody knew what had become of a submission. */
  uncertainSince: string
  /** Lookups that a timer has caused in this state. */
  looks: number
  /** How often bank details have been submitted. */
  round: number
  /** The provider has not answered the latest bank details. */
  isRetrying: boolean
  /** The furthest that the provider has said in this round: lookups may overtake each other, so only more is news. */
  rank: number
  providerRefundId: string | null
  expectedAt: string | null
  /** Why the provider does not want the latest submission. */
  refusal: string | null
  failure: string | null
}

type RefundMessage = Envelope &
  (RefundCommand | RefundReport | RefundHint | { type: 'effect.failed'; effect: string; reason: string })

type Refund = { refundId: string; reference: string }
type Submission = Refund & { amount: Money; submission: number }
type BankDetails = { accountNumber: string; bankId: string; currency: string }
type Retry = Refund & BankDetails & { providerRefundId: string | null; round: number }

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** After how much uncertainty to look for a submission, and at last to give up. */
export const LOOKUPS_MS = [
  15_000,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  HOUR_MS,
  ...[1, 2, 3, 4, 5].map((days) => days * DAY_MS),
]
const GIVE_UP_MS = 6 * DAY_MS

/** A submission that the provider does not have after so long will not arrive any more. */
const ARRIVES_WITHIN_MS = 15 * MINUTE_MS

/** A provider that loses every submission needs people, not more of them. */
const MOST_SUBMISSIONS = 5

/** Looks, a day apart, for a refund of which nothing is heard. */
const MOST_LOOKS = 30

const FACTS = {
  pending: 'refund.submitted',
  processing: 'refund.processing',
  'needs-attention': 'refund.needsAttention',
  processed: 'refund.processed',
} as const

export const refund = setup({
  types: {
    context: {} as RefundContext,
    input: {} as RefundInput,
    events: {} as RefundMessage,
    emitted: {} as RefundEvent,
  },
  actions: {
    submitRefund: (_, _params: Submission) => {},
    findRefund: (_, _params: Refund & { round: number }) => {},
    retryRefund: (_, _params: Retry) => {},
    tell: (_, _params: { actor: 'payment'; id: string; message: RefundChanged }) => {},
    create: (_, _params: Notice) => {},
  },
  guards: {
    /** An end is an end in whichever round it was seen; anything else must be ahead of what is known. */
    brings: ({ context, event }, status: ProviderRefundStatus) =>
      event.type === 'provider.refundSeen' &&
      event.status === status &&
      (RANKS[status] > DOUBLED || (event.round === context.round && RANKS[status] > context.rank)),
    answersRetry: ({ context, event }) =>
      event.type === 'provider.refundSeen' && context.isRetrying && event.round === context.round,
    hasFailed: ({ event }, effect: string) => event.type === 'effect.failed' && event.effect === effect,
    /** The provider did not have it when it was asked, and had had the time to get it. */
    isLost: ({ context, event }) =>
      event.type === 'provider.refundMissing' &&
      msSince(context.uncertainSince, { at: event.askedAt }) >= ARRIVES_WITHIN_MS,
    maySubmit: ({ context }) => context.submissions < MOST_SUBMISSIONS,
    isRetrying: ({ context }) => context.isRetrying,
    isStillWanted: ({ context, event }) =>
      event.type === 'provider.refundSeen' &&
      event.status === 'needs-attention' &&
      event.round === context.round,
    isPatient: ({ context }) => context.looks < MOST_LOOKS,
  },
  delays: {
    nextLookup: ({ context: { looks, uncertainSince }, event }) =>
      (LOOKUPS_MS[looks] ?? GIVE_UP_MS) - msSince(uncertainSince, event),
    silence: ({ context: { expectedAt, submittedAt }, event }) => {
      const patienceMs = expectedAt === null ? 3 * DAY_MS : DAY_MS
      const leftMs = patienceMs - msSince(expectedAt ?? submittedAt, event)
      return leftMs > 0 ? leftMs : DAY_MS
    },
  },
})

export const reject = refund.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'reject')
  enqueue.emit({ type: 'refund.rejected', ...factsOf(context), reason: event.reason })
  enqueue.assign({ failure: event.reason })
})

export const submit = refund.enqueueActions(({ context, event, enqueue }) => {
  const { id: refundId, paymentId: reference, amount, requestedAt } = context
  const submission = context.submissions + 1
  // The message that creates it is not one of its own, so XState tells nothing of its instant.
  enqueue.assign({ submissions: submission, submittedAt: 'at' in event ? event.at : requestedAt })
  enqueue({ type: 'submitRefund', params: { refundId, reference, amount, submission } })
})

/** Somebody has found out what no lookup could. */
export const decide = refund.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'resolve')
  const { as, reason } = event
  if (as === 'failed') enqueue.emit({ type: 'refund.failed', ...factsOf(context), reason })
  else enqueue.emit({ type: 'refund.processed', ...factsOf(context) })
  enqueue.assign({ failure: as === 'failed' ? reason : null })
})

/** While bank details are under way nobody knows whether a lookup has seen them carried out: it speaks for before. */
export const look = refund.enqueueActions(({ context, enqueue }) => {
  const { id: refundId, paymentId: reference, round, isRetrying } = context
  enqueue({ type: 'findRefund', params: { refundId, reference, round: isRetrying ? round - 1 : round } })
})

export const lookAgain = refund.enqueueActions(({ context, enqueue }) => {
  enqueue.assign({ looks: context.looks + 1 })
  enqueue(look)
})

export const doubt = refund.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['provider.unknown', 'provider.refused', 'effect.failed'])
  const { type, at } = event
  // Why an effect could not be carried out is for operators, who have its dead letter.
  const reason = type === 'effect.failed' ? 'internal' : event.reason
  enqueue.emit({ type: 'refund.uncertain', ...factsOf(context), reason })
  enqueue.assign({ uncertainSince: at, looks: 0, refusal: type === 'provider.refused' ? reason : null })
})

export const see = refund.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'provider.refundSeen')
  const { status, providerRefundId, round } = event
  const failure = status === 'failed' ? 'failed_at_provider' : null
  enqueue.assign({
    providerRefundId,
    expectedAt: event.expectedAt ?? context.expectedAt,
    rank: RANKS[status],
    looks: 0,
    isRetrying: context.isRetrying && round !== context.round,
    failure,
  })
  if (status === 'failed')
    enqueue.emit({ type: 'refund.failed', ...factsOf(context), reason: 'failed_at_provider' })
  else enqueue.emit({ type: FACTS[status], ...factsOf(context) })
  if (status === 'needs-attention') enqueue({ type: 'create', params: bankDetailsNotice(context) })
})

export const retry = refund.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'submitBankDetails')
  const { accountNumber, bankId, currency = context.amount.currency, at } = event
  const { id: refundId, paymentId: reference, providerRefundId } = context
  const round = context.round + 1
  enqueue.assign({ round, isRetrying: true, rank: RANKS.processing, looks: 0 })
  enqueue.assign({ submittedAt: at, expectedAt: null, failure: null })
  enqueue.emit({ type: 'refund.bankDetailsSubmitted', ...factsOf(context) })
  const details = { providerRefundId, accountNumber, bankId, currency, round }
  enqueue({ type: 'retryRefund', params: { refundId, reference, ...details } })
})

export const endRetry = refund.assign({
  isRetrying: false,
  expectedAt: ({ context, event }) =>
    event.type === 'provider.refundSeen' ? event.expectedAt : context.expectedAt,
})

/** A refusal may also mean that the details had been taken before, so whatever a lookup finds now is news. */
export const sendBack = refund.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'provider.refused')
  enqueue.assign({ isRetrying: false, rank: 0, looks: 0, failure: event.reason })
  enqueue.emit({ type: 'refund.needsAttention', ...factsOf(context) })
  enqueue({ type: 'create', params: bankDetailsNotice(context) })
  enqueue(look)
})

export const fail = refund.enqueueActions(({ context, event, enqueue }) => {
  const reason = 'reason' in event ? event.reason : (context.refusal ?? 'refused')
  enqueue.emit({ type: 'refund.failed', ...factsOf(context), reason })
  enqueue.assign({ failure: reason })
})

export const review = (reason: string) =>
  refund.enqueueActions(({ context, enqueue }) => {
    enqueue.emit({ type: 'refund.needsReview', ...factsOf(context), reason })
    enqueue.assign({ failure: reason })
  })

export const tellPayment = (standing: RefundChanged['standing']) =>
  refund.enqueueActions(({ context: { id: refundId, paymentId: id }, enqueue }) => {
    const message = { type: 'refund.changed', refundId, standing } as const
    enqueue({ type: 'tell', params: { actor: 'payment', id, message } })
  })

/** What every event of a refund carries. */
export const factsOf = ({ paymentId, payerId, amount }: RefundContext) => ({ paymentId, payerId, amount })

const msSince = (instant: string, { at }: { at: string }): number => Date.parse(at) - Date.parse(instant)

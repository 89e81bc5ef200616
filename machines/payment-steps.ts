import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { DisputeHint } from '../contracts/dispute.ts'
import type { Money } from '../contracts/money.ts'
import type {
  Card,
  ClaimAnswer,
  DisputeChanged,
  PaymentCommand,
  PaymentEvent,
  PaymentHint,
  PaymentMethod,
  PaymentReport,
  RefundChanged,
  RefundDue,
  RefundNews,
} from '../contracts/payment.ts'
import type { PaymentNews } from '../contracts/purchase.ts'
import type { RefundHint } from '../contracts/refund.ts'
import { hasAsked, isGone, refundableOf, stuckOf, type Books, type Wanted } from './payment-money.ts'
import type { Notice } from './notification.ts'
import { paymentNotice, type Alert } from './payment-notices.ts'

export type PaymentInput = Envelope & {
  /** Also the reference under which the provider knows the payment. */
  id: string
  orgId: string
  payerId: string
  offeringId: string
  /** As it was then; payments of before there were notices have none. */
  offeringTitle?: string
  /** The price, as it was then. */
  amount: Money
  method: PaymentMethod
  /** Sealed; null stands for the payer's own address. */
  email: string | null
  /** A saved card to charge. */
  authorizationId: string | null
  purchaseId: string
  /** Of the offering; payments of before there were any have none. */
  rosterId?: string
  /** For the refund that the system makes by itself, which can happen once. */
  autoRefundId: string
  policy: {
    /** How long the customer may take. Milliseconds. */
    abandonAfterMs: number
  }
}

export type PaymentContext = Omit<PaymentInput, keyof Envelope> &
  Books & {
    initiatedAt: string
    settledAt: string | null
    /** When the provider was to be asked to begin. */
    askedAt: string | null
    /** People have been told that something else was received than the price. */
    reviewed: boolean
    /** Where the customer pays. */
    checkout: { accessCode: string | null; authorizationUrl: string } | null
    /** The provider has answered the request that started it, one way or another. */
    answered: boolean
    /** Timers that fired in this state. */
    looks: number
    lookedAt: string | null
    card: Card | null
    failure: string | null
    /** What is due and waits until no other refund is under way; payments of before there was any have none. */
    dues?: readonly Due[]
  }

type Due = { refundId: string; upToMinor: number; reason: string; wanted?: Wanted }

type Requests = {
  type: 'requestRefund'
  refundId: string
  /** Whoever asks may decide, too. */
  approved: boolean
  amount?: Money | undefined
  full?: true | undefined
  reason: string
}

type PaymentMessage = Envelope &
  (
    | Exclude<PaymentCommand, { type: 'initiate' | 'requestRefund' | 'retryRefund' }>
    | Requests
    | { type: 'retryRefund'; refundId: string }
    | PaymentReport
    | PaymentHint
    | ClaimAnswer
    | RefundChanged
    | DisputeChanged
    | (RefundDue & Required<Pick<Envelope, 'source'>>)
    | { type: 'effect.failed'; effect: string; reason: string }
  )

type Verified = Extract<PaymentReport, { type: 'provider.verified' }>
type Told =
  | { actor: 'purchase'; id: string; message: PaymentNews; orCreate?: object }
  | { actor: 'refund'; id: string; message: RefundHint }
  | { actor: 'dispute'; id: string; message: DisputeHint; orCreate: object }
  | { actor: Wanted['actor']; id: string; message: RefundNews }

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Looks while the customer is on the provider's page, each after the one before. */
const POLLS_MS = [10 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS]

/** Looks for a request that may have arrived; then people have to. */
export const JANITOR_MS = [
  15 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  HOUR_MS,
  DAY_MS,
  DAY_MS,
  DAY_MS,
  DAY_MS,
  DAY_MS,
]

/** Between two looks that somebody asks for when nothing is expected any more. */
const LOOK_PAUSE_MS = 30 * SECOND_MS

/** A request that the provider does not know after so long will not arrive any more. */
export const ARRIVES_WITHIN_MS = HOUR_MS

export const payment = setup({
  types: {
    context: {} as PaymentContext,
    input: {} as PaymentInput,
    events: {} as PaymentMessage,
    emitted: {} as PaymentEvent,
  },
  actions: {
    initializePayment: (_, _params: object) => {},
    chargeAuthorization: (_, _params: object) => {},
    verifyPayment: (_, _params: { reference: string; payerId: string; keepCard: boolean }) => {},
    tell: (_, _params: Told) => {},
    create: (_, _params: { actor: 'refund'; id: string; input: object } | Notice) => {},
    alert: (_, _params: Alert) => {},
  },
  guards: {
    matches: ({ context: { id, amount }, event }) =>
      isSuccess(event) &&
      event.reference === id &&
      event.amountMinor === amount.minor &&
      event.currency === amount.currency,
    mismatches: ({ event }) => isSuccess(event),
    says: ({ event }, status: Verified['status']) =>
      event.type === 'provider.verified' && event.status === status,
    timeIsUp: ({ context, event }) => event.at >= abandonAt(context),
    wasAnswered: ({ context }) => context.answered,
    /** The provider knows it, and somebody has the page, or nobody needs it. */
    canBePaid: ({ context }) => (context.checkout ?? context.authorizationId) !== null,
    isUntouched: ({ context: { refunds } }) =>
      refunds.every(({ standing }) => standing === 'failed' || standing === 'rejected'),
    concernsProvider: ({ event }) => event.type === 'effect.failed' && event.effect !== 'tell',
    /** Whoever asks again and again makes the provider answer everybody more slowly. */
    mayLookAgain: ({ context: { lookedAt }, event }) =>
      lookedAt === null || Date.parse(event.at) - Date.parse(lookedAt) >= LOOK_PAUSE_MS,
    isTooOld: ({ context, event }) => msSinceAsked(context, event) >= ARRIVES_WITHIN_MS,
    isReviewed: ({ context }) => context.reviewed,
    mayBeClosed: ({ context }) => context.charged === 0 || isGone(context),
    isRefundable: ({ context, event }) => {
      assertEvent(event, 'requestRefund')
      const most = refundableOf(context)
      const { amount, by } = event
      if (by === context.payerId && hasAsked(context)) return false
      if (!amount) return most > 0
      return amount.currency === context.amount.currency && amount.minor <= most
    },
    isStuck: ({ context }) => stuckOf(context) > 0,
    /** A second word about a refund changes nothing. */
    isPendingRefund: ({ context, event }) =>
      event.type === 'refund.changed' &&
      context.refunds.some(({ refundId, standing }) => refundId === event.refundId && standing === 'pending'),
    /** What has been decided stays decided. */
    isNewsOfDispute: ({ context, event }) =>
      event.type === 'dispute.changed' &&
      !context.disputes.some(
        ({ disputeId, minor, standing }) =>
          disputeId === event.disputeId &&
          (standing !== 'open' || (event.standing === 'open' && minor === event.minor)),
      ),
  },
  delays: {
    poll: ({ context }) => POLLS_MS[Math.min(context.looks, POLLS_MS.length - 1)]!,
    janitor: ({ context }) => JANITOR_MS[context.looks] ?? Infinity,
    abandonment: ({ context, event }) => Math.max(0, Date.parse(abandonAt(context)) - Date.parse(event.at)),
    // Nobody may have told us that the customer paid after all.
    lateLook1: HOUR_MS,
    lateLook2: DAY_MS,
    lateLook3: 3 * DAY_MS,
  },
})

/** Timers count from the moment in which the state was entered, not from each of them. */
export const countAnew = payment.enqueueActions(({ event, enqueue }) => {
  if (!isTimer(event)) enqueue.assign({ looks: 0 })
})

/** Said once: each look that brings nothing new enters the state again. */
export const doubt = payment.enqueueActions(({ context, event, enqueue }) => {
  if (isTimer(event)) return
  const said = 'reason' in event ? event.reason : 'not_found'
  // Why an effect could not be carried out is for operators, who have its dead letter.
  const reason = event.type === 'effect.failed' ? 'internal' : said
  enqueue.emit({ type: 'payment.uncertain', ...factsOf(context), reason })
  enqueue.assign({ answered: true })
})

/** Whichever of them arrives first makes the purchase. */
const tellPurchase = (type: PaymentNews['type']) =>
  payment.enqueueActions(({ context, enqueue }) => {
    const { orgId, payerId, offeringId, rosterId, amount, purchaseId: id } = context
    const orCreate = { orgId, payerId, offeringId, ...(rosterId === undefined ? {} : { rosterId }) }
    const message = type === 'payment.settled' ? { type, amount } : { type }
    enqueue({ type: 'tell', params: { actor: 'purchase', id, message, orCreate } })
  })

export const claim = tellPurchase('payment.claimed')

export const release = tellPurchase('payment.released')

/** When nothing is left of what was paid, the offering may be bought again. */
export const releaseWhenGone = payment.enqueueActions(({ context, enqueue }) => {
  if (isGone(context)) enqueue(release)
})

export const ask = payment.enqueueActions(({ context, event, enqueue }) => {
  enqueue.assign({ askedAt: event.at })
  const { id: reference, payerId, authorizationId, email, amount, method, offeringId } = context
  const params = { reference, payerId, email, amount }
  if (authorizationId) enqueue({ type: 'chargeAuthorization', params: { ...params, authorizationId } })
  else enqueue({ type: 'initializePayment', params: { ...params, method, offeringId } })
})

export const look = payment.enqueueActions(({ context, event, enqueue }) => {
  const { id: reference, payerId, method } = context
  enqueue.assign({ lookedAt: event.at })
  enqueue({ type: 'verifyPayment', params: { reference, payerId, keepCard: method === 'card' } })
})

export const openCheckout = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'provider.initialized')
  const { accessCode, authorizationUrl } = event
  const codes = { accessCode: accessCode ?? '', authorizationUrl }
  enqueue.emit({ type: 'payment.checkoutReady', ...factsOf(context), ...codes })
  enqueue.assign({ checkout: { accessCode, authorizationUrl }, answered: true })
})

export const fail = (given?: string) =>
  payment.enqueueActions(({ context, event, enqueue }) => {
    const reason = given ?? ('reason' in event ? event.reason : 'unknown')
    enqueue.emit({ type: 'payment.failed', ...factsOf(context), reason })
    enqueue.assign({ failure: reason, answered: true })
    // Whoever began it twice hears what becomes of the other one.
    if (event.type !== 'purchase.refused')
      enqueue({ type: 'create', params: paymentNotice('payment.failed', context, context.amount) })
  })

export const abandon = payment.enqueueActions(({ context, enqueue }) => {
  const reason = context.checkout || context.authorizationId ? 'abandoned' : 'initialization_lost'
  enqueue.emit({ type: 'payment.abandoned', ...factsOf(context), reason })
  enqueue.assign({ failure: reason })
})

export const review = payment.enqueueActions(({ context, event, enqueue }) => {
  const seen = event.type === 'provider.verified' ? event : null
  const received = seen && { minor: seen.amountMinor, currency: seen.currency }
  const reason = seen ? 'amount_mismatch' : 'outcome_unknown'
  enqueue.emit({ type: 'payment.needsReview', ...factsOf(context), reason, received })
  enqueue.assign({ failure: reason, reviewed: seen !== null, charged: seen ? bookable(context, seen) : 0 })
})

/** The money is there: exactly once in a payment's life. */
export const charge = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'provider.verified')
  enqueue.assign({ charged: context.amount.minor, card: event.card, failure: null })
})

export const settle = (late: boolean) =>
  payment.enqueueActions(({ context, event, enqueue }) => {
    enqueue.emit({ type: 'payment.settled', ...factsOf(context), late })
    enqueue.assign({ settledAt: event.at })
    enqueue(tellPurchase('payment.settled'))
    enqueue({ type: 'create', params: paymentNotice('payment.settled', context, context.amount) })
    // The bank may have taken it back before anybody knew that it was there.
    enqueue(releaseWhenGone)
  })

export const hintRefunds = payment.enqueueActions(({ context, enqueue }) => {
  for (const { refundId: id, standing } of context.refunds)
    if (standing === 'pending')
      enqueue({
        type: 'tell',
        params: { actor: 'refund', id, message: { type: 'payment.refundsChanged' } },
      })
})

export const hintDispute = payment.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'webhook.disputeChanged')
  const { disputeId: id, providerDisputeId } = event
  const { id: paymentId, orgId, payerId } = context
  const orCreate = { orgId, paymentId, payerId, providerDisputeId }
  const message = { type: 'payment.disputeChanged' } as const
  enqueue({ type: 'tell', params: { actor: 'dispute', id, message, orCreate } })
})

export const lookAgain = payment.enqueueActions(({ context: { looks }, enqueue }) => {
  enqueue.assign({ looks: looks + 1 })
  enqueue(look)
})

export const factsOf = ({ payerId, offeringId, amount }: PaymentContext) => ({ payerId, offeringId, amount })

const isTimer = ({ type }: { type: string }) => type.startsWith('xstate.after')

const isSuccess = (event: { type: string }): event is Verified & Envelope =>
  event.type === 'provider.verified' && (event as Verified).status === 'success'

/** The provider has not come to an end with it. */
export const isWaiting = ({ status }: Verified) => !['success', 'failed', 'reversed'].includes(status)

export const abandonAt = ({ initiatedAt, policy }: PaymentContext): string =>
  new Date(Date.parse(initiatedAt) + policy.abandonAfterMs).toISOString()

/** How long the provider has had to hear of it. Milliseconds. */
export const msSinceAsked = ({ initiatedAt, askedAt }: PaymentContext, { at }: { at: string }): number =>
  Date.parse(at) - Date.parse(askedAt ?? initiatedAt)

/** What the books can hold of an amount that is not the price: nothing of another payment or in another currency. */
const bookable = ({ id, amount }: PaymentContext, { reference, currency, amountMinor }: Verified): number =>
  reference === id && currency === amount.currency && Number.isSafeInteger(amountMinor) && amountMinor > 0
    ? amountMinor
    : 0

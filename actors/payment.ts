import type { SnapshotFrom } from 'xstate'
import { paymentContract, type PaymentStatus, type PaymentView } from '../contracts/payment.ts'
import { refused } from '../contracts/protocol.ts'
import { paymentMachine } from '../machines/payment.ts'
import {
  bucketsOf,
  hasAsked,
  refundableOf,
  standingOf,
  stuckOf,
  type Books,
} from '../machines/payment-money.ts'
import { defineActor, type CreationRequest, type Principal } from './actor.ts'
import { only, readBy } from './audience.ts'
import { coordinatorsOf } from './coordinated.ts'
import { ownOrOperated, purchase, purchaseId } from './purchase.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { rosterId } from './roster.ts'
import { administers, decides } from './rules.ts'

type Snapshot = SnapshotFrom<typeof paymentMachine>
type Owned = { context: { orgId: string; payerId: string } }

/** How long a customer may take (STATECHARTS 2.3). Milliseconds. */
const ABANDON_AFTER_MS = 30 * 60_000
const HOUR_MS = 60 * 60_000

const isPayer = ({ orgId, userId }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && context.payerId === userId

export const isPayerOrDecides = (principal: Principal, snapshot: Owned): boolean =>
  isPayer(principal, snapshot) || decides(principal, snapshot)

/** Nobody decides on money that goes to themselves. */
export const decidesForOthers = (principal: Principal, snapshot: Owned): boolean =>
  decides(principal, snapshot) && !isPayer(principal, snapshot)

const isStuck = ({ context }: { context: Books }): boolean => stuckOf(context) > 0

type Initiation = {
  offeringId: string
  method: 'card' | 'paystack'
  amountMinor?: number | undefined
  email?: string | undefined
  authorizationId?: string | undefined
}

/** The price is the offering's; what a client says about money can only keep it from paying another price. */
const initiate = async ({ id, payload, principal, at, lookup, newId }: CreationRequest<Initiation>) => {
  const { offeringId, method, amountMinor, email = null, authorizationId = null } = payload
  const { userId: payerId, orgId } = principal
  if (!lookup.takesPayments()) return refused('payments_unavailable', 'this server takes no payments')
  const price = await lookup.price(offeringId)
  if (price?.orgId !== orgId) return refused('not_found', 'offeringId: no such offering')
  const { amount, title: offeringTitle } = price
  if (amount.minor === 0) return refused('nothing_to_pay', 'this offering is free')
  if (amountMinor !== undefined && amountMinor !== amount.minor)
    return refused('amount_mismatch', 'this offering has another price', { price: amount })
  if (authorizationId && method !== 'card') return refused('invalid_input', 'authorizationId: is a card')
  if (authorizationId && !(await lookup.authorization(authorizationId, payerId)))
    return refused('not_found', 'authorizationId: no such card')

  const claimed = purchaseId(payerId, offeringId)
  const holder = (await lookup.actor(purchase, claimed))?.context.holder
  if (holder) {
    const details = { paymentId: holder.paymentId }
    return holder.paid
      ? refused('already_paid', 'this offering is paid for', details)
      : refused('payment_in_progress', 'another payment is under way; finish or cancel it', details)
  }
  // Whoever tries out stolen cards fails again and again (A58).
  const since = new Date(Date.parse(at) - HOUR_MS).toISOString()
  if ((await lookup.failedPayments(payerId, since)) >= lookup.failedPaymentsPerHour)
    return {
      ...refused('rate_limited', 'too many payments have failed; try again later'),
      retryAfterMs: HOUR_MS,
    }
  const parties = {
    id,
    at,
    orgId,
    payerId,
    offeringId,
    offeringTitle,
    amount,
    method,
    email,
    authorizationId,
  }
  const policy = { abandonAfterMs: ABANDON_AFTER_MS }
  const asked = { purchaseId: claimed, rosterId: rosterId(offeringId), autoRefundId: newId() }
  return { ok: true as const, input: { ...parties, ...asked, policy } }
}

/** Coordinators see where a payment of their mentor stands (C49); how it is paid is the payer's and the operators'. */
const shownToCoordinators = only<PaymentView>({
  id: true,
  transactionId: true,
  payerId: true,
  offeringId: true,
  method: true,
  amount: true,
  status: true,
  charged: true,
  refundPending: true,
  refunded: true,
  disputed: true,
  accessCode: false,
  authorizationUrl: false,
  card: false,
  failure: true,
  initiatedAt: true,
  settledAt: true,
  refundStuck: true,
  refunds: true,
  disputes: true,
})

export const payment = defineActor({
  contract: paymentContract,
  machine: paymentMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    payerId: { type: 'uuid', indexed: true, of: ({ context }) => context.payerId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
    status: { type: 'text', indexed: true, of: (snapshot) => statusOf(snapshot) },
    initiatedAt: { type: 'instant', indexed: true, of: ({ context }) => context.initiatedAt },
  },
  topics: { payment: 'id', user: 'payerId', org: 'orgId', finance: 'orgId' },
  scopes: ownOrOperated,
  allow: {
    initiate: isPayer,
    verify: isPayerOrDecides,
    cancel: (principal, snapshot) =>
      snapshot.matches('needsReview') ? decides(principal, snapshot) : isPayerOrDecides(principal, snapshot),
    requestRefund: isPayerOrDecides,
    retryRefund: decidesForOthers,
    resolveRefund: decidesForOthers,
  },
  offers: { retryRefund: isStuck, resolveRefund: isStuck },
  prepare: {
    requestRefund: async ({ payload, principal, newId }) => ({
      ok: true,
      payload: { ...payload, refundId: newId(), approved: administers(principal) },
    }),
    retryRefund: async ({ newId }) => ({ ok: true, payload: { refundId: newId() } }),
  },
  create: { initiate },
  queries: {
    get: readBy(coordinatorsOf('payerId'), getActor, shownToCoordinators),
    list: listActors,
    journal: actorJournal,
  },
  explain: {
    verify: ({ value }) =>
      value === 'settled' ? undefined : { code: 'rate_limited', message: 'the provider has just been asked' },
    requestRefund: ({ context }, { amount, by }) => {
      const refundable = { minor: refundableOf(context), currency: context.amount.currency }
      const isLeft = refundable.minor > 0 && (amount?.minor ?? 0) <= refundable.minor
      if (by === context.payerId && hasAsked(context) && isLeft)
        return { code: 'refund_pending', message: 'what was asked for before is not back or decided yet' }
      return {
        code: 'not_refundable',
        message: `at most ${refundable.minor} minor units of ${refundable.currency} can be given back`,
        details: { refundable },
      }
    },
    retryRefund: () => NOTHING_STUCK,
    resolveRefund: () => NOTHING_STUCK,
  },
  view: (snapshot, id) => {
    const { context } = snapshot
    const { payerId, offeringId, method, amount, card, failure, initiatedAt, settledAt } = context
    const { checkout } = context
    return {
      id,
      transactionId: transactionId(id),
      payerId,
      offeringId,
      method,
      amount,
      status: statusOf(snapshot),
      ...bucketsOf(context),
      ...(checkout && snapshot.matches('open')
        ? {
            ...(checkout.accessCode === null ? {} : { accessCode: checkout.accessCode }),
            authorizationUrl: checkout.authorizationUrl,
          }
        : {}),
      ...(card ? { card } : {}),
      ...(failure === null ? {} : { failure }),
      initiatedAt,
      ...(settledAt === null ? {} : { settledAt }),
      ...(stuckOf(context) > 0 ? { refundStuck: stuckOf(context) } : {}),
      refunds: context.refunds.map(({ refundId, minor, standing }) => ({ refundId, minor, standing })),
      disputes: [...context.disputes],
    }
  },
  state: ({ value, context }) => {
    if (value === 'settled') return STATES[standingOf(context)] ?? value
    return typeof value === 'string' ? value : Object.values(value).join('.')
  },
})

const NOTHING_STUCK = { code: 'nothing_stuck', message: 'nothing was to go back that could not' }

const STATES: Partial<Record<PaymentStatus, string>> = {
  partially_refunded: 'partiallyRefunded',
  refund_stuck: 'refundStuck',
  refunded: 'refunded',
  reversed: 'reversed',
}

/** What S4.13 calls a payment; its reference at the provider is its id (C48). */
const transactionId = (paymentId: string): string => `tx_${paymentId.replaceAll('-', '')}`

const statusOf = ({ value, context }: Pick<Snapshot, 'value' | 'context'>): PaymentStatus => {
  if (value === 'settled') return standingOf(context)
  if (value === 'reversed') return 'reversed'
  if (value === 'needsReview') return 'needs_review'
  if (typeof value === 'string') return 'pending'
  if ('closed' in value) return value.closed
  return value.open === 'unresolved' ? 'needs_review' : 'pending'
}

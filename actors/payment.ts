import type { SnapshotFrom } from 'xstate'
import { paymentContract, type PaymentStatus } from '../contracts/payment.ts'
import { refused } from '../contracts/protocol.ts'
import { paymentMachine } from '../machines/payment.ts'
import { bucketsOf, refundableOf, standingOf } from '../machines/payment-money.ts'
import { defineActor, type CreationRequest, type Principal } from './actor.ts'
import { ownOrOperated, purchase, purchaseId } from './purchase.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { rosterId } from './roster.ts'

type Snapshot = SnapshotFrom<typeof paymentMachine>
type Owned = { context: { orgId: string; payerId: string } }

/** How long a customer may take (STATECHARTS 2.3). Milliseconds. */
const ABANDON_AFTER_MS = 30 * 60_000
const HOUR_MS = 60 * 60_000

export const decidesOnMoney = ({ orgId, roles }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && (roles.includes('admin') || roles.includes('system'))

export const isPayer = ({ orgId, userId }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && context.payerId === userId

export const isPayerOrDecides = (principal: Principal, snapshot: Owned): boolean =>
  isPayer(principal, snapshot) || decidesOnMoney(principal, snapshot)

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
  const { amount } = price
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
  const parties = { id, at, orgId, payerId, offeringId, amount, method, email, authorizationId }
  const policy = { abandonAfterMs: ABANDON_AFTER_MS }
  const asked = { purchaseId: claimed, rosterId: rosterId(offeringId), autoRefundId: newId() }
  return { ok: true as const, input: { ...parties, ...asked, policy } }
}

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
      snapshot.matches('needsReview')
        ? decidesOnMoney(principal, snapshot)
        : isPayerOrDecides(principal, snapshot),
    requestRefund: isPayerOrDecides,
  },
  prepare: {
    requestRefund: async ({ payload, principal: { roles }, newId }) => {
      const refundId = newId()
      const decides = roles.includes('admin') || roles.includes('system')
      return { ok: true, payload: { ...payload, refundId, approved: decides } }
    },
  },
  create: { initiate },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  explain: {
    verify: ({ value }) =>
      value === 'settled' ? undefined : { code: 'rate_limited', message: 'the provider has just been asked' },
    requestRefund: ({ context }) => {
      const refundable = { minor: refundableOf(context), currency: context.amount.currency }
      return {
        code: 'not_refundable',
        message: `at most ${refundable.minor} minor units of ${refundable.currency} can be given back`,
        details: { refundable },
      }
    },
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
      refunds: context.refunds.map(({ refundId, minor, standing }) => ({ refundId, minor, standing })),
      disputes: [...context.disputes],
    }
  },
  state: ({ value, context }) => {
    if (value === 'settled') return STATES[standingOf(context)] ?? value
    return typeof value === 'string' ? value : Object.values(value).join('.')
  },
})

const STATES: Partial<Record<PaymentStatus, string>> = {
  partially_refunded: 'partiallyRefunded',
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

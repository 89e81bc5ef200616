import { z } from 'zod'
import { CARD_REFUSED, isFreeOfCards } from './card-numbers.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Minor, Money } from './money.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

/** `card` asks for a card and keeps it for next time when its bank allows that; `paystack` offers every channel. */
export const PaymentMethod = z.enum(['card', 'paystack'])
export type PaymentMethod = z.output<typeof PaymentMethod>

export const PaymentStatus = z
  .enum([
    'pending',
    'settled',
    'partially_refunded',
    'refund_stuck',
    'refunded',
    'reversed',
    'failed',
    'abandoned',
    'cancelled',
    'needs_review',
  ])
  .describe('Derived from the buckets and the state; `refund_stuck`: what was to go back could not')
export type PaymentStatus = z.output<typeof PaymentStatus>

/** Where the money of one payment is, all in minor units of its currency; `refunded` + `refundPending` ≤ `charged`. */
export const Buckets = z.strictObject({
  charged: Minor.describe('What the provider took, whatever became of it afterwards'),
  refundPending: Minor.describe('Asked back and not yet with the customer'),
  refunded: Minor.describe('With the customer again'),
  disputed: Minor.describe('Held by disputes, or lost to them'),
})
export type Buckets = z.output<typeof Buckets>

/** What may be known of a card (PCI DSS 3.4.1): never its number. */
export const Card = z.strictObject({
  brand: z.string(),
  bin: z.string().describe('The first six digits'),
  last4: z.string(),
  expMonth: z.string(),
  expYear: z.string(),
  bank: z.string().nullable(),
})
export type Card = z.output<typeof Card>

/** Where a refund stands for its payment. */
export const RefundStanding = z.enum(['pending', 'processed', 'failed', 'rejected'])
export type RefundStanding = z.output<typeof RefundStanding>

/** Where a dispute stands for its payment; `lost` money is gone. */
export const DisputeStanding = z.enum(['open', 'won', 'lost'])
export type DisputeStanding = z.output<typeof DisputeStanding>

const PaymentFailure = z
  .string()
  .describe('`declined`, `already_paid`, `payment_in_progress`, `provider_unavailable`, `never_arrived`, …')

export const PaymentView = z.strictObject({
  id: Id,
  transactionId: z.string().describe('`tx_…`, for S4.13'),
  payerId: Id,
  offeringId: Id,
  method: PaymentMethod,
  amount: Money,
  status: PaymentStatus,
  ...Buckets.shape,
  /** While the customer may pay. */
  accessCode: z.string().optional(),
  authorizationUrl: z.string().optional(),
  card: Card.optional(),
  failure: PaymentFailure.optional(),
  initiatedAt: StoredInstant,
  settledAt: StoredInstant.optional(),
  refundStuck: Minor.optional().describe('What was to go back and could not: administrators see to it'),
  refunds: z.array(z.strictObject({ refundId: Id, minor: Minor, standing: RefundStanding })),
  disputes: z.array(z.strictObject({ disputeId: Id, minor: Minor, standing: DisputeStanding })),
})

const Of = z.strictObject({ payerId: Id, offeringId: Id, amount: Money })
const Failed = z.strictObject({ ...Of.shape, reason: PaymentFailure })
const RefundFact = z.strictObject({ ...Of.shape, refundId: Id, refund: Money, ...Buckets.shape })
const DisputeFact = z.strictObject({ ...Of.shape, disputeId: Id, dispute: Money, ...Buckets.shape })

export const paymentContract = defineContract({
  actor: 'payment',
  namespace: 'payments',
  commands: {
    initiate: {
      summary: 'Start paying for an offering at its price; `payment.checkoutReady` follows',
      creates: true,
      input: z.strictObject({
        offeringId: Id,
        method: PaymentMethod,
        amountMinor: Minor.optional().describe('What the payer has been shown; another price is refused'),
        email: z
          .email()
          .max(100)
          .refine(isFreeOfCards, CARD_REFUSED)
          .optional()
          .describe("For the receipt; by default the payer's own"),
        authorizationId: Id.optional().describe('A saved card, charged at once'),
      }),
      sealed: ['email'],
      errors: [
        'nothing_to_pay',
        'amount_mismatch',
        'already_paid',
        'payment_in_progress',
        'payments_unavailable',
      ],
    },
    verify: {
      summary: 'Ask the provider now; whatever a client says about a payment, only its answer counts',
      input: z.strictObject({}),
    },
    cancel: {
      summary: 'Give up a payment that has not been made; money that arrives nevertheless goes back',
      input: z.strictObject({}),
    },
    requestRefund: {
      summary:
        'Ask for money back: an amount, or all that is left; those who may approve it need not ask, a payer asks for one at a time',
      input: z
        .strictObject({
          amount: Money.optional().describe('More than nothing'),
          full: z.literal(true).optional().describe('Instead of an amount'),
          reason: Note,
        })
        .refine(({ amount, full }) => (amount === undefined) !== (full === undefined), {
          path: ['amount'],
          error: 'give an amount, or full: true',
        })
        .refine(({ amount }) => amount === undefined || amount.minor > 0, {
          path: ['amount', 'minor'],
          error: 'must be more than nothing',
        }),
      errors: ['not_refundable', 'refund_pending'],
    },
    retryRefund: {
      summary: 'Give back what was to go back and could not, once more',
      input: z.strictObject({}),
      errors: ['nothing_stuck'],
    },
    resolveRefund: {
      summary: 'Say how what was to go back and could not has been settled by hand',
      input: z.strictObject({ note: Note }),
      errors: ['nothing_stuck'],
    },
  },
  queries: {
    get: { summary: 'One payment', input: GetInput, output: PaymentView },
    list: {
      summary: 'Payments that the caller may see',
      input: z.strictObject({
        payerId: Id.optional(),
        offeringId: Id.optional(),
        status: PaymentStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(PaymentView),
    },
    journal: { summary: 'What happened to one payment', input: JournalInput, output: JournalPage },
  },
  events: {
    'payment.initiated': z.strictObject({ ...Of.shape, method: PaymentMethod }),
    'payment.checkoutReady': z.strictObject({
      ...Of.shape,
      accessCode: z.string().describe("For the provider's inline form"),
      authorizationUrl: z.string().describe("The provider's page"),
    }),
    'payment.verifying': Of,
    'payment.uncertain': Failed.describe('The provider has not said whether it took the request'),
    'payment.settled': z.strictObject({ ...Of.shape, late: z.boolean().describe('After it was given up') }),
    'payment.failed': Failed,
    'payment.abandoned': Failed,
    'payment.cancelled': Of,
    'payment.needsReview': z.strictObject({
      ...Failed.shape,
      received: z.strictObject({ minor: z.number(), currency: z.string() }).nullable(),
    }),
    'payment.refundRequested': RefundFact,
    'payment.refundIssued': RefundFact,
    'payment.refundFailed': RefundFact,
    'payment.refundRejected': RefundFact,
    'payment.refundStuck': z.strictObject({ ...Of.shape, due: Money }),
    'payment.refundResolved': z.strictObject({ ...Of.shape, due: Money, note: z.string() }),
    'payment.disputed': DisputeFact,
    'payment.disputeResolved': z.strictObject({ ...DisputeFact.shape, standing: DisputeStanding }),
    'payment.reversed': Of,
  },
  view: PaymentView,
})
export type PaymentCommand = CommandOf<typeof paymentContract>
export type PaymentEvent = EventOf<typeof paymentContract>
export type PaymentView = ViewOf<typeof paymentContract>

/** What Paystack calls the states of a transaction. */
export const TransactionStatus = z.enum([
  'abandoned',
  'failed',
  'ongoing',
  'pending',
  'processing',
  'queued',
  'reversed',
  'success',
])
export type TransactionStatus = z.output<typeof TransactionStatus>

/** What effects report to a payment. A lookup is the only source of facts about money. */
export type PaymentReport =
  | { type: 'provider.initialized'; accessCode: string | null; authorizationUrl: string }
  | {
      type: 'provider.verified'
      status: TransactionStatus
      reference: string
      /** As received: it may be anything that a number can be. */
      amountMinor: number
      currency: string
      paidAt: string | null
      card: Card | null
    }
  /** The provider knows no transaction of this reference. */
  | { type: 'provider.missing' }
  /** A definite no: nothing was or will be charged. */
  | { type: 'provider.refused'; reason: string }
  /** The request may or may not have been carried out. */
  | { type: 'provider.unknown'; reason: string }

/** What webhooks say: never more than that it is time to look. */
export type PaymentHint =
  | { type: 'webhook.charged' }
  | { type: 'webhook.refundChanged' }
  | { type: 'webhook.disputeChanged'; disputeId: string; providerDisputeId: string }

/** What a purchase answers to a payment's claim. */
export type ClaimAnswer =
  | { type: 'purchase.granted' }
  | { type: 'purchase.refused'; reason: 'already_paid' | 'payment_in_progress' }

/** What its refunds and disputes tell a payment. */
export type RefundChanged = {
  type: 'refund.changed'
  refundId: string
  standing: Exclude<RefundStanding, 'pending'>
}
export type DisputeChanged = {
  type: 'dispute.changed'
  disputeId: string
  minor: number
  standing: DisputeStanding
}

/**
 * What whoever decides that money is due to the payer tells a payment. What was given back before counts; `refundId` is
 * null for the one refund that the system makes by itself, `upToMinor` when everything is due.
 */
export type RefundDue = {
  type: 'refund.due'
  refundId: string | null
  upToMinor: number | null
  reason: string
}

/** What a payment tells whoever said that money is due. */
export type RefundNews =
  | { type: 'payment.refundBegan'; refundId: string; minor: number }
  /** As much has been given back already, or there is nothing left to give. */
  | { type: 'payment.nothingDue'; refundId: string }
  | {
      type: 'payment.refundEnded'
      refundId: string
      minor: number
      standing: Exclude<RefundStanding, 'pending'>
      /** `disputed`: nothing was tried, because a bank may take what would go back. */
      reason?: 'disputed'
    }

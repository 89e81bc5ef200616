import { z } from 'zod'
import { CARD_REFUSED, isFreeOfCards } from './card-numbers.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Currency, Money } from './money.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

export const RefundStatus = z.enum([
  'pending_approval',
  'submitting',
  'uncertain',
  'pending',
  'processing',
  'needs_attention',
  'needs_review',
  'processed',
  'failed',
  'rejected',
])
export type RefundStatus = z.output<typeof RefundStatus>

/** What Paystack calls the states of a refund. */
export const ProviderRefundStatus = z.enum([
  'pending',
  'processing',
  'processed',
  'failed',
  'needs-attention',
])
export type ProviderRefundStatus = z.output<typeof ProviderRefundStatus>

export const RefundView = z.strictObject({
  id: Id,
  paymentId: Id,
  payerId: Id,
  amount: Money,
  reason: z.string(),
  requestedBy: Id.nullable().describe('Null when the system gives money back by itself'),
  status: RefundStatus,
  providerRefundId: z.string().optional(),
  expectedAt: StoredInstant.optional().describe('When the provider expects the money to arrive'),
  failure: z.string().optional(),
  requestedAt: StoredInstant,
})

const Of = z.strictObject({ paymentId: Id, payerId: Id, amount: Money })
const Why = z.strictObject({ ...Of.shape, reason: z.string() })

export const refundContract = defineContract({
  actor: 'refund',
  namespace: 'refunds',
  commands: {
    approve: { summary: 'Let a requested refund go to the provider', input: z.strictObject({}) },
    reject: {
      summary: 'Refuse a requested refund, with the reason',
      input: z.strictObject({ reason: Note }),
    },
    resubmit: {
      summary: 'Submit a refund again that nobody could find out about; the provider is asked for it before',
      input: z.strictObject({ reason: Note }),
    },
    resolve: {
      summary:
        'Say what became of a refund that nobody could find out about, for example after giving it back by hand',
      input: z.strictObject({ as: z.enum(['processed', 'failed']), reason: Note }),
    },
    submitBankDetails: {
      summary: 'Where the money can go when the card did not take it back',
      input: z.strictObject({
        accountNumber: z
          .string()
          .regex(/^\d{6,20}$/, 'must be 6 to 20 digits')
          .refine(isFreeOfCards, CARD_REFUSED)
          .describe('Never shown again'),
        bankId: z
          .string()
          .regex(/^\d{1,10}$/, 'must be digits')
          .describe("The provider's id of the bank"),
        currency: Currency.optional().describe("By default the refund's"),
      }),
      sealed: ['accountNumber'],
    },
  },
  queries: {
    get: { summary: 'One refund', input: GetInput, output: RefundView },
    list: {
      summary: 'Refunds that the caller may see',
      input: z.strictObject({
        paymentId: Id.optional(),
        payerId: Id.optional(),
        status: RefundStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(RefundView),
    },
    journal: { summary: 'What happened to one refund', input: JournalInput, output: JournalPage },
  },
  events: {
    'refund.requested': Why,
    'refund.approved': Of,
    'refund.rejected': Why,
    'refund.submitted': Of.describe('The provider has it'),
    'refund.uncertain': Why.describe('The provider has not said whether it took the request'),
    'refund.processing': Of,
    'refund.needsAttention': Of.describe('Bank details are wanted'),
    'refund.bankDetailsSubmitted': Of,
    'refund.processed': Of,
    'refund.failed': Why,
    'refund.needsReview': Why,
  },
  view: RefundView,
})
export type RefundCommand = CommandOf<typeof refundContract>
export type RefundEvent = EventOf<typeof refundContract>
export type RefundView = ViewOf<typeof refundContract>

/** What effects report to a refund. */
export type RefundReport =
  /** The answer to a submission or to a lookup: this is our refund, and it stands so. */
  | {
      type: 'provider.refundSeen'
      providerRefundId: string
      status: ProviderRefundStatus
      expectedAt: string | null
      /** How often bank details had been submitted when it was looked up. */
      round: number
    }
  /** The provider has no refund that carries our note. */
  | {
      type: 'provider.refundMissing'
      /** When the provider was asked; the answer may arrive much later. */
      askedAt: string
    }
  /** The provider has more than one refund that carries our note. */
  | { type: 'provider.refundDoubled' }
  | { type: 'provider.refused'; reason: string }
  | { type: 'provider.unknown'; reason: string }

/** What a payment tells its refunds: the provider has said something, it is time to look. */
export type RefundHint = { type: 'payment.refundsChanged' }

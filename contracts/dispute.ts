import { z } from 'zod'
import { CARD_REFUSED, isFreeOfCards } from './card-numbers.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Money } from './money.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

export const DisputeStatus = z.enum(['opening', 'opened', 'under_review', 'accepted', 'declined'])
export type DisputeStatus = z.output<typeof DisputeStatus>

/** What Paystack calls the states of a dispute. */
export const ProviderDisputeStatus = z.enum([
  'awaiting-merchant-feedback',
  'awaiting-bank-feedback',
  'pending',
  'resolved',
])
export type ProviderDisputeStatus = z.output<typeof ProviderDisputeStatus>

export const DisputeView = z.strictObject({
  id: Id,
  paymentId: Id,
  payerId: Id,
  providerDisputeId: z.string(),
  amount: Money.nullable().describe('Null until the provider has been asked'),
  status: DisputeStatus,
  resolution: z
    .string()
    .optional()
    .describe("The provider's word: `merchant-accepted`, `declined`, `auto-accepted`"),
  dueAt: StoredInstant.optional().describe('Without an answer until then it is lost'),
  evidenceSubmittedAt: StoredInstant.optional(),
  openedAt: StoredInstant,
})

const Of = z.strictObject({ paymentId: Id, payerId: Id, amount: Money, dueAt: StoredInstant.nullable() })

export const disputeContract = defineContract({
  actor: 'dispute',
  namespace: 'disputes',
  commands: {
    submitEvidence: {
      summary: 'Say what was delivered to whom, and contest the dispute',
      input: z.strictObject({
        customerEmail: z.email().max(100).refine(isFreeOfCards, CARD_REFUSED),
        customerName: z.string().trim().min(1).max(100).refine(isFreeOfCards, CARD_REFUSED),
        customerPhone: z.string().trim().min(3).max(20).refine(isFreeOfCards, CARD_REFUSED),
        serviceDetails: Note,
        deliveryAddress: Note.optional(),
        deliveryDate: z.iso.date().optional(),
      }),
      sealed: ['customerEmail', 'customerName', 'customerPhone', 'deliveryAddress'],
    },
    accept: { summary: 'Concede, and let the customer have the money back', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One dispute', input: GetInput, output: DisputeView },
    list: {
      summary: 'Disputes that the caller may see',
      input: z.strictObject({ paymentId: Id.optional(), status: DisputeStatus.optional(), ...PageFields }),
      output: pageOf(DisputeView),
    },
    journal: { summary: 'What happened to one dispute', input: JournalInput, output: JournalPage },
  },
  events: {
    'dispute.opened': Of,
    'dispute.deadlineNear': z.strictObject({ ...Of.shape, hoursLeft: z.int() }),
    'dispute.evidenceSubmitted': Of,
    'dispute.refused': z
      .strictObject({ ...Of.shape, reason: z.string() })
      .describe('The provider did not take the evidence, or the concession'),
    'dispute.accepted': Of,
    'dispute.resolved': z.strictObject({ ...Of.shape, resolution: z.string(), lost: z.boolean() }),
  },
  view: DisputeView,
})
export type DisputeCommand = CommandOf<typeof disputeContract>
export type DisputeEvent = EventOf<typeof disputeContract>
export type DisputeView = ViewOf<typeof disputeContract>

/** What effects report to a dispute. */
export type DisputeReport =
  | {
      type: 'provider.disputeSeen'
      status: ProviderDisputeStatus
      resolution: string | null
      amountMinor: number
      currency: string
      dueAt: string | null
    }
  | { type: 'provider.evidenceTaken' }
  | { type: 'provider.disputeConceded' }
  | { type: 'provider.refused'; reason: string }

/** What a payment tells its disputes: the provider has said something, it is time to look. */
export type DisputeHint = { type: 'payment.disputeChanged' }

import { z } from 'zod'
import { defineContract, type EventOf, type ViewOf } from './contract.ts'
import type { Money } from './money.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id } from './scalars.ts'

export const PurchaseView = z.strictObject({
  id: Id,
  payerId: Id,
  offeringId: Id,
  paymentId: Id.nullable().describe('The one payment that may pay for it'),
  paid: z.boolean(),
  enrollmentId: Id.nullable().describe('The enrollment that wants it, or has it'),
})

const Of = z.strictObject({ payerId: Id, offeringId: Id, paymentId: Id })

/** One payer and one offering. Only payments and enrollments speak to it, so it has no commands. */
export const purchaseContract = defineContract({
  actor: 'purchase',
  namespace: 'purchases',
  commands: {},
  queries: {
    get: { summary: 'One purchase', input: GetInput, output: PurchaseView },
    list: {
      summary: 'Purchases that the caller may see',
      input: z.strictObject({ payerId: Id.optional(), offeringId: Id.optional(), ...PageFields }),
      output: pageOf(PurchaseView),
    },
    journal: { summary: 'What happened to one purchase', input: JournalInput, output: JournalPage },
  },
  events: {
    'purchase.claimed': Of,
    'purchase.paid': Of,
    'purchase.released': Of,
  },
  view: PurchaseView,
})
export type PurchaseEvent = EventOf<typeof purchaseContract>
export type PurchaseView = ViewOf<typeof purchaseContract>

/** What payments tell a purchase; who speaks is in `source`. */
export type PaymentNews =
  | { type: 'payment.claimed' }
  /** Without an amount when it was said before anybody asked for one. */
  | { type: 'payment.settled'; amount?: Money }
  | { type: 'payment.released' }

/** What enrollments tell a purchase. The one that was opened last is the one that counts. */
export type EnrollmentWish =
  | { type: 'enrollment.opened'; openedAt: string }
  /** What was paid is used from now on. */
  | { type: 'enrollment.activated'; paymentId: string }
  /** It may be heard before the word that it had begun, so it says as well what it has used. */
  | { type: 'enrollment.ended'; paymentId: string | null }

/** What a purchase tells the enrollment; the version in `source` says what is newer. */
export type PurchaseNews =
  /** `amount` is unknown for what was paid long ago. */
  | { type: 'purchase.paid'; paymentId: string; amount: Money | null }
  /** Nothing is left of what was paid. */
  | { type: 'purchase.released' }

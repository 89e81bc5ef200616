import { z } from 'zod'
import { defineContract, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id } from './scalars.ts'

export const PurchaseView = z.strictObject({
  id: Id,
  payerId: Id,
  offeringId: Id,
  paymentId: Id.nullable().describe('The one payment that may pay for it'),
  paid: z.boolean(),
})

const Of = z.strictObject({ payerId: Id, offeringId: Id, paymentId: Id })

/** One payer and one offering. Only payments speak to it, so it has no commands. */
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
  | { type: 'payment.settled' }
  | { type: 'payment.released' }

import type { Agenda } from './agenda.ts'
import type { Books, RefundRecord, RefundStatus, TransactionRecord } from './books.ts'
import { ApiRefusal, missing } from './refusal.ts'
import type { RefundCreate } from './requests.ts'
import { SCENARIOS, type RefundPlan } from './scenarios.ts'
import type { Transactions } from './transactions.ts'
import { refundMoved } from './webhook-bodies.ts'
import type { Webhooks } from './webhooks.ts'

export type Refunds = {
  create: (input: RefundCreate) => RefundRecord
  /** @throws ApiRefusal 404 */
  get: (id: string | number) => RefundRecord
  /** Takes the customer's bank account for a refund that needs attention; keeps nothing of it. */
  retry: (id: string | number) => RefundRecord
  /** Moves a refund by hand, and tells; what was to come by itself does not come any more. */
  move: (id: string | number, to: RefundStatus) => RefundRecord
  /** How refunds go from now on: those of one transaction, or all for which nothing else is said. */
  plan: (plan: RefundPlan, reference?: string) => void
  /** How many still move by themselves. */
  moving: () => number
}

const STEPS: Record<RefundPlan, RefundStatus[]> = {
  process: ['processing', 'processed'],
  fail: ['processing', 'failed'],
  needs_attention: ['processing', 'needs-attention'],
  stay: [],
}

type Dependencies = {
  books: Books
  transactions: Transactions
  webhooks: Webhooks
  agenda: Agenda
  now: () => number
  stepMs: number
}

export const createRefunds = (dependencies: Dependencies): Refunds => {
  const { books, transactions, webhooks, agenda, now, stepMs } = dependencies
  let general: RefundPlan | undefined
  const get = (id: string | number) => {
    const found = books.refunds.get(Number(id))
    if (!found) throw missing('Refund', 'refund_not_found')
    return found
  }
  const tell = (refund: RefundRecord) =>
    webhooks.send(`refund.${refund.status}`, refund.reference, refundMoved(books, refund))
  const become = (refund: RefundRecord, status: RefundStatus) => {
    refund.status = status
    refund.updatedAt = now()
    books.changed()
    tell(refund)
  }
  const proceed = (refund: RefundRecord) => {
    if (refund.steps.length === 0) return
    agenda.after(stepMs, () => {
      const next = refund.steps.shift()
      // Somebody has moved it by hand meanwhile.
      if (next === undefined) return
      become(refund, next)
      proceed(refund)
    })
  }
  for (const refund of books.refunds.values()) proceed(refund)

  return {
    get,
    create: (input) => {
      const transaction = transactions.get(input.transaction)
      const amountMinor = refundable(books, transaction, input)
      const plan = transaction.refundPlan ?? general ?? SCENARIOS[transaction.scenario ?? 'success'].refunds
      const { reference, currency } = transaction
      const at = now()
      const refund: RefundRecord = {
        id: books.newId(),
        reference,
        amountMinor,
        currency,
        customerNote: input.customer_note ?? `Refund for transaction ${reference}`,
        merchantNote: input.merchant_note ?? `Refund for transaction ${reference}`,
        status: 'pending',
        steps: [...STEPS[plan]],
        createdAt: at,
        updatedAt: at,
      }
      books.refunds.set(refund.id, refund)
      become(refund, 'pending')
      proceed(refund)
      return refund
    },
    retry: (id) => {
      const refund = get(id)
      if (refund.status !== 'needs-attention')
        throw new ApiRefusal('Only a refund that needs attention can be retried', {
          httpStatus: 422,
          code: 'refund_not_retryable',
        })
      refund.steps = ['processed']
      become(refund, 'processing')
      proceed(refund)
      return refund
    },
    move: (id, to) => {
      const refund = get(id)
      refund.steps = []
      become(refund, to)
      return refund
    },
    plan: (plan, reference) => {
      if (reference === undefined) general = plan
      else transactions.get(reference).refundPlan = plan
      books.changed()
    },
    moving: () => books.refunds.values().reduce((sum, { steps }) => sum + (steps.length > 0 ? 1 : 0), 0),
  }
}

/** @returns how much. @throws ApiRefusal when that cannot be given back */
const refundable = (books: Books, transaction: TransactionRecord, input: RefundCreate): number => {
  const { reference, currency, status, amountMinor: chargedMinor } = transaction
  if (status !== 'success')
    throw new ApiRefusal('Transaction has not been paid, so it cannot be refunded', {
      code: 'transaction_not_refundable',
    })
  if (input.currency !== undefined && input.currency !== currency)
    throw new ApiRefusal('Currency is not that of the transaction', { code: 'invalid_currency' })
  const leftMinor = leftOf(books, reference, chargedMinor)
  const amountMinor = input.amount ?? leftMinor
  if (leftMinor === 0)
    throw new ApiRefusal('Transaction has been fully reversed', { code: 'transaction_reversed' })
  if (amountMinor > leftMinor)
    throw new ApiRefusal('Refund amount is more than what is left of the transaction', {
      code: 'refund_amount_too_large',
      nextStep: `At most ${leftMinor} can be refunded`,
    })
  return amountMinor
}

/** What a failed refund asked for can be asked for again. Disputes are not counted: the documents do not say so. */
const leftOf = (books: Books, reference: string, chargedMinor: number): number =>
  books
    .refundsOf(reference)
    .reduce((left, { status, amountMinor }) => left - (status === 'failed' ? 0 : amountMinor), chargedMinor)

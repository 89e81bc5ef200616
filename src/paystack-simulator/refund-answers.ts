import type { z } from 'zod'
import { customerFields, INTEGRATION, instant, MERCHANT } from './answer-parts.ts'
import type { Books, RefundRecord } from './books.ts'
import { missing } from './refusal.ts'
import { RefundCreated, RefundFetched, RefundRetried, RefundsListed } from './refund-shapes.ts'

const EXPECTED_AFTER_MS = 5 * 86_400_000

export const refundCreated = (books: Books, refund: RefundRecord) => {
  const transaction = transactionOf(books, refund)
  const paidAt = instant(transaction.paidAt ?? transaction.createdAt)
  return RefundCreated.parse({
    status: true,
    message: 'Refund has been queued for processing',
    data: {
      transaction: {
        id: transaction.id,
        domain: 'test',
        reference: transaction.reference,
        amount: transaction.amountMinor,
        paid_at: paidAt,
        channel: 'card',
        currency: transaction.currency,
        authorization: { exp_month: null, exp_year: null, account_name: null },
        customer: { international_format_phone: null },
        plan: {},
        subaccount: { currency: null },
        split: {},
        order_id: null,
        paidAt,
        pos_transaction_data: null,
        source: null,
        fees_breakdown: null,
      },
      integration: INTEGRATION,
      deducted_amount: 0,
      channel: null,
      merchant_note: refund.merchantNote,
      customer_note: refund.customerNote,
      status: refund.status,
      refunded_by: MERCHANT,
      expected_at: expectedAt(refund),
      currency: refund.currency,
      domain: 'test',
      amount: refund.amountMinor,
      fully_deducted: false,
      id: refund.id,
      createdAt: instant(refund.createdAt),
      updatedAt: instant(refund.updatedAt),
    },
  } satisfies z.input<typeof RefundCreated>)
}

export const refundFetched = (books: Books, refund: RefundRecord) =>
  RefundFetched.parse({
    status: true,
    message: 'Refund retrieved',
    data: refundDetails(books, refund),
  } satisfies z.input<typeof RefundFetched>)

export type Page = { total: number; skipped: number; perPage: number; page: number; pageCount: number }

export const refundsListed = (books: Books, refunds: readonly RefundRecord[], page: Page) =>
  RefundsListed.parse({
    status: true,
    message: 'Refunds retrieved',
    data: refunds.map((refund) => refundDetails(books, refund)),
    meta: {
      ...page,
      perPage: String(page.perPage),
      failedRefundCount: refunds.filter(({ status }) => status === 'failed').length,
    },
  } satisfies z.input<typeof RefundsListed>)

export const refundRetried = (books: Books, refund: RefundRecord) =>
  RefundRetried.parse({
    status: true,
    message: 'Refund retried and has been queued for processing',
    data: {
      integration: INTEGRATION,
      transaction: transactionOf(books, refund).id,
      dispute: {},
      settlement: {},
      id: refund.id,
      domain: 'test',
      currency: refund.currency,
      amount: refund.amountMinor,
      status: refund.status,
      refunded_at: null,
      expected_at: expectedAt(refund),
      channel: 'card',
      refunded_by: MERCHANT,
      customer_note: refund.customerNote,
      merchant_note: refund.merchantNote,
      deducted_amount: refund.amountMinor,
      fully_deducted: true,
      bank_reference: null,
      reason: 'PENDING',
      customer: {},
      initiated_by: MERCHANT,
      reversed_at: null,
      session_id: null,
    },
  } satisfies z.input<typeof RefundRetried>)

const refundDetails = (books: Books, refund: RefundRecord) => {
  const transaction = transactionOf(books, refund)
  return {
    integration: INTEGRATION,
    transaction: transaction.id,
    dispute: null,
    settlement: null,
    id: refund.id,
    domain: 'test' as const,
    currency: refund.currency,
    amount: refund.amountMinor,
    status: refund.status,
    refunded_at: refund.status === 'processed' ? instant(refund.updatedAt) : null,
    refunded_by: MERCHANT,
    customer_note: refund.customerNote,
    merchant_note: refund.merchantNote,
    deducted_amount: refund.amountMinor,
    fully_deducted: 1,
    createdAt: instant(refund.createdAt),
    bank_reference: null,
    transaction_reference: refund.reference,
    reason: 'PENDING',
    customer: { ...customerFields(books, transaction.email), metadata: '' },
    refund_type: refund.amountMinor === transaction.amountMinor ? 'full' : 'partial',
    transaction_amount: transaction.amountMinor,
    initiated_by: MERCHANT,
    refund_channel: 'card',
    session_id: null,
    collect_account_number: refund.status === 'needs-attention',
  }
}

const expectedAt = ({ createdAt }: RefundRecord) => instant(createdAt + EXPECTED_AFTER_MS)

const transactionOf = (books: Books, { reference }: RefundRecord) => {
  const transaction = books.transactions.get(reference)
  if (!transaction) throw missing('Transaction', 'transaction_not_found')
  return transaction
}

import { cardFields } from './answer-parts.ts'
import type { Books, DisputeRecord, RefundRecord, TransactionRecord } from './books.ts'

/**
 * The data of webhooks, with what is odd about the real ones: a field may be text here and a number there, be missing,
 * or change its type from one webhook to the next. No field tells one refund of a transaction from another.
 */

export const chargeSucceeded = (books: Books, transaction: TransactionRecord): object => {
  const paidAt = instant(transaction.paidAt)
  return {
    id: transaction.id,
    domain: 'test',
    status: 'success',
    reference: transaction.reference,
    amount: transaction.amountMinor,
    message: null,
    gateway_response: transaction.gatewayResponse,
    paid_at: paidAt,
    paidAt,
    created_at: instant(transaction.createdAt),
    channel: 'card',
    currency: transaction.currency,
    ip_address: '127.0.0.1',
    metadata: metadataOf(transaction),
    fees: null,
    customer: { ...personOf(books, transaction.email), metadata: null, risk_action: 'default' },
    authorization: cardOf(books, transaction),
    plan: {},
  }
}

/** Nothing in place of metadata has three spellings; something may come as an object or as its text. */
const metadataOf = ({ id, metadata }: TransactionRecord) => {
  if (metadata === null) return [0, '', null][id % 3]
  return id % 2 === 0 && typeof metadata === 'object' ? JSON.stringify(metadata) : metadata
}

export const refundMoved = (
  books: Books,
  { id, reference, amountMinor, currency, status }: RefundRecord,
): object => ({
  status,
  transaction_reference: reference,
  refund_reference: status === 'processed' ? `TRF_${id}` : null,
  amount: status === 'pending' ? String(amountMinor) : amountMinor,
  currency,
  processor: 'instant-transfer',
  customer: { first_name: '', last_name: '', email: books.transactions.get(reference)?.email },
  integration: 100_043,
  domain: 'test',
  ...(status === 'needs-attention' ? { id: String(id) } : {}),
})

export const disputeMoved = (
  books: Books,
  dispute: DisputeRecord,
  transaction: TransactionRecord,
  transactionStatus: string,
): object => ({
  id: dispute.id,
  refund_amount: dispute.amountMinor,
  currency: transaction.currency,
  status: dispute.status,
  resolution: dispute.resolution,
  domain: 'test',
  transaction: {
    id: transaction.id,
    domain: 'test',
    status: transactionStatus,
    reference: transaction.reference,
    amount: transaction.amountMinor,
    message: null,
    gateway_response: transaction.gatewayResponse,
    paid_at: instant(transaction.paidAt),
    created_at: instant(transaction.createdAt),
    channel: 'card',
    currency: transaction.currency,
    ip_address: null,
    metadata: metadataOf(transaction),
    log: null,
    fees: 0,
    authorization: {},
    customer: { international_format_phone: null },
    plan: {},
    subaccount: {},
    split: {},
    order_id: null,
    paidAt: instant(transaction.paidAt),
    requested_amount: transaction.amountMinor,
    pos_transaction_data: null,
  },
  transaction_reference: null,
  category: dispute.category,
  customer: personOf(books, transaction.email),
  bin: cardOf(books, transaction)?.bin ?? '',
  last4: cardOf(books, transaction)?.last4 ?? '',
  dueAt: instant(dispute.dueAt),
  resolvedAt: instant(dispute.resolvedAt),
  evidence: dispute.evidence,
  attachments: dispute.uploadedFile,
  note: null,
  history: dispute.history.map(({ at, ...entry }) => ({ ...entry, createdAt: instant(at) })),
  messages: dispute.messages.map(({ at, ...entry }) => ({ ...entry, createdAt: instant(at) })),
  created_at: instant(dispute.createdAt),
  updated_at: instant(dispute.updatedAt),
})

const personOf = (books: Books, email: string) => {
  const customer = books.customers.get(email)
  return {
    id: customer?.id,
    first_name: null,
    last_name: null,
    email,
    customer_code: customer?.code,
    phone: null,
  }
}

const cardOf = (books: Books, { authorizationCode }: TransactionRecord) => {
  const card = books.authorizations.get(authorizationCode ?? '')
  return card && cardFields(card)
}

const instant = (at: number | null) => (at === null ? null : new Date(at).toISOString())

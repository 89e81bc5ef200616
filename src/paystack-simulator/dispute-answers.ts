import type { z } from 'zod'
import {
  customerFields,
  feesOf,
  INTEGRATION,
  instant,
  NO_RECEIVER,
  transactionFields,
} from './answer-parts.ts'
import type { Books, DisputeRecord } from './books.ts'
import {
  DisputeFetched,
  DisputeResolved,
  DisputesListed,
  EvidenceTaken,
  UploadPrepared,
} from './dispute-shapes.ts'
import { missing } from './refusal.ts'
import type { Page } from './refund-answers.ts'
import type { DisputeEvidence } from './requests.ts'
import { SCENARIOS } from './scenarios.ts'

export const disputeFetched = (books: Books, dispute: DisputeRecord, message = 'Dispute retrieved') => {
  const transaction = transactionOf(books, dispute)
  return DisputeFetched.parse({
    status: true,
    message,
    data: {
      ...disputeFields(books, dispute),
      transaction: {
        ...disputedTransaction(books, dispute),
        authorization: NO_RECEIVER,
        customer: { international_format_phone: null },
        requested_amount: transaction.amountMinor,
      },
      customer: { ...customerFields(books, transaction.email), metadata: {} },
    },
  } satisfies z.input<typeof DisputeFetched>)
}

export const disputesListed = (books: Books, disputes: readonly DisputeRecord[], page: Page) =>
  DisputesListed.parse({
    status: true,
    message: 'Disputes retrieved',
    data: disputes.map((dispute) => ({
      ...disputeFields(books, dispute),
      transaction: { ...disputedTransaction(books, dispute), authorization: {}, customer: null },
      customer: { ...customerFields(books, transactionOf(books, dispute).email), metadata: '' },
    })),
    meta: page,
  } satisfies z.input<typeof DisputesListed>)

export const evidenceTaken = (
  dispute: DisputeRecord,
  evidence: DisputeEvidence,
  { id, at }: { id: number; at: number },
) => {
  const { customer_email, customer_name, customer_phone } = evidence
  const { service_details, delivery_address, delivery_date } = evidence
  return EvidenceTaken.parse({
    status: true,
    message: 'Evidence created',
    data: {
      customer_email,
      customer_name,
      customer_phone,
      service_details,
      delivery_address,
      delivery_date,
      dispute: dispute.id,
      id,
      createdAt: instant(at),
      updatedAt: instant(at),
    },
  } satisfies z.input<typeof EvidenceTaken>)
}

export const disputeResolved = (books: Books, dispute: DisputeRecord, resolution: string) => {
  const { id: transaction, reference } = transactionOf(books, dispute)
  const message = dispute.messages.at(-1)
  const updatedAt = instant(dispute.updatedAt)
  return DisputeResolved.parse({
    status: true,
    message: 'Dispute successfully resolved',
    data: {
      ...cardDigits(books, dispute),
      currency: transactionOf(books, dispute).currency,
      transaction_reference: null,
      merchant_transaction_reference: reference,
      refund_amount: dispute.amountMinor,
      status: dispute.status,
      domain: 'test',
      resolution,
      category: dispute.category,
      note: null,
      attachments: dispute.uploadedFile ?? '',
      id: dispute.id,
      integration: INTEGRATION,
      transaction,
      created_by: INTEGRATION,
      evidence: dispute.evidence ?? 0,
      // A contested dispute is not resolved, but the description leaves no room for that.
      resolvedAt: instant(dispute.resolvedAt ?? dispute.updatedAt),
      createdAt: instant(dispute.createdAt),
      updatedAt,
      dueAt: dispute.dueAt === null ? null : instant(dispute.dueAt),
      message: {
        dispute: dispute.id,
        sender: message?.sender ?? '',
        body: message?.body ?? '',
        id: dispute.id,
        createdAt: updatedAt,
        updatedAt,
      },
    },
  } satisfies z.input<typeof DisputeResolved>)
}

export const uploadPrepared = (signedUrl: string, fileName: string) =>
  UploadPrepared.parse({ status: true, message: 'Upload url generated', data: { signedUrl, fileName } })

const disputeFields = (books: Books, dispute: DisputeRecord) => ({
  ...cardDigits(books, dispute),
  id: dispute.id,
  refund_amount: dispute.amountMinor,
  currency: transactionOf(books, dispute).currency,
  status: dispute.status,
  resolution: dispute.resolution,
  domain: 'test' as const,
  transaction_reference: null,
  category: dispute.category,
  dueAt: dispute.dueAt === null ? null : instant(dispute.dueAt),
  resolvedAt: dispute.resolvedAt === null ? null : instant(dispute.resolvedAt),
  evidence: dispute.evidence,
  attachments: dispute.uploadedFile,
  note: null,
  history: dispute.history.map(({ at, ...entry }) => ({ ...entry, createdAt: instant(at) })),
  messages: dispute.messages.map(({ at, ...entry }) => ({ ...entry, createdAt: instant(at) })),
  createdAt: instant(dispute.createdAt),
  updatedAt: instant(dispute.updatedAt),
})

const disputedTransaction = (books: Books, dispute: DisputeRecord) => {
  const transaction = transactionOf(books, dispute)
  const paidAt = instant(transaction.paidAt ?? transaction.createdAt)
  return {
    ...transactionFields(books, transaction),
    paid_at: paidAt,
    paidAt,
    metadata: { custom_fields: [] },
    fees: feesOf(transaction),
    plan: {},
  }
}

const cardDigits = (books: Books, dispute: DisputeRecord) => {
  const { bin, last4 } = SCENARIOS[transactionOf(books, dispute).scenario ?? 'success']
  return { bin, last4 }
}

const transactionOf = (books: Books, { reference }: DisputeRecord) => {
  const transaction = books.transactions.get(reference)
  if (!transaction) throw missing('Transaction', 'transaction_not_found')
  return transaction
}

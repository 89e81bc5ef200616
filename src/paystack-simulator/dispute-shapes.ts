import { z } from 'zod'
import {
  BankReceiver,
  customerOf,
  CustomField,
  Empty,
  listed,
  Nothing,
  pageMeta,
  succeeded,
  transactionFields,
} from './shapes.ts'

const DisputedTransaction = z.strictObject({
  ...transactionFields,
  paid_at: z.iso.datetime(),
  paidAt: z.iso.datetime(),
  metadata: z.strictObject({ custom_fields: z.array(CustomField) }),
  fees: z.int(),
  authorization: z.strictObject(BankReceiver),
  customer: z.strictObject({ international_format_phone: Nothing }),
  plan: Empty,
  requested_amount: z.int(),
})

const ListedTransaction = DisputedTransaction.omit({ requested_amount: true }).extend({
  authorization: Empty,
  customer: Nothing,
})

const disputeOf = <Transaction extends z.ZodType, Customer extends z.ZodType>(
  transaction: Transaction,
  customer: Customer,
) =>
  z.strictObject({
    id: z.int(),
    refund_amount: z.int(),
    currency: z.string(),
    status: z.enum(['awaiting-merchant-feedback', 'awaiting-bank-feedback', 'pending', 'resolved']),
    resolution: z.string().nullable(),
    domain: z.literal('test'),
    transaction,
    transaction_reference: Nothing,
    category: z.string(),
    customer,
    bin: z.string(),
    last4: z.string(),
    dueAt: z.iso.datetime().nullable(),
    resolvedAt: z.iso.datetime().nullable(),
    evidence: z.int().nullable(),
    attachments: z.string().nullable(),
    note: Nothing,
    history: z.array(z.strictObject({ status: z.string(), by: z.string(), createdAt: z.iso.datetime() })),
    messages: z.array(z.strictObject({ sender: z.string(), body: z.string(), createdAt: z.iso.datetime() })),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })

export const DisputeFetched = succeeded(disputeOf(DisputedTransaction, customerOf(Empty)))

export const DisputesListed = listed(
  disputeOf(ListedTransaction, customerOf(z.string())),
  z.strictObject({ ...pageMeta, perPage: z.int() }),
)

export const EvidenceTaken = succeeded(
  z.strictObject({
    customer_email: z.string(),
    customer_name: z.string(),
    customer_phone: z.string(),
    service_details: z.string(),
    delivery_address: z.string(),
    delivery_date: z.string(),
    dispute: z.int(),
    id: z.int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  }),
)

export const DisputeResolved = succeeded(
  z.strictObject({
    currency: z.string(),
    last4: z.string(),
    bin: z.string(),
    transaction_reference: Nothing,
    merchant_transaction_reference: z.string(),
    refund_amount: z.int(),
    status: z.string(),
    domain: z.literal('test'),
    resolution: z.string(),
    category: z.string(),
    note: Nothing,
    attachments: z.string(),
    id: z.int(),
    integration: z.int(),
    transaction: z.int(),
    created_by: z.int(),
    evidence: z.int(),
    resolvedAt: z.iso.datetime(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    dueAt: z.iso.datetime().nullable(),
    message: z.strictObject({
      dispute: z.int(),
      sender: z.string(),
      body: z.string(),
      id: z.int(),
      createdAt: z.iso.datetime(),
      updatedAt: z.iso.datetime(),
    }),
  }),
)

export const UploadPrepared = succeeded(z.strictObject({ signedUrl: z.string(), fileName: z.string() }))

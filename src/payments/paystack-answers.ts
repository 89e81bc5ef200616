import { z } from 'zod'
import { ProviderDisputeStatus } from '../../contracts/dispute.ts'
import { TransactionStatus, type Card } from '../../contracts/payment.ts'
import { ProviderRefundStatus } from '../../contracts/refund.ts'
import type { Checkout, ProviderDispute, ProviderRefund, Transaction } from './provider.ts'

/** What every answer has; an error has `code`, a list has `meta`. */
export const Envelope = z.object({
  status: z.boolean(),
  message: z.string().catch(''),
  code: z.string().optional().catch(undefined),
  data: z.unknown().optional(),
  meta: z.unknown().optional(),
})
export type Envelope = z.output<typeof Envelope>

/** A number that a double cannot hold exactly would name something else. */
const ProviderId = z.union([z.int().transform(String), z.string().regex(/^[\w-]{1,64}$/)])

/** Documented as integers; some samples have texts. */
const Amount = z.union([
  z.number(),
  z
    .string()
    .trim()
    .regex(/^-?\d+(\.\d+)?$/)
    .transform(Number)
    .pipe(z.number()),
])

/** Whatever else stands there is as good as nothing. */
const text = z.string().min(1).nullable().catch(null)
const instant = z
  .string()
  .transform((value) => Date.parse(value))
  .pipe(z.int())
  .transform((ms) => new Date(ms).toISOString())
  .nullable()
  .catch(null)
const digits = z.union([z.string(), z.int().transform(String)]).catch('')

const AuthorizationAnswer = z.object({
  authorization_code: text,
  bin: digits,
  last4: digits,
  exp_month: digits,
  exp_year: digits,
  brand: text,
  card_type: text,
  bank: text,
  signature: text,
  reusable: z.boolean().catch(false),
})

const named = z.object({ email: text }).nullable().catch(null)

export const TransactionAnswer = z
  .object({
    id: ProviderId,
    status: TransactionStatus,
    reference: z.string(),
    amount: Amount,
    currency: z.string(),
    paid_at: instant,
    paidAt: instant,
    authorization: AuthorizationAnswer.nullable().catch(null),
    customer: named,
  })
  .transform(
    ({ id, status, reference, amount, currency, authorization, customer, ...dates }): Transaction => ({
      id,
      status,
      reference,
      amountMinor: amount,
      currency,
      paidAt: dates.paid_at ?? dates.paidAt,
      card: authorization && cardOf(authorization),
      authorization: authorization?.authorization_code
        ? {
            code: authorization.authorization_code,
            signature: authorization.signature,
            reusable: authorization.reusable,
          }
        : null,
      customerEmail: customer?.email ?? null,
    }),
  )

/** Other channels name accounts in the same fields. No more digits than may be kept, whatever was sent. */
const cardOf = (authorization: z.output<typeof AuthorizationAnswer>): Card | null => {
  const { bin, last4, exp_month, exp_year, brand, card_type, bank } = authorization
  if (!/^\d{4}$/.test(last4)) return null
  return {
    brand: brand ?? card_type ?? '',
    bin: bin.slice(0, 6),
    last4,
    expMonth: exp_month,
    expYear: exp_year,
    bank,
  }
}

export const CheckoutAnswer = z
  .object({ authorization_url: z.url({ protocol: /^https?$/ }), access_code: text, reference: z.string() })
  .transform(({ authorization_url, access_code, reference }): Checkout & { reference: string } => ({
    accessCode: access_code,
    authorizationUrl: authorization_url,
    reference,
  }))

/** A charge for which the bank wants its customer has a page instead of a status. */
export const ChargeAnswer = z.union([TransactionAnswer, CheckoutAnswer])

export const RefundAnswer = z
  .object({
    id: ProviderId,
    status: ProviderRefundStatus,
    amount: Amount,
    currency: z.string(),
    merchant_note: text,
    expected_at: instant,
  })
  .transform(({ id, status, amount, currency, merchant_note, expected_at }): ProviderRefund => ({
    id,
    status,
    amountMinor: amount,
    currency,
    note: merchant_note,
    expectedAt: expected_at,
  }))

export const DisputeAnswer = z
  .object({
    id: ProviderId,
    status: ProviderDisputeStatus,
    resolution: text,
    refund_amount: Amount.nullable(),
    currency: text,
    dueAt: instant,
    transaction: z.object({ reference: text, amount: Amount, currency: text }).nullable().catch(null),
    transaction_reference: text,
    merchant_transaction_reference: text,
  })
  .transform((dispute, context): ProviderDispute => {
    const { id, status, resolution, refund_amount, transaction, dueAt } = dispute
    const amountMinor = refund_amount ?? transaction?.amount
    const currency = dispute.currency ?? transaction?.currency
    if (amountMinor === undefined || !currency) {
      context.addIssue({ code: 'custom', message: 'has no amount', path: ['refund_amount'] })
      return z.NEVER
    }
    const reference =
      transaction?.reference ?? dispute.merchant_transaction_reference ?? dispute.transaction_reference
    return { id, status, resolution, amountMinor, currency, dueAt, reference }
  })

export const EvidenceAnswer = z.object({ id: z.int() })
export const UploadAnswer = z.object({ fileName: z.string().min(1) })

/** `pageCount` when the list says how many there are. */
export const PagesAnswer = z.object({ pageCount: Amount }).nullable().catch(null)

import type { Card, TransactionStatus } from '../../contracts/payment.ts'
import type { ProviderDisputeStatus } from '../../contracts/dispute.ts'
import type { ProviderRefundStatus } from '../../contracts/refund.ts'

/** Whoever takes the money. Amounts are minor units; the reference is ours, and unique at the provider. */
export type PaymentProvider = {
  initialize: (request: Initialization, signal: AbortSignal) => Promise<ProviderAnswer<Checkout>>
  /** Charges a saved authorization. */
  charge: (request: Charge, signal: AbortSignal) => Promise<ProviderAnswer<Transaction | Checkout>>
  verify: (reference: string, signal: AbortSignal) => Promise<ProviderAnswer<Transaction>>
  /** Has no idempotency key: `note` is how `refundsOf` finds it again. */
  refund: (request: RefundRequest, signal: AbortSignal) => Promise<ProviderAnswer<ProviderRefund>>
  /** All refunds of a transaction, every page. */
  refundsOf: (reference: string, signal: AbortSignal) => Promise<ProviderAnswer<ProviderRefund[]>>
  retryRefund: (
    providerRefundId: string,
    details: { currency: string; accountNumber: string; bankId: string },
    signal: AbortSignal,
  ) => Promise<ProviderAnswer<ProviderRefund>>
  dispute: (providerDisputeId: string, signal: AbortSignal) => Promise<ProviderAnswer<ProviderDispute>>
  /** Hands in the evidence and declines; the bank decides. */
  contestDispute: (
    providerDisputeId: string,
    evidence: DisputeEvidence,
    signal: AbortSignal,
  ) => Promise<ProviderAnswer<ProviderDispute>>
  /** Concedes. */
  acceptDispute: (
    providerDisputeId: string,
    request: { message: string; amountMinor: number },
    signal: AbortSignal,
  ) => Promise<ProviderAnswer<ProviderDispute>>
}

export type ProviderAnswer<Data> = { ok: true; data: Data } | ProviderFailure

export type ProviderFailure = {
  ok: false
  kind: /** A definite no (4xx). */
    | 'refused'
    /** There is no such thing (404). */
    | 'missing'
    /** The request never left, or was turned away unread (429, a wrong key): nothing has happened. */
    | 'not_done'
    /** Timed out, cut off, 5xx, or an answer that makes no sense: it may have been carried out. */
    | 'unknown'
  code: string
  /** The provider's own words; without secrets. */
  message: string
}

export type Initialization = {
  reference: string
  email: string
  amountMinor: number
  currency: string
  channels?: readonly string[]
  metadata: Readonly<Record<string, string>>
}

export type Checkout = { accessCode: string | null; authorizationUrl: string }

export type Charge = {
  reference: string
  email: string
  amountMinor: number
  currency: string
  authorizationCode: string
}

export type Transaction = {
  /** The provider's own number for it. */
  id: string
  status: TransactionStatus
  reference: string
  /** As received: any number. */
  amountMinor: number
  currency: string
  paidAt: string | null
  card: Card | null
  /** Lets the same customer be charged again; a secret. */
  authorization: { code: string; signature: string | null; reusable: boolean } | null
  customerEmail: string | null
}

export type RefundRequest = {
  reference: string
  amountMinor: number
  currency: string
  note: string
}

export type ProviderRefund = {
  id: string
  status: ProviderRefundStatus
  amountMinor: number
  currency: string
  note: string | null
  expectedAt: string | null
}

export type ProviderDispute = {
  id: string
  status: ProviderDisputeStatus
  resolution: string | null
  amountMinor: number
  currency: string
  dueAt: string | null
  reference: string | null
}

export type DisputeEvidence = {
  customerEmail: string
  customerName: string
  customerPhone: string
  serviceDetails: string
  deliveryAddress?: string
  deliveryDate?: string
}

import { expect } from 'vitest'
import type { PaymentReport } from '../contracts/payment.ts'
import { paymentMachine } from '../machines/payment.ts'
import { given } from './given.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export const at = '2026-01-01T00:00:00.000Z'
export const later = (ms: number) => new Date(Date.parse(at) + ms).toISOString()
export const price = { minor: 500_000, currency: 'NGN' } as const
export const input = {
  id: 'payment-1',
  orgId: 'org-1',
  payerId: 'payer-1',
  offeringId: 'offering-1',
  amount: price,
  method: 'card' as const,
  email: null,
  authorizationId: null as string | null,
  purchaseId: 'purchase-1',
  rosterId: 'roster-1',
  autoRefundId: 'refund-auto',
  policy: { abandonAfterMs: 30 * MINUTE },
  at,
}
const facts = { payerId: 'payer-1', offeringId: 'offering-1', amount: price }
export const card = {
  brand: 'visa',
  bin: '408408',
  last4: '4081',
  expMonth: '12',
  expYear: '2030',
  bank: null,
}

export const granted = (ms = 0) => ({ type: 'purchase.granted', at: later(ms) }) as const
export const refused = (ms = 0) =>
  ({ type: 'purchase.refused', reason: 'payment_in_progress', at: later(ms) }) as const
export const initialized = (ms = 0) =>
  ({
    type: 'provider.initialized',
    accessCode: 'access-1',
    authorizationUrl: 'https://pay.example/1',
    at: later(ms),
  }) as const
export type Verified = Extract<PaymentReport, { type: 'provider.verified' }>
export const verified = (status: Verified['status'], ms = 0, change: Partial<Verified> = {}) =>
  ({
    type: 'provider.verified',
    status,
    reference: 'payment-1',
    amountMinor: price.minor,
    currency: 'NGN',
    paidAt: null,
    card,
    at: later(ms),
    ...change,
  }) as const
export const paid = (ms = 0, change: Partial<Verified> = {}) => verified('success', ms, change)
export const missing = (ms = 0) => ({ type: 'provider.missing', at: later(ms) }) as const
export const unknown = (ms = 0) => ({ type: 'provider.unknown', reason: 'timeout', at: later(ms) }) as const
export const declined = (ms = 0) =>
  ({ type: 'provider.refused', reason: 'invalid_key', at: later(ms) }) as const
export const effectFailed = (effect: string) =>
  ({ type: 'effect.failed', effect, reason: 'no answer', at: later(0) }) as const
export const webhook = (ms = 0) => ({ type: 'webhook.charged', at: later(ms) }) as const
export const verify = (ms = 0) => ({ type: 'verify', at: later(ms), by: 'payer-1' }) as const
export const cancel = (ms = 0) => ({ type: 'cancel', at: later(ms), by: 'payer-1' }) as const
export const requestRefund = (refundId: string, minor?: number, change = {}) =>
  ({
    type: 'requestRefund',
    refundId,
    approved: true,
    reason: 'changed my mind',
    by: 'admin-1',
    at: later(HOUR),
    ...(minor === undefined ? { full: true as const } : { amount: { minor, currency: price.currency } }),
    ...change,
  }) as const
export const refundChanged = (refundId: string, standing: 'processed' | 'failed' | 'rejected') =>
  ({ type: 'refund.changed', refundId, standing, at: later(DAY) }) as const
export const disputeChanged = (minor: number, standing: 'open' | 'won' | 'lost') =>
  ({ type: 'dispute.changed', disputeId: 'dispute-1', minor, standing, at: later(DAY) }) as const

const tellPurchase = (type: string, fields: object = {}) => ({
  name: 'tell',
  params: {
    actor: 'purchase',
    id: 'purchase-1',
    message: { type, ...fields },
    orCreate: { orgId: 'org-1', payerId: 'payer-1', offeringId: 'offering-1', rosterId: 'roster-1' },
  },
})
export const claim = tellPurchase('payment.claimed')
export const settle = tellPurchase('payment.settled', { amount: price })
export const release = tellPurchase('payment.released')
export const look = {
  name: 'verifyPayment',
  params: { reference: 'payment-1', payerId: 'payer-1', keepCard: true },
}
export const refundOf = (id: string, minor: number, change = {}) => ({
  name: 'create',
  params: {
    actor: 'refund',
    id,
    input: {
      orgId: 'org-1',
      paymentId: 'payment-1',
      payerId: 'payer-1',
      amount: { minor, currency: 'NGN' },
      approved: true,
      reason: 'changed my mind',
      requestedBy: 'admin-1',
      ...change,
    },
  },
})
export const bySystem = (reason: string) =>
  refundOf('refund-auto', price.minor, { reason, requestedBy: null })
/** What the payer is told, in the words of the machine. */
export const told = (topic: 'settled' | 'failed' | 'refundIssued', minor: number = price.minor) => ({
  name: 'create',
  params: {
    actor: 'notification',
    input: {
      orgId: 'org-1',
      recipientId: 'payer-1',
      topic: `payment.${topic}`,
      subject: { actor: 'payment', id: 'payment-1' },
      text: expect.any(String) as string,
      data: { paymentId: 'payment-1', offeringId: 'offering-1', amountMinor: minor, currency: 'NGN' },
    },
  },
})
export const event = (type: string, change = {}) => ({ type: `payment.${type}`, ...facts, ...change })
export const some = (type: string, change = {}): unknown => expect.objectContaining(event(type, change))
export const settledEvent = (late = false) => event('settled', { late })

export const claiming = given(paymentMachine, input)
export const initializing = claiming.when(granted())
export const awaiting = initializing.when(initialized())
export const uncertain = initializing.when(unknown())
export const settled = awaiting.when(paid(MINUTE))
export const abandoned = awaiting.until(later(30 * MINUTE)).when(verified('abandoned', 30 * MINUTE))
export const cancelled = awaiting.when(cancel(MINUTE))

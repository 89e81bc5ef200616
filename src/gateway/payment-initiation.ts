import { z } from 'zod'
import type { Principal } from '../../actors/actor.ts'
import { PaymentMethod, type PaymentView } from '../../contracts/payment.ts'
import { Id } from '../../contracts/scalars.ts'
import { invalid } from './dispatcher.ts'
import { CARD_DATA_REFUSED } from './guard.ts'
import { HttpRefusal } from './http-envelope.ts'
import { MajorUnits } from './major-units.ts'

export const InitiateBody = z.strictObject({
  userId: Id.describe('The caller'),
  courseId: Id.describe('The offering'),
  amount: MajorUnits.describe('Major units with at most two decimals; must be the price of the offering'),
  method: PaymentMethod,
  paystackEmail: z.email().max(100).optional().describe("For the receipt; by default the caller's own"),
  authorizationId: Id.optional().describe('A saved card, charged at once'),
})

/**
 * Reads the body of S4.12 as the fields of the command `initiate`.
 * @throws HttpRefusal `pan_not_accepted`, `invalid_input` or `forbidden`
 */
export const initiationOf = (body: unknown, { userId, roles }: Principal): object => {
  if (typeof body === 'object' && body !== null && Object.hasOwn(body, 'cardDetails'))
    throw new HttpRefusal(CARD_DATA_REFUSED.error)
  const { data, error } = InitiateBody.safeParse(body)
  if (error) throw new HttpRefusal({ ...invalid(error).error, message: INVALID })
  // Whoever initiates a payment is its payer: his address gets the receipt, his cards may be charged.
  if (data.userId !== userId)
    throw roles.includes('admin')
      ? new HttpRefusal({
          code: 'invalid_input',
          message: INVALID,
          details: [{ path: ['userId'], reason: 'must be the caller: administrators pay for nobody else' }],
        })
      : new HttpRefusal({ code: 'forbidden', message: 'userId: you can pay for yourself only' })

  const { courseId: offeringId, amount: amountMinor, method, paystackEmail: email, authorizationId } = data
  return {
    offeringId,
    amountMinor,
    method,
    ...(email === undefined ? {} : { email }),
    ...(authorizationId === undefined ? {} : { authorizationId }),
  }
}

const INVALID = 'Invalid payment details'

/** The customer can pay, or nobody can any more. */
export const isDecided = ({ status, authorizationUrl }: PaymentView): boolean =>
  status !== 'pending' || authorizationUrl !== undefined

/**
 * What the answer says about how it went.
 * @throws HttpRefusal unless the customer can pay, or has paid
 */
export const outcomeOf = (view: PaymentView) => {
  const { id: paymentId, status, failure, accessCode, authorizationUrl } = view
  if (!isDecided(view)) throw unavailable('the payment provider has not answered; ask again', { paymentId })
  if (status === 'failed') throw refusalOf(failure ?? 'declined', paymentId)
  if (status === 'abandoned' || status === 'cancelled')
    throw new HttpRefusal({
      code: 'not_allowed_in_state',
      message: `this payment was ${status}; start another one`,
      details: { paymentId, reason: failure ?? status },
    })
  if (status === 'pending') return { message: 'Payment initiated', accessCode, authorizationUrl }
  return { message: status === 'needs_review' ? 'Payment under review' : 'Payment successful' }
}

const refusalOf = (reason: string, paymentId: string): HttpRefusal => {
  const details = { paymentId, reason }
  switch (reason) {
    case 'provider_unavailable':
    case 'never_arrived':
      return unavailable('the payment provider was not available; start another payment', details)
    case 'already_paid':
      return new HttpRefusal({ code: reason, message: 'this offering is paid for', details })
    case 'payment_in_progress':
      return new HttpRefusal({ code: reason, message: 'another payment is under way', details })
    default:
      return new HttpRefusal(
        { code: 'payment_declined', message: 'Payment declined', details },
        { httpStatus: 402 },
      )
  }
}

const RETRY_AFTER_MS = 5_000

const unavailable = (message: string, details: object) =>
  new HttpRefusal(
    { code: 'overloaded', message, details },
    { retryAfterMs: RETRY_AFTER_MS, present: { retryAfterMs: RETRY_AFTER_MS } },
  )

import { z } from 'zod'

/** What a customer's card does. They stand for Paystack's test cards; nobody types a number anywhere. */
export const ScenarioName = z.enum([
  'success',
  'declined',
  'insufficient_funds',
  'otp',
  'refund_fails',
  'refund_needs_attention',
  'next_declined',
  'next_challenged',
  'not_reusable',
])
export type ScenarioName = z.output<typeof ScenarioName>

/** How refunds to a card go; `stay` leaves them pending until somebody moves them. */
export const RefundPlan = z.enum(['process', 'fail', 'needs_attention', 'stay'])
export type RefundPlan = z.output<typeof RefundPlan>

type Scenario = {
  label: string
  /** A refusal has the words of the bank. */
  pays: true | string
  /** Asks for a one-time password before it pays. */
  otp?: true
  refunds: RefundPlan
  /** What it does when it is charged again without the customer: as here, when it says nothing. */
  again: 'success' | 'declined' | 'challenge' | 'never'
  brand: 'visa' | 'mastercard' | 'verve'
  bin: string
  last4: string
}

const VISA = { brand: 'visa', bin: '408408' } as const

export const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  success: { ...VISA, label: 'Pays', pays: true, refunds: 'process', again: 'success', last4: '4081' },
  declined: {
    ...VISA,
    label: 'Is declined by the bank',
    pays: 'Declined',
    refunds: 'process',
    again: 'never',
    last4: '5408',
  },
  insufficient_funds: {
    ...VISA,
    label: 'Has not enough money',
    pays: 'Insufficient Funds',
    refunds: 'process',
    again: 'never',
    last4: '0037',
  },
  otp: {
    label: 'Asks for a one-time password, then pays',
    pays: true,
    otp: true,
    refunds: 'process',
    again: 'success',
    brand: 'verve',
    bin: '506066',
    last4: '6666',
  },
  refund_fails: {
    ...VISA,
    label: 'Pays; a refund fails',
    pays: true,
    refunds: 'fail',
    again: 'success',
    last4: '1803',
  },
  refund_needs_attention: {
    ...VISA,
    label: 'Pays; a refund needs bank details',
    pays: true,
    refunds: 'needs_attention',
    again: 'success',
    last4: '1902',
  },
  next_declined: {
    ...VISA,
    label: 'Pays; is declined when it is charged again',
    pays: true,
    refunds: 'process',
    again: 'declined',
    last4: '7853',
  },
  next_challenged: {
    label: 'Pays; the bank wants to see the customer when it is charged again',
    pays: true,
    refunds: 'process',
    again: 'challenge',
    brand: 'mastercard',
    bin: '519260',
    last4: '4796',
  },
  not_reusable: {
    label: 'Pays; cannot be charged again',
    pays: true,
    refunds: 'process',
    again: 'never',
    brand: 'verve',
    bin: '507850',
    last4: '7812',
  },
}

export const BANK = 'TEST BANK'
export const ONE_TIME_PASSWORD = '123456'

import { describe, expect, it } from 'vitest'
import { decimalOf } from '../contracts/minor-units.ts'
import { paymentMachine } from '../machines/payment.ts'
import { given } from './given.ts'
import {
  at,
  awaiting,
  claiming,
  declined,
  granted,
  initialized,
  initializing,
  input,
  paid,
  price,
  refundChanged,
  refused,
  requestRefund,
  settled,
  unknown,
  verified,
} from './payment-messages.ts'

type Story = typeof settled

const noticesOf = ({ effects }: Pick<Story, 'effects'>) =>
  effects.flatMap(({ name, params }) => {
    const made = params as { actor?: string; input: Record<string, unknown> }
    return name === 'create' && made.actor === 'notification' ? [made.input] : []
  })
const topicsOf = (story: Story) => noticesOf(story).map(({ topic }) => topic)
const alertsOf = ({ effects }: Story) =>
  effects.flatMap(({ name, params }) => (name === 'alert' ? [params as { key: string }] : []))

const due = (refundId: string, upToMinor: number, source: { actor: string; id: string }) =>
  ({
    type: 'refund.due',
    refundId,
    upToMinor,
    reason: 'taken down',
    at,
    source: { ...source, version: 1 },
  }) as const

describe('S4.14 a payer is told', () => {
  it('once that a payment has arrived, with what it was for and how much', () => {
    const titled = given(paymentMachine, { ...input, offeringTitle: 'First aid' })
    const twice = titled.when(granted(), initialized()).when(paid(), paid())
    expect(noticesOf(twice)).toEqual([
      {
        orgId: 'org-1',
        recipientId: 'payer-1',
        topic: 'payment.settled',
        subject: { actor: 'payment', id: 'payment-1' },
        text: 'Your payment of NGN 5000.00 for First aid has arrived.',
        data: {
          paymentId: 'payment-1',
          offeringId: 'offering-1',
          offeringTitle: 'First aid',
          amountMinor: price.minor,
          currency: 'NGN',
        },
      },
    ])
  })

  it('of a payment that began before anybody knew titles, without one', () =>
    expect(noticesOf(awaiting.when(paid()))[0]).toMatchObject({
      text: 'Your payment of NGN 5000.00 has arrived.',
    }))

  it('that it has failed, and nothing while nobody knows', () => {
    expect(topicsOf(awaiting.when(verified('failed')))).toEqual(['payment.failed'])
    expect(topicsOf(initializing.when(declined()))).toEqual(['payment.failed'])
    expect(topicsOf(initializing.when(unknown()))).toEqual([])
    expect(topicsOf(awaiting.when(verified('pending')))).toEqual([])
  })

  it('nothing of a second one that was never made beside the first', () =>
    expect(topicsOf(claiming.when(refused()))).toEqual([]))

  it('that it has arrived after all, when it was called failed before', () => {
    const late = awaiting.when(verified('failed')).when(paid()).when(granted())
    expect(topicsOf(late)).toEqual(['payment.settled'])
  })

  it('once of each refund that is paid out, and of no other', () => {
    const asked = settled.when(requestRefund('refund-1', 120_000))
    expect(topicsOf(asked)).toEqual([])
    const issued = asked.when(refundChanged('refund-1', 'processed'), refundChanged('refund-1', 'processed'))
    expect(noticesOf(issued)).toMatchObject([
      { topic: 'payment.refundIssued', data: { amountMinor: 120_000, currency: 'NGN' } },
    ])
    for (const standing of ['failed', 'rejected'] as const)
      expect(topicsOf(asked.when(refundChanged('refund-1', standing)))).toEqual([])
  })

  it('S2.62 once of what goes back because an offering is removed', () => {
    const removed = settled.when(due('refund-1', 250_000, { actor: 'settlement', id: 'settlement-1' }))
    expect(topicsOf(removed)).toEqual([])
    expect(topicsOf(removed.when(refundChanged('refund-1', 'processed')))).toEqual(['payment.refundIssued'])
  })

  it('no card, no token and no address', () => {
    const told = JSON.stringify(noticesOf(awaiting.when(paid())))
    expect(told).not.toMatch(/408408|4081|visa|access-1|pay\.example/)
  })
})

it('S4.14 administrators are told of a refund that is stuck, once for each attempt; the payer is not', () => {
  const granting = due('refund-1', 250_000, { actor: 'enrollment', id: 'enrollment-1' })
  const stuck = settled.when(granting).when(refundChanged('refund-1', 'failed'))
  expect(topicsOf(stuck)).toEqual([])
  expect(alertsOf(stuck)).toMatchObject([
    {
      orgId: 'org-1',
      notification: { topic: 'payment.refundStuck', data: { amountMinor: 250_000, currency: 'NGN' } },
    },
  ])
  // The same decision once more is no news.
  const [first] = alertsOf(stuck)
  expect(alertsOf(stuck.when(granting)).map(({ key }) => key)).toEqual([first!.key])
  const retried = stuck
    .when({ type: 'retryRefund', refundId: 'refund-2', at, by: 'admin-1' })
    .when(refundChanged('refund-2', 'failed'))
  expect(alertsOf(retried).map(({ key }) => key)).not.toContain(first!.key)
  // A settlement has its own list of what is stuck.
  const removed = settled.when(due('refund-1', 250_000, { actor: 'settlement', id: 'settlement-1' }))
  expect(alertsOf(removed.when(refundChanged('refund-1', 'failed')))).toEqual([])
})

it.each([
  [0, '0.00'],
  [5, '0.05'],
  [115, '1.15'],
  [9_999_999_999, '99999999.99'],
])('%d minor units are written %s', (minor, text) => expect(decimalOf({ minor, currency: 'NGN' })).toBe(text))

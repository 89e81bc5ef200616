import { describe, expect, it } from 'vitest'
import { payment } from '../actors/payment.ts'
import type { PaymentContext } from '../machines/payment-steps.ts'
import { bucketsOf } from '../machines/payment-money.ts'
import { paymentContract } from '../contracts/payment.ts'
import {
  HOUR,
  at,
  price,
  granted,
  refused,
  paid,
  webhook,
  requestRefund,
  refundChanged,
  disputeChanged,
  claim,
  settle,
  release,
  refundOf,
  bySystem,
  event,
  some,
  settledEvent,
  told,
  claiming,
  initializing,
  awaiting,
  uncertain,
  settled,
  abandoned,
  cancelled,
} from './payment-messages.ts'

describe('money that is not the price', () => {
  it.each([
    ['one kobo short', { amountMinor: price.minor - 1 }, price.minor - 1],
    ['too much', { amountMinor: price.minor + 1 }, price.minor + 1],
    ['a fraction', { amountMinor: price.minor + 0.5 }, 0],
    ['negative', { amountMinor: -price.minor }, 0],
    ['nothing', { amountMinor: 0 }, 0],
    ['beyond exact numbers', { amountMinor: 2 ** 53 }, 0],
    ['no number', { amountMinor: Number.NaN }, 0],
    ['in another currency', { currency: 'USD' }, 0],
    ['of another reference', { reference: 'payment-2' }, 0],
  ])('F06 C6 never settles when it is %s; people have to look', (_, change, booked) => {
    for (const story of [initializing, awaiting, uncertain, abandoned, cancelled, awaiting.when(webhook())]) {
      const { amountMinor: minor, currency } = paid(HOUR, change)
      const reviewed = story.when(paid(HOUR, change), paid(HOUR, change)).expect({
        state: 'needsReview',
        refused: true,
        events: [event('needsReview', { reason: 'amount_mismatch', received: { minor, currency } })],
        effects: [],
        timers: {},
        context: { charged: booked, settledAt: null },
      })
      const back = reviewed.when(requestRefund('refund-1'))
      if (booked > 0) expect(back.effects).toEqual([refundOf('refund-1', booked)])
      else back.expect({ state: 'needsReview', refused: true, effects: [] })
    }
  })

  const reviewed = awaiting.when(paid(0, { amountMinor: 100 }))

  it('F06 settles after all when the provider takes it back and the purchase is still to be had', () => {
    const reclaiming = reviewed
      .when(paid(HOUR))
      .expect({ state: 'reclaiming', effects: [claim], context: { charged: price.minor } })
    reclaiming.when(granted(HOUR)).expect({ state: 'settled', events: [settledEvent(true)] })
    expect(reclaiming.when(refused(HOUR)).effects).toContainEqual(bySystem('paid by another payment'))
  })

  it('F06 never settles once some of it has been given back', () =>
    reviewed
      .when(requestRefund('refund-1', 100), paid(HOUR))
      .expect({ state: 'needsReview', refused: true, events: [some('refundRequested')] })
      .when(refundChanged('refund-1', 'failed'), paid(HOUR))
      .expect({ state: 'reclaiming', events: [some('refundFailed')] }))

  it('frees the purchase when it has been given back', () =>
    reviewed
      .when(requestRefund('refund-1'))
      .when(refundChanged('refund-1', 'processed'))
      .expect({
        state: 'needsReview',
        events: [some('refundIssued', { refunded: 100 })],
        effects: [told('refundIssued', 100), release],
      }))
})

describe('money back', () => {
  it('is reserved from the request on, and counted when it has arrived', () =>
    settled
      .when(requestRefund('refund-1', 200_000))
      .expect({
        state: 'settled',
        events: [
          event('refundRequested', {
            refundId: 'refund-1',
            refund: { minor: 200_000, currency: 'NGN' },
            charged: price.minor,
            refundPending: 200_000,
            refunded: 0,
            disputed: 0,
          }),
        ],
        effects: [refundOf('refund-1', 200_000)],
      })
      .when(refundChanged('refund-1', 'processed'), refundChanged('refund-1', 'failed'))
      .expect({
        state: 'settled',
        refused: true,
        events: [some('refundIssued', { refundPending: 0, refunded: 200_000 })],
        effects: [told('refundIssued', 200_000)],
      }))

  it('is refused beyond what is left, with the amount that is left', () => {
    const partly = settled.when(requestRefund('refund-1', 200_000))
    for (const change of [
      { amount: { minor: 300_001, currency: 'NGN' } },
      { amount: { minor: 1, currency: 'USD' } },
    ]) {
      const command = { ...requestRefund('refund-2', 1), ...change }
      const story = partly.when(command as never).expect({ state: 'settled', refused: true, effects: [] })
      expect(payment.explain?.requestRefund?.(story.snapshot as never, command as never)).toMatchObject({
        code: 'not_refundable',
        details: { refundable: { minor: 300_000, currency: 'NGN' } },
      })
    }
    partly
      .when(requestRefund('refund-2'))
      .expect({ state: 'settled', events: [some('refundRequested', { refundPending: price.minor })] })
      .when(requestRefund('refund-3'), requestRefund('refund-3', 1))
      .expect({ state: 'settled', refused: true, effects: [] })
  })

  it('F09 comes in two equal parts, told in any order', () => {
    const both = settled.when(requestRefund('refund-1', 250_000), requestRefund('refund-2', 250_000))
    for (const [first, second] of [
      ['refund-1', 'refund-2'],
      ['refund-2', 'refund-1'],
    ] as const)
      both
        .when(refundChanged(first, 'processed'))
        .expect({
          state: 'settled',
          events: [some('refundIssued')],
          effects: [told('refundIssued', 250_000)],
        })
        .when(refundChanged(first, 'processed'))
        .expect({ state: 'settled', refused: true, effects: [] })
        .when(refundChanged(second, 'processed'))
        .expect({
          state: 'settled',
          events: [some('refundIssued', { refundId: second, refunded: price.minor, refundPending: 0 })],
          effects: [told('refundIssued', 250_000), release],
        })
  })

  it.each([
    ['failed', 'refundFailed'],
    ['rejected', 'refundRejected'],
  ] as const)('that %s gives the reservation back', (standing, fact) => {
    settled
      .when(requestRefund('refund-1'))
      .when(refundChanged('refund-1', standing))
      .expect({
        state: 'settled',
        events: [some(fact, { refundPending: 0, refunded: 0, charged: price.minor })],
        effects: [],
      })
      .when(requestRefund('refund-2'))
      .expect({ state: 'settled', events: [some('refundRequested', { refundPending: price.minor })] })
  })

  it('is not decided by whoever gets it', () => {
    const refundFor = (change: object) => settled.when(requestRefund('refund-1', 100, change)).effects
    const byPayer = refundOf('refund-1', 100, { approved: false, requestedBy: 'payer-1' })
    expect(refundFor({ by: 'payer-1', approved: true })).toEqual([byPayer])
    expect(refundFor({ by: 'payer-1', approved: false })).toEqual([byPayer])
    expect(refundFor({ by: 'csm-1', approved: false })).toEqual([
      refundOf('refund-1', 100, { approved: false, requestedBy: 'csm-1' }),
    ])
    expect(refundFor({ by: undefined })).toEqual([refundOf('refund-1', 100, { requestedBy: null })])
  })

  it('is looked for by the refunds that wait for it when a webhook tells of one', () => {
    const story = settled.when(
      requestRefund('refund-1', 100),
      requestRefund('refund-2', 100),
      requestRefund('refund-3', 100),
      refundChanged('refund-2', 'processed'),
    )
    const hint = (id: string) => ({
      name: 'tell',
      params: { actor: 'refund', id, message: { type: 'payment.refundsChanged' } },
    })
    expect(story.when({ type: 'webhook.refundChanged', at }).effects).toEqual([
      hint('refund-1'),
      hint('refund-3'),
    ])
    expect(settled.when({ type: 'webhook.refundChanged', at }).effects).toEqual([])
  })

  it('money of refunds nobody made, and of payments that never came in, is not counted', () => {
    const story = abandoned.when(refundChanged('refund-9', 'processed'))
    story.expect({ state: { closed: 'abandoned' }, refused: true })
    expect(bucketsOf(story.snapshot.context as PaymentContext)).toEqual({
      charged: 0,
      refundPending: 0,
      refunded: 0,
      disputed: 0,
    })
  })

  it('is no command of a payment that has not settled', () => {
    for (const story of [claiming, awaiting, uncertain, abandoned, cancelled])
      story
        .when(requestRefund('refund-1'))
        .expect({ state: story.snapshot.value, refused: true, effects: [] })
  })
})

describe('a dispute', () => {
  it('is made, or told to look, by a webhook', () =>
    expect(
      settled.when({
        type: 'webhook.disputeChanged',
        disputeId: 'dispute-1',
        providerDisputeId: '4711',
        at,
      }).effects,
    ).toEqual([
      {
        name: 'tell',
        params: {
          actor: 'dispute',
          id: 'dispute-1',
          message: { type: 'payment.disputeChanged' },
          orCreate: {
            orgId: 'org-1',
            paymentId: 'payment-1',
            payerId: 'payer-1',
            providerDisputeId: '4711',
          },
        },
      },
    ]))

  const disputed = settled.when(disputeChanged(300_000, 'open'))

  it('holds the money; what is won may be refunded again', () => {
    disputed
      .expect({
        state: 'settled',
        events: [
          some('disputed', {
            disputeId: 'dispute-1',
            dispute: { minor: 300_000, currency: 'NGN' },
            disputed: 300_000,
            charged: price.minor,
          }),
        ],
        effects: [],
      })
      .when(requestRefund('refund-1', 200_001))
      .expect({ state: 'settled', refused: true })
      .when(disputeChanged(300_000, 'won'))
      .expect({ state: 'settled', events: [some('disputeResolved', { standing: 'won', disputed: 0 })] })
      .when(requestRefund('refund-1'))
      .expect({ state: 'settled', events: [some('refundRequested', { refundPending: price.minor })] })
  })

  it('that is open takes nothing away yet, even when it is about the whole', () => {
    const whole = settled.when(disputeChanged(price.minor, 'open'))
    expect(whole.effects).toEqual([])
    expect(payment.view(whole.snapshot as never, 'payment-1').status).toBe('settled')
  })

  it('keeps what is lost', () => {
    const lost = disputed.when(disputeChanged(300_000, 'lost')).expect({
      state: 'settled',
      events: [some('disputeResolved', { standing: 'lost', disputed: 300_000 })],
    })
    expect(payment.view(lost.snapshot as never, 'payment-1').status).toBe('settled')
    lost.when(requestRefund('refund-1', 200_001)).expect({ state: 'settled', refused: true })
  })

  it('that takes the whole reverses the payment and frees the purchase', () => {
    const lost = settled.when(disputeChanged(price.minor, 'lost')).expect({
      state: 'settled',
      events: [some('disputeResolved', { standing: 'lost' })],
      effects: [release],
    })
    expect(payment.view(lost.snapshot as never, 'payment-1').status).toBe('reversed')
    expect(payment.state?.(lost.snapshot as never)).toBe('reversed')
  })

  it('F09 reverses the payment together with a refund of the rest, in either order', () => {
    const refundFirst = settled.when(
      requestRefund('refund-1', 200_000),
      refundChanged('refund-1', 'processed'),
      disputeChanged(300_000, 'lost'),
    )
    const disputeFirst = settled.when(
      requestRefund('refund-1', 200_000),
      disputeChanged(300_000, 'lost'),
      refundChanged('refund-1', 'processed'),
    )
    for (const story of [refundFirst, disputeFirst]) {
      expect(story.effects.at(-1)).toEqual(release)
      expect(payment.view(story.snapshot as never, 'payment-1').status).toBe('reversed')
    }
  })

  it('F09 may be over before anybody knew of the money', () =>
    awaiting
      .when(disputeChanged(price.minor, 'lost'))
      .expect({ state: { open: 'awaitingCustomer' }, events: [some('disputeResolved')] })
      .when(paid())
      .expect({ state: 'settled', events: [settledEvent()], effects: [settle, told('settled'), release] }))

  it('F09 is decided once', () =>
    disputed
      .when(
        disputeChanged(300_000, 'open'),
        disputeChanged(300_000, 'won'),
        disputeChanged(300_000, 'open'),
        disputeChanged(300_000, 'lost'),
      )
      .expect({ state: 'settled', refused: true, events: [some('disputeResolved', { standing: 'won' })] }))
})

describe('the contract', () => {
  it('C11 refund commands say an amount or full, never both and never nothing', () => {
    const { input: schema } = paymentContract.commands.requestRefund
    const reason = 'changed my mind'
    const amount = { minor: 1, currency: 'NGN' }
    const taken = (fields: object) => schema.safeParse({ reason, ...fields }).success
    expect(taken({ amount })).toBe(true)
    expect(taken({ full: true })).toBe(true)
    expect(taken({})).toBe(false)
    expect(taken({ amount, full: true })).toBe(false)
    expect(taken({ full: false })).toBe(false)
    for (const minor of [0, -1, 0.5, 2 ** 53])
      expect(taken({ amount: { minor, currency: 'NGN' } })).toBe(false)
  })
})

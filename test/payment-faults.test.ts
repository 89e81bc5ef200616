import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { RuleInput } from '../src/paystack-simulator/faults.ts'
import { heard, hears, moneyScene, naira, SECRET, typesOf, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { post, signed } from './support/webhook.ts'

const scene = moneyScene()
const { anOffering, initiate, reaches, aCheckout, aSavedCard, callsFor } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin, payer } = scene.people())
})

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const times = (id: string, type: string) => typesOf(heard(payer, id)).filter((one) => one === type).length

/** A payment with a saved card, and the rules that its charge meets. */
const aCharge = async (...rules: RuleInput[]): Promise<string> => {
  const authorizationId = await aSavedCard()
  const [id, offeringId] = [randomUUID(), await anOffering()]
  for (const rule of rules) paystack.rule({ ...rule, reference: id })
  const reply = await initiate(offeringId, payer, { id, method: 'card', authorizationId })
  expect(reply).toMatchObject({ ok: true, id })
  return id
}

describe('F04 the process ends between the call and the record of its result', () => {
  it('of a charge, which is looked up first and made once', async () => {
    const authorizationId = await aSavedCard()
    const [id, offeringId] = [randomUUID(), await anOffering()]
    paystack.rule({ fault: 'webhookDrop' })
    const record = await scene.withoutRecords(id)
    await initiate(offeringId, payer, { id, method: 'card', authorizationId })
    await vi.waitFor(() => expect(paystack.books()[id]).toMatchObject({ charges: 1 }), PATIENCE)
    await scene.restart()
    await record()
    await hears(payer, 'payment.settled', id)
    expect(callsFor('chargeAuthorization', id)).toHaveLength(1)
    expect(callsFor('verify', id).length).toBeGreaterThan(0)
    expect(paystack.books()[id]).toMatchObject({ charges: 1 })
  })

  it('of a charge, because it was told to while the provider was silent', async () => {
    const id = await aCharge(
      { fault: 'silence', at: 'chargeAuthorization', work: 'done' },
      { fault: 'webhookDrop' },
    )
    await vi.waitFor(() => expect(paystack.books()[id]).toMatchObject({ charges: 1 }), PATIENCE)
    await scene.restart()
    await scene.later(MINUTE_MS)
    await hears(payer, 'payment.settled', id)
    expect(callsFor('chargeAuthorization', id)).toHaveLength(1)
    expect(paystack.books()[id]).toMatchObject({ charges: 1 })
  })

  it('of the page, which is not asked for again; the payer may begin anew', async () => {
    const [id, offeringId] = [randomUUID(), await anOffering()]
    const record = await scene.withoutRecords(id)
    await initiate(offeringId, payer, { id })
    await vi.waitFor(() => expect(callsFor('initialize', id)).toMatchObject([{ status: 200 }]), PATIENCE)
    await scene.restart()
    await record()
    expect(await hears(payer, 'payment.uncertain', id)).toMatchObject({
      data: { reason: 'duplicate_reference' },
    })
    await scene.later(MINUTE_MS)
    expect(await hears(payer, 'payment.abandoned', id)).toMatchObject({
      data: { reason: 'initialization_lost' },
    })
    expect(callsFor('initialize', id)).toHaveLength(1)
    await vi.waitFor(async () => expect(await initiate(offeringId)).toMatchObject({ ok: true }), PATIENCE)
  })
})

describe('F05 the answer to a charge gets lost', () => {
  it('and it was made: it is uncertain, never failed, and settles once', async () => {
    const lost = { fault: 'reset', at: 'chargeAuthorization', work: 'done' } as const
    const id = await aCharge(lost, { fault: 'webhookDrop' })
    expect(await hears(payer, 'payment.uncertain', id)).toMatchObject({
      state: 'unknown',
      view: { status: 'pending', charged: 0 },
    })
    await scene.later(MINUTE_MS)
    await hears(payer, 'payment.settled', id)
    expect(typesOf(heard(payer, id))).toEqual(['payment.initiated', 'payment.uncertain', 'payment.settled'])
    expect(paystack.books()[id]).toMatchObject({ charges: 1 })
  })

  it('and it was not made: after an hour it has failed, and was not tried again', async () => {
    const id = await aCharge({ fault: 'reset', at: 'chargeAuthorization', work: 'none' })
    await hears(payer, 'payment.uncertain', id)
    await scene.later(59 * MINUTE_MS)
    await vi.waitFor(() => expect(callsFor('verify', id)).toHaveLength(3), PATIENCE)
    await reaches('payments', id, 'unknown')
    await scene.later(10 * MINUTE_MS)
    expect(await hears(payer, 'payment.failed', id)).toMatchObject({ data: { reason: 'never_arrived' } })
    expect(callsFor('chargeAuthorization', id)).toHaveLength(1)
    expect(paystack.books()[id]).toBeUndefined()
  })

  it('and it is made ten minutes later: it settles once', async () => {
    const late = { work: 'late', lateMs: 10 * MINUTE_MS } as const
    const lost = { fault: 'reset', at: 'chargeAuthorization', ...late } as const
    const id = await aCharge(lost, { fault: 'webhookDrop' })
    await hears(payer, 'payment.uncertain', id)
    await scene.later(9 * MINUTE_MS)
    await vi.waitFor(() => expect(callsFor('verify', id)).toHaveLength(3), PATIENCE)
    await reaches('payments', id, 'unknown')
    await scene.later(2 * MINUTE_MS)
    await paystack.idle()
    await scene.later(HOUR_MS)
    await hears(payer, 'payment.settled', id)
    expect(callsFor('chargeAuthorization', id)).toHaveLength(1)
    expect(paystack.books()[id]).toMatchObject({ charges: 1 })
  })
})

describe('F05 the answer with the page gets lost', () => {
  const works = [
    ['was made', { work: 'done' }, 'payment.abandoned', 'initialization_lost'],
    ['was not made', { work: 'none' }, 'payment.failed', 'never_arrived'],
    [
      'is made ten minutes later',
      { work: 'late', lateMs: 10 * MINUTE_MS },
      'payment.abandoned',
      'initialization_lost',
    ],
  ] as const
  it.each(works)('and it %s: the offering can be paid for afterwards', async (_, work, type, reason) => {
    const offeringId = await anOffering()
    const id = randomUUID()
    paystack.rule({ fault: 'reset', at: 'initialize', reference: id, ...work })
    await initiate(offeringId, payer, { id })
    expect(await hears(payer, 'payment.uncertain', id)).toMatchObject({ view: { status: 'pending' } })
    expect(await initiate(offeringId)).toMatchObject({ error: { code: 'payment_in_progress' } })
    await scene.later(11 * MINUTE_MS)
    await paystack.idle()
    await scene.later(HOUR_MS)
    expect(await hears(payer, type, id)).toMatchObject({ data: { reason } })
    expect(callsFor('initialize', id)).toHaveLength(1)
    const again = await vi.waitFor(async () => {
      const reply = await initiate(offeringId)
      expect(reply).toMatchObject({ ok: true })
      return reply.id
    }, PATIENCE)
    await reaches('payments', again, 'awaitingCustomer')
  })
})

describe('F06 the provider answers badly', () => {
  const rules: RuleInput[] = [
    { fault: 'error', status: 500 },
    { fault: 'throttle' },
    { fault: 'malformed' },
    { fault: 'textAmounts' },
  ]
  it.each(rules)('$fault: it is asked again until it makes sense', async (rule) => {
    const id = await aCheckout()
    paystack.rule({ ...rule, at: 'verify', reference: id, times: 2 })
    paystack.pay(id)
    await hears(payer, 'payment.settled', id)
    expect(times(id, 'payment.settled')).toBe(1)
  })

  it('throttle: nothing is lost before the page is there', async () => {
    paystack.rule({ fault: 'throttle', at: 'initialize', times: 2 })
    const id = await aCheckout()
    expect(typesOf(heard(payer, id))).toEqual(['payment.initiated', 'payment.checkoutReady'])
  })

  const wrong: [string, RuleInput, number, string, number][] = [
    ['one kobo too little', { fault: 'shortAmount', byMinor: 1 }, 499_999, 'NGN', 499_999],
    ['one kobo too much', { fault: 'shortAmount', byMinor: -1 }, 500_001, 'NGN', 500_001],
    ['less than nothing', { fault: 'shortAmount', byMinor: 500_001 }, -1, 'NGN', 0],
    ['another currency', { fault: 'otherCurrency', currency: 'USD' }, 500_000, 'USD', 0],
  ]
  it.each(wrong)(
    'A53 %s: people have to look, and nothing is sold',
    async (_, rule, minor, currency, charged) => {
      const offeringId = await anOffering()
      const id = await aCheckout(offeringId)
      const ruleId = paystack.rule({ ...rule, at: 'verify', reference: id })
      paystack.pay(id)
      expect(await hears(admin, 'payment.needsReview', id)).toMatchObject({
        state: 'needsReview',
        data: { amount: naira(500_000), reason: 'amount_mismatch', received: { minor, currency } },
        view: { status: 'needs_review', charged },
      })
      const [purchase] = (await payer.live.call('purchases.list', { offeringId })).data.items
      expect(purchase.view.paid).toBe(false)
      expect(times(id, 'payment.settled')).toBe(0)
      // Whoever has found out that it was a mistake has it looked at again.
      paystack.removeRule(ruleId)
      scene.server().clock.advance(31_000)
      expect(await admin.live.call('payments.verify', { id })).toMatchObject({ ok: true })
      expect(await hears(payer, 'payment.settled', id)).toMatchObject({ view: { charged: 500_000 } })
    },
  )
})

describe('webhooks', () => {
  it('F07 ten times at once settle one payment once', async () => {
    const id = await aCheckout()
    paystack.rule({ fault: 'webhookDuplicate', copies: 10, reference: id })
    paystack.pay(id)
    await hears(payer, 'payment.settled', id)
    await paystack.idle()
    const [sent] = paystack.webhooks().filter(({ reference }) => reference === id)
    expect(sent).toMatchObject({ outcome: 'delivered', fault: 'webhookDuplicate' })
    paystack.sendAgain(sent!.id)
    await scene.quiet()
    const types = typesOf(heard(payer, id))
    expect(types.filter((type) => type === 'payment.settled')).toHaveLength(1)
    expect(types.filter((type) => type === 'payment.verifying')).toHaveLength(1)
    expect(
      payer.live.received.filter(([type, { data }]) => type === 'purchase.paid' && data.paymentId === id),
    ).toHaveLength(1)
  })

  it('F08 before the answer to the charge settle it, and the answer changes nothing', async () => {
    const id = await aCharge({ fault: 'answerLast', at: 'chargeAuthorization' })
    await hears(payer, 'payment.settled', id)
    await scene.quiet()
    expect(times(id, 'payment.settled')).toBe(1)
    await reaches('payments', id, 'settled')
    expect(paystack.books()[id]).toMatchObject({ charges: 1 })
  })

  it('F08 before the answer with the page settle it, and the page is not shown any more', async () => {
    const id = randomUUID()
    paystack.rule({ fault: 'delay', at: 'initialize', ms: 5 * MINUTE_MS, reference: id })
    await initiate(await anOffering(), payer, { id })
    await vi.waitFor(() => expect(paystack.books()[id]).toBeDefined(), PATIENCE)
    paystack.pay(id)
    await hears(payer, 'payment.settled', id)
    await scene.later(6 * MINUTE_MS)
    await vi.waitFor(() => expect(callsFor('initialize', id)).toMatchObject([{ status: 200 }]), PATIENCE)
    await scene.quiet()
    expect(typesOf(heard(payer, id))).toEqual(['payment.initiated', 'payment.verifying', 'payment.settled'])
    await reaches('payments', id, 'settled')
  })

  it('F09 refund.processed before charge.success, which comes three days late, end as in order', async () => {
    const id = await aCheckout()
    const body = JSON.stringify({
      event: 'refund.processed',
      data: { transaction_reference: id, status: 'processed', amount: '500000', refund_reference: null },
    })
    await post(scene.server(), body, { 'x-paystack-signature': signed(body, SECRET) })
    paystack.rule({ fault: 'webhookDelay', at: 'charge.success', ms: 72 * HOUR_MS })
    paystack.pay(id)
    await payer.live.call('payments.verify', { id })
    await hears(payer, 'payment.settled', id)
    await admin.live.call('payments.requestRefund', { id, full: true, reason: 'cancelled course' })
    await hears(payer, 'payment.refundIssued', id)
    const before = await reaches('payments', id, 'refunded')
    await scene.later(73 * HOUR_MS)
    await paystack.idle()
    await scene.quiet()
    expect(
      paystack.webhooks().find(({ reference, event }) => reference === id && event === 'charge.success'),
    ).toMatchObject({ outcome: 'delivered' })
    expect((await reaches('payments', id, 'refunded')).data).toEqual(before.data)
    expect(paystack.books()[id]).toMatchObject({ charges: 1, refundedMinor: 500_000 })
  })
})

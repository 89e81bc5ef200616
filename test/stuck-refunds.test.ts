import { beforeEach, describe, expect, it, vi } from 'vitest'
import { codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { hears, type Party } from './support/money-scene.ts'
import { http } from './support/http.ts'
import { PATIENCE } from './support/payment-scene.ts'

const MINUTE_MS = 60_000

const scene = enrollmentScene()
const { aCourse, aPack, aCheckout, becomes, enrol, lessons, reaches } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin, payer } = scene.people())
})

const paymentOf = async (id: string, { live }: Party = admin) => done(live, 'payments.get', { id })

/** What waits for an administrator, by id. */
const tasks = async (): Promise<string[]> => {
  const { data } = await done(admin.live, 'payments.list', { status: 'refund_stuck' })
  return data.items.map(({ id }: { id: string }) => id)
}

/** Paid with a card to which the provider can give nothing back. */
const paidFor = async (offeringId: string): Promise<string> => {
  const id = await aCheckout(offeringId, payer)
  paystack.pay(id, { scenario: 'refund_fails' })
  await reaches('payments', id, 'settled', payer)
  return id
}

const statusInS4 = async (id: string) =>
  (await http(scene.server(), payer)('GET', `/api/payments/status/tx_${id.replaceAll('-', '')}`)).body.data
    .status

describe('money that was to go back and could not', () => {
  it('C12 C15 is a task of administrators, who try again until it is back: nobody keeps it silently', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const id = await paidFor(offeringId)
    await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'taken down' })
    for (const party of [admin, payer])
      expect(await hears(party, 'payment.refundStuck', id)).toMatchObject({ data: { due: PRICE } })
    expect(await paymentOf(id)).toMatchObject({
      state: 'refundStuck',
      data: { status: 'refund_stuck', refundStuck: PRICE.minor, refunded: 0, refundPending: 0 },
      allowed: expect.arrayContaining(['retryRefund', 'resolveRefund']),
    })
    expect(await tasks()).toContain(id)
    expect(await statusInS4(id)).toBe('success')
    expect(await codeOf(payer.live, 'payments.retryRefund', { id })).toBe('forbidden')

    // Once more in vain, a while later: the webhook that says so is the same to the byte.
    await scene.later(MINUTE_MS)
    await done(admin.live, 'payments.retryRefund', { id })
    await vi.waitFor(async () => expect((await paymentOf(id)).data.refunds).toHaveLength(2), PATIENCE)
    await reaches('payments', id, 'refundStuck')
    expect(await tasks()).toContain(id)

    paystack.planRefunds('process', id)
    const { data } = await done(admin.live, 'payments.retryRefund', { id })
    expect(data).toMatchObject({ status: 'settled', refundPending: PRICE.minor })
    expect(data).not.toHaveProperty('refundStuck')
    await reaches('payments', id, 'refunded')
    expect(await tasks()).not.toContain(id)
    expect(await codeOf(admin.live, 'payments.retryRefund', { id })).toBe('nothing_stuck')
    expect(paystack.books()[id]).toMatchObject({ refundedMinor: PRICE.minor })
  })

  it('may be settled by hand, with a note, when the provider will never do it', async () => {
    const id = await aCheckout(await scene.anOffering(), payer)
    await done(payer.live, 'payments.cancel', { id })
    paystack.pay(id, { scenario: 'refund_fails' })
    await hears(admin, 'payment.refundStuck', id, `finance:${scene.people().orgId}`)
    expect(await codeOf(admin.live, 'payments.resolveRefund', { id })).toBe('invalid_input')
    expect(await codeOf(payer.live, 'payments.resolveRefund', { id, note: 'mine' })).toBe('forbidden')
    const { data } = await done(admin.live, 'payments.resolveRefund', { id, note: 'by bank transfer' })
    expect(data).toMatchObject({ status: 'settled', refunded: 0 })
    expect(await hears(admin, 'payment.refundResolved', id)).toMatchObject({
      data: { note: 'by bank transfer', due: { minor: 500_000 } },
    })
    expect(await tasks()).not.toContain(id)
    expect(await codeOf(admin.live, 'payments.resolveRefund', { id, note: 'again' })).toBe('nothing_stuck')
  })

  it('S2.67 that a learner was granted ends the request when it is back at last', async () => {
    const id = await enrol(await aPack({ price: PRICE }))
    await becomes(id, 'pending_payment')
    const { data } = await done(payer.live, 'enrollments.get', { id })
    const paymentId = await paidFor(data.offeringId)
    await becomes(id, 'active')
    await lessons(id, { completed: 1, total: 3 })
    await done(payer.live, 'enrollments.requestRefund', { id, reason: 'not for me' })
    await hears(admin, 'payment.refundStuck', paymentId)
    const outcome = async () =>
      (await done(payer.live, 'enrollments.get', { id })).data.refundRequest.outcome as unknown
    await vi.waitFor(async () => expect(await outcome()).toBe('failed'), PATIENCE)
    paystack.planRefunds('process', paymentId)
    await done(admin.live, 'payments.retryRefund', { id: paymentId })
    await becomes(id, 'refunded')
    await vi.waitFor(async () => expect(await outcome()).toBe('processed'), PATIENCE)
  })

  it('and that the bank held meanwhile is a task when the dispute is won', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const id = await aCheckout(offeringId, payer)
    paystack.pay(id)
    await reaches('payments', id, 'settled')
    const disputeId = paystack.openDispute(id)
    await hears(admin, 'payment.disputed', id)
    await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'taken down' })
    await scene.quiet()
    expect((await paymentOf(id)).data).toMatchObject({ status: 'settled', refunds: [] })
    paystack.resolveDispute(disputeId, 'declined')
    expect(await hears(admin, 'payment.refundStuck', id)).toMatchObject({ data: { due: PRICE } })
    await done(admin.live, 'payments.retryRefund', { id })
    await reaches('payments', id, 'refunded')
  })
})

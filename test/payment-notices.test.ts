import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { NotificationView } from '../contracts/notification.ts'
import type { Letter } from '../src/notifications/mail.ts'
import { done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { http } from './support/http.ts'
import { hears, naira, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = enrollmentScene({ showMessages: true })
const { aCheckout, aCourse, aPack, becomes, begun, paid, quiet, reaches } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin, payer } = scene.people())
})

/** What somebody has been told of a topic, the newest first. */
const toldOf = async (topic: string, { live }: Party = payer): Promise<NotificationView[]> => {
  const { data } = await done(live, 'notifications.list', { topic })
  return data.items.map(({ view }: { view: NotificationView }) => view)
}

const isTold = (topic: string, count: number, party: Party = payer) =>
  vi.waitFor(async () => {
    const told = await toldOf(topic, party)
    expect(told).toHaveLength(count)
    return told
  }, PATIENCE)

const lettersTo = async ({ email }: Party): Promise<Letter[]> => {
  const { body } = await http(scene.server())('GET', '/dev/messages.json')
  return body.data.items.filter(({ to }: Letter) => to.address === email)
}

/** So many letters, and no more when everything has been carried out. */
const getsLetters = async (count: number, party: Party = payer): Promise<Letter[]> => {
  await vi.waitFor(async () => expect(await lettersTo(party)).toHaveLength(count), PATIENCE)
  await quiet()
  const letters = await lettersTo(party)
  expect(letters).toHaveLength(count)
  return letters
}

describe('S4.14 whoever pays is told', () => {
  it('that it has arrived: in the inbox and by e-mail, once, however often the provider says so', async () => {
    const offeringId = await aCourse({ title: 'First aid', price: PRICE })
    const id = await aCheckout(offeringId, payer)
    paystack.pay(id)
    await reaches('payments', id, 'settled', payer)
    for (let repeat = 0; repeat < 3; repeat += 1)
      expect(await payer.live.call('payments.verify', { id })).toMatchObject({ ok: false })
    const [told] = await isTold('payment.settled', 1)
    expect(told).toMatchObject({
      recipientId: payer.id,
      subject: { actor: 'payment', id },
      data: { offeringId, offeringTitle: 'First aid', amountMinor: PRICE.minor, currency: 'NGN' },
    })
    const [letter] = await getsLetters(1)
    expect(letter).toMatchObject({ subject: 'Payment received: First aid' })
    expect(letter!.text.replaceAll(/\s/g, ' ')).toContain('Your payment of NGN 5,000.00 has arrived.')
    expect(JSON.stringify([told, letter])).not.toMatch(/408408|4081|visa|access_?code|authorization/i)
    expect(await toldOf('payment.settled', admin)).toEqual([])
  })

  it('in a language of their own, and by e-mail only if they want it', async () => {
    const french = await scene.aParty(['student'])
    await done(french.live, 'preferences.set', { language: 'fr' })
    const silent = await scene.aParty(['student'])
    await done(silent.live, 'preferences.set', { topics: { payment: { email: false } } })
    await paid('success', french)
    await paid('success', silent)
    const [letter] = await getsLetters(1, french)
    expect(letter!.text.replaceAll(/\s/g, ' ')).toContain('Votre paiement de 5 000,00 NGN est arrivé.')
    await isTold('payment.settled', 1, silent)
    await getsLetters(0, silent)
  })

  it('that it has failed', async () => {
    const id = await aCheckout()
    paystack.pay(id, { scenario: 'declined' })
    await done(payer.live, 'payments.verify', { id })
    await hears(payer, 'payment.failed', id)
    await isTold('payment.failed', 1)
    const [letter] = await getsLetters(1)
    expect(letter!.text.replaceAll(/\s/g, ' ')).toContain(
      'NGN 5,000.00 has failed. You have not been charged',
    )
  })

  it('when money has gone back, each time once', async () => {
    const id = await paid()
    for (const minor of [120_000, 80_000]) {
      const asked = { id, amount: naira(minor), reason: 'a part of it' }
      const { data } = await done(admin.live, 'payments.requestRefund', asked)
      await reaches('refunds', data.refunds.at(-1).refundId, 'processed')
    }
    const told = await isTold('payment.refundIssued', 2)
    expect(told.map(({ data }) => data['amountMinor'])).toEqual([80_000, 120_000])
    const letters = await getsLetters(3)
    expect(letters[0]!.text.replaceAll(/\s/g, ' ')).toContain('NGN 800.00 has been given back to you.')
  })

  it('S2.62 once of what a removal gives back', async () => {
    const offeringId = await aPack({ title: 'Course of many', price: PRICE })
    const learners = await Promise.all([1, 2, 3].map(() => scene.aParty(['student'])))
    const ids: string[] = []
    for (const learner of learners) ids.push((await begun(offeringId, learner)).id)
    await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'taken down' })
    for (const [index, learner] of learners.entries()) await becomes(ids[index]!, 'refunded', learner)
    await quiet()
    for (const learner of learners) {
      const [told] = await isTold('payment.refundIssued', 1, learner)
      expect(told!.data).toMatchObject({ amountMinor: PRICE.minor, offeringTitle: 'Course of many' })
      const subjects = (await lettersTo(learner)).map(({ subject }) => subject)
      expect(subjects.filter((subject) => subject.startsWith('Refund'))).toHaveLength(1)
    }
  })

  it('S2.62 C15 that a course is removed, when no refund says so, once', async () => {
    const offeringId = await aPack({ title: 'Course of few', price: PRICE })
    const taught = await scene.aParty(['student'])
    const reserved = await scene.aParty(['student'])
    const back = await scene.aParty(['student'])
    const { id } = await begun(offeringId, taught)
    await scene.lessons(id, { completed: 3, total: 4 })
    const waiting = await scene.enrol(offeringId, reserved)
    await becomes(waiting, 'pending_payment', reserved)
    const { id: refunded } = await begun(offeringId, back)
    await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'taken down' })
    await becomes(id, 'cancelled', taught)
    await becomes(waiting, 'cancelled', reserved)
    await becomes(refunded, 'refunded', back)
    await quiet()
    const [told] = await isTold('enrollment.removed', 1, taught)
    const fields = { offeringTitle: 'Course of few', reason: 'taken down' }
    expect(told).toMatchObject({
      subject: { actor: 'enrollment', id },
      data: { ...fields, amountMinor: PRICE.minor, currency: 'NGN' },
    })
    const [other] = await isTold('enrollment.removed', 1, reserved)
    expect(other!.data).toEqual({ ...fields, offeringId })
    await isTold('enrollment.removed', 0, back)
    for (const party of [taught, reserved]) {
      const [letter] = (await lettersTo(party)).filter(({ subject }) => subject.includes('removed'))
      expect(letter).toMatchObject({ subject: 'Course of few has been removed' })
      expect(letter!.text).toContain('The reason: taken down')
    }
  })

  it('that bank details are wanted, where only they can say them', async () => {
    const id = await paid('refund_needs_attention')
    const { data } = await done(admin.live, 'payments.requestRefund', { id, full: true, reason: 'all of it' })
    const { refundId } = data.refunds.at(-1)
    await reaches('refunds', refundId, 'needsAttention')
    const [told] = await isTold('refund.needsAttention', 1)
    expect(told!.subject).toEqual({ actor: 'refund', id: refundId })
    await getsLetters(2)
  })
})

it('S4.14 administrators are told of a refund that is stuck, and the payer is not', async () => {
  const colleague = await scene.aParty(['admin'])
  const other = await scene.aParty(['csm'])
  const id = await aCheckout(undefined, payer)
  await done(payer.live, 'payments.cancel', { id })
  paystack.pay(id, { scenario: 'refund_fails' })
  await hears(admin, 'payment.refundStuck', id, `finance:${scene.people().orgId}`)
  for (const party of [admin, colleague]) {
    const [told] = await isTold('payment.refundStuck', 1, party)
    expect(told).toMatchObject({ subject: { actor: 'payment', id }, data: { amountMinor: PRICE.minor } })
  }
  await quiet()
  for (const party of [payer, other]) expect(await toldOf('payment.refundStuck', party)).toEqual([])
  for (const party of [admin, colleague]) expect(await toldOf('payment.refundStuck', party)).toHaveLength(1)
})

it('S4.14 a payment settles, and its learner gets in, while nobody can be told; they are told once that is possible', async () => {
  const rule = `check (topic not like 'payment.%') not valid`
  await scene.rows(`alter table notification add constraint without_payments ${rule}`)
  const offeringId = await aCourse({ price: PRICE })
  const { paymentId } = await begun(offeringId)
  await reaches('payments', paymentId, 'settled', payer)
  expect(await toldOf('payment.settled')).toEqual([])
  await scene.rows('alter table notification drop constraint without_payments')
  scene.server().clock.advance(60_000)
  await isTold('payment.settled', 1)
})

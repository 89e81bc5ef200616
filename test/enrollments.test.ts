import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { aCourse, anActor, aPack, aTutor, codeOf, done, type Tutor } from './support/catalog-scene.ts'
import { hears, moneyScene, naira, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = moneyScene()
let paystack: ReturnType<typeof scene.paystack>
let orgId: string
let admin: Party
let learner: Party
let tutor: Tutor

beforeEach(async () => {
  paystack = scene.paystack()
  ;({ orgId, admin, payer: learner } = scene.people())
  tutor = await aTutor(scene.server(), { orgId, admin: admin.live })
})

const PRICE = naira(500_000)

const becomes = (id: string, status: string, { live }: Party = learner) =>
  vi.waitFor(async () => {
    const { data } = await done(live, 'enrollments.get', { id })
    expect(data).toMatchObject({ status })
    return data
  }, PATIENCE)

const enrol = async (offeringId: string, { live }: Party = learner) =>
  (await done(live, 'enrollments.enroll', { offeringId })).id as string

const pays = async (offeringId: string, party: Party = learner): Promise<string> => {
  const id = await scene.aCheckout(offeringId, party)
  paystack.pay(id)
  await scene.reaches('payments', id, 'settled', party)
  return id
}

describe('enrolling', () => {
  it('C28 what is free begins at once, and the learner is welcomed (S4.29)', async () => {
    const offeringId = await aCourse(tutor)
    const id = await enrol(offeringId)
    const active = await hears(learner, 'enrollment.activated', id)
    expect(active).toMatchObject({ data: { userId: learner.id, offeringId }, view: { status: 'active' } })
    await vi.waitFor(async () => {
      const { data } = await done(learner.live, 'notifications.list', { topic: 'enrollment.welcome' })
      expect(data.items).toMatchObject([{ view: { subject: { actor: 'enrollment', id }, status: 'unread' } }])
    }, PATIENCE)
  })

  it('C27 U3 enrolled first and paid then, or paid first and enrolled then, ends the same', async () => {
    const ends = []
    for (const payFirst of [false, true]) {
      const offeringId = await aCourse(tutor, { price: PRICE })
      let paymentId = payFirst ? await pays(offeringId) : undefined
      const id = await enrol(offeringId)
      if (!payFirst) {
        const reserved = await becomes(id, 'pending_payment')
        expect(reserved).toMatchObject({ price: PRICE, paid: null, payBefore: expect.any(String) as unknown })
        paymentId = await pays(offeringId)
      }
      const view = await becomes(id, 'active')
      expect(view).toMatchObject({ paymentId, paid: PRICE })
      ends.push({ ...view, id: '', offeringId: '', offeringTitle: '', paymentId: '', enrolledAt: '', activatedAt: '' })
    }
    expect(ends[0]).toEqual(ends[1])
  })
})

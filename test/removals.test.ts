import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { SettlementView } from '../contracts/settlement.ts'
import { aCourse, aPack, aTutor, codeOf, done, type Tutor } from './support/catalog-scene.ts'
import { hears, moneyScene, naira, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = moneyScene()
let paystack: ReturnType<typeof scene.paystack>
let orgId: string
let admin: Party
let tutor: Tutor

beforeEach(async () => {
  paystack = scene.paystack()
  ;({ orgId, admin } = scene.people())
  tutor = await aTutor(scene.server(), { orgId, admin: admin.live })
})

const PRICE = naira(500_000)

/** Somebody who has paid and had so many of so many lessons. */
const aLearner = async (offeringId: string, { completed = 0, lessons = 0, pays = true } = {}) => {
  const learner = await scene.aParty(['student'])
  const { id } = await done(learner.live, 'enrollments.enroll', { offeringId })
  let paymentId: string | undefined
  if (pays) {
    paymentId = await scene.aCheckout(offeringId, learner)
    paystack.pay(paymentId)
    await hears(learner, 'enrollment.activated', id)
  }
  for (let lesson = 0; lesson < lessons; lesson++) {
    const startsAt = scene.server().clock.at(3_600_000 * (lesson + 1))
    const { id: lessonId } = await done(tutor, 'lessons.schedule', { enrollmentId: id, startsAt })
    if (lesson < completed) await done(tutor, 'lessons.complete', { id: lessonId })
  }
  await vi.waitFor(async () => {
    const { data } = await done(learner.live, 'enrollments.get', { id })
    expect(data.lessons.filter((one: { status: string }) => one.status === 'completed')).toHaveLength(completed)
    expect(data.lessons).toHaveLength(lessons)
  }, PATIENCE)
  return { learner, id: id as string, paymentId }
}

const settlementsOf = async (removalId: string): Promise<SettlementView[]> => {
  const { data } = await done(admin.live, 'settlements.list', { removalId, limit: 200 })
  return data.items.map(({ view }: { view: SettlementView }) => view)
}

describe('removing an offering', () => {
  it('S2.55–S2.61 C11 C12 everybody gets back what is due, to the minor unit, and the dry run says so before', async () => {
    const offeringId = await aPack(tutor, { price: PRICE })
    const none = await aLearner(offeringId)
    const half = await aLearner(offeringId, { completed: 2, lessons: 4 })
    const most = await aLearner(offeringId, { completed: 3, lessons: 4 })
    const unpaid = await aLearner(offeringId, { pays: false })

    const { id: removalId } = await done(admin.live, 'removals.plan', { offeringId, reason: 'taken down' })
    await vi.waitFor(async () => {
      const { data } = await done(admin.live, 'removals.get', { id: removalId })
      expect(data).toMatchObject({ status: 'planned', total: 4, pending: 4, planned: { NGN: 750_000 } })
    }, PATIENCE)
    expect(await done(none.learner.live, 'enrollments.get', { id: none.id })).toMatchObject({ state: 'active' })

    await done(admin.live, 'removals.run', { id: removalId })
    paystack.calm()
    await vi.waitFor(async () => {
      const { data } = await done(admin.live, 'removals.get', { id: removalId })
      expect(data).toMatchObject({ status: 'running' })
    }, PATIENCE)
    await vi.waitFor(async () => {
      const { data } = await done(admin.live, 'removals.get', { id: removalId })
      expect(data).toMatchObject({ status: 'done', total: 4, processed: 4, failed: 0, review: 0, refunded: { NGN: 750_000 } })
    }, PATIENCE)
    const rows = Object.fromEntries((await settlementsOf(removalId)).map((row) => [row.enrollmentId, row]))
    expect(rows[none.id]).toMatchObject({ note: 'Full refund - no lessons completed', refundAmount: PRICE })
    expect(rows[half.id]).toMatchObject({
      note: 'Pro-rata refund: 2/4 lessons completed, refunding 2 unused lessons',
      refundAmount: naira(250_000),
    })
    expect(rows[most.id]).toMatchObject({ note: 'No refund: 3/4 lessons completed (over 50%)', refundAmount: naira(0) })
    expect(rows[unpaid.id]).toMatchObject({ status: 'cancelled', refundAmount: naira(0) })
    expect(await codeOf(unpaid.learner.live, 'enrollments.enroll', { offeringId })).toBe('not_found')
    for (const [{ learner, id }, state] of [[none, 'refunded'], [half, 'refunded'], [most, 'cancelled'], [unpaid, 'cancelled']] as const)
      expect(await done(learner.live, 'enrollments.get', { id })).toMatchObject({ state })
  })
})

import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { RefundRequest } from '../contracts/enrollment.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { hears, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = enrollmentScene()
const { becomes, begun, lessons, aCourse, aPack, pays } = scene
let orgId: string
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ orgId, admin, payer: learner } = scene.people())
})

const ask = ({ live }: Pick<Party, 'live'>, id: string) =>
  codeOf(live, 'enrollments.requestRefund', { id, reason: 'not for me' })
const approve = (live: Party['live'], id: string, fields: object = {}) =>
  codeOf(live, 'enrollments.approveRefund', { id, ...fields })
const setOrganisation = (settings: object) =>
  scene.rows(`update organisation set settings = settings || $2::jsonb where id = $1`, [
    orgId,
    JSON.stringify(settings),
  ])
const refundedOf = (paymentId: string, minor: number) =>
  vi.waitFor(async () => {
    const { data } = await done(admin.live, 'payments.get', { id: paymentId })
    expect(data).toMatchObject({ refunded: minor, refundPending: 0 })
  }, PATIENCE)
const requestOf = async (id: string): Promise<RefundRequest> =>
  (await done(learner.live, 'enrollments.get', { id })).data.refundRequest
const paidPack = async () => begun(await aPack({ price: PRICE }))

describe('a learner who wants the money back', () => {
  it('S2.67 gets it at once, strictly after the first lesson, and has access no longer', async () => {
    const { id, paymentId } = await paidPack()
    await lessons(id, { completed: 1, total: 3 })
    expect(await ask(learner, id)).toBe('ok')
    expect(await requestOf(id)).toMatchObject({
      status: 'autoApproved',
      requestedBy: learner.id,
      firstLessonCompleted: true,
      policy: 'firstLesson@1',
      inputs: { totalMinor: PRICE.minor, completedLessons: 1, totalLessons: 3 },
      amountMinor: PRICE.minor,
    })
    scene.paystack().calm()
    await refundedOf(paymentId, PRICE.minor)
    expect(await becomes(id, 'refunded')).toMatchObject({ endReason: 'money_returned' })
    await vi.waitFor(
      async () => expect(await requestOf(id)).toMatchObject({ outcome: 'processed' }),
      PATIENCE,
    )
    expect((await requestOf(id)).processedAt).not.toBeNull()
    await hears(learner, 'enrollment.refunded', id)
  })

  it.each([0, 2])(
    'S2.67 waits for an administrator after %d lessons, who may give a part',
    async (completed) => {
      const { id, paymentId } = await paidPack()
      await lessons(id, { completed, total: 3 })
      expect(await ask(learner, id)).toBe('ok')
      expect(await requestOf(id)).toMatchObject({
        status: 'pending',
        firstLessonCompleted: false,
        decidedAt: null,
      })
      expect(await ask(learner, id)).toBe('already_requested')
      for (const amountMinor of [0, -1, 1.5, '100'])
        expect(await approve(admin.live, id, { amountMinor })).toBe('invalid_input')
      expect(await approve(admin.live, id, { amountMinor: PRICE.minor + 1 })).toBe('not_refundable')
      expect(await approve(admin.live, id, { amountMinor: 100_000, note: 'a part' })).toBe('ok')
      expect(await approve(admin.live, id)).toBe('nothing_requested')
      await refundedOf(paymentId, 100_000)
      expect(await requestOf(id)).toMatchObject({
        status: 'approved',
        amountMinor: 100_000,
        adminNote: 'a part',
      })
      await becomes(id, 'active')
    },
  )

  it('S2.67 may be refused, with a note, and cannot ask again', async () => {
    const { id, paymentId } = await paidPack()
    await ask(learner, id)
    expect(await codeOf(admin.live, 'enrollments.rejectRefund', { id })).toBe('invalid_input')
    expect(await codeOf(admin.live, 'enrollments.rejectRefund', { id, note: 'too late' })).toBe('ok')
    expect(await hears(learner, 'enrollment.refundDecided', id)).toMatchObject({
      data: { status: 'rejected', amountMinor: 0, note: 'too late' },
    })
    expect(await ask(learner, id)).toBe('already_requested')
    await scene.quiet()
    await refundedOf(paymentId, 0)
  })

  it('asks for money that was paid, and only for their own', async () => {
    const { id } = await begun(await aCourse())
    expect(await ask(learner, id)).toBe('nothing_paid')
    const { id: paid } = await paidPack()
    expect(await ask(await scene.aParty(['student']), paid)).toBe('not_found')
    for (const live of [admin.live, scene.tutor()]) expect(await ask({ live }, paid)).toBe('forbidden')
  })

  it('is decided on by administrators, and by nobody for themselves', async () => {
    const { id } = await paidPack()
    await ask(learner, id)
    const csm = await scene.aParty(['csm'])
    for (const live of [learner.live, scene.tutor(), csm.live]) {
      expect(await approve(live, id)).toBe('forbidden')
      expect(await codeOf(live, 'enrollments.rejectRefund', { id, note: 'x' })).toBe('forbidden')
    }
    // An administrator who learns here, too.
    const both = await scene.aParty(['admin', 'student'])
    const own = await begun(await aPack({ price: PRICE }), both)
    expect(await ask(both, own.id)).toBe('ok')
    expect(await approve(both.live, own.id)).toBe('forbidden')
    expect(await approve(admin.live, own.id)).toBe('ok')
  })

  it('has as long as the organisation says, whatever was learned', async () => {
    await setOrganisation({ refundWithinDays: 14 })
    const [first, second] = [await paidPack(), await paidPack()]
    await lessons(first.id, { completed: 2 })
    expect(await ask(learner, first.id)).toBe('ok')
    expect(await requestOf(first.id)).toMatchObject({
      status: 'autoApproved',
      policy: 'within14Days@1',
      amountMinor: PRICE.minor,
      note: 'Full refund within 14 days',
    })
    await refundedOf(first.paymentId, PRICE.minor)
    await scene.later(14 * 24 * 3_600_000)
    learner = scene.people().payer
    expect(await ask(learner, second.id)).toBe('ok')
    expect(await requestOf(second.id)).toMatchObject({ status: 'pending', policy: 'within14Days@1' })
  })

  it('is decided on when the learner has left meanwhile', async () => {
    const { id, paymentId } = await paidPack()
    await ask(learner, id)
    await done(learner.live, 'enrollments.drop', { id })
    expect(await approve(admin.live, id, { amountMinor: 100_000 })).toBe('ok')
    await refundedOf(paymentId, 100_000)
    await vi.waitFor(
      async () => expect(await requestOf(id)).toMatchObject({ status: 'approved', outcome: 'processed' }),
      PATIENCE,
    )
    await becomes(id, 'dropped')
  })

  it('may ask after leaving, and what was used since then counts', async () => {
    const offeringId = await aPack({ price: PRICE })
    const first = await begun(offeringId)
    await lessons(first.id, { completed: 1 })
    await done(learner.live, 'enrollments.drop', { id: first.id })
    const second = await scene.enrol(offeringId)
    await becomes(second, 'active')
    await lessons(second, { completed: 2 })
    expect(await ask(learner, first.id)).toBe('ok')
    expect(await requestOf(first.id)).toMatchObject({ status: 'pending', inputs: { completedLessons: 3 } })

    const left = await paidPack()
    await lessons(left.id, { completed: 1 })
    await done(learner.live, 'enrollments.drop', { id: left.id })
    expect(await ask(learner, left.id)).toBe('ok')
    expect(await requestOf(left.id)).toMatchObject({ status: 'autoApproved', amountMinor: PRICE.minor })
    await refundedOf(left.paymentId, PRICE.minor)
  })

  it('S2.67 U3 has used what was used before leaving and coming back on the same payment', async () => {
    const offeringId = await aPack({ price: PRICE })
    const first = await begun(offeringId)
    await lessons(first.id, { completed: 2, total: 3 })
    await done(learner.live, 'enrollments.drop', { id: first.id })
    const second = await scene.enrol(offeringId)
    await becomes(second, 'active')
    await lessons(second, { completed: 1, total: 2 })
    expect(await ask(learner, second)).toBe('ok')
    const { enrolledAt } = await becomes(first.id, 'dropped')
    // The lesson that was not held before leaving is none of it.
    expect(await requestOf(second)).toMatchObject({
      status: 'pending',
      firstLessonCompleted: false,
      inputs: { totalMinor: PRICE.minor, enrolledAt, completedLessons: 3, totalLessons: 4 },
    })
  })

  it('has as long as the organisation says from the first enrollment that the payment was for', async () => {
    await setOrganisation({ refundWithinDays: 14 })
    const offeringId = await aCourse({ price: PRICE })
    const first = await begun(offeringId)
    await scene.later(14 * 24 * 3_600_000)
    learner = scene.people().payer
    await done(learner.live, 'enrollments.drop', { id: first.id })
    const second = await scene.enrol(offeringId)
    await becomes(second, 'active')
    expect(await ask(learner, second)).toBe('ok')
    expect(await requestOf(second)).toMatchObject({ status: 'pending', policy: 'within14Days@1' })
  })
})

describe('money that the payment desk gives back', () => {
  const refundAll = async (paymentId: string) => {
    await done(admin.live, 'payments.requestRefund', { id: paymentId, full: true, reason: 'a complaint' })
    await refundedOf(paymentId, PRICE.minor)
  }

  it('takes access away when it was all of it', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const { id, paymentId } = await begun(offeringId)
    const half = { amount: { ...PRICE, minor: PRICE.minor / 2 }, reason: 'half' }
    await done(admin.live, 'payments.requestRefund', { id: paymentId, ...half })
    await refundedOf(paymentId, PRICE.minor / 2)
    await scene.quiet()
    await becomes(id, 'active')
    await refundAll(paymentId)
    await becomes(id, 'refunded')
    // Who comes back pays again.
    const next = await scene.enrol(offeringId)
    await becomes(next, 'pending_payment')
    await pays(offeringId)
    await becomes(next, 'active')
  })

  it('leaves the learner in where the organisation says so', async () => {
    await setOrganisation({ keepsAccessAfterRefund: true })
    const { id, paymentId } = await begun(await aCourse({ price: PRICE }))
    await refundAll(paymentId)
    await scene.quiet()
    await becomes(id, 'active')
  })
})

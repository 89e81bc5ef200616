import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { SettlementView } from '../contracts/settlement.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { heard, hears, naira, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { anOrganisation, connect } from './support/server.ts'

const scene = enrollmentScene()
const { begun, enrol, becomes, lessons, pays, aCourse, aPack } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin } = scene.people())
})

/** Somebody who has paid and had so many of so many lessons. */
const aLearner = async (offeringId: string, wanted: { completed?: number; total?: number } = {}) => {
  const learner = await scene.aParty(['student'])
  const { id, paymentId } = await begun(offeringId, learner)
  const lessonIds = await lessons(id, wanted)
  return { learner, id, paymentId, lessonIds }
}

const settlementsOf = async (removalId: string): Promise<SettlementView[]> => {
  const { data } = await done(admin.live, 'settlements.list', { removalId, limit: 200 })
  return data.items.map(({ view }: { view: SettlementView }) => view)
}

const removalBecomes = (id: string, fields: object) =>
  vi.waitFor(async () => {
    const { data } = await done(admin.live, 'removals.get', { id })
    expect(data).toMatchObject(fields)
    return data
  }, PATIENCE)

const plan = async (offeringId: string): Promise<string> =>
  (await done(admin.live, 'removals.plan', { offeringId, reason: 'taken down' })).id

/** Removes it at once; the removal is made when nobody is let in any more. */
const remove = async (offeringId: string): Promise<string> => {
  await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'taken down' })
  return vi.waitFor(async () => {
    const { data } = await done(admin.live, 'removals.list', { offeringId })
    expect(data.items).toHaveLength(1)
    return data.items[0].id
  }, PATIENCE)
}

const refundedOf = async (paymentId: string): Promise<number> =>
  (await done(admin.live, 'payments.get', { id: paymentId })).data.refunded

describe('removing an offering', () => {
  it('S2.55–S2.64 C11 C12 gives everybody what is due, to the minor unit, and the dry run says so before', async () => {
    const offeringId = await aPack({ price: PRICE })
    const none = await aLearner(offeringId)
    const half = await aLearner(offeringId, { completed: 2, total: 4 })
    const most = await aLearner(offeringId, { completed: 3, total: 4 })
    const third = await aLearner(offeringId, { completed: 1, total: 3 })
    const unpaid = await scene.aParty(['student'])
    const reserved = await enrol(offeringId, unpaid)
    await becomes(reserved, 'pending_payment', unpaid)

    const removalId = await plan(offeringId)
    // 500,000 + 250,000 + 0 + two thirds of 500,000, half up, + 0
    const sum = { NGN: 1_083_333 }
    await removalBecomes(removalId, { status: 'planned', total: 5, pending: 5, planned: sum })
    await becomes(none.id, 'active', none.learner)

    await done(admin.live, 'removals.run', { id: removalId })
    const done5 = { status: 'done', total: 5, pending: 0, processed: 5, failed: 0, review: 0, refunded: sum }
    await removalBecomes(removalId, done5)
    const rows = Object.fromEntries((await settlementsOf(removalId)).map((row) => [row.enrollmentId, row]))
    expect(rows[none.id]).toMatchObject({ note: 'Full refund - no lessons completed', refundAmount: PRICE })
    expect(rows[half.id]).toMatchObject({
      studentId: half.learner.id,
      totalAmount: PRICE,
      refundAmount: naira(250_000),
      completedLessons: 2,
      totalLessons: 4,
      note: 'Pro-rata refund: 2/4 lessons completed, refunding 2 unused lessons',
      verdict: {
        policy: 'removal@1',
        inputs: { totalMinor: PRICE.minor, completedLessons: 2, totalLessons: 4 },
      },
    })
    expect(rows[most.id]).toMatchObject({
      note: 'No refund: 3/4 lessons completed (over 50%)',
      refundAmount: naira(0),
    })
    expect(rows[third.id]).toMatchObject({ refundAmount: naira(333_333) })
    expect(rows[reserved]).toMatchObject({ status: 'cancelled', refundAmount: naira(0) })
    for (const [{ paymentId }, minor] of [
      [none, 500_000],
      [half, 250_000],
      [most, 0],
      [third, 333_333],
    ] as const) {
      expect(await refundedOf(paymentId)).toBe(minor)
      const atProvider = paystack.books()[paymentId]!.refunds.map(({ amountMinor }) => amountMinor)
      expect(atProvider).toEqual(minor === 0 ? [] : [minor])
    }
    for (const [{ learner, id }, status] of [
      [none, 'refunded'],
      [half, 'refunded'],
      [most, 'cancelled'],
    ] as const)
      await becomes(id, status, learner)
    await becomes(reserved, 'cancelled', unpaid)
    expect(await codeOf(unpaid.live, 'enrollments.enroll', { offeringId })).toBe('not_found')

    // The learner hears it in both moments, as it then was.
    await scene.quiet()
    const { data } = await done(admin.live, 'settlements.journal', { id: rows[half.id]!.id })
    const announced = (data.items as { events: { type: string; data: object }[] }[])
      .flatMap(({ events }) => events)
      .filter(({ type }) => type === 'settlement.removedByAdmin')
    const fields = {
      coursePackId: offeringId,
      removalReason: 'taken down',
      studentId: half.learner.id,
      refundAmount: 250_000,
      totalAmount: 500_000,
      currency: 'NGN',
      completedLessons: 2,
      totalLessons: 4,
      refundNote: rows[half.id]!.note,
    }
    expect(announced.map(({ data: said }) => said)).toMatchObject([
      { ...fields, refund: 'requested' },
      { ...fields, refund: 'processed' },
    ])
    const told = heard(half.learner, rows[half.id]!.id).filter(
      ({ type }) => type === 'settlement.removedByAdmin',
    )
    expect(told).toHaveLength(2)
  })

  it.each([
    [0, 2, 'refunded', PRICE.minor],
    [1, 2, 'refunded', 250_000],
    [2, 3, 'cancelled', 0],
  ] as const)(
    'S2.57 of %d given of %d lessons it is %s, with %d',
    async (completed, total, status, minor) => {
      const offeringId = await aPack({ price: PRICE })
      const { learner, id, paymentId } = await aLearner(offeringId, { completed, total })
      await removalBecomes(await remove(offeringId), { status: 'done', processed: 1 })
      await becomes(id, status, learner)
      expect(await refundedOf(paymentId)).toBe(minor)
    },
  )

  it('S2.59 S2.63 S2.64 refunds or cancels, and says why in the words of the source', async () => {
    const offeringId = await aPack({ price: PRICE })
    const fresh = await aLearner(offeringId)
    const used = await aLearner(offeringId, { completed: 3, total: 4 })
    await removalBecomes(await remove(offeringId), { status: 'done', processed: 2 })
    const why = 'Course removed by admin. Reason: taken down.'
    const full = `${why} Full refund - no lessons completed`
    expect(await becomes(fresh.id, 'refunded', fresh.learner)).toMatchObject({ endReason: full })
    expect(await becomes(used.id, 'cancelled', used.learner)).toMatchObject({
      endReason: `${why} No refund: 3/4 lessons completed (over 50%)`,
    })
    const { data } = await done(admin.live, 'payments.get', { id: fresh.paymentId })
    const { refundId: id } = data.refunds[0]
    expect((await done(admin.live, 'refunds.get', { id })).data).toMatchObject({
      reason: full,
      amount: PRICE,
    })
  })

  it('S2.57 U3 counts what was used before somebody left and came back on the same payment', async () => {
    const offeringId = await aPack({ price: PRICE })
    const first = await aLearner(offeringId, { completed: 1, total: 2 })
    const { live } = first.learner
    await done(live, 'enrollments.drop', { id: first.id })
    const second = await enrol(offeringId, first.learner)
    await becomes(second, 'active', first.learner)
    await lessons(second, { completed: 1, total: 3 })
    const sum = { NGN: 250_000 }
    const removalId = await plan(offeringId)
    await removalBecomes(removalId, { status: 'planned', total: 1, planned: sum })
    await done(admin.live, 'removals.run', { id: removalId })
    await removalBecomes(removalId, { status: 'done', refunded: sum })
    const [row] = await settlementsOf(removalId)
    const { data } = await done(live, 'enrollments.get', { id: first.id })
    expect(row).toMatchObject({
      enrollmentId: second,
      note: 'Pro-rata refund: 2/4 lessons completed, refunding 2 unused lessons',
      verdict: { inputs: { enrolledAt: data.enrolledAt, completedLessons: 2, totalLessons: 4 } },
    })
  })

  it('S2.66.10 without a dry run is watched by operators, and by nobody else', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const { learner, id } = await aLearner(offeringId)
    expect(await codeOf(admin.live, 'offerings.remove', { id: offeringId })).toBe('invalid_input')
    const removalId = await remove(offeringId)
    await removalBecomes(removalId, {
      status: 'done',
      total: 1,
      processed: 1,
      refunded: { NGN: PRICE.minor },
    })
    const [row] = await settlementsOf(removalId)
    const csm = await scene.aParty(['csm'])
    const stranger = await scene.aParty(['admin'], undefined, await anOrganisation(scene.server()))
    for (const topic of [`removal:${removalId}`, `settlement:${row!.id}`]) {
      for (const live of [admin.live, csm.live])
        expect(await live.subscribe({ topics: [topic] })).toMatchObject({ ok: true })
      for (const live of [learner.live, scene.tutor(), stranger.live])
        expect(await live.subscribe({ topics: [topic] })).toMatchObject({ ok: false })
    }
    for (const type of ['removal.started', 'removal.planned', 'removal.finished'])
      await hears(admin, type, removalId)
    await hears(learner, 'enrollment.closing', id)
    await hears(learner, 'enrollment.refunded', id)
    // Another one finds nothing left to do.
    expect(await codeOf(admin.live, 'removals.plan', { offeringId, reason: 'again' })).toBe(
      'not_allowed_in_state',
    )
    expect(await codeOf(admin.live, 'offerings.remove', { id: offeringId, reason: 'again' })).toBe(
      'not_allowed_in_state',
    )
  })

  it('is for administrators of the organisation, whoever else may see it', async () => {
    const offeringId = await aCourse()
    const [csm, student] = await Promise.all([scene.aParty(['csm']), scene.aParty(['student'])])
    const stranger = await scene.aParty(['admin'], undefined, await anOrganisation(scene.server()))
    const fields = { offeringId, reason: 'x' }
    for (const live of [csm.live, student.live, scene.tutor()])
      expect(await codeOf(live, 'removals.plan', fields)).toBe('forbidden')
    expect(await codeOf(stranger.live, 'removals.plan', fields)).toBe('not_found')
    for (const reason of ['', '   ', null, 'x'.repeat(501)])
      expect(await codeOf(admin.live, 'removals.plan', { offeringId, reason })).toBe('invalid_input')
    const removalId = await plan(offeringId)
    await removalBecomes(removalId, { status: 'planned' })
    for (const name of ['run', 'pause', 'resume', 'discard']) {
      expect(await codeOf(csm.live, `removals.${name}`, { id: removalId })).toBe('forbidden')
      for (const live of [student.live, scene.tutor(), stranger.live])
        expect(await codeOf(live, `removals.${name}`, { id: removalId })).toBe('not_found')
    }
    expect(await codeOf(admin.live, 'removals.pause', { id: removalId })).toBe('not_allowed_in_state')
    expect(await codeOf(admin.live, 'removals.discard', { id: removalId })).toBe('ok')
    expect(await codeOf(admin.live, 'removals.run', { id: removalId })).toBe('not_allowed_in_state')
  })

  it('that is thrown away leaves no settlement that waits, and nobody hears of it', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const one = await aLearner(offeringId)
    const two = await aLearner(offeringId)
    const removalId = await plan(offeringId)
    await removalBecomes(removalId, { status: 'planned', total: 2 })
    await done(admin.live, 'removals.discard', { id: removalId })
    await vi.waitFor(async () => {
      const rows = await settlementsOf(removalId)
      expect(rows.map(({ status, refundAmount }) => [status, refundAmount.minor])).toEqual([
        ['discarded', 0],
        ['discarded', 0],
      ])
    }, PATIENCE)
    await scene.quiet()
    for (const { learner, id } of [one, two]) {
      await becomes(id, 'active', learner)
      const settlements = (await settlementsOf(removalId)).flatMap((row) => heard(learner, row.id))
      expect(settlements).toEqual([])
    }
    // The next one makes its own, and ends as ever.
    const again = await plan(offeringId)
    await removalBecomes(again, { status: 'planned', total: 2 })
    await done(admin.live, 'removals.run', { id: again })
    await removalBecomes(again, { status: 'done', processed: 2 })
    expect(await refundedOf(one.paymentId)).toBe(PRICE.minor)
  })

  it('of two plans carries out the one that is run first', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const { paymentId } = await aLearner(offeringId)
    const [first, second] = [await plan(offeringId), await plan(offeringId)]
    for (const id of [first, second]) await removalBecomes(id, { status: 'planned', total: 1 })
    await done(admin.live, 'removals.run', { id: first })
    await done(admin.live, 'removals.run', { id: second })
    await vi.waitFor(async () => {
      const states = await Promise.all(
        [first, second].map(async (id) => (await done(admin.live, 'removals.get', { id })).data.status),
      )
      expect(new Set(states)).toEqual(new Set(['discarded', 'done']))
      const rows = [...(await settlementsOf(first)), ...(await settlementsOf(second))]
      expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['refunded', 'discarded']))
    }, PATIENCE)
    expect(await refundedOf(paymentId)).toBe(PRICE.minor)
  })

  it('lets nobody in who enrolls or pays at that very moment, and nobody keeps or loses money', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const learners = await Promise.all(Array.from({ length: 4 }, () => scene.aParty(['student'])))
    const payments = await Promise.all(learners.map((learner) => scene.aCheckout(offeringId, learner)))
    const [removalId, ...replies] = await Promise.all([
      remove(offeringId),
      ...learners.map(({ live }) => live.call('enrollments.enroll', { offeringId })),
    ])
    for (const id of payments) paystack.pay(id)
    await removalBecomes(removalId, { status: 'done', pending: 0, failed: 0, review: 0 })
    for (const [index, id] of payments.entries()) {
      await vi.waitFor(async () => expect(await refundedOf(id)).toBe(PRICE.minor), PATIENCE)
      const reply = replies[index]
      if (!reply.ok) expect(reply.error.code).toBe('not_found')
      else
        await vi.waitFor(async () => {
          const { state } = await done(learners[index]!.live, 'enrollments.get', { id: reply.id })
          expect(['cancelled', 'refunded']).toContain(state)
        }, PATIENCE)
    }
    const operators = await connect(scene.server(), admin, '/admin')
    const { data } = await done(operators, 'rosters.list', { offeringId })
    expect(data.items).toMatchObject([{ view: { enrolled: 0, closed: 'removed' } }])
  })

  it.each(['removed', 'deleted'])(
    'gives back what was paid by somebody who never enrolled, also when it is %s',
    async (how) => {
      const offeringId = await aCourse({ price: PRICE })
      const payer = await scene.aParty(['student'])
      const before = await pays(offeringId, payer)
      const late = await scene.aParty(['student'])
      const lateId = await scene.aCheckout(offeringId, late)
      if (how === 'removed') await remove(offeringId)
      else await done(scene.tutor(), 'offerings.delete', { id: offeringId })
      await vi.waitFor(async () => expect(await refundedOf(before)).toBe(PRICE.minor), PATIENCE)
      paystack.pay(lateId)
      await vi.waitFor(async () => expect(await refundedOf(lateId)).toBe(PRICE.minor), PATIENCE)
    },
  )

  it('S2.66.10 is not what a tutor may do while somebody is enrolled', async () => {
    const offeringId = await aCourse()
    const { learner, id } = await aLearner(offeringId)
    expect(await codeOf(scene.tutor(), 'offerings.remove', { id: offeringId, reason: 'x' })).toBe('forbidden')
    await done(scene.tutor(), 'offerings.delete', { id: offeringId }).catch(() => {})
    await scene.quiet()
    await becomes(id, 'active', learner)
  })
})

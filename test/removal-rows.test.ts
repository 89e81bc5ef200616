import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { SettlementView } from '../contracts/settlement.ts'
import { codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { heard, hears, naira, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = enrollmentScene()
const { begun, becomes, lessons, aPack } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin } = scene.people())
})

const aLearner = async (offeringId: string, wanted: { completed?: number; total?: number } = {}) => {
  const learner = await scene.aParty(['student'])
  const { id, paymentId } = await begun(offeringId, learner)
  return { learner, id, paymentId, lessonIds: await lessons(id, wanted) }
}

/** The removal is made when nobody is let in any more. */
const remove = async (offeringId: string): Promise<string> => {
  await done(admin.live, 'offerings.remove', { id: offeringId, reason: 'taken down' })
  return vi.waitFor(async () => {
    const { data } = await done(admin.live, 'removals.list', { offeringId })
    expect(data.items).toHaveLength(1)
    return data.items[0].id
  }, PATIENCE)
}

const removalBecomes = (id: string, fields: object) =>
  vi.waitFor(
    async () => expect((await done(admin.live, 'removals.get', { id })).data).toMatchObject(fields),
    PATIENCE,
  )

const rowOf = async (removalId: string, enrollmentId: string): Promise<SettlementView> => {
  const { data } = await done(admin.live, 'settlements.list', { removalId, enrollmentId })
  return data.items[0]?.view
}
const rowBecomes = (removalId: string, enrollmentId: string, fields: object) =>
  vi.waitFor(async () => {
    const row = await rowOf(removalId, enrollmentId)
    expect(row).toMatchObject(fields)
    return row
  }, PATIENCE)

/** Commands on what is stuck are for when the removal has counted it. */
const eventually = (name: string, payload: object) =>
  vi.waitFor(async () => expect(await codeOf(admin.live, name, payload)).toBe('ok'), PATIENCE)

const refundsOf = async (paymentId: string) => {
  const { refunded, refundPending } = (await done(admin.live, 'payments.get', { id: paymentId })).data
  return { refunded, refundPending }
}

describe('one row of a removal', () => {
  it('C12 S2.60 fails with its refund, and does not keep the others; C15 says so; and is tried again', async () => {
    const offeringId = await aPack({ price: PRICE })
    const [stuck, fine] = [await aLearner(offeringId), await aLearner(offeringId)]
    paystack.planRefunds('fail', stuck.paymentId)
    const removalId = await remove(offeringId)
    await removalBecomes(removalId, {
      status: 'done',
      processed: 1,
      failed: 1,
      refunded: { NGN: PRICE.minor },
    })
    const row = await rowBecomes(removalId, stuck.id, { status: 'failed', failure: 'refund_failed' })
    await becomes(fine.id, 'refunded', fine.learner)
    // Nobody has access while it is looked at, and nobody has the money twice.
    await becomes(stuck.id, 'closing', stuck.learner)
    expect(await refundsOf(stuck.paymentId)).toEqual({ refunded: 0, refundPending: 0 })
    for (const { live } of [stuck.learner, { live: scene.tutor() }])
      for (const [name, fields] of [
        ['retry', {}],
        ['resolve', { as: 'refunded', note: 'x' }],
      ] as const)
        expect(await codeOf(live, `settlements.${name}`, { id: row.id, ...fields })).toBe('not_found')
    const csm = await scene.aParty(['csm'])
    expect(await codeOf(csm.live, 'settlements.retry', { id: row.id })).toBe('forbidden')

    paystack.planRefunds('process', stuck.paymentId)
    await eventually('settlements.retry', { id: row.id })
    await removalBecomes(removalId, {
      status: 'done',
      processed: 2,
      failed: 0,
      refunded: { NGN: 2 * PRICE.minor },
    })
    await becomes(stuck.id, 'refunded', stuck.learner)
    expect(await refundsOf(stuck.paymentId)).toEqual({ refunded: PRICE.minor, refundPending: 0 })
    await scene.quiet()
    const told = heard(stuck.learner, row.id).filter(({ type }) => type === 'settlement.removedByAdmin')
    expect(told.map(({ data }) => (data as { refund: string }).refund)).toEqual([
      'requested',
      'failed',
      'requested',
      'processed',
    ])
  })

  it('C13 that cannot be measured moves no money, until people have looked or it can be', async () => {
    const offeringId = await aPack({ price: PRICE })
    const byHand = await aLearner(offeringId, { completed: 1, total: 2 })
    const again = await aLearner(offeringId, { completed: 1, total: 2 })
    const kept = []
    for (const { lessonIds } of [byHand, again])
      kept.push((await scene.rows(`delete from lesson where id = $1 returning *`, [lessonIds[1]]))[0]!)
    const removalId = await remove(offeringId)
    await removalBecomes(removalId, {
      status: 'done',
      total: 2,
      processed: 0,
      failed: 0,
      review: 2,
      refunded: {},
    })
    for (const { id, paymentId } of [byHand, again]) {
      await rowBecomes(removalId, id, { status: 'needs_review', refundAmount: naira(0) })
      expect(await refundsOf(paymentId)).toEqual({ refunded: 0, refundPending: 0 })
    }

    const [handRow, againRow] = [await rowOf(removalId, byHand.id), await rowOf(removalId, again.id)]
    expect(await codeOf(admin.live, 'settlements.resolve', { id: handRow.id, as: 'refunded' })).toBe(
      'invalid_input',
    )
    await eventually('settlements.resolve', { id: handRow.id, as: 'refunded', note: 'by bank' })
    expect(await becomes(byHand.id, 'refunded', byHand.learner)).toMatchObject({ endReason: 'by bank' })
    expect(await codeOf(admin.live, 'settlements.retry', { id: handRow.id })).toBe('not_allowed_in_state')

    await restored('lesson', kept[1]!)
    await eventually('settlements.retry', { id: againRow.id })
    await removalBecomes(removalId, { status: 'done', processed: 2, review: 0, refunded: { NGN: 250_000 } })
    expect(await refundsOf(again.paymentId)).toEqual({ refunded: 250_000, refundPending: 0 })
    // It is looked for six times, each later than the one before.
  }, 60_000)

  it('is decided by nobody to whom it goes', async () => {
    const offeringId = await aPack({ price: PRICE })
    const both = await scene.aParty(['admin', 'student'])
    const { id, paymentId } = await begun(offeringId, both)
    paystack.planRefunds('fail', paymentId)
    const removalId = await remove(offeringId)
    const row = await rowBecomes(removalId, id, { status: 'failed', refundAmount: naira(0) })
    expect(await codeOf(both.live, 'settlements.retry', { id: row.id })).toBe('forbidden')
    expect(await codeOf(both.live, 'settlements.resolve', { id: row.id, as: 'refunded', note: 'x' })).toBe(
      'forbidden',
    )
    await eventually('settlements.resolve', { id: row.id, as: 'cancelled', note: 'fraud' })
    await becomes(id, 'cancelled', both)
    await rowBecomes(removalId, id, { status: 'cancelled', totalAmount: PRICE, refundAmount: naira(0) })
    await removalBecomes(removalId, { status: 'done', processed: 1, failed: 0, refunded: {} })
  })

  it.each(['declined', 'merchant-accepted'] as const)(
    'C12 C15 waits for a bank that looks at the money, whose dispute is %s',
    async (resolution) => {
      const offeringId = await aPack({ price: PRICE })
      const { learner, id, paymentId } = await aLearner(offeringId)
      const disputeId = paystack.openDispute(paymentId)
      await hears(admin, 'payment.disputed', paymentId)
      const removalId = await remove(offeringId)
      await removalBecomes(removalId, { status: 'done', processed: 0, failed: 1, refunded: {} })
      const row = await rowBecomes(removalId, id, { status: 'failed', failure: 'disputed' })
      await becomes(id, 'closing', learner)
      paystack.resolveDispute(disputeId, resolution)
      await hears(admin, 'payment.disputeResolved', paymentId)
      await eventually('settlements.retry', { id: row.id })
      const isWon = resolution === 'declined'
      const refunded: object = isWon ? { NGN: PRICE.minor } : {}
      await removalBecomes(removalId, { status: 'done', processed: 1, failed: 0, refunded })
      await rowBecomes(removalId, id, {
        status: isWon ? 'refunded' : 'cancelled',
        refundAmount: naira(isWon ? PRICE.minor : 0),
      })
      expect(await refundsOf(paymentId)).toEqual({ refunded: isWon ? PRICE.minor : 0, refundPending: 0 })
    },
  )

  it('that a refund of before has settled gets nothing more', async () => {
    const offeringId = await aPack({ price: PRICE })
    const { learner, id, paymentId } = await aLearner(offeringId, { completed: 2, total: 4 })
    const part = { amount: naira(400_000), reason: 'a complaint' }
    await done(admin.live, 'payments.requestRefund', { id: paymentId, ...part })
    const removalId = await remove(offeringId)
    await rowBecomes(removalId, id, { status: 'cancelled', refundAmount: naira(0) })
    await becomes(id, 'cancelled', learner)
    await scene.quiet()
    expect(await refundsOf(paymentId)).toEqual({ refunded: 400_000, refundPending: 0 })
  })
})

describe('a removal that is paused', () => {
  it('begins nothing more, and goes on where it was', async () => {
    const offeringId = await aPack({ price: PRICE })
    const learners = [await aLearner(offeringId), await aLearner(offeringId)]
    for (const { paymentId } of learners) paystack.planRefunds('stay', paymentId)
    const removalId = await remove(offeringId)
    await removalBecomes(removalId, { status: 'running', pending: 2 })
    for (const { id } of learners) await rowBecomes(removalId, id, { status: 'refunding' })
    expect(await codeOf(admin.live, 'removals.pause', { id: removalId })).toBe('ok')
    await hears(admin, 'removal.paused', removalId)
    expect(await codeOf(admin.live, 'removals.pause', { id: removalId })).toBe('not_allowed_in_state')
    expect(await codeOf(admin.live, 'removals.discard', { id: removalId })).toBe('not_allowed_in_state')
    // What has begun comes to its end, and is counted.
    const first = paystack.books()[learners[0]!.paymentId]!.refunds[0]!
    paystack.moveRefund(first.id, 'processed')
    await removalBecomes(removalId, { status: 'paused', pending: 1, processed: 1 })
    await done(admin.live, 'removals.resume', { id: removalId })
    const second = paystack.books()[learners[1]!.paymentId]!.refunds[0]!
    paystack.moveRefund(second.id, 'processed')
    await removalBecomes(removalId, { status: 'done', processed: 2, refunded: { NGN: 2 * PRICE.minor } })
  })
})

/** As a backup would bring it back. */
const restored = (table: string, row: Record<string, unknown>) => {
  const names = Object.keys(row).filter((name) => !name.endsWith('_idx'))
  const values = names.map((name) => {
    const value = row[name]
    return value !== null && typeof value === 'object' && !(value instanceof Date)
      ? JSON.stringify(value)
      : value
  })
  const places = names.map((_, index) => `$${index + 1}`)
  return scene.rows(`insert into ${table} (${names.join(', ')}) values (${places.join(', ')})`, values)
}

import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { http } from './support/http.ts'
import type { Party } from './support/money-scene.ts'

const scene = enrollmentScene()
const { aCourse, aPack, begun, aParty } = scene
let admin: Party
let learner: Party
let coordinator: Party
let other: Party
let mentorId: string

beforeEach(async () => {
  ;({ admin } = scene.people())
  ;[learner, coordinator, other] = await Promise.all([
    aParty(['student', 'peer_mentor']),
    aParty(['coordinator']),
    aParty(['coordinator']),
  ])
  const mentor = { userId: learner.id, coordinatorId: coordinator.id }
  mentorId = (await done(admin.live, 'mentors.register', mentor)).id
})

const get = async (party: Party, path: string) => http(scene.server(), party)('GET', path)
const transactionOf = (id: string) => `/api/payments/status/tx_${id.replaceAll('-', '')}`

describe('C49 a coordinator', () => {
  it('sees how far the own mentors have got, and where their payments stand; another one sees neither', async () => {
    const { id, paymentId } = await begun(await aPack({ price: PRICE }), learner)
    const own = { userId: learner.id, status: 'active' }
    expect((await done(coordinator.live, 'enrollments.get', { id })).data).toMatchObject(own)
    expect((await done(coordinator.live, 'enrollments.journal', { id })).data.items.length).toBeGreaterThan(1)
    for (const filter of [{}, { userId: learner.id }])
      expect((await done(coordinator.live, 'enrollments.list', filter)).data.items).toMatchObject([{ id }])
    expect(await get(coordinator, `/api/enrollments/${id}`)).toMatchObject({
      body: { data: { enrollmentId: id, status: 'in_progress' } },
    })
    expect(await get(coordinator, `/api/progress/${id}`)).toMatchObject({
      body: { data: { enrollmentId: id } },
    })
    expect(await get(coordinator, transactionOf(paymentId))).toMatchObject({
      body: { data: { paymentId, status: 'success', amountMinor: PRICE.minor } },
    })

    for (const filter of [{}, { userId: learner.id }])
      expect((await done(other.live, 'enrollments.list', filter)).data.items).toEqual([])
    for (const path of [`/api/enrollments/${id}`, `/api/progress/${id}`, transactionOf(paymentId)])
      expect([path, (await get(other, path)).status]).toEqual([path, 404])
    for (const name of ['enrollments.get', 'enrollments.journal'])
      expect([name, await codeOf(other.live, name, { id })]).toEqual([name, 'not_found'])
    // What is there and not to be known of, and what is not there, are one answer.
    expect(await other.live.call('enrollments.get', { id })).toEqual(
      await other.live.call('enrollments.get', { id: randomUUID() }),
    )
  })

  it('learns nothing of how one pays, and changes nothing', async () => {
    const { id, paymentId } = await begun(await aPack({ price: PRICE }), learner)
    const { data, allowed } = await done(coordinator.live, 'payments.get', { id: paymentId })
    expect(data).toMatchObject({ payerId: learner.id, status: 'settled', charged: PRICE.minor })
    expect(allowed).toEqual([])
    const open = await scene.aCheckout(await aCourse({ price: PRICE }), learner)
    for (const one of [paymentId, open])
      for (const field of ['card', 'accessCode', 'authorizationUrl'])
        expect((await done(coordinator.live, 'payments.get', { id: one })).data).not.toHaveProperty(field)
    expect(await codeOf(coordinator.live, 'payments.journal', { id: paymentId })).toBe('not_found')
    expect((await done(coordinator.live, 'payments.list')).data.items).toEqual([])
    expect(await codeOf(coordinator.live, 'payments.cancel', { id: open })).toBe('not_found')
    expect(await codeOf(coordinator.live, 'enrollments.drop', { id })).toBe('not_found')
    expect(await codeOf(coordinator.live, 'enrollments.suspend', { id, reason: 'no' })).toBe('not_found')
    for (const topic of [`enrollment:${id}`, `payment:${paymentId}`])
      expect((await coordinator.live.subscribe({ topics: [topic] })).ok).toBe(false)
  })

  it('sees of a payment what is named as theirs to see, and no more', async () => {
    const { paymentId } = await begun(await aPack({ price: PRICE }), learner)
    const { data } = await done(coordinator.live, 'payments.get', { id: paymentId })
    expect(Object.keys(data).toSorted()).toEqual([
      'amount',
      'charged',
      'disputed',
      'disputes',
      'id',
      'initiatedAt',
      'method',
      'offeringId',
      'payerId',
      'refundPending',
      'refunded',
      'refunds',
      'settledAt',
      'status',
      'transactionId',
    ])
  })

  it('loses sight of a mentor who goes to another one, who sees everything then', async () => {
    const { id } = await begun(await aCourse(), learner)
    expect(await codeOf(coordinator.live, 'enrollments.get', { id })).toBe('ok')
    await done(admin.live, 'mentors.reassign', { id: mentorId, coordinatorId: other.id })
    expect(await codeOf(coordinator.live, 'enrollments.get', { id })).toBe('not_found')
    expect((await done(coordinator.live, 'enrollments.list')).data.items).toEqual([])
    expect(await codeOf(other.live, 'enrollments.get', { id })).toBe('ok')
    expect((await done(other.live, 'enrollments.list')).data.items).toMatchObject([{ id }])
  })

  it('sees nothing of learners who are nobody’s mentors, and keeps the own enrollments beside those of mentors', async () => {
    const student = await aParty(['student'])
    const { id: foreign } = await begun(await aCourse(), student)
    const { id: own } = await begun(await aCourse(), coordinator)
    const { id: theirs } = await begun(await aCourse(), learner)
    expect(await codeOf(coordinator.live, 'enrollments.get', { id: foreign })).toBe('not_found')
    const { data } = await done(coordinator.live, 'enrollments.list')
    expect(new Set(data.items.map(({ id }: { id: string }) => id))).toEqual(new Set([own, theirs]))
    const filtered = await done(coordinator.live, 'enrollments.list', { userId: student.id })
    expect(filtered.data.items).toEqual([])
  })
})

import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { anActor, aTutor, codeOf, done } from './support/catalog-scene.ts'
import { enrollmentScene, PRICE } from './support/enrollment-scene.ts'
import { heard, hears, typesOf, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { anOrganisation, connect } from './support/server.ts'

const scene = enrollmentScene()
const { enrol, becomes, pays, begun, aCourse, aParty } = scene
let orgId: string
let admin: Party
let learner: Party

beforeEach(() => {
  ;({ orgId, admin, payer: learner } = scene.people())
})

const enroll = (offeringId: string, others: object = {}, { live }: Pick<Party, 'live'> = learner) =>
  codeOf(live, 'enrollments.enroll', { offeringId, ...others })

const MINUTE = 60_000

describe('enrolling', () => {
  it('C28 S4.29 what is free begins at once, and the learner is welcomed once', async () => {
    const offeringId = await aCourse()
    const id = await enrol(offeringId)
    const active = await hears(learner, 'enrollment.activated', id)
    expect(active).toMatchObject({ data: { userId: learner.id, offeringId }, view: { status: 'active' } })
    const welcomes = async () =>
      (await done(learner.live, 'notifications.list', { topic: 'enrollment.welcome' })).data.items
    const [{ id: welcomeId }] = await vi.waitFor(async () => {
      const items = await welcomes()
      expect(items).toMatchObject([{ view: { subject: { actor: 'enrollment', id }, status: 'unread' } }])
      return items
    }, PATIENCE)

    // As if the node had died before it could say that it had done it.
    const subject = { actor: 'enrollment', id }
    const input = { orgId, recipientId: learner.id, topic: 'enrollment.welcome', subject, text: 'Welcome.' }
    await scene.rows(
      `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
       values ($1, 'enrollment', $2, 2, 'create', $3, $4)`,
      [
        `${id}:again`,
        id,
        JSON.stringify({ actor: 'notification', id: welcomeId, input }),
        new Date(scene.server().clock.now()),
      ],
    )
    await scene.later(0)
    await scene.quiet()
    expect(await welcomes()).toHaveLength(1)
  })

  it('C27 U3 enrolled first and paid then, or paid first and enrolled then, ends the same', async () => {
    const ends = []
    for (const payFirst of [false, true]) {
      const offeringId = await aCourse({ price: PRICE })
      let paymentId = payFirst ? await pays(offeringId) : undefined
      const { id } = await done(learner.live, 'enrollments.enroll', {
        offeringId,
        ...(paymentId ? { paymentId } : {}),
      })
      if (!payFirst) {
        const reserved = await becomes(id, 'pending_payment')
        expect(reserved).toMatchObject({ price: PRICE, paid: null, payBefore: expect.any(String) as unknown })
        paymentId = await pays(offeringId)
      }
      const view = await becomes(id, 'active')
      expect(view).toMatchObject({ paymentId, paid: PRICE })
      const own = {
        id: '',
        offeringId: '',
        offeringTitle: '',
        paymentId: '',
        enrolledAt: '',
        activatedAt: '',
      }
      ends.push({ ...view, ...own })
    }
    expect(ends[0]).toEqual(ends[1])
  })

  it.each([
    ['unpublished', (id: string) => done(scene.tutor(), 'offerings.unpublish', { id })],
    ['archived', (id: string) => done(scene.tutor(), 'offerings.archive', { id })],
    ['flagged', (id: string) => done(admin.live, 'offerings.flag', { id, note: 'copied?' })],
  ] as const)('C27 lets in who has paid before it was %s, and nobody else', async (_, hide) => {
    const offeringId = await aCourse({ price: PRICE })
    const paymentId = await pays(offeringId)
    await scene.quiet()
    await hide(offeringId)
    expect(await enroll(offeringId, {}, await aParty(['student']))).toBe('not_found')
    const { id } = await done(learner.live, 'enrollments.enroll', { offeringId, paymentId })
    expect(await becomes(id, 'active')).toMatchObject({ paymentId, paid: PRICE })
  })

  it('C27 lets nobody in who has got the money back, or when it is removed', async () => {
    const [refunded, removed] = [await aCourse({ price: PRICE }), await aCourse({ price: PRICE })]
    const [paymentId] = [await pays(refunded), await pays(removed)]
    await done(admin.live, 'payments.requestRefund', { id: paymentId, full: true, reason: 'a complaint' })
    await scene.reaches('payments', paymentId, 'refunded')
    await scene.quiet()
    await done(scene.tutor(), 'offerings.unpublish', { id: refunded })
    await done(admin.live, 'offerings.remove', { id: removed, reason: 'copied' })
    for (const id of [refunded, removed]) expect(await enroll(id)).toBe('not_found')
  })

  it('S4.27 U3 twice is refused while it is not over, and says which one there is', async () => {
    const offeringId = await aCourse()
    const { id } = await begun(offeringId)
    expect(await learner.live.call('enrollments.enroll', { offeringId })).toMatchObject({
      error: { code: 'already_exists', message: 'User already enrolled', details: { enrollmentId: id } },
    })
    const paid = await aCourse({ price: PRICE })
    await becomes(await enrol(paid), 'pending_payment')
    expect(await enroll(paid)).toBe('already_exists')
  })

  it('U3 twice at the same moment through two connections makes one', async () => {
    const offeringId = await aCourse()
    const other = await connect(scene.server(), learner)
    const codes = await Promise.all(
      [learner.live, other, learner.live, other].map((live) => enroll(offeringId, {}, { live })),
    )
    expect(codes.toSorted()).toEqual(['already_exists', 'already_exists', 'already_exists', 'ok'])
    const { data } = await done(learner.live, 'enrollments.list', { offeringId })
    expect(data.items).toHaveLength(1)
  })

  it('is refused in what one teaches, and in what cannot be seen', async () => {
    const tutor = scene.tutor()
    const offeringId = await aCourse()
    expect(await enroll(offeringId, {}, { live: tutor })).toBe('own_offering')
    const [unpublished, removed, deleted] = await Promise.all([aCourse(), aCourse(), aCourse()])
    await done(tutor, 'offerings.unpublish', { id: unpublished })
    await done(admin.live, 'offerings.remove', { id: removed, reason: 'copied' })
    await done(tutor, 'offerings.delete', { id: deleted })
    for (const id of [unpublished, removed, deleted, randomUUID()]) expect(await enroll(id)).toBe('not_found')

    const elsewhere = await anOrganisation(scene.server())
    const foreignAdmin = await anActor(scene.server(), ['admin'], elsewhere)
    const foreign = await aTutor(scene.server(), { orgId: elsewhere, admin: foreignAdmin })
    const { id: foreignCourse } = await done(foreign, 'offerings.createCourse', {
      title: 'Elsewhere',
      isPublished: true,
    })
    expect(await enroll(foreignCourse)).toBe('not_found')
    expect((await done(learner.live, 'enrollments.list')).data.items).toEqual([])
  })

  it('C29 is for oneself, unless one runs the organisation', async () => {
    const offeringId = await aCourse()
    const other = await aParty(['student'])
    const stranger = await aParty(['student'], undefined, await anOrganisation(scene.server()))
    expect(await enroll(offeringId, { userId: other.id })).toBe('forbidden')
    expect(await enroll(offeringId, { userId: other.id }, { live: scene.tutor() })).toBe('forbidden')
    expect(await enroll(offeringId, { userId: learner.id })).toBe('ok')
    expect(await enroll(offeringId, { userId: stranger.id }, admin)).toBe('not_found')
    const { id } = await done(admin.live, 'enrollments.enroll', { offeringId, userId: other.id })
    expect(await becomes(id, 'active', other)).toMatchObject({ userId: other.id })
  })

  it('S4.27 names only a payment of its own for this offering', async () => {
    const [offeringId, another] = [await aCourse({ price: PRICE }), await aCourse({ price: PRICE })]
    const paymentId = await pays(another)
    const other = await aParty(['student'])
    expect(await enroll(offeringId, { paymentId })).toBe('not_found')
    expect(await enroll(another, { paymentId }, other)).toBe('not_found')
    expect(await enroll(offeringId, { paymentId: randomUUID() })).toBe('not_found')
  })

  it.each([
    ['no offering', {}],
    ['an offering that is no id', { offeringId: 'first-aid' }],
    ['a status', { offeringId: randomUUID(), status: 'active' }],
    ['a price', { offeringId: randomUUID(), price: { minor: 0, currency: 'NGN' } }],
  ])('S4.27 with %s is no input', async (_, payload) =>
    expect(await codeOf(learner.live, 'enrollments.enroll', payload)).toBe('invalid_input'),
  )
})

describe('a reservation', () => {
  it('is given up after half an hour, and money that comes later pays for the next one', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const id = await enrol(offeringId)
    const { payBefore = '', enrolledAt } = await becomes(id, 'pending_payment')
    expect(Date.parse(payBefore) - Date.parse(enrolledAt)).toBe(30 * MINUTE)
    await scene.later(30 * MINUTE + 1)
    expect(await becomes(id, 'cancelled')).toMatchObject({ endReason: 'not_paid_in_time', paid: null })
    expect(typesOf(heard(learner, id)).at(-1)).toBe('enrollment.cancelled')
    const next = await enrol(offeringId)
    expect(next).not.toBe(id)
    await becomes(next, 'pending_payment')
    await pays(offeringId)
    await becomes(next, 'active')
    await becomes(id, 'cancelled')
  })
})

describe('an enrollment', () => {
  it('is left by its learner, who may come back, while the old one stays as it ended', async () => {
    const offeringId = await aCourse({ price: PRICE })
    const { id, paymentId } = await begun(offeringId)
    expect(await done(learner.live, 'enrollments.drop', { id })).toMatchObject({ state: 'dropped' })
    expect(await codeOf(learner.live, 'enrollments.drop', { id })).toBe('not_allowed_in_state')
    await scene.reaches('payments', paymentId, 'settled')
    const next = await enrol(offeringId)
    expect(await becomes(next, 'active')).toMatchObject({ paymentId })
    expect(await becomes(id, 'dropped')).toMatchObject({ endReason: 'dropped', paymentId })
  })

  it('is suspended and resumed by administrators', async () => {
    const { id } = await begun(await aCourse())
    for (const [name, fields] of [
      ['suspend', { reason: 'x' }],
      ['resume', {}],
    ] as const)
      for (const { live } of [learner, { live: scene.tutor() }])
        expect(await codeOf(live, `enrollments.${name}`, { id, ...fields })).toBe('forbidden')
    expect(await codeOf(admin.live, 'enrollments.suspend', { id })).toBe('invalid_input')
    await done(admin.live, 'enrollments.suspend', { id, reason: 'a dispute' })
    expect(await hears(learner, 'enrollment.suspended', id)).toMatchObject({ data: { reason: 'a dispute' } })
    const progress = { id, moduleId: randomUUID(), progress: 1 }
    expect(await codeOf(learner.live, 'enrollments.recordProgress', progress)).toBe('not_allowed_in_state')
    await done(admin.live, 'enrollments.resume', { id })
    await becomes(id, 'active')
  })

  it('S4.28 C49 is there for its learner, its tutor and administrators; for everybody else there is none', async () => {
    const { id } = await begun(await aCourse())
    const [other, coordinator, csm] = await Promise.all([
      aParty(['student']),
      aParty(['coordinator']),
      aParty(['csm']),
    ])
    const stranger = await aParty(['admin'], undefined, await anOrganisation(scene.server()))
    const otherTutor = await aTutor(scene.server(), { orgId, admin: admin.live })
    for (const live of [learner.live, scene.tutor(), admin.live, csm.live])
      expect(await codeOf(live, 'enrollments.get', { id })).toBe('ok')
    for (const live of [other.live, coordinator.live, stranger.live, otherTutor]) {
      expect(await codeOf(live, 'enrollments.get', { id })).toBe('not_found')
      expect(await codeOf(live, 'enrollments.drop', { id })).toBe('not_found')
      expect((await live.subscribe({ topics: [`enrollment:${id}`] })).ok).toBe(false)
    }
    for (const live of [scene.tutor(), admin.live, csm.live])
      expect(await codeOf(live, 'enrollments.drop', { id })).toBe('forbidden')
  })

  it('is watched by its learner, its tutor and administrators', async () => {
    const tutor = scene.tutor()
    const other = await aParty(['student'])
    const offeringId = await aCourse()
    const topics = [`course:${offeringId}`]
    const otherTutor = await aTutor(scene.server(), { orgId, admin: admin.live })
    for (const live of [learner.live, other.live, otherTutor])
      expect(await live.subscribe({ topics })).toMatchObject({ ok: false })
    for (const live of [tutor, admin.live])
      expect(await live.subscribe({ topics })).toMatchObject({ ok: true })
    const { id } = await begun(offeringId)
    for (const topic of [`course:${offeringId}`, `org:${orgId}`])
      await hears(admin, 'enrollment.activated', id, topic)
    await tutor.next('enrollment.activated', ({ actor }) => actor.id === id)
    await scene.quiet()
    expect(typesOf(heard(learner, id))).toEqual(['enrollment.requested', 'enrollment.activated'])
    expect(heard(other, id)).toEqual([])
  })
})

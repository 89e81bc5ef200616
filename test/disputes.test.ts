import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import { heard, hears, moneyScene, naira, typesOf, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { anOrganisation, connect } from './support/server.ts'

const scene = moneyScene()
const { reaches, paid, aParty, rows } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin, payer } = scene.people())
})

const HOUR_MS = 3_600_000
const ALL = 500_000

const evidence = {
  customerEmail: 'holder@example.test',
  customerName: 'Ada Obi',
  customerPhone: '+2348012345678',
  serviceDetails: 'The course was attended on ten days',
  deliveryAddress: '1 Marina, Lagos',
  deliveryDate: '2026-09-01',
}

const askBack = (id: string, minor: number) =>
  admin.live.call('payments.requestRefund', { id, amount: naira(minor), reason: 'goodwill' })

/** A payment whose customer's bank wants its money back. */
const aDispute = async (options: { amountMinor?: number; dueInMs?: number } = {}) => {
  const paymentId = await paid()
  const providerId = paystack.openDispute(paymentId, options)
  const { data } = await hears(admin, 'payment.disputed', paymentId)
  const { disputeId: id } = data as { disputeId: string }
  return { paymentId, providerId, id }
}

describe('a dispute', () => {
  it('is heard by the organisation and its finance, not by the payer, and holds the money', async () => {
    const { paymentId, id } = await aDispute({ amountMinor: 400_000 })
    const desk = await connect(scene.server(), admin, '/disputes')
    for (const topic of admin.topics)
      expect(await hears(admin, 'dispute.opened', id, topic)).toMatchObject({
        state: 'opened',
        data: { paymentId, payerId: payer.id, amount: naira(400_000), dueAt: expect.any(String) as unknown },
        view: { status: 'opened', providerDisputeId: expect.stringMatching(/^\d+$/) as unknown },
      })
    expect(await desk.call('get', { id })).toMatchObject({
      state: 'opened',
      allowed: ['submitEvidence', 'accept'],
    })
    expect(await hears(payer, 'payment.disputed', paymentId)).toMatchObject({
      state: 'settled',
      data: { disputeId: id, dispute: naira(400_000), disputed: 400_000, charged: ALL },
    })
    expect(await askBack(paymentId, 100_001)).toMatchObject({
      error: { code: 'not_refundable', details: { refundable: naira(100_000) } },
    })
    expect(await askBack(paymentId, 100_000)).toMatchObject({ ok: true })
    expect(heard(payer, id)).toEqual([])
  })

  it('C49 is not there for the payer, nor for others', async () => {
    const { paymentId, id } = await aDispute()
    const people: [Role, string | undefined][] = [
      ['coordinator', undefined],
      ['admin', await anOrganisation(scene.server())],
    ]
    const others = await Promise.all(people.map(([role, theirs]) => aParty([role], undefined, theirs)))
    const asks: [string, object][] = [
      ['get', {}],
      ['journal', {}],
      ['accept', {}],
      ['submitEvidence', evidence],
    ]
    for (const { live } of [payer, ...others]) {
      for (const [name, fields] of asks)
        expect([name, await live.call(`disputes.${name}`, { id, ...fields })]).toMatchObject([
          name,
          { error: { code: 'not_found' } },
        ])
      expect(await live.subscribe({ topics: [`dispute:${id}`] })).toMatchObject({
        error: { code: 'forbidden' },
      })
      expect((await live.call('disputes.list', { paymentId })).data.items).toEqual([])
    }
    const csm = await aParty(['csm'])
    expect(await csm.live.call('disputes.get', { id })).toMatchObject({ ok: true, allowed: [] })
    expect(await csm.live.call('disputes.accept', { id })).toMatchObject({ error: { code: 'forbidden' } })
  })

  it('warns a day and four hours before its deadline, and is lost at it without any webhook', async () => {
    const { paymentId, id } = await aDispute({ dueInMs: 72 * HOUR_MS })
    paystack.rule({ fault: 'webhookDrop' })
    await scene.later(47 * HOUR_MS)
    await scene.quiet()
    expect(typesOf(heard(admin, id))).not.toContain('dispute.deadlineNear')
    await scene.later(HOUR_MS)
    expect(await hears(admin, 'dispute.deadlineNear', id)).toMatchObject({ data: { hoursLeft: 24 } })
    await scene.later(20 * HOUR_MS)
    await vi.waitFor(() => {
      const near = heard(admin, id).filter(({ type }) => type === 'dispute.deadlineNear')
      expect(near.map(({ data }) => (data as { hoursLeft: number }).hoursLeft)).toEqual([24, 4])
    }, PATIENCE)
    await scene.later(4 * HOUR_MS)
    await paystack.idle()
    await vi.waitFor(
      () =>
        expect(paystack.books()[paymentId]).toMatchObject({ disputes: [{ resolution: 'auto-accepted' }] }),
      PATIENCE,
    )
    await scene.later(2 * HOUR_MS)
    expect(await hears(admin, 'dispute.resolved', id)).toMatchObject({
      state: 'accepted',
      data: { resolution: 'auto-accepted', lost: true },
    })
    expect(await hears(payer, 'payment.disputeResolved', paymentId)).toMatchObject({
      state: 'reversed',
      data: { standing: 'lost', disputed: ALL },
      view: { status: 'reversed' },
    })
  })

  it('is contested with evidence, whose personal parts nobody sees, and won', async () => {
    const { paymentId, providerId, id } = await aDispute()
    expect(await admin.live.call('disputes.submitEvidence', { id, ...evidence })).toMatchObject({ ok: true })
    expect(await hears(admin, 'dispute.evidenceSubmitted', id)).toMatchObject({
      state: 'underReview',
      view: { status: 'under_review', evidenceSubmittedAt: expect.any(String) as unknown },
    })
    const stored = await rows('select * from journal where actor_id = $1', [id])
    const snapshot = await rows('select * from dispute where id = $1', [id])
    const { data: journal } = await admin.live.call('disputes.journal', { id })
    const everything = JSON.stringify([stored, snapshot, journal, admin.live.received, payer.live.received])
    const { customerEmail, customerName, customerPhone, deliveryAddress } = evidence
    for (const value of [customerEmail, customerName, customerPhone, deliveryAddress])
      expect(everything).not.toContain(value)
    expect(JSON.stringify(stored)).toMatch(/"customerName":"v1\./)

    paystack.resolveDispute(providerId, 'declined')
    expect(await hears(admin, 'dispute.resolved', id)).toMatchObject({
      state: 'declined',
      data: { resolution: 'declined', lost: false },
    })
    expect(await hears(payer, 'payment.disputeResolved', paymentId)).toMatchObject({
      state: 'settled',
      data: { standing: 'won', disputed: 0 },
    })
    expect(await askBack(paymentId, ALL)).toMatchObject({ ok: true })
    await reaches('payments', paymentId, 'refunded')
  })

  it('is accepted, and the money is lost once', async () => {
    const { paymentId, id } = await aDispute({ amountMinor: 200_000 })
    expect(await admin.live.call('disputes.accept', { id })).toMatchObject({ ok: true })
    expect(await hears(admin, 'dispute.accepted', id)).toMatchObject({ state: 'accepted' })
    expect(await hears(payer, 'payment.disputeResolved', paymentId)).toMatchObject({
      state: 'settled',
      data: { standing: 'lost', dispute: naira(200_000), disputed: 200_000 },
    })
    await scene.quiet()
    expect(typesOf(heard(admin, id))).toEqual(['dispute.opened', 'dispute.accepted', 'dispute.resolved'])
    expect(await admin.live.call('disputes.submitEvidence', { id, ...evidence })).toMatchObject({
      error: { code: 'not_allowed_in_state' },
    })
    expect(await askBack(paymentId, 300_001)).toMatchObject({ error: { code: 'not_refundable' } })
    expect(paystack.books()[paymentId]).toMatchObject({ disputes: [{ resolution: 'merchant-accepted' }] })
  })

  it('that the bank declines without any evidence is won', async () => {
    const { paymentId, providerId, id } = await aDispute()
    paystack.remindDispute(providerId)
    paystack.resolveDispute(providerId, 'declined')
    await hears(payer, 'payment.disputeResolved', paymentId)
    expect(await reaches('disputes', id, 'declined')).toMatchObject({ data: { resolution: 'declined' } })
    expect(await hears(payer, 'payment.disputeResolved', paymentId)).toMatchObject({ data: { disputed: 0 } })
  })
})

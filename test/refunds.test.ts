import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import { heard, hears, moneyScene, naira, typesOf, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { anOrganisation, connect } from './support/server.ts'

const scene = moneyScene()
const { reaches, paid, aParty } = scene
let paystack: ReturnType<typeof scene.paystack>
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ admin, payer } = scene.people())
})

const ALL = 500_000

const ask = ({ live }: Party, id: string, fields: object) =>
  live.call('payments.requestRefund', { id, reason: 'I changed my mind', ...fields })

/** A refund that has been asked for. */
const aRefund = async (party: Party, paymentId: string, fields: object = { full: true }) => {
  const reply = await ask(party, paymentId, fields)
  expect(reply).toMatchObject({ ok: true, state: 'settled' })
  const { refundId } = reply.data.refunds.at(-1)
  return refundId as string
}

const bucketsOf = async (paymentId: string) => {
  const { data } = await admin.live.call('payments.get', { id: paymentId })
  const { charged, refundPending, refunded, disputed } = data
  return { charged, refundPending, refunded, disputed }
}

const refundsAt = (paymentId: string) => paystack.books()[paymentId]!.refunds

describe('a refund that the payer asks for', () => {
  it('waits for an admin, whom the payer cannot replace, and then goes to the provider', async () => {
    const paymentId = await paid()
    const id = await aRefund(payer, paymentId, { amount: naira(120_000) })
    expect(await hears(payer, 'payment.refundRequested', paymentId)).toMatchObject({
      data: { refundId: id, refund: naira(120_000), charged: ALL, refundPending: 120_000, refunded: 0 },
    })
    expect(await reaches('refunds', id, 'pendingApproval', payer)).toMatchObject({
      allowed: [],
      data: { paymentId, payerId: payer.id, requestedBy: payer.id, status: 'pending_approval' },
    })
    for (const [name, fields] of [
      ['approve', {}],
      ['reject', { reason: 'no' }],
    ] as const)
      expect(await payer.live.call(`refunds.${name}`, { id, ...fields })).toMatchObject({
        error: { code: 'forbidden' },
      })
    expect(refundsAt(paymentId)).toEqual([])

    const desk = await connect(scene.server(), admin, '/refunds')
    expect(await desk.call('get', { id })).toMatchObject({ allowed: ['approve', 'reject'] })
    expect(await desk.call('approve', { id })).toMatchObject({ ok: true, state: 'submitting', allowed: [] })
    expect(await hears(payer, 'payment.refundIssued', paymentId)).toMatchObject({
      state: 'partiallyRefunded',
      data: { refundId: id, refund: naira(120_000), charged: ALL, refundPending: 0, refunded: 120_000 },
      view: {
        status: 'partially_refunded',
        refunds: [{ refundId: id, minor: 120_000, standing: 'processed' }],
      },
    })
    for (const [party, topic] of [
      [payer, `user:${payer.id}`],
      [admin, `org:${admin.orgId}`],
      [admin, `finance:${admin.orgId}`],
    ] as const) {
      await hears(party, 'refund.processed', id, topic)
      const types = typesOf(heard(party, id, topic))
      expect(types.slice(0, 2)).toEqual(['refund.requested', 'refund.approved'])
      expect(types.at(-1)).toBe('refund.processed')
    }
    expect(refundsAt(paymentId)).toMatchObject([
      { status: 'processed', amountMinor: 120_000, merchantNote: `laurel:${id}` },
    ])
  })

  it('and that is rejected gives the reservation back', async () => {
    const paymentId = await paid()
    const id = await aRefund(payer, paymentId)
    expect(await ask(payer, paymentId, { amount: naira(1) })).toMatchObject({
      error: { code: 'not_refundable', details: { refundable: naira(0) } },
    })
    expect(await admin.live.call('refunds.reject', { id, reason: 'The course is over' })).toMatchObject({
      ok: true,
      state: 'rejected',
      data: { failure: 'The course is over' },
    })
    expect(await hears(payer, 'payment.refundRejected', paymentId)).toMatchObject({
      data: { refundPending: 0, refunded: 0 },
    })
    expect(await admin.live.call('refunds.approve', { id })).toMatchObject({
      error: { code: 'not_allowed_in_state' },
    })
    expect(refundsAt(paymentId)).toEqual([])
    await aRefund(payer, paymentId)
  })

  it('is one at a time, whatever is left, and whatever administrators do meanwhile', async () => {
    const paymentId = await paid()
    const id = await aRefund(payer, paymentId, { amount: naira(1) })
    for (const fields of [{ amount: naira(1) }, { full: true }])
      expect(await ask(payer, paymentId, fields)).toMatchObject({ error: { code: 'refund_pending' } })
    await aRefund(admin, paymentId, { amount: naira(100_000) })
    expect(await ask(payer, paymentId, { amount: naira(1) })).toMatchObject({
      error: { code: 'refund_pending' },
    })
    await admin.live.call('refunds.approve', { id })
    await reaches('refunds', id, 'processed')
    await hears(payer, 'payment.refundIssued', paymentId)
    await vi.waitFor(
      async () => expect(await ask(payer, paymentId, { amount: naira(1) })).toMatchObject({ ok: true }),
      PATIENCE,
    )
  })

  it('who is an admin waits for another one', async () => {
    const paymentId = await paid('success', admin)
    const id = await aRefund(admin, paymentId)
    await reaches('refunds', id, 'pendingApproval')
    expect(await admin.live.call('refunds.approve', { id })).toMatchObject({ error: { code: 'forbidden' } })
    const other = await aParty(['admin'])
    expect(await other.live.call('refunds.approve', { id })).toMatchObject({ ok: true })
    await reaches('payments', paymentId, 'refunded')
  })
})

describe('a refund by an admin', () => {
  it('goes out at once, and the offering may be bought again when all is back', async () => {
    const paymentId = await paid()
    const id = await aRefund(admin, paymentId)
    expect(await hears(payer, 'payment.refundIssued', paymentId)).toMatchObject({
      state: 'refunded',
      data: { refund: naira(ALL), charged: ALL, refundPending: 0, refunded: ALL, disputed: 0 },
    })
    expect(typesOf(heard(payer, id))).not.toContain('refund.approved')
    const { offeringId } = (await payer.live.call('payments.get', { id: paymentId })).data
    await vi.waitFor(
      async () => expect(await scene.initiate(offeringId)).toMatchObject({ ok: true }),
      PATIENCE,
    )
    expect(await ask(admin, paymentId, { full: true })).toMatchObject({ error: { code: 'not_refundable' } })
  })

  it('of a part, twice the same, is two refunds', async () => {
    const paymentId = await paid()
    for (const refunded of [200_000, 400_000]) {
      const reply = await ask(admin, paymentId, { amount: naira(200_000) })
      const { refundId } = reply.data.refunds.at(-1)
      await reaches('refunds', refundId, 'processed')
      await vi.waitFor(
        async () => expect(await bucketsOf(paymentId)).toMatchObject({ refundPending: 0, refunded }),
        PATIENCE,
      )
    }
    expect(refundsAt(paymentId)).toMatchObject([{ amountMinor: 200_000 }, { amountMinor: 200_000 }])
    expect(await ask(admin, paymentId, { amount: naira(200_000) })).toMatchObject({
      error: { code: 'not_refundable', details: { refundable: naira(100_000) } },
    })
  })

  it('C11 says how much, or that it is all, and not both', async () => {
    const paymentId = await paid()
    const wrong: object[] = [
      {},
      { full: false },
      { full: true, amount: naira(1) },
      { amount: naira(0) },
      { amount: naira(-1) },
      { amount: naira(0.5) },
      { amount: 1 },
      { amount: { minor: 1 } },
      { amount: { minor: '1', currency: 'NGN' } },
      { amount: { minor: 1, currency: 'EUR' } },
      { full: true, reason: '' },
      { full: true, approved: true },
      { full: true, refundId: randomUUID() },
    ]
    for (const party of [payer, admin])
      for (const fields of wrong)
        expect([fields, await ask(party, paymentId, fields)]).toMatchObject([
          fields,
          { error: { code: 'invalid_input' } },
        ])
    expect(await ask(admin, paymentId, { amount: { minor: 1, currency: 'USD' } })).toMatchObject({
      error: { code: 'not_refundable', details: { refundable: naira(ALL) } },
    })
    expect(await bucketsOf(paymentId)).toEqual({ charged: ALL, refundPending: 0, refunded: 0, disputed: 0 })
  })

  it('A56 cannot be for more than is left, however many ask at once', async () => {
    const paymentId = await paid()
    const tab = await connect(scene.server(), admin)
    const parties = [admin, { ...admin, live: tab }, payer]
    const replies = await Promise.all(
      Array.from({ length: 9 }, (_, index) =>
        ask(parties[index % 3]!, paymentId, { amount: naira(150_000) }),
      ),
    )
    expect(replies.filter(({ ok }) => ok)).toHaveLength(3)
    for (const { ok, error } of replies) if (!ok) expect(error.code).toBe('not_refundable')
    const { refundPending, refunded } = await bucketsOf(paymentId)
    expect(refundPending + refunded).toBe(450_000)
    await scene.quiet()
    const sent = refundsAt(paymentId).reduce((sum, { amountMinor }) => sum + amountMinor, 0)
    expect((await bucketsOf(paymentId)).refunded).toBe(sent)
  })

  it('A56 the same command from two tabs is one refund; two commands are two', async () => {
    const paymentId = await paid()
    const tab = { ...admin, live: await connect(scene.server(), admin) }
    const same = { commandId: randomUUID(), amount: naira(1_000) }
    const replies = await Promise.all([admin, tab, admin].map((party) => ask(party, paymentId, same)))
    expect(new Set(replies.map(({ version }) => version)).size).toBe(1)
    expect(await ask(tab, paymentId, { ...same, amount: naira(2_000) })).toMatchObject({
      error: { code: 'command_id_reused' },
    })
    for (const party of [admin, tab])
      expect(await ask(party, paymentId, { ...same, commandId: randomUUID() })).toMatchObject({ ok: true })
    await vi.waitFor(
      async () => expect(await bucketsOf(paymentId)).toMatchObject({ refundPending: 0, refunded: 3_000 }),
      PATIENCE,
    )
    expect(refundsAt(paymentId)).toHaveLength(3)
  })
})

it('C49 refunds of others are not found', async () => {
  const paymentId = await paid()
  const id = await aRefund(payer, paymentId)
  await reaches('refunds', id, 'pendingApproval')
  const roles: [Role, string | undefined][] = [
    ['student', undefined],
    ['coordinator', undefined],
    ['admin', await anOrganisation(scene.server())],
  ]
  const asks: [string, object][] = [
    ['get', {}],
    ['journal', {}],
    ['approve', {}],
    ['reject', { reason: 'no' }],
    ['submitBankDetails', { accountNumber: '0690000031', bankId: '9' }],
  ]
  for (const [role, theirs] of roles) {
    const { live } = await aParty([role], undefined, theirs)
    for (const [name, fields] of asks)
      expect([role, name, await live.call(`refunds.${name}`, { id, ...fields })]).toMatchObject([
        role,
        name,
        { error: { code: 'not_found' } },
      ])
    expect(await live.subscribe({ topics: [`refund:${id}`] })).toMatchObject({ error: { code: 'forbidden' } })
    expect((await live.call('refunds.list', { paymentId })).data.items).toEqual([])
  }
  const csm = await aParty(['csm'])
  expect(await csm.live.call('refunds.approve', { id })).toMatchObject({ error: { code: 'forbidden' } })
})

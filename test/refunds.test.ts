import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import type { RuleInput } from '../src/paystack-simulator/faults.ts'
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

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
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

describe('a refund that does not go well', () => {
  it('fails at the provider, and the money can be given back again', async () => {
    const paymentId = await paid('refund_fails')
    const id = await aRefund(admin, paymentId)
    expect(await hears(payer, 'payment.refundFailed', paymentId)).toMatchObject({
      state: 'settled',
      data: { refundId: id, refund: naira(ALL), charged: ALL, refundPending: 0, refunded: 0 },
    })
    expect(await reaches('refunds', id, 'failed')).toMatchObject({ data: { failure: 'failed_at_provider' } })
    paystack.planRefunds('process', paymentId)
    await aRefund(admin, paymentId)
    await reaches('payments', paymentId, 'refunded')
  })

  it('needs the bank details of the payer, which nobody sees, and is processed then', async () => {
    const paymentId = await paid('refund_needs_attention')
    const id = await aRefund(admin, paymentId)
    expect(await hears(payer, 'refund.needsAttention', id)).toMatchObject({ state: 'needsAttention' })
    const details = { accountNumber: '0690000031', bankId: '9' }
    expect(await payer.live.call('refunds.submitBankDetails', { id, ...details })).toMatchObject({
      ok: true,
      state: 'processing',
    })
    await hears(payer, 'refund.processed', id)
    await reaches('payments', paymentId, 'refunded')
    const { data: journal } = await admin.live.call('refunds.journal', { id })
    const stored = await rows(`select * from journal where actor_id = $1`, [id])
    const snapshot = await rows('select * from refund where id = $1', [id])
    const everything = JSON.stringify([journal, stored, snapshot, payer.live.received, admin.live.received])
    expect(everything).not.toContain(details.accountNumber)
    expect(JSON.stringify(stored)).toMatch(/"accountNumber":"v1\./)
    expect(JSON.stringify(journal)).not.toMatch(/v1\.test\./)
  })

  const lost: [string, RuleInput, number][] = [
    ['arrived', { fault: 'reset', work: 'done' }, 1],
    ['arrives ten minutes later', { fault: 'reset', work: 'late', lateMs: 10 * MINUTE_MS }, 1],
    ['did not arrive', { fault: 'reset', work: 'none' }, 2],
    ['arrived, of which the answer is half', { fault: 'malformed' }, 1],
    ['arrived, and the answer was 500', { fault: 'error', work: 'done' }, 1],
  ]
  it.each(lost)('F05 a submission that %s: the money goes back once', async (_, rule, submissions) => {
    const paymentId = await paid()
    paystack.rule({ fault: 'webhookDrop' })
    paystack.rule({ ...rule, at: 'refund.create', reference: paymentId, times: 1 })
    const id = await aRefund(admin, paymentId)
    expect(await hears(payer, 'refund.uncertain', id)).toMatchObject({ view: { status: 'uncertain' } })
    await scene.later(11 * MINUTE_MS)
    await paystack.idle()
    await scene.later(10 * MINUTE_MS)
    if (submissions > 1)
      await vi.waitFor(() => expect(refundsAt(paymentId)).toMatchObject([{ status: 'processed' }]), PATIENCE)
    await scene.quiet()
    // Nobody tells, so it is looked for.
    await scene.later(9 * DAY_MS)
    await hears(payer, 'payment.refundIssued', paymentId)
    expect(scene.callsFor('refund.create', paymentId)).toHaveLength(submissions)
    expect(paystack.books()[paymentId]).toMatchObject({ refundedMinor: ALL, refunds: [{ amountMinor: ALL }] })
  })

  it('F04 the process ends before the answer is recorded: it is looked up first, and the money goes back once', async () => {
    const paymentId = await paid()
    paystack.rule({ fault: 'webhookDrop' })
    const [refund] = (await ask(payer, paymentId, { full: true })).data.refunds
    await reaches('refunds', refund.refundId, 'pendingApproval')
    const record = await scene.withoutRecords(refund.refundId)
    await admin.live.call('refunds.approve', { id: refund.refundId })
    await vi.waitFor(() => expect(refundsAt(paymentId)).toHaveLength(1), PATIENCE)
    await scene.restart()
    await record()
    await hears(payer, 'payment.refundIssued', paymentId)
    expect(scene.callsFor('refund.create', paymentId)).toHaveLength(1)
    expect(paystack.books()[paymentId]).toMatchObject({ refundedMinor: ALL })
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

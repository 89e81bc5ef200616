import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { RuleInput } from '../src/paystack-simulator/faults.ts'
import { hears, moneyScene, naira, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'

const scene = moneyScene()
const { reaches, paid, rows } = scene
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

const refundsAt = (paymentId: string) => paystack.books()[paymentId]!.refunds

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

import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { heard, hears, moneyScene, naira, typesOf, type Heard, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { connect } from './support/server.ts'

const scene = moneyScene()
const { anOffering, initiate, reaches, aCheckout, paid, aParty, rows } = scene
let paystack: ReturnType<typeof scene.paystack>
let orgId: string
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ orgId, admin, payer } = scene.people())
})

const audiences = (): [Party, string][] => [
  [payer, `user:${payer.id}`],
  [admin, `org:${orgId}`],
  [admin, `finance:${orgId}`],
]

const allowedTo = async (id: string, { live }: Party) => (await live.call('payments.get', { id })).allowed

describe('a payment, live', () => {
  it('S4.14 S4.53 the payer, the organisation and its finance hear of success, step by step', async () => {
    const offeringId = await anOffering()
    const reply = await initiate(offeringId, payer, { amountMinor: 500_000 })
    const { id } = reply
    const facts = { payerId: payer.id, offeringId, amount: naira(500_000) }
    expect(reply).toMatchObject({
      ok: true,
      state: 'claiming',
      allowed: ['cancel'],
      data: { id, ...facts, status: 'pending', charged: 0, refunds: [], disputes: [] },
    })
    const ready = await hears(payer, 'payment.checkoutReady', id)
    const page = {
      accessCode: expect.any(String) as unknown,
      authorizationUrl: expect.stringMatching(/^http/) as unknown,
    }
    expect(ready).toMatchObject({
      state: 'awaitingCustomer',
      actor: { type: 'payment', id },
      data: { ...facts, ...page },
      view: { ...facts, ...page, status: 'pending' },
    })
    for (const party of [payer, admin]) expect(await allowedTo(id, party)).toEqual(['verify', 'cancel'])

    paystack.pay(id)
    const settled = await hears(payer, 'payment.settled', id)
    expect(settled).toMatchObject({
      state: 'settled',
      data: { ...facts, late: false },
      view: { ...facts, status: 'settled', charged: 500_000, settledAt: settled.at },
    })
    expect(settled.view).not.toHaveProperty('accessCode')
    for (const party of [payer, admin]) expect(await allowedTo(id, party)).toEqual(['requestRefund'])
    const csm = await aParty(['csm'])
    expect(await allowedTo(id, csm)).toEqual([])

    for (const [party, topic] of audiences()) {
      await hears(party, 'payment.settled', id, topic)
      const events = heard(party, id, topic)
      expect(typesOf(events)).toEqual([
        'payment.initiated',
        'payment.checkoutReady',
        'payment.verifying',
        'payment.settled',
      ])
      expect(events.map(({ state }) => state)).toEqual([
        'claiming',
        'awaitingCustomer',
        'verifying',
        'settled',
      ])
    }
  })
})

import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { heard, hears, moneyScene, naira, typesOf, type Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { anOrganisation, connect } from './support/server.ts'

const scene = moneyScene()
const { anOffering, initiate, reaches, aCheckout, aParty } = scene
let paystack: ReturnType<typeof scene.paystack>
let orgId: string
let admin: Party
let payer: Party

beforeEach(() => {
  paystack = scene.paystack()
  ;({ orgId, admin, payer } = scene.people())
})

const purchaseOf = async (offeringId: string) =>
  (await payer.live.call('purchases.list', { offeringId })).data.items[0]?.view

describe('who pays for what', () => {
  it('C27 A56 of two tabs that pay at once, one gets the page', async () => {
    const offeringId = await anOffering()
    const tab = await connect(scene.server(), payer)
    const request = { offeringId, method: 'paystack' }
    const replies = await Promise.all(
      [payer.live, tab, payer.live, tab].map((client) => client.call('payments.initiate', request)),
    )
    const made = replies.filter(({ ok }) => ok)
    for (const reply of replies.filter(({ ok }) => !ok))
      expect(reply).toMatchObject({ error: { code: 'payment_in_progress' } })
    const states = await vi.waitFor(async () => {
      const all = await Promise.all(made.map(({ id }) => payer.live.call('payments.get', { id })))
      for (const { state, data } of all)
        if (state !== 'awaitingCustomer') expect(data.failure).toBe('payment_in_progress')
      expect(all.filter(({ state }) => state === 'awaitingCustomer')).toHaveLength(1)
      return all
    }, PATIENCE)
    const { id } = states.find(({ state }) => state === 'awaitingCustomer')!
    expect(await initiate(offeringId)).toMatchObject({
      error: { code: 'payment_in_progress', details: { paymentId: id } },
    })
    paystack.pay(id)
    await reaches('payments', id, 'settled')
    await vi.waitFor(
      async () =>
        expect(await initiate(offeringId)).toMatchObject({
          error: { code: 'already_paid', details: { paymentId: id } },
        }),
      PATIENCE,
    )
  })

  it('A56 the same command from two tabs is one payment', async () => {
    const request = { offeringId: await anOffering(), method: 'paystack', commandId: randomUUID() }
    const tab = await connect(scene.server(), payer)
    const replies = await Promise.all(
      [payer.live, tab, payer.live].map((client) => client.call('payments.initiate', request)),
    )
    expect(new Set(replies.map(({ id }) => id)).size).toBe(1)
    await reaches('payments', replies[0].id, 'awaitingCustomer')
    expect(scene.callsFor('initialize', replies[0].id)).toHaveLength(1)
    expect(await payer.live.call('payments.initiate', { ...request, method: 'card' })).toMatchObject({
      error: { code: 'command_id_reused' },
    })
  })

  it('C27 of two pages that are paid late, one settles and the other is given back at once', async () => {
    const offeringId = await anOffering()
    const ids: string[] = []
    while (ids.length < 2) {
      ids.push(await aCheckout(offeringId))
      await scene.later(31 * 60_000)
      await hears(payer, 'payment.abandoned', ids.at(-1)!)
      await vi.waitFor(
        async () => expect(await purchaseOf(offeringId)).toMatchObject({ paymentId: null }),
        PATIENCE,
      )
    }
    for (const id of ids) paystack.pay(id)
    for (const id of ids)
      expect(await hears(payer, 'payment.settled', id)).toMatchObject({ data: { late: true } })
    const states = await vi.waitFor(async () => {
      const all = await Promise.all(ids.map((id) => payer.live.call('payments.get', { id })))
      expect(new Set(all.map(({ state }) => state))).toEqual(new Set(['refunded', 'settled']))
      return all
    }, PATIENCE)
    const { id: paymentId } = states.find(({ state }) => state === 'settled')!
    expect(await purchaseOf(offeringId)).toMatchObject({ paymentId, paid: true })
    const books = ids.map((id) => paystack.books()[id]!)
    expect(
      books.reduce((sum, { chargedMinor, refundedMinor }) => sum + chargedMinor - refundedMinor, 0),
    ).toBe(500_000)
  })

  it('C18 C28 what is free needs no payment, and an offering without a price cannot be paid for', async () => {
    expect(await initiate(await anOffering(0))).toMatchObject({ error: { code: 'nothing_to_pay' } })
    expect(await initiate(randomUUID())).toMatchObject({ error: { code: 'not_found' } })
    const cheap = await aCheckout(await anOffering(10, 'GHS'))
    expect(paystack.transactions().find(({ reference }) => reference === cheap)).toMatchObject({
      amountMinor: 10,
      currency: 'GHS',
    })
  })

  it('C29 nobody acts for others', async () => {
    const offeringId = await anOffering()
    for (const field of ['userId', 'payerId'])
      expect(await initiate(offeringId, admin, { [field]: payer.id })).toMatchObject({
        error: { code: 'invalid_input', details: [{ path: [field] }] },
      })
    const id = await aCheckout(offeringId, admin)
    expect((await admin.live.call('payments.get', { id })).data.payerId).toBe(admin.id)
    // Operators may see, and only admins act.
    const csm = await aParty(['csm'])
    for (const name of ['verify', 'cancel'])
      expect(await csm.live.call(`payments.${name}`, { id })).toMatchObject({ error: { code: 'forbidden' } })
  })

  it('C49 what belongs to others is not found, whatever one asks', async () => {
    const id = await aCheckout()
    const offeringId = (await payer.live.call('payments.get', { id })).data.offeringId
    const strangers = await Promise.all([
      aParty(['student']),
      aParty(['coordinator']),
      aParty(['instructor']),
      aParty(['admin'], undefined, await anOrganisation(scene.server())),
    ])
    const asks: [string, object][] = [
      ['get', {}],
      ['journal', {}],
      ['verify', {}],
      ['cancel', {}],
      ['requestRefund', { full: true, reason: 'mine' }],
    ]
    for (const { live } of strangers) {
      for (const [name, fields] of asks) {
        const about = async (which: string) => await live.call(`payments.${name}`, { id: which, ...fields })
        const [theirs, nobodys] = [await about(id), await about(randomUUID())]
        expect([name, theirs]).toMatchObject([name, { error: { code: 'not_found' } }])
        expect(theirs).toEqual(nobodys)
      }
      for (const topic of [`payment:${id}`, `user:${payer.id}`, `org:${orgId}`, `finance:${orgId}`])
        expect([topic, await live.subscribe({ topics: [topic] })]).toMatchObject([
          topic,
          { error: { code: 'forbidden' } },
        ])
      expect((await live.call('payments.list', {})).data.items).toEqual([])
      expect((await live.call('purchases.list', { offeringId })).data.items).toEqual([])
    }
    expect(typesOf(heard(payer, id))).toEqual(['payment.initiated', 'payment.checkoutReady'])
  })
})

describe('money that comes late', () => {
  it('an hour after it was given up is found without a webhook, and settles', async () => {
    paystack.rule({ fault: 'webhookDrop', at: 'charge.success' })
    const id = await aCheckout()
    await scene.later(31 * 60_000)
    expect(await hears(payer, 'payment.abandoned', id)).toMatchObject({
      state: 'abandoned',
      view: { status: 'abandoned', failure: 'abandoned' },
    })
    paystack.pay(id)
    await scene.later(60 * 60_000)
    expect(await hears(payer, 'payment.settled', id)).toMatchObject({
      state: 'settled',
      data: { late: true },
      view: { status: 'settled', charged: 500_000 },
    })
  })

  it('after it was cancelled is given back at once', async () => {
    const id = await aCheckout()
    expect(await payer.live.call('payments.cancel', { id })).toMatchObject({ ok: true, state: 'cancelled' })
    paystack.pay(id)
    expect(await hears(payer, 'payment.settled', id)).toMatchObject({ data: { late: true } })
    expect(await hears(payer, 'payment.refundIssued', id)).toMatchObject({
      state: 'refunded',
      data: { refund: naira(500_000), charged: 500_000, refunded: 500_000, refundPending: 0 },
    })
    expect(paystack.books()[id]).toMatchObject({ charges: 1, refundedMinor: 500_000 })
  })
})

describe('a saved card', () => {
  it('is charged at once, without a page', async () => {
    const authorizationId = await scene.aSavedCard()
    const { id } = await initiate(await anOffering(), payer, { method: 'card', authorizationId })
    await hears(payer, 'payment.settled', id)
    expect(typesOf(heard(payer, id))).not.toContain('payment.checkoutReady')
    expect(paystack.books()[id]).toMatchObject({ charges: 1, chargedMinor: 500_000 })
  })

  it('that is declined fails the payment, and the offering can be paid for in another way', async () => {
    const authorizationId = await scene.aSavedCard('next_declined')
    const offeringId = await anOffering()
    const { id } = await initiate(offeringId, payer, { method: 'card', authorizationId })
    expect(await hears(payer, 'payment.failed', id)).toMatchObject({ data: { reason: 'declined' } })
    await vi.waitFor(
      async () => expect(await purchaseOf(offeringId)).toMatchObject({ paymentId: null }),
      PATIENCE,
    )
    await aCheckout(offeringId)
  })
})

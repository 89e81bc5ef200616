import { randomUUID } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  heard,
  hears,
  moneyScene,
  naira,
  SECRET,
  typesOf,
  type Heard,
  type Party,
} from './support/money-scene.ts'
import { connect } from './support/server.ts'
import { post, signed } from './support/webhook.ts'

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

  it('S4.14 S4.53 they hear of failure, why, and what may be done then', async () => {
    const id = await aCheckout()
    paystack.pay(id, { scenario: 'declined' })
    expect(await payer.live.call('payments.verify', { id })).toMatchObject({ ok: true, state: 'verifying' })
    const failed = await hears(payer, 'payment.failed', id)
    expect(failed).toMatchObject({
      state: 'failed',
      data: { amount: naira(500_000), reason: 'declined' },
      view: { status: 'failed', failure: 'declined', charged: 0 },
    })
    for (const party of [payer, admin]) expect(await allowedTo(id, party)).toEqual(['verify'])
    for (const [party, topic] of audiences()) {
      await hears(party, 'payment.failed', id, topic)
      expect(typesOf(heard(party, id, topic))).toEqual([
        'payment.initiated',
        'payment.checkoutReady',
        'payment.verifying',
        'payment.failed',
      ])
    }
    // Nobody is told that a charge failed, so somebody else's has to be found by looking.
    const other = await aCheckout()
    paystack.pay(other, { scenario: 'insufficient_funds' })
    scene.server().clock.advance(11_000)
    expect(await hears(payer, 'payment.failed', other)).toMatchObject({ data: { reason: 'declined' } })
  })

  it('is heard in its own namespace, and by operators in theirs', async () => {
    const [own, operators] = await Promise.all([
      connect(scene.server(), payer, '/payments'),
      connect(scene.server(), admin, '/admin'),
    ])
    const { id } = await own.call('initiate', { offeringId: await anOffering(), method: 'paystack' })
    await Promise.all(
      [own, operators].map((client) => client.subscribe({ topics: [`payment:${id}`], after: payer.since })),
    )
    await reaches('payments', id, 'awaitingCustomer')
    paystack.pay(id)
    for (const client of [own, operators])
      expect(await client.next('payment.settled')).toMatchObject({ actor: { id } })
    expect(await own.call('get', { id })).toMatchObject({ data: { status: 'settled' } })
    expect(await operators.call('payments.get', { id })).toMatchObject({ data: { status: 'settled' } })
  })

  it('F10 A55 the word of a client, or of somebody who signs with another key, changes nothing', async () => {
    const id = await aCheckout()
    for (const name of ['payments.settle', 'payments.provider.verified', 'payments.webhook.charged'])
      expect(await payer.live.call(name, { id, status: 'success' })).toMatchObject({
        error: { code: 'unknown_command' },
      })
    expect(await payer.live.call('payments.verify', { id, status: 'success' })).toMatchObject({
      error: { code: 'invalid_input' },
    })
    const body = JSON.stringify({ event: 'charge.success', data: { reference: id, status: 'success' } })
    const forged = { 'x-paystack-signature': signed(body, 'sk_test_of_somebody_else') }
    expect(await post(scene.server(), body, forged)).toMatchObject({ status: 401 })
    const genuine = { 'x-paystack-signature': signed(body, SECRET) }
    expect(await post(scene.server(), body, genuine)).toMatchObject({ status: 200 })
    await hears(payer, 'payment.verifying', id)
    await reaches('payments', id, 'awaitingCustomer')
    expect(await payer.live.call('payments.verify', { id })).toMatchObject({ ok: true })
    await reaches('payments', id, 'awaitingCustomer')
    expect(typesOf(heard(payer, id))).not.toContain('payment.settled')
  })
})

describe('what is stored and sent', () => {
  it('S4.37 C48 user, offering, amount, a transaction id of its own, status, date, method, card and reference', async () => {
    const id = await paid('success', payer, { method: 'card' })
    const [row] = await rows('select * from payment where id = $1', [id])
    expect(row).toMatchObject({ id, payer_id: payer.id, status: 'settled' })
    expect(row!['initiated_at']).not.toBeNull()
    const { data } = await payer.live.call('payments.get', { id })
    expect(data).toMatchObject({
      payerId: payer.id,
      offeringId: row!['offering_id'],
      amount: naira(500_000),
      transactionId: `tx_${id.replaceAll('-', '')}`,
      method: 'card',
      status: 'settled',
      initiatedAt: expect.any(String) as unknown,
      settledAt: expect.any(String) as unknown,
      card: { brand: 'visa', bin: '408408', last4: '4081' },
    })
    // Its reference at the provider is the primary key, so no two payments share one.
    expect(paystack.transactions().filter(({ reference }) => reference === id)).toHaveLength(1)
    const everything = await rows(
      `select to_jsonb(payment) as row from payment where id = $1::uuid union all
       select to_jsonb(journal) from journal where actor_id = $1::uuid`,
      [id],
    )
    const text = JSON.stringify(everything)
    expect(text).not.toMatch(/AUTH_/)
    expect(text).not.toMatch(/(?<![\w-])\d{13,19}(?![\w-])/)
  })

  it('C6 amounts are whole minor units with their currency, on all frames and in all answers', async () => {
    const offeringId = await anOffering(499_999)
    for (const amountMinor of [4999.99, '499999', -1, 2 ** 53, NaN])
      expect(await initiate(offeringId, payer, { amountMinor })).toMatchObject({
        error: { code: 'invalid_input' },
      })
    for (const wrong of [{ amount: 4999.99 }, { amount: naira(499_999) }, { price: 1 }, { currency: 'USD' }])
      expect(await initiate(offeringId, payer, wrong)).toMatchObject({ error: { code: 'invalid_input' } })
    expect(await initiate(offeringId, payer, { amountMinor: 499_998 })).toMatchObject({
      error: { code: 'amount_mismatch', details: { price: naira(499_999) } },
    })
    const id = await aCheckout(offeringId, payer, { amountMinor: 499_999 })
    paystack.pay(id)
    await hears(admin, 'payment.settled', id)
    const ask = { id, amount: naira(99), reason: 'goodwill' }
    await admin.live.call('payments.requestRefund', ask)
    await hears(admin, 'payment.refundIssued', id)
    const amounts = [...heard(payer, id), ...heard(admin, id)].flatMap(amountsIn)
    expect(amounts.length).toBeGreaterThan(10)
    for (const [name, value] of amounts) expect([name, value]).toEqual([name, anAmount])
    expect(paystack.books()[id]).toMatchObject({ chargedMinor: 499_999, refundedMinor: 99 })
  })

  it('S4.46 a commit that the database refuses leaves neither row, effect, timer nor event', async () => {
    const [id, offeringId, commandId] = [randomUUID(), await anOffering(), randomUUID()]
    const name = `refuses_${id.slice(0, 8)}`
    await rows(`alter table effect add constraint ${name} check (actor_id <> '${id}')`)
    const request = { id, commandId }
    const reply = await initiate(offeringId, payer, request)
    expect(reply).toMatchObject({ ok: false, error: { code: 'internal' } })
    for (const table of ['payment', 'effect', 'timer', 'journal'])
      expect([
        table,
        await rows(`select * from ${table} where ${table === 'payment' ? 'id' : 'actor_id'} = $1`, [id]),
      ]).toEqual([table, []])
    expect(paystack.calls().filter(({ reference }) => reference === id)).toEqual([])
    await rows(`alter table effect drop constraint ${name}`)
    // The same command may be sent again, and is carried out.
    expect(await initiate(offeringId, payer, request)).toMatchObject({ ok: true, id })
    await reaches('payments', id, 'awaitingCustomer')
    expect(typesOf(heard(payer, id))).toEqual(['payment.initiated', 'payment.checkoutReady'])
  })

  it('C35 nothing but src/payments knows the provider', async () => {
    const folders = ['actors', 'client', 'contracts', 'machines', 'persistence', 'src']
    const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`))
    expect(files.length).toBeGreaterThan(100)
    const importers = files.filter((file) =>
      /from '[^']*payments\/(?:provider|paystack|effects)[^']*'/.test(readFileSync(file, 'utf8')),
    )
    expect(importers.filter((file) => !file.startsWith('src/payments/'))).toEqual([])
  })
})

const MONEY = ['amount', 'refund', 'dispute', 'price']
const MINOR = ['minor', 'charged', 'refunded', 'refundPending', 'disputed']
const anAmount = expect.toSatisfy(
  (value: unknown) =>
    (Number.isSafeInteger(value) && Number(value) >= 0) ||
    (typeof value === 'object' &&
      value !== null &&
      Object.keys(value).toSorted().join() === 'currency,minor'),
) as unknown

/** Everything in an event that is about an amount, by its name. */
const amountsIn = ({ data, view }: Heard): [string, unknown][] => {
  const found: [string, unknown][] = []
  JSON.stringify([data, view], (name, value: unknown) => {
    if (MONEY.includes(name) || MINOR.includes(name)) found.push([name, value])
    return value
  })
  return found
}

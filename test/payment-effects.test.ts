import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../persistence/database.ts'
import { aDatabase } from './support/database.ts'
import { anEffectScene, amount, SECRET } from './support/effect-scene.ts'
import { answer, aScriptedServer, refusal, reset, success, type Line } from './support/scripted-server.ts'

let database: Database
beforeAll(async () => {
  database = await aDatabase()
})
afterAll(() => database.close())

const aScene = async (...lines: Line[]) => {
  const server = await aScriptedServer(...lines)
  return { ...server, ...(await anEffectScene(server.url, database)) }
}

const missing = refusal(400, 'transaction_not_found', 'Transaction reference not found')
const busy = refusal(429, 'rate_limited')

/** Answers about whatever reference was asked for. */
const about =
  (data: (reference: string) => object, meta?: object): Line =>
  (response, request) => {
    const path = request.url ?? ''
    success(data(path.split('/').at(-1)!), meta)(response, request)
  }

const authorization = {
  authorization_code: 'AUTH_72btv547',
  bin: '408408',
  last4: '4081',
  exp_month: '12',
  exp_year: '2030',
  bank: 'TEST BANK',
  brand: 'visa',
  reusable: true,
  signature: 'SIG_1',
}
const paid = (reference: string, odd: object = {}) => ({
  id: 4_099_260_516,
  status: 'success',
  reference,
  amount: amount.minor,
  currency: amount.currency,
  paid_at: '2026-11-23T15:00:00.000Z',
  authorization,
  customer: { email: 'card.holder@example.test' },
  ...odd,
})
/** Under the address of an account, as people may have written it. */
const paidUnder =
  (email: string, odd: object = {}): Line =>
  (response, request) =>
    about((reference) => paid(reference, { customer: { email: email.toUpperCase() }, ...odd }))(
      response,
      request,
    )
const pageFor = (reference: string) => ({
  authorization_url: 'https://checkout.paystack.com/x',
  access_code: 'x',
  reference,
})
const card = {
  brand: 'visa',
  bin: '408408',
  last4: '4081',
  expMonth: '12',
  expYear: '2030',
  bank: 'TEST BANK',
}

describe('initializePayment', () => {
  it('opens a page for the payer, with nothing personal but the address of the account', async () => {
    const { say, asked, aPayment, attempt, stateOf, contextOf, due, payer } = await aScene()
    const id = await aPayment()
    say(success(pageFor(id)))
    expect(await attempt('initializePayment', id)).toBe('done')
    expect(await stateOf('payment', id)).toBe('awaitingCustomer')
    const { checkout, offeringId } = await contextOf('payment', id)
    expect(checkout).toEqual({ accessCode: 'x', authorizationUrl: 'https://checkout.paystack.com/x' })
    expect(asked.map(({ body }) => body)).toEqual([
      {
        email: payer.email,
        amount: amount.minor,
        currency: 'NGN',
        reference: id,
        channels: ['card'],
        metadata: { payment_id: id, offering_id: offeringId },
      },
    ])
    expect(await due('initializePayment', id)).toEqual([])
  })

  it('uses the address that was given for this payment, and every channel when no card was asked for', async () => {
    const { say, asked, aPayment, attempt, vault, stored } = await aScene()
    const id = await aPayment({ method: 'paystack', email: vault.seal('receipts@example.test') })
    say(success(pageFor(id)))
    await attempt('initializePayment', id)
    expect(asked[0]!.body).toMatchObject({ email: 'receipts@example.test' })
    expect(asked[0]!.body).not.toHaveProperty('channels')
    expect(await stored()).not.toContain('receipts@example.test')
  })

  it('ends the payment when the provider does not want it', async () => {
    const { aPayment, attempt, stateOf, contextOf } = await aScene(refusal(400, 'invalid_amount'))
    const id = await aPayment()
    expect(await attempt('initializePayment', id)).toBe('done')
    expect(await stateOf('payment', id)).toBe('failed')
    expect(await contextOf('payment', id)).toMatchObject({ failure: 'invalid_amount' })
  })

  it.each<[string, Line]>([
    ['the connection breaks', reset],
    ['the provider fails', answer(500, { status: false, message: 'Oops' })],
    ['the reference exists', refusal(400, 'duplicate_reference')],
  ])('is not repeated when %s: the payment looks for it', async (_, line) => {
    const { asked, aPayment, attempt, stateOf } = await aScene(line)
    const id = await aPayment()
    expect(await attempt('initializePayment', id)).toBe('done')
    expect(await stateOf('payment', id)).toBe('unknown')
    expect(asked).toHaveLength(1)
  })

  it('is tried again when nothing has happened, after a look', async () => {
    const { say, asked, aPayment, attempt, stateOf, due } = await aScene(busy)
    const id = await aPayment()
    expect(await attempt('initializePayment', id)).toBe('retried')
    expect(await due('initializePayment', id)).toMatchObject([{ attempts: 1 }])
    say(missing, success(pageFor(id)))
    expect(await attempt('initializePayment', id, false)).toBe('done')
    expect(await stateOf('payment', id)).toBe('awaitingCustomer')
    expect(asked.map(({ path }) => path)).toEqual([
      '/transaction/initialize',
      `/transaction/verify/${id}`,
      '/transaction/initialize',
    ])
  })

  it('is not repeated when a look finds that an attempt had arrived', async () => {
    const { asked, aPayment, attempt, stateOf } = await aScene(
      about((reference) => paid(reference, { status: 'abandoned' })),
    )
    const id = await aPayment()
    expect(await attempt('initializePayment', id, false)).toBe('done')
    expect(await stateOf('payment', id)).toBe('unknown')
    expect(asked).toHaveLength(1)
  })

  it('ends the payment when the provider cannot be reached for long', async () => {
    const { aPayment, exhaust, stateOf, contextOf, asked } = await aScene(...Array(6).fill(busy))
    const id = await aPayment()
    await exhaust('initializePayment', id)
    expect(asked).toHaveLength(6)
    expect(await stateOf('payment', id)).toBe('failed')
    expect(await contextOf('payment', id)).toMatchObject({ failure: 'provider_unavailable' })
  })

  it('does nothing for a payment that was cancelled meanwhile', async () => {
    const { asked, aPayment, attempt, send, due, stateOf } = await aScene()
    const id = await aPayment()
    await send('payment', id, { type: 'cancel' })
    expect(await attempt('initializePayment', id)).toBe('done')
    expect(asked).toEqual([])
    expect(await due('initializePayment', id)).toEqual([])
    expect(await stateOf('payment', id)).toBe('cancelled')
  })

  it('goes on for a payment that somebody has looked at meanwhile', async () => {
    const { say, aPayment, attempt, send, stateOf, contextOf } = await aScene(missing)
    const id = await aPayment()
    await send('payment', id, { type: 'verify' })
    expect(await attempt('verifyPayment', id)).toBe('done')
    await send('payment', id, { type: 'verify' })
    expect(await stateOf('payment', id)).toBe('verifying')
    say(success(pageFor(id)))
    expect(await attempt('initializePayment', id)).toBe('done')
    expect(await contextOf('payment', id)).toMatchObject({ checkout: { accessCode: 'x' } })
  })
})

describe('verifyPayment', () => {
  it('tells the payment what the provider knows', async () => {
    const { aPayment, attempt, send, stateOf, contextOf } = await aScene(about(paid))
    const id = await aPayment()
    await send('payment', id, { type: 'webhook.charged' })
    expect(await attempt('verifyPayment', id)).toBe('done')
    expect(await stateOf('payment', id)).toBe('settled')
    expect(await contextOf('payment', id)).toMatchObject({ card, charged: amount.minor })
  })

  it('keeps a card that may be charged again, sealed, once', async () => {
    const scene = await aScene()
    const { say, aPayment, attempt, send, authorizations, payer, vault, stored } = scene
    say(paidUnder(payer.email), paidUnder(payer.email))
    for (let time = 0; time < 2; time++) {
      const id = await aPayment()
      await send('payment', id, { type: 'webhook.charged' })
      await attempt('verifyPayment', id)
    }
    const [saved, ...others] = await authorizations.list(payer.id)
    expect(saved).toEqual({ id: saved!.id, userId: payer.id, card })
    expect(others).toEqual([])
    const { code, email } = (await authorizations.find(saved!.id, payer.id))!
    expect([vault.open(code), vault.open(email)]).toEqual(['AUTH_72btv547', payer.email.toUpperCase()])
    expect(await stored()).toContain('v1.k1.')
    expect(await stored()).not.toMatch(/AUTH_72btv547|PAYER\./)
    expect(await scene.authorization(saved!.id, payer.id)).toEqual(saved)
  })

  it.each([
    ['cannot be charged again', { authorization: { ...authorization, reusable: false } }],
    ['has no name', { authorization: { ...authorization, signature: null } }],
    ['was not charged', { status: 'failed' }],
    ['paid under another address', { customer: { email: 'card.holder@example.test' } }],
    ['paid under no address', { customer: {} }],
  ])('does not keep a card that %s', async (_, odd) => {
    const { say, aPayment, attempt, send, authorizations, payer, failures } = await aScene()
    say(paidUnder(payer.email, odd))
    const id = await aPayment()
    await send('payment', id, { type: 'webhook.charged' })
    await attempt('verifyPayment', id)
    expect(await authorizations.list(payer.id)).toEqual([])
    expect(failures).toEqual([])
  })

  it('does not keep a card of somebody who did not pay by card', async () => {
    const { say, aPayment, attempt, send, authorizations, payer } = await aScene()
    say(paidUnder(payer.email))
    const id = await aPayment({ method: 'paystack' })
    await send('payment', id, { type: 'webhook.charged' })
    await attempt('verifyPayment', id)
    expect(await authorizations.list(payer.id)).toEqual([])
  })

  it('tells about the money even when the card cannot be kept', async () => {
    const { say, aPayment, attempt, send, stateOf, failures, payer } = await aScene()
    say(paidUnder(payer.email))
    const id = await aPayment()
    await send('payment', id, { type: 'webhook.charged' })
    const change = (text: string) =>
      database.sql.query({ name: '', text: `alter table saved_authorization ${text}` })
    await change(`add constraint full_up check (user_id <> '${payer.id}')`)
    expect(await attempt('verifyPayment', id)).toBe('done')
    await change('drop constraint full_up')
    expect(await stateOf('payment', id)).toBe('settled')
    expect(failures).toHaveLength(1)
    expect(String(failures)).not.toContain('AUTH_')
  })

  it('asks again while there is no answer, and then says that nobody knows', async () => {
    const { aPayment, exhaust, send, stateOf, asked } = await aScene(...Array(8).fill(reset))
    const id = await aPayment()
    await send('payment', id, { type: 'webhook.charged' })
    await exhaust('verifyPayment', id)
    expect(asked).toHaveLength(8)
    expect(await stateOf('payment', id)).toBe('unknown')
  })
})

describe('chargeAuthorization', () => {
  const withCard = async (...lines: Line[]) => {
    const scene = await aScene(...lines)
    const { authorizations, vault, payer } = scene
    const sealed = { code: vault.seal('AUTH_72btv547'), email: vault.seal('card.holder@example.test') }
    const kept = { userId: payer.id, signature: 'SIG_1', keyId: 'k1', card, createdAt: new Date() }
    const authorizationId = await authorizations.save({ id: randomUUID(), ...kept, ...sealed })
    const id = await scene.aPayment({ authorizationId, email: vault.seal('receipts@example.test') })
    return { ...scene, id, authorizationId }
  }

  it('charges the saved card under the address that it is tied to', async () => {
    const { id, say, asked, attempt, stateOf } = await withCard()
    say(success(paid(id)))
    expect(await attempt('chargeAuthorization', id)).toBe('done')
    expect(await stateOf('payment', id)).toBe('settled')
    expect(asked.map(({ path, body }) => ({ path, body }))).toEqual([
      {
        path: '/transaction/charge_authorization',
        body: {
          email: 'card.holder@example.test',
          authorization_code: 'AUTH_72btv547',
          amount: amount.minor,
          currency: 'NGN',
          reference: id,
        },
      },
    ])
  })

  it('sends the payer to the page when the bank wants to see them', async () => {
    const { id, say, attempt, stateOf, contextOf } = await withCard()
    say(success({ ...pageFor(id), paused: true }))
    await attempt('chargeAuthorization', id)
    expect(await stateOf('payment', id)).toBe('awaitingCustomer')
    expect((await contextOf('payment', id)).checkout.authorizationUrl).toBe('https://checkout.paystack.com/x')
  })

  it('a declined card ends the payment, and one that is not decided is looked at again', async () => {
    const declined = await withCard()
    declined.say(success(paid(declined.id, { status: 'failed' })))
    await declined.attempt('chargeAuthorization', declined.id)
    expect(await declined.stateOf('payment', declined.id)).toBe('failed')

    const pending = await withCard()
    pending.say(success(paid(pending.id, { status: 'pending' })))
    await pending.attempt('chargeAuthorization', pending.id)
    expect(await pending.stateOf('payment', pending.id)).toBe('unknown')
  })

  it('is not repeated when its outcome is unknown', async () => {
    const { id, attempt, stateOf, asked } = await withCard(reset)
    expect(await attempt('chargeAuthorization', id)).toBe('done')
    expect(await stateOf('payment', id)).toBe('unknown')
    expect(asked).toHaveLength(1)
  })

  it('is not repeated when a look finds that an attempt had arrived', async () => {
    const { id, attempt, stateOf, asked } = await withCard(about(paid))
    expect(await attempt('chargeAuthorization', id, false)).toBe('done')
    expect(await stateOf('payment', id)).toBe('settled')
    expect(asked.map(({ path }) => path)).toEqual([`/transaction/verify/${id}`])
  })

  it('is repeated when a look finds nothing, and not while no look is possible', async () => {
    const { id, say, attempt, stateOf, asked } = await withCard(reset, missing)
    expect(await attempt('chargeAuthorization', id, false)).toBe('retried')
    say(success(paid(id)))
    expect(await attempt('chargeAuthorization', id, false)).toBe('done')
    expect(await stateOf('payment', id)).toBe('settled')
    expect(asked).toHaveLength(3)
  })

  it('never says that nothing was charged when it could not look', async () => {
    const { id, exhaust, stateOf } = await withCard(busy, ...Array(5).fill(reset))
    await exhaust('chargeAuthorization', id)
    expect(await stateOf('payment', id)).toBe('unknown')
  })

  it('charges no card that was removed meanwhile', async () => {
    const { id, authorizationId, authorizations, payer, attempt, contextOf, asked } = await withCard()
    expect(await authorizations.remove(authorizationId, payer.id, new Date())).toBe(true)
    await attempt('chargeAuthorization', id)
    expect(await contextOf('payment', id)).toMatchObject({ failure: 'card_removed' })
    expect(asked).toEqual([])
  })

  it('charges nothing for a payment that was cancelled meanwhile', async () => {
    const { id, send, attempt, asked } = await withCard()
    await send('payment', id, { type: 'cancel' })
    expect(await attempt('chargeAuthorization', id)).toBe('done')
    expect(asked).toEqual([])
  })
})

describe('saved cards', () => {
  it('belong to one user, are one for each card, and leave nothing secret behind', async () => {
    const { authorizations, vault, payer, stored } = await aScene()
    const kept = { userId: payer.id, signature: 'SIG_1', keyId: 'k1', card }
    const save = (code: string) =>
      authorizations.save({
        id: randomUUID(),
        ...kept,
        code: vault.seal(code),
        email: vault.seal('card.holder@example.test'),
        createdAt: new Date(),
      })
    const id = await save('AUTH_1')
    expect(await save('AUTH_2')).toBe(id)
    expect(vault.open((await authorizations.find(id, payer.id))!.code)).toBe('AUTH_2')
    const somebody = randomUUID()
    expect(await authorizations.find(id, somebody)).toBeUndefined()
    expect(await authorizations.list(somebody)).toEqual([])
    expect(await authorizations.remove(id, somebody, new Date())).toBe(false)

    expect(await authorizations.remove(id, payer.id, new Date())).toBe(true)
    expect(await authorizations.remove(id, payer.id, new Date())).toBe(false)
    expect(await authorizations.find(id, payer.id)).toBeUndefined()
    expect(await authorizations.list(payer.id)).toEqual([])
    expect(await stored()).not.toContain('v1.k1.')
    expect(await save('AUTH_3')).not.toBe(id)
  })
})

it('a wrong key is said aloud, ends no payment at once, and is nowhere to be read', async () => {
  const unauthorized = answer(401, { status: false, message: `Invalid key ${SECRET}` })
  const { aPayment, attempt, stateOf, failures, stored } = await aScene(unauthorized)
  const id = await aPayment()
  expect(await attempt('initializePayment', id)).toBe('retried')
  expect(await stateOf('payment', id)).toBe('initializing')
  expect(String(failures)).toContain('PAYSTACK_SECRET_KEY')
  expect(String(failures) + (await stored())).not.toContain(SECRET)
})

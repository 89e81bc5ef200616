import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import type { ScenarioName } from '../src/paystack-simulator/scenarios.ts'
import { createSimulator, type Simulator } from '../src/paystack-simulator/simulator.ts'
import { http, outcomeOf, refusal, type Http, type HttpAnswer } from './support/http.ts'
import {
  anOrganisation,
  aServer,
  aUser,
  connect,
  signIn,
  type Person,
  type TestServer,
} from './support/server.ts'

const SECRET = 'sk_test_of_the_payment_routes'
const PATIENCE = { timeout: 25_000, interval: 50 }
const ends: (() => Promise<void>)[] = []
const log: string[] = []
let paystack: Simulator
let server: TestServer
let orgId: string
let admin: Person
let payer: Person
let asAdmin: Http
let asPayer: Http

const keepEnd = (end: () => Promise<void>) => ends.unshift(end)
beforeAll(async () => {
  paystack = await createSimulator({ port: 0, host: '127.0.0.1', secretKey: SECRET, now: Date.now })
  keepEnd(paystack.close)
  const stream = { write: (line: string) => void log.push(line) }
  server = await aServer(
    { paystack: { url: paystack.url, secretKey: SECRET }, logger: pino({ level: 'trace' }, stream) },
    keepEnd,
  )
  paystack.control.setWebhookUrl(`${server.url}/webhooks/paystack`)
})
afterAll(async () => {
  for (const end of ends) await end()
})
beforeEach(async () => {
  paystack.control.calm()
  orgId = await anOrganisation(server)
  admin = await aUser(server, ['admin'], orgId)
  payer = await aUser(server, ['student'], orgId)
  asAdmin = http(server, admin)
  asPayer = http(server, payer)
})

/** 5,000 naira, unless it says otherwise. */
const anOffering = async (minor = 500_000, changes: object = {}, ask = asAdmin): Promise<string> => {
  const offeringId = randomUUID()
  const body = { title: 'First aid', price: { minor, currency: 'NGN' }, ...changes }
  const { status } = await ask('PUT', `/api/v1/prices/${offeringId}`, { body })
  expect(status).toBe(200)
  return offeringId
}

const aRequest = (courseId: string, changes: object = {}) => ({
  userId: payer.id,
  courseId,
  amount: 5000,
  method: 'paystack',
  ...changes,
})

const initiate = (body: unknown, { ask = asPayer, key }: { ask?: Http; key?: string } = {}) =>
  ask('POST', '/api/payments/initiate', {
    body,
    ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
  })

const statusOf = (transactionId: string, ask = asPayer) => ask('GET', `/api/payments/status/${transactionId}`)

const reaches = (transactionId: string, word: string) =>
  vi.waitFor(async () => {
    const { body } = await statusOf(transactionId)
    expect(body.data.status).toBe(word)
    return body.data
  }, PATIENCE)

/** A payment that was paid on the provider's page. */
const paid = async (scenario: ScenarioName = 'success', changes: object = {}) => {
  const { status, body } = await initiate(aRequest(await anOffering(), changes))
  expect(status).toBe(201)
  const { paymentId, transactionId } = body.data
  paystack.control.pay(paymentId, { scenario })
  await reaches(transactionId, 'success')
  return { paymentId, transactionId } as { paymentId: string; transactionId: string }
}

const cardsOf = async (ask: Http) => (await ask('GET', '/api/v1/payments/authorizations')).body.data.items

/** A card that the payer has kept; the scenario says what it does when it is charged again. */
const aSavedCard = async (scenario: ScenarioName = 'success'): Promise<string> => {
  await paid(scenario, { method: 'card' })
  const [card] = await cardsOf(asPayer)
  return card.id
}

const callsFor = (endpoint: string, reference: string) =>
  paystack.control.calls().filter((call) => call.endpoint === endpoint && call.reference === reference)

describe('POST /api/payments/initiate', () => {
  it('S4.12 paystack: 201 with an access code, and the customer can pay', async () => {
    const courseId = await anOffering()
    const { status, headers, body } = await initiate(
      aRequest(courseId, { paystackEmail: 'receipts@example.test' }),
    )
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        status: 'success',
        data: {
          paymentId: expect.any(String),
          transactionId: expect.stringMatching(/^tx_[0-9a-f]{32}$/),
          accessCode: expect.any(String),
          authorizationUrl: expect.stringContaining(paystack.url),
          status: 'pending',
          message: 'Payment initiated',
          amount: 5000,
          amountMinor: 500_000,
          currency: 'NGN',
        },
        timestamp: expect.any(String),
      },
    })
    const { paymentId } = body.data
    expect(headers.get('location')).toBe(`/api/v1/payments/${paymentId}`)
    const known = paystack.control.transactions().find(({ reference }) => reference === paymentId)
    expect(known).toMatchObject({ amountMinor: 500_000, currency: 'NGN', email: 'receipts@example.test' })
    // The address is nobody's business but the provider's.
    const { body: journal } = await asAdmin('GET', `/api/v1/payments/${paymentId}/journal`)
    expect(JSON.stringify([journal, log])).not.toContain('receipts@example.test')
  })

  it('S4.12 card: 201 at once when a saved card is charged', async () => {
    const authorizationId = await aSavedCard()
    const { status, body } = await initiate(aRequest(await anOffering(), { method: 'card', authorizationId }))
    expect(status).toBe(201)
    expect(body.data).toEqual({
      paymentId: expect.any(String),
      transactionId: expect.stringMatching(/^tx_/),
      status: 'success',
      message: 'Payment successful',
      amount: 5000,
      amountMinor: 500_000,
      currency: 'NGN',
    })
    expect(paystack.control.books()[body.data.paymentId]).toMatchObject({ chargedMinor: 500_000 })
  })

  it('S4.12 card: 402 when the bank declines a saved card', async () => {
    const authorizationId = await aSavedCard('next_declined')
    const answer = await initiate(aRequest(await anOffering(), { method: 'card', authorizationId }))
    expect(answer).toMatchObject(
      refusal(402, 'payment_declined', { message: 'Payment declined', details: { reason: 'declined' } }),
    )
    const { paymentId } = answer.body.error.details
    const { status, body } = await asPayer('GET', `/api/v1/payments/${paymentId}`)
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { data: { view: { status: 'failed', failure: 'declined' } } },
    })
    expect((await statusOf(body.data.view.transactionId)).body.data.status).toBe('failed')
  })

  it('S4.12 card: 402 when the provider refuses', async () => {
    paystack.control.rule({ fault: 'error', at: 'initialize', status: 400, code: 'invalid_params' })
    expect(await initiate(aRequest(await anOffering()))).toMatchObject(
      refusal(402, 'payment_declined', { details: { reason: 'invalid_params' } }),
    )
  })

  it('S4.12 card: 201 pending when the bank wants to see the customer', async () => {
    const authorizationId = await aSavedCard('next_challenged')
    const { status, body } = await initiate(aRequest(await anOffering(), { method: 'card', authorizationId }))
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { data: { status: 'pending', authorizationUrl: expect.stringMatching(/^http/) } },
    })
  })

  it('S4.12 says 400 Invalid payment details, and what is wrong with them', async () => {
    const courseId = await anOffering()
    const wrong: [field: string, value: unknown][] = [
      ['userId', undefined],
      ['userId', 7],
      ['courseId', 'first-aid'],
      ['amount', undefined],
      ['amount', '5000'],
      ['amount', null],
      ['amount', -5000],
      ['amount', 4999.999],
      ['amount', 0.1 + 0.2],
      ['amount', 1e21],
      ['amount', 100_000_000],
      ['method', 'cash'],
      ['paystackEmail', 'nobody'],
      ['authorizationId', 'AUTH_1'],
      ['price', 1],
      ['currency', 'USD'],
    ]
    for (const [field, value] of wrong) {
      const answer = await initiate(aRequest(courseId, { [field]: value }))
      expect([field, value, answer]).toMatchObject([
        field,
        value,
        refusal(400, 'invalid_input', {
          message: 'Invalid payment details',
          details: [{ path: [field], reason: expect.any(String) }],
        }),
      ])
    }
    for (const body of ['[]', 'null', '"card"', '{"amount":NaN}', undefined])
      expect([body, outcomeOf(await initiate(body))]).toEqual([body, '400 invalid_input'])
    expect(
      outcomeOf(await asPayer('POST', '/api/payments/initiate?amount=1', { body: aRequest(courseId) })),
    ).toBe('400 invalid_input')
    expect((await asPayer('GET', '/api/v1/payments')).body.data.items).toEqual([])
  })

  it('takes no card details, in whatever form, and writes them nowhere', async () => {
    const courseId = await anOffering()
    const cardDetails = { number: '4084084084084081', expiryMonth: '11', expiryYear: '30', cvv: '408' }
    for (const details of [cardDetails, {}, null, '4084084084084081'])
      expect(await initiate(aRequest(courseId, { method: 'card', cardDetails: details }))).toMatchObject(
        refusal(400, 'pan_not_accepted'),
      )
    expect(log.join('')).not.toContain('4084084084084081')
    expect((await asPayer('GET', '/api/v1/payments')).body.data.items).toEqual([])
  })

  it('C6 takes the price in major units, to the last kobo, and no other amount', async () => {
    const courseId = await anOffering(499_999)
    for (const amount of [4999.98, 5000, 499_999, 0, 49.99])
      expect(await initiate(aRequest(courseId, { amount }))).toMatchObject(
        refusal(400, 'amount_mismatch', { details: { price: { minor: 499_999, currency: 'NGN' } } }),
      )
    expect((await initiate(aRequest(courseId, { amount: 4999.99 }))).body.data).toMatchObject({
      amount: 4999.99,
      amountMinor: 499_999,
    })
    const cheap = await anOffering(115, { price: { minor: 115, currency: 'GHS' } })
    expect((await initiate(aRequest(cheap, { amount: 1.15 }))).body.data).toMatchObject({
      amount: 1.15,
      amountMinor: 115,
      currency: 'GHS',
    })
  })

  it('C28 has nothing to do for what is free', async () => {
    const courseId = await anOffering(0)
    for (const amount of [0, 5000])
      expect(outcomeOf(await initiate(aRequest(courseId, { amount })))).toBe('400 nothing_to_pay')
  })

  it('does not know what is not for sale, or not here', async () => {
    const stranger = http(server, await aUser(server, ['admin'], await anOrganisation(server)))
    const elsewhere = await anOffering(500_000, {}, stranger)
    for (const courseId of [randomUUID(), await anOffering(500_000, { active: false }), elsewhere])
      expect(outcomeOf(await initiate(aRequest(courseId)))).toBe('404 not_found')
  })

  it('C29 lets nobody pay for somebody else, administrators neither', async () => {
    const courseId = await anOffering()
    const other = await aUser(server, ['student'], orgId)
    expect(await initiate(aRequest(courseId), { ask: http(server, other) })).toMatchObject(
      refusal(403, 'forbidden'),
    )
    expect(await initiate(aRequest(courseId), { ask: asAdmin })).toMatchObject(
      refusal(400, 'invalid_input', { details: [{ path: ['userId'] }] }),
    )
    expect(await initiate(aRequest(courseId), { ask: http(server) })).toMatchObject(
      refusal(401, 'unauthenticated'),
    )
    const own = await initiate(aRequest(courseId, { userId: admin.id.toUpperCase() }), { ask: asAdmin })
    expect(own.status).toBe(201)
  })

  it('refuses with 409 what is being paid, or paid for', async () => {
    const courseId = await anOffering()
    const { paymentId, transactionId } = (await initiate(aRequest(courseId))).body.data
    expect(await initiate(aRequest(courseId))).toMatchObject(
      refusal(409, 'payment_in_progress', { details: { paymentId } }),
    )
    paystack.control.pay(paymentId)
    await reaches(transactionId, 'success')
    expect(await initiate(aRequest(courseId))).toMatchObject(
      refusal(409, 'already_paid', { details: { paymentId } }),
    )
  })

  it('lets one of several tabs pay', async () => {
    const courseId = await anOffering()
    const answers = await Promise.all(Array.from({ length: 5 }, () => initiate(aRequest(courseId))))
    const outcomes = answers.map(outcomeOf).toSorted()
    expect(outcomes).toEqual(['201 ok', ...Array.from({ length: 4 }, () => '409 payment_in_progress')])
  })

  it('says 503 when this server takes no payments', async () => {
    const without = await aServer()
    const ask = http(without, await aUser(without, ['student']))
    const { id: userId } = (await ask('GET', '/api/auth/user/profile')).body.data as { id: string }
    expect(userId).toBeUndefined()
    const profile = (await ask('GET', '/api/auth/user/profile')).body.data
    const body = { userId: profile.userId, courseId: randomUUID(), amount: 1, method: 'paystack' }
    expect(await initiate(body, { ask })).toMatchObject(refusal(503, 'payments_unavailable'))
  })
})

describe('the same request again', () => {
  const dataOf = ({ status, body }: HttpAnswer) => ({ status, data: body.data })

  it('gets the same answer, whatever has become of the price, and the provider is asked once', async () => {
    const courseId = await anOffering()
    const key = randomUUID()
    const first = await initiate(aRequest(courseId), { key })
    expect(first.status).toBe(201)
    await asAdmin('PUT', `/api/v1/prices/${courseId}`, {
      body: { title: 'Dearer', price: { minor: 600_000, currency: 'NGN' }, active: false },
    })
    expect(dataOf(await initiate(aRequest(courseId), { key }))).toEqual(dataOf(first))
    expect(callsFor('initialize', first.body.data.paymentId)).toHaveLength(1)
  })

  it('at the same time makes one payment', async () => {
    const courseId = await anOffering()
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => initiate(aRequest(courseId), { key }).then(dataOf)),
    )
    for (const answer of answers) expect(answer).toEqual({ ...answers[0]!, status: 201 })
    expect((await asPayer('GET', '/api/v1/payments')).body.data.items).toHaveLength(1)
  })

  it('is refused when it says something else', async () => {
    const [courseId, key] = [await anOffering(), randomUUID()]
    await initiate(aRequest(courseId), { key })
    for (const changes of [{ amount: 5001 }, { courseId: await anOffering() }, { method: 'card' }])
      expect(outcomeOf(await initiate(aRequest(courseId, changes), { key }))).toBe('409 command_id_reused')
  })

  it('is refused again by a saved card that was declined', async () => {
    const authorizationId = await aSavedCard('next_declined')
    const [courseId, key] = [await anOffering(), randomUUID()]
    const request = aRequest(courseId, { method: 'card', authorizationId })
    const first = await initiate(request, { key })
    const second = await initiate(request, { key })
    expect(second).toMatchObject(refusal(402, 'payment_declined', first.body.error))
    expect(callsFor('chargeAuthorization', first.body.error.details.paymentId)).toHaveLength(1)
  })
})

describe('a provider that is slow, or away', () => {
  it('is waited for, though not for ever; the same request then finds what came of it', async () => {
    const impatient = await aServer({ paystack: { url: paystack.url, secretKey: SECRET }, patienceMs: 200 })
    const person = await aUser(impatient, ['admin'])
    const ask = http(impatient, person)
    const courseId = await anOffering(500_000, {}, ask)
    const request = { ...aRequest(courseId), userId: person.id }
    const key = randomUUID()
    paystack.control.rule({ fault: 'delay', at: 'initialize', ms: 1_500, times: 1 })
    const first = await initiate(request, { ask, key })
    expect(first).toMatchObject(
      refusal(503, 'overloaded', { details: { paymentId: expect.any(String) }, retryAfterMs: 5_000 }),
    )
    expect(first.headers.get('retry-after')).toBe('5')
    const { paymentId } = first.body.error.details
    const later = await vi.waitFor(async () => {
      const answer = await initiate(request, { ask, key })
      expect(answer.status).toBe(201)
      return answer
    }, PATIENCE)
    expect(later.body.data).toMatchObject({ paymentId, status: 'pending', accessCode: expect.any(String) })
    expect(callsFor('initialize', paymentId)).toHaveLength(1)
  })

  it('that stays away is a 503 as well, and another payment may be tried', async () => {
    const away = await aServer({
      paystack: { url: 'http://127.0.0.1:9', secretKey: SECRET },
      patienceMs: 200,
    })
    const person = await aUser(away, ['admin'])
    const ask = http(away, person)
    const request = { ...aRequest(await anOffering(500_000, {}, ask)), userId: person.id }
    const key = randomUUID()
    const reason = await vi.waitFor(async () => {
      const answer = await initiate(request, { ask, key })
      expect(answer).toMatchObject(refusal(503, 'overloaded'))
      away.clock.advance(30_000)
      expect(answer.body.error.details.reason).toBeDefined()
      return answer.body.error.details.reason
    }, PATIENCE)
    expect(reason).toBe('provider_unavailable')
    expect(await initiate(request, { ask })).toMatchObject(refusal(503, 'overloaded'))
  })
})

describe('GET /api/payments/status/{transactionId}', () => {
  it('S4.13 says pending, then success; S4.14 the payer is told, S4.37 the record has everything', async () => {
    const client = await connect(server, payer)
    await client.subscribe({ topics: [`user:${payer.id}`] })
    const courseId = await anOffering()
    const { paymentId, transactionId } = (await initiate(aRequest(courseId))).body.data
    const { status, body } = await statusOf(transactionId)
    expect({ status, data: body.data }).toEqual({
      status: 200,
      data: {
        paymentId,
        transactionId,
        status: 'pending',
        amount: 5000,
        amountMinor: 500_000,
        currency: 'NGN',
        paymentDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        method: 'paystack',
      },
    })
    paystack.control.pay(paymentId)
    expect(await client.next('payment.settled')).toMatchObject({
      actor: { type: 'payment', id: paymentId },
      data: { offeringId: courseId, amount: { minor: 500_000, currency: 'NGN' } },
    })
    const settled = await statusOf(transactionId)
    expect(settled.body.data).toMatchObject({ paymentId, status: 'success', amountMinor: 500_000 })
    expect(settled.body.data.paymentDate >= body.data.paymentDate).toBe(true)
    expect((await asPayer('GET', `/api/v1/payments/${paymentId}`)).body.data.view).toMatchObject({
      id: paymentId,
      transactionId,
      payerId: payer.id,
      offeringId: courseId,
      status: 'settled',
      method: 'paystack',
      card: { last4: expect.stringMatching(/^\d{4}$/) },
    })
  })

  it('S4.13 says failed of what was declined, cancelled or abandoned', async () => {
    const begin = async () => (await initiate(aRequest(await anOffering()))).body.data
    const declined = await begin()
    paystack.control.pay(declined.paymentId, { scenario: 'declined' })
    expect((await asPayer('POST', `/api/v1/payments/${declined.paymentId}/verify`)).status).toBe(200)
    await reaches(declined.transactionId, 'failed')

    const [key, courseId] = [randomUUID(), await anOffering()]
    const cancelled = (await initiate(aRequest(courseId), { key })).body.data
    await asPayer('POST', `/api/v1/payments/${cancelled.paymentId}/cancel`)
    await reaches(cancelled.transactionId, 'failed')
    expect(await initiate(aRequest(courseId), { key })).toMatchObject(
      refusal(409, 'not_allowed_in_state', { details: { paymentId: cancelled.paymentId } }),
    )

    const abandoned = await begin()
    server.clock.advance(31 * 60_000)
    Object.assign(payer, await signIn(server, payer.email))
    asPayer = http(server, payer)
    await reaches(abandoned.transactionId, 'failed')
  })

  it('S4.13 says success of what was given back in part, refunded of what was given back', async () => {
    const { paymentId, transactionId } = await paid()
    const refund = (body: object) =>
      asAdmin('POST', `/api/v1/payments/${paymentId}/requestRefund`, {
        body: { reason: 'goodwill', ...body },
      })
    expect((await refund({ amount: { minor: 1, currency: 'NGN' } })).status).toBe(200)
    await vi.waitFor(async () => {
      const { view } = (await asPayer('GET', `/api/v1/payments/${paymentId}`)).body.data
      expect(view.status).toBe('partially_refunded')
    }, PATIENCE)
    expect((await statusOf(transactionId)).body.data).toMatchObject({
      status: 'success',
      amountMinor: 500_000,
    })
    await refund({ full: true })
    await reaches(transactionId, 'refunded')
  })

  it('S4.13 says reversed of what a dispute took away', async () => {
    const { paymentId, transactionId } = await paid()
    const disputeId = paystack.control.openDispute(paymentId)
    paystack.control.resolveDispute(disputeId, 'merchant-accepted')
    await reaches(transactionId, 'reversed')
  })

  it('S4.13 C48 C49 knows nothing of what is unknown, malformed or somebody else’s', async () => {
    const { paymentId, transactionId } = (await initiate(aRequest(await anOffering()))).body.data
    expect(transactionId).toBe(`tx_${paymentId.replaceAll('-', '')}`)
    const unknown = refusal(404, 'not_found', { message: 'Transaction not found' })
    for (const id of [
      `tx_${randomUUID().replaceAll('-', '')}`,
      'tx_123456789',
      paymentId,
      `tx_${paymentId}`,
      transactionId.slice(0, -1),
      `${transactionId}0`,
      'tx_%00',
      '%F0%9F%92%B3',
    ])
      expect([id, await statusOf(id)]).toMatchObject([id, unknown])

    const persons: [Role, string, number][] = [
      ['admin', orgId, 200],
      ['csm', orgId, 200],
      ['student', orgId, 404],
      ['instructor', orgId, 404],
      ['coordinator', orgId, 404],
      ['peer_mentor', orgId, 404],
      ['admin', await anOrganisation(server), 404],
    ]
    for (const [role, theirs, status] of persons) {
      const answer = await statusOf(transactionId, http(server, await aUser(server, [role], theirs)))
      expect([role, answer.status]).toEqual([role, status])
      if (status === 404) expect(answer).toMatchObject(unknown)
    }
    expect(await statusOf(transactionId, http(server))).toMatchObject(refusal(401, 'unauthenticated'))
    expect(outcomeOf(await statusOf(`${transactionId}?id=${paymentId}`))).toBe('400 invalid_input')
    expect(outcomeOf(await asPayer('POST', `/api/payments/status/${transactionId}`))).toBe(
      '405 unknown_command',
    )
  })
})

describe('saved cards', () => {
  it('are listed for their owner, with what may be known of them', async () => {
    const id = await aSavedCard()
    const items = await cardsOf(asPayer)
    expect(items).toEqual([{ id, card: expect.objectContaining({ brand: 'visa', last4: '4081' }) }])
    expect(JSON.stringify(items)).not.toContain('AUTH_')
    expect(await cardsOf(asAdmin)).toEqual([])
    expect(await http(server)('GET', '/api/v1/payments/authorizations')).toMatchObject(
      refusal(401, 'unauthenticated'),
    )
  })

  it('are not kept of those who pay by another channel, or whose bank does not want it', async () => {
    await paid('success', { method: 'paystack' })
    await paid('not_reusable', { method: 'card' })
    expect(await cardsOf(asPayer)).toEqual([])
  })

  it('are removed by their owner only, once', async () => {
    const id = await aSavedCard()
    const remove = (ask: Http, which = id) => ask('DELETE', `/api/v1/payments/authorizations/${which}`)
    const missing = refusal(404, 'not_found', { message: 'Card not found' })
    for (const person of [admin, await aUser(server, ['student'], orgId)])
      expect(await remove(http(server, person))).toMatchObject(missing)
    expect(await remove(http(server))).toMatchObject(refusal(401, 'unauthenticated'))
    for (const which of [randomUUID(), 'AUTH_1', '%00'])
      expect(await remove(asPayer, which)).toMatchObject(missing)
    expect(await remove(asPayer, id.toUpperCase())).toMatchObject({
      status: 200,
      body: { data: { id, removed: true } },
    })
    expect(await remove(asPayer)).toMatchObject(missing)
    expect(await cardsOf(asPayer)).toEqual([])
  })

  it('of others, and removed ones, pay for nothing', async () => {
    const authorizationId = await aSavedCard()
    const thief = await aUser(server, ['student'], orgId)
    const courseId = await anOffering()
    const request = aRequest(courseId, { method: 'card', authorizationId })
    expect(outcomeOf(await initiate({ ...request, userId: thief.id }, { ask: http(server, thief) }))).toBe(
      '404 not_found',
    )
    expect(outcomeOf(await initiate({ ...request, method: 'paystack' }))).toBe('400 invalid_input')
    await asPayer('DELETE', `/api/v1/payments/authorizations/${authorizationId}`)
    expect(outcomeOf(await initiate(request))).toBe('404 not_found')
  })
})

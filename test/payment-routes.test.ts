import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { http, outcomeOf, refusal, type Http } from './support/http.ts'
import { paymentScene } from './support/payment-scene.ts'
import { anOrganisation, aServer, aUser, type Person, type TestServer } from './support/server.ts'

const scene = paymentScene()
const { anOffering, aRequest, initiate, statusOf, reaches, aSavedCard, log, account } = scene
let server: TestServer
let paystack: ReturnType<typeof scene.paystack>
let orgId: string
let admin: Person
let asAdmin: Http
let asPayer: Http

beforeEach(() => {
  server = scene.server()
  paystack = scene.paystack()
  ;({ orgId, admin, asAdmin, asPayer } = scene.people())
})

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
          authorizationUrl: expect.stringContaining(account().url),
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
    const known = paystack.transactions().find(({ reference }) => reference === paymentId)
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
    expect(paystack.books()[body.data.paymentId]).toMatchObject({ chargedMinor: 500_000 })
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
    paystack.rule({ fault: 'error', at: 'initialize', status: 400, code: 'invalid_params' })
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
    paystack.pay(paymentId)
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
    const person = await aUser(without, ['student'])
    const ask = http(without, person)
    const body = { ...aRequest(randomUUID()), userId: person.id }
    expect(await initiate(body, { ask })).toMatchObject(refusal(503, 'payments_unavailable'))
  })
})

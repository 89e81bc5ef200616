import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Role } from '../actors/actor.ts'
import { http, outcomeOf, refusal, type Http } from './support/http.ts'
import { PATIENCE, paymentScene } from './support/payment-scene.ts'
import { anOrganisation, aUser, connect, type Person, type TestServer } from './support/server.ts'

const scene = paymentScene()
const { anOffering, aRequest, initiate, statusOf, reaches, paid, cardsOf, aSavedCard, signInAgain } = scene
let server: TestServer
let paystack: ReturnType<typeof scene.paystack>
let orgId: string
let admin: Person
let payer: Person
let asAdmin: Http
let asPayer: Http

beforeEach(() => {
  server = scene.server()
  paystack = scene.paystack()
  ;({ orgId, admin, payer, asAdmin, asPayer } = scene.people())
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
    paystack.pay(paymentId)
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
    paystack.pay(declined.paymentId, { scenario: 'declined' })
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
    await signInAgain()
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
    const disputeId = paystack.openDispute(paymentId)
    paystack.resolveDispute(disputeId, 'merchant-accepted')
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

  it('are not kept when the payment is made out to another address than that of the account', async () => {
    await paid('success', { method: 'card', paystackEmail: 'somebody.else@example.test' })
    expect(await cardsOf(asPayer)).toEqual([])
    await paid('success', { method: 'card', paystackEmail: payer.email.toUpperCase() })
    expect(await cardsOf(asPayer)).toHaveLength(1)
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

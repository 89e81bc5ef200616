import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { http, outcomeOf, refusal, type Http, type HttpAnswer } from './support/http.ts'
import { PATIENCE, paymentScene } from './support/payment-scene.ts'
import { aServer, aUser } from './support/server.ts'

const scene = paymentScene()
const { anOffering, aRequest, initiate, aSavedCard, callsFor, account } = scene
let paystack: ReturnType<typeof scene.paystack>
let asAdmin: Http
let asPayer: Http

beforeEach(() => {
  paystack = scene.paystack()
  ;({ asAdmin, asPayer } = scene.people())
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
    const impatient = await aServer({ paystack: account(), patienceMs: 200 })
    const person = await aUser(impatient, ['admin'])
    const ask = http(impatient, person)
    const courseId = await anOffering(500_000, {}, ask)
    const request = { ...aRequest(courseId), userId: person.id }
    const key = randomUUID()
    paystack.rule({ fault: 'delay', at: 'initialize', ms: 1_500, times: 1 })
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
    const impatient = await aServer({ paystack: account(), patienceMs: 200 })
    const person = await aUser(impatient, ['admin'])
    const ask = http(impatient, person)
    paystack.rule({ fault: 'throttle', at: 'initialize' })
    const request = { ...aRequest(await anOffering(500_000, {}, ask)), userId: person.id }
    const [key, another] = [randomUUID(), randomUUID()]
    const reason = await vi.waitFor(async () => {
      const answer = await initiate(request, { ask, key })
      expect(answer).toMatchObject(refusal(503, 'overloaded'))
      impatient.clock.advance(2_000)
      expect(answer.body.error.details.reason).toBeDefined()
      return answer.body.error.details.reason
    }, PATIENCE)
    expect(reason).toBe('provider_unavailable')
    paystack.calm()
    await vi.waitFor(async () => {
      const { status } = await initiate(request, { ask, key: another })
      expect(status).toBe(201)
    }, PATIENCE)
  })
})

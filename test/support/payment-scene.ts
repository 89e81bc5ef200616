import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import type { ScenarioName } from '../../src/paystack-simulator/scenarios.ts'
import { createSimulator, type Simulator } from '../../src/paystack-simulator/simulator.ts'
import { http, type Http } from './http.ts'
import { anOrganisation, aServer, aUser, signIn, type Person, type TestServer } from './server.ts'

export const PATIENCE = { timeout: 25_000, interval: 50 }
const SECRET = 'sk_test_of_the_payment_routes'

/** One server and one simulator for a whole test file, and for each test an organisation with one who pays. */
export const paymentScene = () => {
  const ends: (() => Promise<void>)[] = []
  const keepEnd = (end: () => Promise<void>) => ends.unshift(end)
  const log: string[] = []
  let paystack: Simulator
  let server: TestServer
  let now: { orgId: string; admin: Person; payer: Person; asAdmin: Http; asPayer: Http }

  beforeAll(async () => {
    paystack = await createSimulator({ port: 0, host: '127.0.0.1', secretKey: SECRET, now: Date.now })
    keepEnd(paystack.close)
    const stream = { write: (line: string) => void log.push(line) }
    server = await aServer({ paystack: account(), logger: pino({ level: 'trace' }, stream) }, keepEnd)
    paystack.control.setWebhookUrl(`${server.url}/webhooks/paystack`)
  })
  afterAll(async () => {
    for (const end of ends) await end()
  })
  beforeEach(async () => {
    paystack.control.calm()
    const orgId = await anOrganisation(server)
    const admin = await aUser(server, ['admin'], orgId)
    const payer = await aUser(server, ['student'], orgId)
    now = { orgId, admin, payer, asAdmin: http(server, admin), asPayer: http(server, payer) }
  })

  const account = () => ({ url: paystack.url, secretKey: SECRET })

  /** 5,000 naira, unless it says otherwise. */
  const anOffering = async (minor = 500_000, changes: object = {}, ask = now.asAdmin): Promise<string> => {
    const offeringId = randomUUID()
    const body = { title: 'First aid', price: { minor, currency: 'NGN' }, ...changes }
    const { status } = await ask('PUT', `/api/v1/prices/${offeringId}`, { body })
    expect(status).toBe(200)
    return offeringId
  }

  const aRequest = (courseId: string, changes: object = {}) => ({
    userId: now.payer.id,
    courseId,
    amount: 5000,
    method: 'paystack',
    ...changes,
  })

  const initiate = (body: unknown, { ask = now.asPayer, key }: { ask?: Http; key?: string } = {}) =>
    ask('POST', '/api/payments/initiate', {
      body,
      ...(key === undefined ? {} : { headers: { 'idempotency-key': key } }),
    })

  const statusOf = (transactionId: string, ask = now.asPayer) =>
    ask('GET', `/api/payments/status/${transactionId}`)

  const reaches = (transactionId: string, word: string) =>
    vi.waitFor(async () => {
      const { body } = await statusOf(transactionId)
      expect(body.data.status).toBe(word)
    }, PATIENCE)

  /** A payment that was paid on the provider's page. */
  const paid = async (scenario: ScenarioName = 'success', changes: object = {}) => {
    const { status, body } = await initiate(aRequest(await anOffering(), changes))
    expect(status).toBe(201)
    const { paymentId, transactionId } = body.data
    paystack.control.pay(paymentId, { scenario })
    await reaches(transactionId, 'success')
    return { paymentId, transactionId }
  }

  const cardsOf = async (ask: Http) => (await ask('GET', '/api/v1/payments/authorizations')).body.data.items

  return {
    /** Every line of the server's log. */
    log,
    server: () => server,
    paystack: () => paystack.control,
    account,
    /** Those of the present test. */
    people: () => now,
    /** After the clock was moved so far that the token has expired. */
    signInAgain: async () => {
      Object.assign(now.payer, await signIn(server, now.payer.email))
      now.asPayer = http(server, now.payer)
    },
    anOffering,
    aRequest,
    initiate,
    statusOf,
    reaches,
    paid,
    cardsOf,
    /** A card that the payer has kept; the scenario says what it does when it is charged again. */
    aSavedCard: async (scenario: ScenarioName = 'success'): Promise<string> => {
      await paid(scenario, { method: 'card' })
      const [card] = await cardsOf(now.asPayer)
      return card.id
    },
    callsFor: (endpoint: string, reference: string) =>
      paystack.control.calls().filter((call) => call.endpoint === endpoint && call.reference === reference),
  }
}

import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createSimulator } from '../src/paystack-simulator/simulator.ts'
import { http } from './support/http.ts'
import { aServer, aUser } from './support/server.ts'

const SECRET = 'sk_test_of_the_shutdown'

it('a server that stops lets the answer of a provider reach its payment, and waits for no client to hang up', async () => {
  const paystack = await createSimulator({ port: 0, host: '127.0.0.1', secretKey: SECRET, now: Date.now })
  onTestFinished(paystack.close)
  const server = await aServer({ paystack: { url: paystack.url, secretKey: SECRET } })
  const [admin, payer] = [await aUser(server, ['admin']), await aUser(server, ['student'])]
  const offeringId = randomUUID()
  const price = { title: 'First aid', price: { minor: 500_000, currency: 'NGN' } }
  await http(server, admin)('PUT', `/api/v1/prices/${offeringId}`, { body: price })

  // The provider takes the request and answers a second later; the client waits for the outcome on a connection it keeps.
  paystack.control.rule({ fault: 'delay', at: 'initialize', ms: 1_000, work: 'before' })
  const id = randomUUID()
  const body = { userId: payer.id, courseId: offeringId, amount: 5000, method: 'paystack' }
  const waiting = http(server, payer)('POST', '/api/payments/initiate', {
    body,
    headers: { 'idempotency-key': id },
  })
  await vi.waitFor(() => expect(paystack.control.transactions()).toHaveLength(1), { timeout: 20_000 })
  const next = await server.restart()

  await waiting
  const { body: list } = await http(next, payer)('GET', '/api/v1/payments')
  expect(list.data.items).toMatchObject([{ state: 'awaitingCustomer', view: { status: 'pending' } }])
})

import { createHmac, hash, randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished, vi } from 'vitest'
import { derivedId } from '../actors/derived-id.ts'
import type { ServerOptions } from '../src/server/options.ts'
import { days } from './support/clock.ts'
import { startPostgres } from './support/postgres.ts'
import { aServer, aUser, type TestServer } from './support/server.ts'
import { post, SECRET, signed, type Headers } from './support/webhook.ts'

const PATIENCE = { timeout: 60_000 }

/** Nobody listens there: what a payment asks Paystack is not this file's business. */
const paystack = { secretKey: SECRET, url: 'http://127.0.0.1:9' }

const serverWith = (options: Partial<ServerOptions> = {}) => aServer({ paystack, ...options })

const TAKEN = { status: 200, body: '{}' }

const charged = (reference: string, more: object = {}) =>
  JSON.stringify({ event: 'charge.success', data: { id: 302961, domain: 'test', reference, ...more } })

/** A payment that exists; how it came to be is told elsewhere. */
const aPayment = async (server: TestServer): Promise<string> => {
  const payer = await aUser(server, ['student'])
  const id = randomUUID()
  const reply = await server.engine.send({
    id: randomUUID(),
    actor: { type: 'payment', id },
    cause: 'signal',
    type: 'made',
    payload: {},
    at: server.clock.at(),
    creation: {
      input: {
        orgId: payer.orgId,
        payerId: payer.id,
        offeringId: randomUUID(),
        amount: { minor: 10_000, currency: 'NGN' },
        method: 'card',
        email: null,
        authorizationId: null,
        purchaseId: randomUUID(),
        autoRefundId: randomUUID(),
        policy: { abandonAfterMs: 3_600_000 },
      },
    },
  })
  expect(reply).toMatchObject({ ok: true })
  return id
}

type Row = Record<string, unknown>

const rows = ({ database }: TestServer, text: string, values: readonly unknown[] = []) =>
  database.sql.query<Row>({ name: hash('md5', text), text }, values)

const stored = (server: TestServer) =>
  rows(server, 'select id, event, reference, body, times from webhook order by received_at')

/** What the payment heard of webhooks, in order. */
const heard = (server: TestServer, paymentId: string) =>
  rows(
    server,
    `select type, message from journal where actor_id = $1 and type like 'webhook.%' order by position`,
    [paymentId],
  )

/** When everything that was stored has been carried on. */
const carriedOn = (server: TestServer) =>
  vi.waitFor(
    async () =>
      expect(
        await rows(server, `select id from effect where name = 'takeWebhook' and status = 'pending'`),
      ).toEqual([]),
    PATIENCE,
  )

/** Why webhooks became dead letters, as operators see them. */
const deadLetters = async (server: TestServer) => {
  await carriedOn(server)
  let found: Row[] = []
  await vi.waitFor(async () => {
    const dead = await rows(server, `select id from effect where status = 'dead' and name = 'takeWebhook'`)
    found = await rows(server, `select view from journal where actor_type = 'deadLetter' order by position`)
    expect(found.length).toBe(dead.length)
  }, PATIENCE)
  return found.map(({ view }) => view as { name: string; reason: string; status: string })
}

it('an authentic webhook is stored sealed, answered at once, and makes its payment look', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  const body = charged(reference, { customer: { email: 'payer@example.test' }, amount: '10000' })
  expect(await post(server, body)).toEqual(TAKEN)
  const [webhook] = await stored(server)
  expect(webhook).toMatchObject({ event: 'charge.success', reference, times: 1 })
  expect(JSON.stringify(await rows(server, 'select * from webhook'))).not.toContain('payer@example')

  await carriedOn(server)
  expect(await heard(server, reference)).toEqual([{ type: 'webhook.charged', message: {} }])
  expect(await rows(server, `select id from effect where actor_type = 'webhook'`)).toEqual([])
})

it('refunds and disputes reach the payment that they belong to, whatever else they say', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  const refund = { event: 'refund.processed', data: { transaction_reference: reference, amount: '10000' } }
  const dispute = { event: 'charge.dispute.create', data: { id: 2867, transaction: { reference } } }
  for (const body of [refund, dispute]) expect(await post(server, JSON.stringify(body))).toEqual(TAKEN)
  await carriedOn(server)
  expect(await heard(server, reference)).toEqual(
    expect.arrayContaining([
      { type: 'webhook.refundChanged', message: {} },
      {
        type: 'webhook.disputeChanged',
        message: { disputeId: derivedId('paystack dispute', '2867'), providerDisputeId: '2867' },
      },
    ]),
  )
})

it('the same webhook ten times at once, and again the day after, is taken once', async () => {
  const server = await serverWith()
  const nodes = server.database.engine === 'postgres' ? [server, await server.another()] : [server]
  const reference = await aPayment(server)
  const body = charged(reference)
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => post(nodes[index % nodes.length]!, body)),
  )
  for (const answer of answers) expect(answer).toEqual(TAKEN)
  await carriedOn(server)
  server.clock.advance(days(1))
  // What says the same in other bytes is the same event.
  expect(await post(server, charged(reference, { id: '302961', amount: 5 }))).toEqual(TAKEN)
  expect(await stored(server)).toMatchObject([{ times: 11 }])
  await carriedOn(server)
  expect(await heard(server, reference)).toHaveLength(1)
})

it('webhooks of two refunds of one payment are two', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  const pending = (amount: number | string) =>
    JSON.stringify({
      event: 'refund.pending',
      data: { transaction_reference: reference, status: 'pending', amount, refund_reference: null },
    })
  for (const amount of [2_500, '2500', 4_000]) await post(server, pending(amount))
  expect(await stored(server)).toMatchObject([{ times: 2 }, { times: 1 }])
  await carriedOn(server)
  expect(await heard(server, reference)).toHaveLength(2)
})

it('a webhook that names no refund may be about another one when it comes again, so it makes the payment look again', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  const data = { transaction_reference: reference, status: 'failed', amount: 2_500, refund_reference: null }
  const body = JSON.stringify({ event: 'refund.failed', data })
  for (const [afterMs, times] of [
    [0, 1],
    [30_000, 1],
    [31_000, 2],
    [1_000, 2],
    [61_000, 3],
  ] as const) {
    server.clock.advance(afterMs)
    expect(await post(server, body)).toEqual(TAKEN)
    await carriedOn(server)
    expect([afterMs, (await heard(server, reference)).length]).toEqual([afterMs, times])
  }
  expect(await stored(server)).toMatchObject([{ times: 5 }])
})

it('what Paystack has not signed is refused, and nothing of it is kept', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  const body = `{"event":"charge.success","data":{"reference":"${reference}","amount":50.0,"note":"caf\\u00e9"}}`
  const good = signed(body)
  const forged: Headers[] = [
    {},
    { 'x-paystack-signature': '' },
    { 'x-paystack-signature': good.slice(0, -2) },
    { 'x-paystack-signature': `${good}00` },
    { 'x-paystack-signature': good.toUpperCase() },
    { 'x-paystack-signature': `sha512=${good}` },
    { 'x-paystack-signature': signed(body, 'sk_test_of_somebody_else') },
    { 'x-paystack-signature': createHmac('sha256', SECRET).update(body).digest('hex') },
    { 'x-paystack-signature': createHmac('sha512', SECRET).update(body).digest('base64') },
    { 'x-paystack-signature': signed(JSON.stringify(JSON.parse(body))) },
    { 'x-paystack-signature': signed(charged(reference)) },
    { 'x-paystack-signature': [good, good] },
    { 'x-paystack-signature': [good, '0'.repeat(128)] },
    { 'x-signature': good },
    { authorization: `Bearer ${SECRET}` },
  ]
  for (const headers of forged) {
    const { status, body: answer } = await post(server, body, headers)
    expect([headers, status, JSON.parse(answer).error.code]).toEqual([headers, 401, 'unauthenticated'])
  }
  expect(await stored(server)).toEqual([])
  expect(await heard(server, reference)).toEqual([])
  // The very bytes that were signed, however they are called.
  expect(await post(server, body, { 'x-paystack-signature': good, 'content-type': 'text/plain' })).toEqual(
    TAKEN,
  )
})

it('bodies that are too large or compressed are refused', async () => {
  const server = await serverWith()
  const large = charged(randomUUID(), { note: 'x'.repeat(5 * 1024 * 1024) })
  // The server may hang up before the whole of it has been sent.
  const outcome = await post(server, large).catch(() => ({ status: 413 }))
  expect(outcome).toMatchObject({ status: 413 })
  const zipped = gzipSync(charged(randomUUID()))
  expect(
    await post(server, zipped, { 'x-paystack-signature': signed(zipped), 'content-encoding': 'gzip' }),
  ).toMatchObject({ status: 415 })
  expect(await stored(server)).toEqual([])
})

it('what cannot be read, or is about no payment of ours, is answered like any other and waits for operators', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  const bodies: [string, string][] = [
    ['', 'the body is not JSON'],
    ['{', 'the body is not JSON'],
    ['\u0000', 'the body is not JSON'],
    ['[]', 'the body names no event'],
    ['{"data":{}}', 'the body names no event'],
    ['{"event":7,"data":{}}', 'the body names no event'],
    [`{"event":"charge.success","data":{"reference":"${reference}","amount":1,"amount":2}}`, 'a key twice'],
    [`{"event":"charge.success","data":{"amount":1,"\\u0061mount":2}}`, 'a key twice'],
    [`{"event":"charge.success","data":${'['.repeat(40)}${']'.repeat(40)}}`, 'nested deeper'],
    ['{"event":"charge.success"}', 'the reference is none of ours'],
    [charged('T563902343_1628168464'), 'the reference is none of ours'],
    [charged(randomUUID()), 'not_found'],
    ['{"event":"refund.failed","data":{"transaction_reference":[1]}}', 'the reference is none of ours'],
    [`{"event":"charge.dispute.create","data":{"transaction":{"reference":"${reference}"}}}`, 'no id'],
    [charged(reference, { id: 1, domain: 'live' }), 'not of the mode'],
  ]
  for (const [body] of bodies) expect([body, await post(server, body)]).toEqual([body, TAKEN])
  const letters = await deadLetters(server)
  expect(letters).toHaveLength(bodies.length)
  for (const [, reason] of bodies)
    expect(letters).toContainEqual(
      expect.objectContaining({
        name: 'takeWebhook',
        status: 'open',
        reason: expect.stringContaining(reason) as unknown,
      }),
    )
  expect(await heard(server, reference)).toEqual([])
}, 60_000)

it('events that concern no payment are passed over', async () => {
  const server = await serverWith()
  for (const event of ['transfer.success', 'subscription.create', 'customeridentification.failed'])
    expect(await post(server, JSON.stringify({ event, data: { id: 1 } }))).toEqual(TAKEN)
  expect(await deadLetters(server)).toEqual([])
  expect(await rows(server, 'select id from effect')).toEqual([])
  expect(await stored(server)).toHaveLength(3)
})

it('what was stored is carried on after a restart', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  await post(server, charged(reference))
  const again = await server.restart()
  server.clock.advance(60_000)
  await carriedOn(again)
  expect(await heard(again, reference)).toHaveLength(1)
})

it('where sources are listed, only they are heard, behind trusted proxies, too', async () => {
  const from = (address: string, body = charged(randomUUID())): Headers => ({
    'x-paystack-signature': signed(body),
    'x-forwarded-for': address,
  })
  const webhookSources = ['52.31.139.75']
  const body = charged(randomUUID())
  const direct = await serverWith({ paystack: { ...paystack, webhookSources } })
  expect(await post(direct, body, from('52.31.139.75', body))).toMatchObject({ status: 401 })
  const proxied = await serverWith({
    paystack: { ...paystack, webhookSources },
    trustedProxies: ['127.0.0.1'],
  })
  expect(await post(proxied, body, from('52.31.139.75', body))).toEqual(TAKEN)
  expect(await post(proxied, body, from('52.31.139.76', body))).toMatchObject({ status: 401 })
  expect(await stored(direct)).toEqual([])
  expect(await stored(proxied)).toHaveLength(1)
})

it('bodies are removed after 30 days, and repetitions are still known', async () => {
  const server = await serverWith()
  const reference = await aPayment(server)
  await post(server, charged(reference))
  await carriedOn(server)
  server.clock.advance(days(29))
  const younger = await server.restart()
  expect(await stored(younger)).toMatchObject([{ body: expect.any(String) as unknown }])
  server.clock.advance(days(2))
  const older = await younger.restart()
  expect(await stored(older)).toMatchObject([{ body: null, times: 1 }])
  expect(await post(older, charged(reference))).toEqual(TAKEN)
  expect(await stored(older)).toMatchObject([{ times: 2 }])
  await carriedOn(older)
  expect(await heard(older, reference)).toHaveLength(1)
})

it('nobody but the provider posts there', async () => {
  const server = await serverWith()
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect((await fetch(`${server.url}/webhooks/paystack`, { method })).status).toBe(404)
  const none = await aServer()
  expect(await post(none, charged(randomUUID()))).toMatchObject({ status: 404 })
})

it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'without a database the answer is 503, and what comes again later is taken',
  async () => {
    const postgres = await startPostgres()
    onTestFinished(postgres.stop)
    const server = await serverWith({ database: { url: postgres.url } })
    const reference = await aPayment(server)
    await postgres.kill()
    expect(await post(server, charged(reference))).toMatchObject({ status: 503 })
    await postgres.restart()
    await vi.waitFor(async () => expect(await post(server, charged(reference))).toEqual(TAKEN), PATIENCE)
    await carriedOn(server)
    expect(await heard(server, reference)).toHaveLength(1)
  },
)

import { createHmac } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { RuleInput } from '../src/paystack-simulator/faults.ts'
import { createSimulator, type SimulatorOptions } from '../src/paystack-simulator/simulator.ts'
import { aClock } from './support/clock.ts'
import { http, type HttpAnswer } from './support/http.ts'
import { run } from './support/program.ts'

const KEY = 'sk_test_0123456789'
const EMAIL = 'payer@example.test'
const HOUR_MS = 3_600_000

type Hook = { event: string; data: Record<string, unknown>; text: string; signed: boolean }

/** Listens for webhooks; it answers what `answers` says, then 200. */
const aListener = async (...answers: number[]) => {
  const hooks: Hook[] = []
  const server = createServer(async (request, response) => {
    const bytes = Buffer.concat(await Array.fromAsync(request))
    const signature = createHmac('sha512', KEY).update(bytes).digest('hex')
    const signed = request.headers['x-paystack-signature'] === signature
    hooks.push({ ...(JSON.parse(bytes.toString()) as Hook), text: bytes.toString(), signed })
    response.writeHead(answers.shift() ?? 200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, hooks }
}

const aSimulator = async ({
  answers = [],
  ...options
}: Partial<SimulatorOptions> & { answers?: number[] } = {}) => {
  const clock = aClock()
  const listener = await aListener(...answers)
  const simulator = await createSimulator({
    port: 0,
    host: '127.0.0.1',
    secretKey: KEY,
    webhookUrl: listener.url,
    now: clock.now,
    ...options,
  })
  onTestFinished(simulator.close)
  const call = http(simulator, { token: KEY })
  const post = (path: string, body: object) => call('POST', path, { body })
  const begin = (reference: string, fields: object = {}) =>
    post('/transaction/initialize', { email: EMAIL, amount: 10_000, reference, ...fields })
  const paid = async (reference: string, fields?: object) => {
    await begin(reference, fields)
    simulator.control.pay(reference)
  }
  const verify = (reference: string) => call('GET', `/transaction/verify/${reference}`)
  const { control, url, close } = simulator
  return { ...listener, clock, call, post, begin, paid, verify, control, api: url, close }
}

/** Status and code in one word. */
const outcome = ({ status, body }: HttpAnswer) => `${status} ${body.code ?? body.message}`

describe('transactions', () => {
  it('begin with a page and an access code, and nobody has paid until somebody does', async () => {
    const { begin, verify, control, api } = await aSimulator()
    const { status, body } = await begin('r.1=a-b', { currency: 'GHS', metadata: { offering: 'one' } })
    expect([status, body.message]).toEqual([200, 'Authorization URL created'])
    expect(body.data).toEqual({
      reference: 'r.1=a-b',
      access_code: expect.stringMatching(/^\w{20}$/),
      authorization_url: `${api}/checkout/${body.data.access_code}`,
    })
    const unpaid = await verify('r.1=a-b')
    expect(unpaid.status).toBe(200)
    expect(unpaid.body.data).toMatchObject({ status: 'abandoned', paid_at: null, authorization: {} })

    control.pay('r.1=a-b')
    expect((await verify('r.1=a-b')).body.data).toMatchObject({
      status: 'success',
      amount: 10_000,
      currency: 'GHS',
      requested_amount: 10_000,
      metadata: { offering: 'one' },
      authorization: { authorization_code: expect.stringMatching(/^AUTH_/), reusable: true, last4: '4081' },
      customer: { email: EMAIL },
    })
    expect(control.books()['r.1=a-b']).toMatchObject({ charges: 1, chargedMinor: 10_000, refunds: [] })
  })

  it('are refused with the words and codes of the documents', async () => {
    const { begin, post, verify, api } = await aSimulator()
    const body = { email: EMAIL, amount: 10_000 }
    expect(outcome(await http({ url: api })('POST', '/transaction/initialize', { body }))).toBe(
      '401 Invalid key',
    )
    expect(outcome(await http({ url: api }, { token: 'sk_test_other' })('GET', '/refund'))).toBe(
      '401 Invalid key',
    )
    await begin('one')
    const again = await begin('one')
    expect(outcome(again)).toBe('400 duplicate_reference')
    expect(again.body).toMatchObject({
      status: false,
      message: 'Duplicate Transaction Reference',
      type: 'validation_error',
      meta: { nextStep: expect.any(String) },
    })
    expect(outcome(await begin('two words'))).toBe('400 invalid_reference')
    expect(outcome(await begin('half', { amount: 50.5 }))).toBe('400 invalid_amount')
    expect(outcome(await begin('other', { currency: 'EUR' }))).toBe('400 invalid_currency')
    expect(outcome(await post('/transaction/initialize', { email: 'nobody', amount: 10_000 }))).toBe(
      '400 invalid_email',
    )
    expect(outcome(await verify('unknown'))).toBe('404 transaction_not_found')
    expect(outcome(await post('/nowhere', {}))).toBe('404 not_found')
  })

  it.each([
    ['NGN', 5_000],
    ['USD', 200],
    ['GHS', 10],
    ['ZAR', 100],
    ['KES', 300],
    ['XOF', 100],
  ])('take no less in %s than %i', async (currency, least) => {
    const { begin } = await aSimulator()
    expect(outcome(await begin('less', { currency, amount: least - 1 }))).toBe('400 invalid_amount')
    expect((await begin('least', { currency, amount: least })).status).toBe(200)
  })

  it('can be begun by a form, and with an amount as text', async () => {
    const { call, begin } = await aSimulator()
    const form = await call('POST', '/transaction/initialize', {
      body: `email=payer%40example.test&amount=10000&reference=form`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(form.body.data.reference).toBe('form')
    expect((await begin('text', { amount: '10000' })).status).toBe(200)
  })

  it('never take a card, wherever it stands', async () => {
    const { begin, post, control } = await aSimulator()
    expect(outcome(await post('/charge', { email: EMAIL, amount: 10_000, card: { cvv: '1' } }))).toBe(
      '400 card_refused',
    )
    expect(outcome(await begin('pan', { metadata: { note: ['4084 0840 8408 4081'] } }))).toBe(
      '400 card_refused',
    )
    expect(control.books()).toEqual({})
  })

  it('may be declined, tried again, given up, and paid late', async () => {
    const { begin, verify, control, clock } = await aSimulator()
    await begin('one')
    control.pay('one', { scenario: 'insufficient_funds' })
    expect((await verify('one')).body.data).toMatchObject({
      status: 'failed',
      gateway_response: 'Insufficient Funds',
    })
    control.stall('one', 'processing')
    expect((await verify('one')).body.data.status).toBe('processing')
    control.abandon('one')
    expect((await verify('one')).body.data.status).toBe('abandoned')
    control.pay('one', { afterMs: HOUR_MS })
    expect((await verify('one')).body.data.status).toBe('abandoned')
    clock.advance(HOUR_MS)
    await control.idle()
    expect((await verify('one')).body.data.status).toBe('success')
    expect(() => control.pay('one')).toThrow(/paid already/)
    expect(control.books()['one']!.charges).toBe(1)
  })
})

describe('saved cards', () => {
  it('are charged again without the customer, by both ways of the API', async () => {
    const { paid, post, control, hooks } = await aSimulator()
    await paid('first')
    const charge = {
      email: EMAIL,
      amount: 7_000,
      authorization_code: control.authorizations()[0]!.code,
    }
    const again = await post('/transaction/charge_authorization', { ...charge, reference: 'second' })
    expect(again.body.data).toMatchObject({
      status: 'success',
      reference: 'second',
      amount: 7_000,
      authorization: { authorization_code: charge.authorization_code, signature: expect.any(String) },
    })
    const third = await post('/charge', { ...charge, reference: 'third' })
    expect(third.body.data).toMatchObject({ status: 'success', reference: 'third' })
    await control.idle()
    expect(hooks.map(({ event, data }) => `${event} ${String(data['reference'])}`).toSorted()).toEqual([
      'charge.success first',
      'charge.success second',
      'charge.success third',
    ])
    const repeated = await post('/transaction/charge_authorization', { ...charge, reference: 'second' })
    expect(outcome(repeated)).toBe('400 duplicate_reference')
    const other = { ...charge, email: 'other@example.test', reference: 'fourth' }
    expect(outcome(await post('/transaction/charge_authorization', other))).toBe('400 email_mismatch')
    const unknown = { ...charge, authorization_code: 'AUTH_unknown', reference: 'fifth' }
    expect(outcome(await post('/transaction/charge_authorization', unknown))).toBe(
      '400 invalid_authorization',
    )
  })

  it('may be declined the next time, want their owner, or be of one use', async () => {
    const { begin, post, control, verify } = await aSimulator()
    const next = async (scenario: 'next_declined' | 'next_challenged' | 'not_reusable') => {
      await begin(scenario)
      control.pay(scenario, { scenario })
      const { code } = control.authorizations().find((one) => one.scenario === scenario)!
      const charge = { email: EMAIL, amount: 7_000, authorization_code: code, reference: `${scenario}-2` }
      return post('/transaction/charge_authorization', charge)
    }
    const declined = await next('next_declined')
    expect([declined.status, declined.body.data.status]).toEqual([200, 'failed'])
    const challenged = await next('next_challenged')
    expect(challenged.body.data).toMatchObject({ paused: true, reference: 'next_challenged-2' })
    expect((await fetch(challenged.body.data.authorization_url)).status).toBe(200)
    control.pay('next_challenged-2', { scenario: 'next_challenged' })
    expect((await verify('next_challenged-2')).body.data.status).toBe('success')
    expect(outcome(await next('not_reusable'))).toBe('400 invalid_authorization')
    expect((await verify('not_reusable')).body.data.authorization.reusable).toBe(false)
  })
})

describe('refunds', () => {
  it('go from pending to processed, keep their note, and never exceed what is left', async () => {
    const { paid, post, call, verify, control } = await aSimulator()
    await paid('one')
    const note = 'laurel:5'
    const half = await post('/refund', { transaction: 'one', amount: 4_000, merchant_note: note })
    expect(half.body).toMatchObject({
      message: 'Refund has been queued for processing',
      data: { status: 'pending', amount: 4_000, merchant_note: note, transaction: { reference: 'one' } },
    })
    expect(outcome(await post('/refund', { transaction: 'one', amount: 6_001 }))).toBe(
      '400 refund_amount_too_large',
    )
    await control.idle()
    expect((await call('GET', `/refund/${half.body.data.id}`)).body.data).toMatchObject({
      status: 'processed',
      merchant_note: note,
      transaction_reference: 'one',
      transaction: half.body.data.transaction.id,
    })
    expect((await verify('one')).body.data.status).toBe('success')
    // By the transaction's number, and all that is left.
    const rest = await post('/refund', { transaction: half.body.data.transaction.id })
    expect(rest.body.data.amount).toBe(6_000)
    await control.idle()
    expect((await verify('one')).body.data.status).toBe('reversed')
    expect(outcome(await post('/refund', { transaction: 'one', amount: 1 }))).toBe('400 transaction_reversed')
    expect(control.books()['one']).toMatchObject({
      chargedMinor: 10_000,
      refundedMinor: 10_000,
      refundPendingMinor: 0,
    })
  })

  it('are refused for what has not been paid, in another currency, and for nobody knows what', async () => {
    const { begin, paid, post, call } = await aSimulator()
    await begin('open')
    await paid('paid')
    expect(outcome(await post('/refund', { transaction: 'open' }))).toBe('400 transaction_not_refundable')
    expect(outcome(await post('/refund', { transaction: 'paid', currency: 'USD' }))).toBe(
      '400 invalid_currency',
    )
    expect(outcome(await post('/refund', { transaction: 'unknown' }))).toBe('404 transaction_not_found')
    expect(outcome(await call('GET', '/refund/1'))).toBe('404 refund_not_found')
  })

  it('are listed by the page, the newest first, by the number of their transaction', async () => {
    const { paid, post, call, verify, control } = await aSimulator()
    await paid('one')
    await paid('other')
    for (const note of ['a', 'b', 'c'])
      await post('/refund', { transaction: 'one', amount: 1_000, merchant_note: note })
    await post('/refund', { transaction: 'other' })
    await control.idle()
    const { id } = (await verify('one')).body.data
    const page = await call('GET', `/refund?transaction=${id}&perPage=2&page=1`)
    expect(page.body.data.map((one: { merchant_note: string }) => one.merchant_note)).toEqual(['c', 'b'])
    expect(page.body.meta).toEqual({
      total: 3,
      skipped: 0,
      perPage: '2',
      page: 1,
      pageCount: 2,
      failedRefundCount: 0,
    })
    const next = await call('GET', `/refund?transaction=${id}&perPage=2&page=2`)
    expect(next.body.data.map((one: { merchant_note: string }) => one.merchant_note)).toEqual(['a'])
    expect((await call('GET', '/refund?transaction=one')).body.data).toEqual([])
    expect((await call('GET', '/refund')).body.meta.total).toBe(4)
  })

  it('may fail, and then the money can be asked for again', async () => {
    const { begin, post, control, hooks } = await aSimulator()
    await begin('one')
    control.pay('one', { scenario: 'refund_fails' })
    await post('/refund', { transaction: 'one' })
    await control.idle()
    expect(hooks.at(-1)!.event).toBe('refund.failed')
    expect(control.books()['one']).toMatchObject({ refundedMinor: 0, refundPendingMinor: 0 })
    control.planRefunds('process', 'one')
    await post('/refund', { transaction: 'one' })
    await control.idle()
    expect(control.books()['one']).toMatchObject({ refundedMinor: 10_000 })
  })

  it('may need bank details, and only those take them', async () => {
    const { begin, paid, post, control, hooks } = await aSimulator()
    await begin('one')
    control.pay('one', { scenario: 'refund_needs_attention' })
    const { id } = (await post('/refund', { transaction: 'one' })).body.data
    await control.idle()
    const attention = hooks.find(({ event }) => event === 'refund.needs-attention')!
    expect(attention.data).toMatchObject({ id: String(id), status: 'needs-attention' })
    expect(control.books()['one']).toMatchObject({ refundedMinor: 0, refundPendingMinor: 10_000 })

    const retry = (refundId: number) =>
      post(`/refund/retry_with_customer_details/${refundId}`, {
        refund_account_details: { currency: 'NGN', account_number: '0001234567', bank_id: '9' },
      })
    expect((await retry(id)).body.data).toMatchObject({ id, status: 'processing' })
    await control.idle()
    expect(control.books()['one']).toMatchObject({ refundedMinor: 10_000 })
    await paid('two')
    const other = (await post('/refund', { transaction: 'two' })).body.data.id
    expect(outcome(await retry(other))).toBe('422 refund_not_retryable')
  })

  it('stay where they are when a test says so, until it moves them', async () => {
    const { paid, post, control } = await aSimulator()
    await paid('one')
    control.planRefunds('stay')
    const { id } = (await post('/refund', { transaction: 'one' })).body.data
    await control.idle()
    expect(control.books()['one']!.refunds).toMatchObject([{ id, status: 'pending' }])
    control.moveRefund(id, 'processed')
    expect(control.books()['one']!.refunds).toMatchObject([{ id, status: 'processed' }])
  })
})

describe('disputes', () => {
  it('are answered with evidence, and then the bank decides', async () => {
    const { paid, post, call, control, hooks } = await aSimulator()
    await paid('one')
    const id = control.openDispute('one', { amountMinor: 6_000 })
    control.remindDispute(id)
    expect((await call('GET', `/dispute/${id}`)).body.data).toMatchObject({
      status: 'awaiting-merchant-feedback',
      refund_amount: 6_000,
      resolution: null,
      dueAt: expect.any(String),
      transaction: { reference: 'one' },
    })
    expect(control.books()['one']!.disputedMinor).toBe(6_000)
    const transaction = (await call('GET', `/dispute/${id}`)).body.data.transaction.id
    const list = `/dispute?transaction=${transaction}&status=awaiting-merchant-feedback`
    expect((await call('GET', list)).body).toMatchObject({ data: [{ id }], meta: { total: 1, perPage: 50 } })

    const evidence = {
      customer_email: EMAIL,
      customer_name: 'A Payer',
      customer_phone: '1',
      service_details: 'All of it',
    }
    const taken = await post(`/dispute/${id}/evidence`, evidence)
    expect(taken.body.data).toMatchObject({ ...evidence, dispute: id })
    const upload = (await call('GET', `/dispute/${id}/upload_url?upload_filename=a.pdf`)).body.data
    expect((await fetch(upload.signedUrl, { method: 'PUT', body: 'a file' })).status).toBe(200)
    const answer = { message: 'No.', refund_amount: 0, uploaded_filename: upload.fileName }
    const resolve = (fields: object) =>
      call('PUT', `/dispute/${id}/resolve`, { body: { ...answer, ...fields } })
    expect(outcome(await resolve({ resolution: 'perhaps' }))).toBe('400 invalid_resolution')
    expect((await resolve({ resolution: 'declined', evidence: taken.body.data.id })).body.data.status).toBe(
      'awaiting-bank-feedback',
    )
    expect(outcome(await resolve({ resolution: 'declined' }))).toBe('400 dispute_answered')
    control.resolveDispute(id, 'declined')
    expect(control.books()['one']!.disputedMinor).toBe(0)
    await control.idle()
    expect(hooks.map(({ event }) => event).toSorted()).toEqual([
      'charge.dispute.create',
      'charge.dispute.remind',
      'charge.dispute.resolve',
      'charge.success',
    ])
  })

  it('may be conceded', async () => {
    const { paid, call, verify, control } = await aSimulator()
    await paid('one')
    const id = control.openDispute('one')
    expect((await call('PUT', `/dispute/${id}`, { body: { refund_amount: 9_000 } })).status).toBe(200)
    const body = {
      resolution: 'merchant-accepted',
      message: 'Yes.',
      refund_amount: 10_000,
      uploaded_filename: 'none',
    }
    expect((await call('PUT', `/dispute/${id}/resolve`, { body })).body.data).toMatchObject({
      status: 'resolved',
      resolution: 'merchant-accepted',
    })
    expect((await verify('one')).body.data.status).toBe('reversed')
    expect(control.books()['one']!.disputedMinor).toBe(10_000)
    expect(outcome(await call('PUT', `/dispute/${id}/resolve`, { body }))).toBe('400 dispute_resolved')
    expect(outcome(await call('GET', '/dispute/1'))).toBe('404 dispute_not_found')
  })

  it('are lost by the clock when nobody answers', async () => {
    const { paid, call, control, hooks, clock } = await aSimulator()
    await paid('one')
    const id = control.openDispute('one', { dueInMs: HOUR_MS })
    await control.idle()
    clock.advance(HOUR_MS)
    await expect
      .poll(async () => (await call('GET', `/dispute/${id}`)).body.data.resolution)
      .toBe('auto-accepted')
    await control.idle()
    expect(hooks.at(-1)).toMatchObject({
      event: 'charge.dispute.resolve',
      data: { status: 'resolved', resolution: 'auto-accepted', transaction: { status: 'reversed' } },
    })
  })
})

describe('webhooks', () => {
  it('are signed over their exact bytes, which do not survive a parser', async () => {
    const { paid, control, hooks } = await aSimulator()
    await paid('one', { metadata: { note: 'café/☕' } })
    await control.idle()
    const [{ signed, text, event, data }] = hooks as [Hook]
    expect([signed, event]).toEqual([true, 'charge.success'])
    expect(text).not.toBe(JSON.stringify(JSON.parse(text)))
    expect(text).toMatch(/^[\n -~]+$/)
    expect(data).toMatchObject({ paid_at: expect.any(String), paidAt: data['paid_at'] })
    expect(JSON.stringify(data['metadata'])).toContain('café/☕')
  })

  it('are as uneven as the real ones: amounts, references, metadata', async () => {
    const { paid, post, control, hooks } = await aSimulator()
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((reference) => paid(reference)))
    await post('/refund', { transaction: 'a' })
    await control.idle()
    const of = (event: string) => hooks.filter((hook) => hook.event === event).map(({ data }) => data)
    expect(of('refund.pending')[0]).toMatchObject({ amount: '10000', refund_reference: null })
    expect(of('refund.pending')[0]).not.toHaveProperty('id')
    expect(of('refund.processed')[0]).toMatchObject({
      amount: 10_000,
      refund_reference: expect.any(String),
      transaction_reference: 'a',
    })
    expect(new Set(of('charge.success').map(({ metadata }) => metadata)).size).toBeGreaterThan(1)
  })

  it('come again until they are answered with 200', async () => {
    const { paid, control, hooks } = await aSimulator({ answers: [500, 201, 302] })
    await paid('one')
    await control.idle()
    expect(hooks).toHaveLength(4)
    expect(new Set(hooks.map(({ text }) => text)).size).toBe(1)
    expect(control.webhooks()).toMatchObject([{ attempts: 4, outcome: 'delivered' }])
    control.sendAgain(control.webhooks()[0]!.id)
    await expect.poll(() => hooks.length).toBe(5)
  })

  it('get lost, multiply, come late and out of order when a rule says so', async () => {
    const { paid, control, hooks, clock } = await aSimulator()
    control.rule({ fault: 'webhookDrop', reference: 'lost' })
    control.rule({ fault: 'webhookDuplicate', copies: 5, reference: 'many' })
    control.rule({ fault: 'webhookDelay', ms: HOUR_MS, reference: 'late' })
    await paid('lost')
    await paid('many')
    await paid('late')
    await expect.poll(() => hooks.length).toBe(5)
    expect(new Set(hooks.map(({ data }) => data['reference']))).toEqual(new Set(['many']))
    clock.advance(HOUR_MS)
    await control.idle()
    expect(hooks.map(({ data }) => data['reference']).slice(5)).toEqual(['late'])

    control.rule({ fault: 'webhookReorder', withinMs: HOUR_MS, reference: 'first' })
    await paid('first')
    await paid('second')
    await control.idle()
    expect(hooks.slice(6).map(({ data }) => data['reference'])).toEqual(['second', 'first'])
    expect(control.webhooks().map(({ outcome: became }) => became)).toContain('dropped')
  })
})

describe('calls that go wrong', () => {
  const aPaidOne = async (rule: RuleInput) => {
    const scene = await aSimulator()
    await scene.paid('one')
    await scene.control.idle()
    scene.control.rule(rule)
    return scene
  }
  const refund = { transaction: 'one', amount: 1_000 }
  const refundsOf = ({ control }: Awaited<ReturnType<typeof aSimulator>>) =>
    control.books()['one']!.refunds.length

  it.each([
    ['done', 1],
    ['none', 0],
  ] as const)('answer 500 with the work %s', async (work, refunds) => {
    const scene = await aPaidOne({ fault: 'error', work, at: 'refund.create', times: 1 })
    expect((await scene.post('/refund', refund)).status).toBe(500)
    expect(refundsOf(scene)).toBe(refunds)
    expect((await scene.post('/refund', refund)).status).toBe(200)
    expect(scene.control.calls().map(({ fault }) => fault)).toEqual([undefined, 'error', undefined])
  })

  it.each([
    ['done', 1],
    ['none', 0],
  ] as const)('are cut off with the work %s', async (work, refunds) => {
    const scene = await aPaidOne({ fault: 'reset', work })
    await expect(scene.post('/refund', refund)).rejects.toThrow('fetch failed')
    expect(refundsOf(scene)).toBe(refunds)
  })

  it('are never answered', async () => {
    const { verify, api, control } = await aPaidOne({ fault: 'silence', at: ['verify'] })
    const patience = AbortSignal.timeout(300)
    const headers = { authorization: `Bearer ${KEY}` }
    await expect(fetch(`${api}/transaction/verify/one`, { headers, signal: patience })).rejects.toMatchObject(
      { name: 'TimeoutError' },
    )
    control.calm()
    expect((await verify('one')).status).toBe(200)
  })

  it('are carried out long after the caller has been told no', async () => {
    const scene = await aPaidOne({ fault: 'error', status: 503, work: 'late', lateMs: HOUR_MS })
    expect((await scene.post('/refund', refund)).status).toBe(503)
    expect(refundsOf(scene)).toBe(0)
    scene.clock.advance(HOUR_MS)
    await scene.control.idle()
    expect(refundsOf(scene)).toBe(1)
  })

  it('are answered late, by the clock', async () => {
    const scene = await aPaidOne({ fault: 'delay', ms: HOUR_MS })
    const answering = scene.post('/refund', refund)
    await expect.poll(() => refundsOf(scene)).toBe(1)
    scene.clock.advance(HOUR_MS)
    expect((await answering).status).toBe(200)
  })

  it('are throttled, half, or about other money', async () => {
    const { call, verify, control, api } = await aPaidOne({ fault: 'throttle', times: 1 })
    const throttled = await call('GET', '/refund')
    expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '1'])
    control.rule({ fault: 'malformed', times: 1 })
    const headers = { authorization: `Bearer ${KEY}` }
    const half = await (await fetch(`${api}/transaction/verify/one`, { headers })).text()
    expect(() => JSON.parse(half)).toThrow(SyntaxError)
    control.rule({ fault: 'textAmounts', times: 1 })
    expect((await verify('one')).body.data.amount).toBe('10000')
    control.rule({ fault: 'shortAmount', times: 1 })
    expect((await verify('one')).body.data).toMatchObject({ amount: 9_999, requested_amount: 10_000 })
    control.rule({ fault: 'otherCurrency', times: 1 })
    expect((await verify('one')).body.data.currency).toBe('USD')
    expect((await verify('one')).body.data).toMatchObject({ amount: 10_000, currency: 'NGN' })
  })

  it('are answered after their webhooks', async () => {
    const { post, hooks } = await aPaidOne({ fault: 'answerLast' })
    await post('/refund', refund)
    expect(hooks.map(({ event }) => event).toSorted()).toEqual([
      'charge.success',
      'refund.pending',
      'refund.processed',
      'refund.processing',
    ])
  })

  it('are carried out twice: two equal refunds with one note', async () => {
    const { post, control } = await aPaidOne({ fault: 'twice', at: 'refund.create' })
    await post('/refund', { ...refund, merchant_note: 'laurel:1' })
    expect(control.books()['one']!.refunds.map(({ merchantNote }) => merchantNote)).toEqual([
      'laurel:1',
      'laurel:1',
    ])
  })

  it('go wrong at random in the same way for the same seed', async () => {
    const faultsOf = async (seed: number) => {
      const { control, call } = await aSimulator()
      control.hostile({ seed, rate: 0.5, mostMs: 5 })
      for (let count = 0; count < 60; count++) await call('GET', '/refund').catch(() => {})
      return control.calls().map(({ fault }) => fault)
    }
    const first = await faultsOf(7)
    expect(new Set(first).size).toBeGreaterThan(5)
    expect(await faultsOf(7)).toEqual(first)
    expect(await faultsOf(8)).not.toEqual(first)
  })
})

describe('the control over HTTP', () => {
  it('does what the control does, for JSON from this machine only', async () => {
    const { begin, paid, post, call, control, api } = await aSimulator()
    await begin('one')
    const ask = (path: string, body?: object) =>
      http({ url: api })(body ? 'POST' : 'GET', `/_control${path}`, body ? { body } : {})
    expect((await ask('/transactions/one', { do: 'pay', scenario: 'refund_fails' })).status).toBe(200)
    expect((await ask('/idle')).status).toBe(200)
    expect((await ask('/books')).body.one).toMatchObject({ charges: 1 })
    const { id } = (await ask('/transactions/one', { do: 'dispute', amountMinor: 500 })).body
    expect((await ask(`/disputes/${id}`, { do: 'resolve', resolution: 'declined' })).status).toBe(200)
    const rule = (await ask('/rules', { fault: 'throttle', at: 'refund.list' })).body.id
    expect((await call('GET', '/refund')).status).toBe(429)
    expect((await call('DELETE', `/_control/rules/${rule}`)).body).toEqual({ removed: true })
    expect((await call('GET', '/refund')).status).toBe(200)
    expect((await ask('/refunds', { plan: 'stay' })).status).toBe(200)
    await paid('two')
    const refund = (await post('/refund', { transaction: 'two' })).body.data
    expect((await ask(`/refunds/${refund.id}`, { status: 'processed' })).status).toBe(200)
    expect(control.books()['two']!.refundedMinor).toBe(10_000)
    expect((await ask('/hostile', { seed: 1, rate: 1 })).status).toBe(200)
    expect((await ask('/calm', {})).status).toBe(200)
    expect((await ask('/webhooks')).body.length).toBeGreaterThan(2)

    expect((await ask('/rules', { fault: 'sabotage' })).status).toBe(400)
    expect((await ask('/transactions/unknown', { do: 'pay' })).status).toBe(404)
    expect((await call('POST', '/_control/calm')).status).toBe(415)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect((await call('POST', '/_control/calm', { body: 'a=b', headers: form })).status).toBe(415)
  })

  it('is closed to pages that give this machine a name of theirs', async () => {
    const { api } = await aSimulator()
    const { port } = new URL(api)
    const { request } = await import('node:http')
    const status = await new Promise((resolve) =>
      request({ port, host: '127.0.0.1', path: '/_control/books', headers: { host: 'evil.example' } })
        .on('response', (response) => resolve(response.resume().statusCode))
        .end(),
    )
    expect(status).toBe(403)
  })
})

describe('the books', () => {
  it('are there again after a restart, with the webhooks and refunds that were on their way', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paystack-simulator-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'data', 'books.json')
    const first = await aSimulator({ file, answers: Array.from({ length: 100 }, () => 500) })
    await first.paid('one')
    first.control.planRefunds('process')
    await first.post('/refund', { transaction: 'one', amount: 4_000 })
    await first.close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ webhooks: expect.any(Array) })

    const second = await aSimulator({ file, now: first.clock.now })
    expect(second.control.books()['one']).toMatchObject({ chargedMinor: 10_000 })
    await second.control.idle()
    expect(second.hooks.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['charge.success', 'refund.pending', 'refund.processed']),
    )
    expect(second.control.books()['one']!.refundedMinor).toBe(4_000)
    const { code } = second.control.authorizations()[0]!
    const charge = { email: EMAIL, amount: 7_000, authorization_code: code, reference: 'two' }
    expect((await second.post('/transaction/charge_authorization', charge)).body.data.status).toBe('success')
  })

  it('are not opened when they are something else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'paystack-simulator-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'books.json')
    await writeFile(file, '{"other": true}')
    await expect(aSimulator({ file })).rejects.toThrow(/does not hold the books/)
  })
})

describe('the page', () => {
  const aCheckout = async (fields: object = {}) => {
    const scene = await aSimulator()
    const { body } = await scene.begin('one', fields)
    const url: string = body.data.authorization_url
    const submit = (form: Record<string, string>) =>
      fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'follow' })
    return { ...scene, url, submit }
  }

  it('says what it is, what is to be paid, and escapes what others wrote', async () => {
    const { url } = await aCheckout({ email: "o'brien@example.test", amount: 123_456 })
    const answer = await fetch(url)
    const html = await answer.text()
    expect(html).toContain('This is a simulator.')
    expect(html).toContain('NGN 1,234.56')
    expect(html).toContain('o&#39;brien@example.test')
    expect(html.match(/type="radio"/g)).toHaveLength(9)
    expect(html).not.toMatch(/<script|<input[^>]*card/i)
    const policy = answer.headers.get('content-security-policy')
    expect(policy).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(policy).not.toContain('unsafe')
  })

  it.each([
    ['success', 'The payment has been made', 'success'],
    ['declined', 'The bank said: Declined', 'failed'],
    ['insufficient_funds', 'The bank said: Insufficient Funds', 'failed'],
  ])('lets the card do what %s says', async (scenario, words, status) => {
    const { submit, verify } = await aCheckout()
    expect(await (await submit({ action: 'pay', scenario })).text()).toContain(words)
    expect((await verify('one')).body.data.status).toBe(status)
  })

  it('asks for a one-time password, and does not take another', async () => {
    const { submit, verify } = await aCheckout()
    expect(await (await submit({ action: 'pay', scenario: 'otp' })).text()).toContain('name="otp"')
    expect((await verify('one')).body.data.status).toBe('ongoing')
    const wrong = await submit({ action: 'confirm', otp: '000000' })
    expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('aria-invalid')])
    expect(await (await submit({ action: 'confirm', otp: '123456' })).text()).toContain('has been made')
    expect((await verify('one')).body.data.status).toBe('success')
  })

  it('pays once, however often the form is sent, and shows the way back to the shop', async () => {
    const { submit, control } = await aCheckout({ callback_url: 'https://shop.example/back?a=1&b="' })
    const pages = await Promise.all([1, 2, 3].map(() => submit({ action: 'pay', scenario: 'success' })))
    expect(await pages[0]!.text()).toContain('href="https://shop.example/back?a=1&#38;b=')
    expect(control.books()['one']!.charges).toBe(1)
  })

  it('declines and abandons, and refuses a form that makes no sense', async () => {
    const { submit, verify, api } = await aCheckout()
    await submit({ action: 'decline' })
    expect((await verify('one')).body.data.status).toBe('failed')
    await submit({ action: 'abandon' })
    expect((await verify('one')).body.data.status).toBe('abandoned')
    expect((await submit({ action: 'pay', scenario: 'rob' })).status).toBe(400)
    expect((await submit({})).status).toBe(400)
    expect((await fetch(`${api}/checkout/nobody`)).status).toBe(404)
  })
})

describe('npm run paystack-simulator', () => {
  const program = (...flags: string[]) => run(['src/paystack-simulator/main.ts', ...flags])

  it('says where it is and how to use it, and stops on Ctrl-C', { timeout: 60_000 }, async () => {
    const { prints, signal, exit } = program('--port', '0', '--key', KEY)
    const [, url] = await prints(/Address +(http:\S+)/)
    await prints(/PAYSTACK_URL=http:\S+ PAYSTACK_SECRET_KEY=sk_test_0123456789 npm start/)
    expect((await http({ url: url! }, { token: KEY })('GET', '/refund')).status).toBe(200)
    signal('SIGINT')
    expect(await exit).toBe(0)
  })

  it.each([
    [['--port', 'http'], '--port must be a port from 0 to 65535'],
    [['--key', 'sk_live_0123456789'], '--key must be sk_test_'],
    [['--webhook', 'nowhere'], '--webhook must be an http:// address'],
    [['--nothing'], "Unknown option '--nothing'"],
  ])('refuses %j and shows the usage', { timeout: 60_000 }, async (flags, words) => {
    const { exit, output } = program(...flags)
    expect(await exit).toBe(1)
    expect(output()).toContain(words)
    expect(output()).toContain('Usage: npm run paystack-simulator')
    expect(output()).not.toContain('sk_live')
  })
})

describe('npm start', () => {
  const laurel = async (settings: Record<string, string> = {}) => {
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'laurel-beside-'))
    onTestFinished(() => rm(DATA_DIR, { recursive: true, force: true }))
    return run(['src/main.ts'], { DATA_DIR, PORT: '0', LAUREL_DEMO: 'off', ...settings })
  }

  it('brings the simulator along, and stops it, too', { timeout: 120_000 }, async () => {
    const { prints, signal, exit } = await laurel()
    const [, url] = await prints(/Payments +simulated at (http:[^\s:]+:\d+): no money moves/)
    await prints(/Stop +Ctrl-C/)
    expect((await http({ url: url! })('GET', '/_control/books')).body).toEqual({})
    signal('SIGTERM')
    expect(await exit).toBe(0)
    await expect(fetch(url!)).rejects.toThrow('fetch failed')
  })

  it('does not when there is a key for the real one', { timeout: 120_000 }, async () => {
    const { prints, output } = await laurel({ PAYSTACK_SECRET_KEY: KEY, PAYSTACK_URL: 'http://127.0.0.1:1/' })
    await prints(/Payments +Paystack at http:\/\/127\.0\.0\.1:1\n/)
    expect(output()).not.toContain('simulated')
  })
})

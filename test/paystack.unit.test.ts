import { expect, it } from 'vitest'
import { createPaystack } from '../src/payments/paystack.ts'
import type { ProviderFailure } from '../src/payments/provider.ts'
import { freePort } from './support/free-port.ts'
import {
  answer,
  aScriptedServer,
  half,
  refusal,
  reset,
  silence,
  success,
  type Line,
} from './support/scripted-server.ts'

const SECRET = 'sk_test_0123456789abcdef'
const REFERENCE = '0198c1de-0000-7000-8000-000000000001'

const aProvider = async (...lines: Line[]) => {
  const server = await aScriptedServer(...lines)
  const failures: unknown[] = []
  const failed = (error: unknown) => void failures.push(error)
  const provider = createPaystack({ url: server.url, secretKey: SECRET, timeoutMs: 500, failed })
  return { ...server, provider, failures }
}

const signal = new AbortController().signal

const transaction = {
  id: 4_099_260_516,
  status: 'success',
  reference: REFERENCE,
  amount: 500_000,
  currency: 'NGN',
  paid_at: '2026-11-23T15:00:00.000Z',
  metadata: 0,
  fees: null,
  authorization: {
    authorization_code: 'AUTH_72btv547',
    bin: '408408',
    last4: '4081',
    exp_month: '12',
    exp_year: '2030',
    channel: 'card',
    card_type: 'visa ',
    bank: 'TEST BANK',
    brand: 'visa',
    reusable: true,
    signature: 'SIG_1',
  },
  customer: { id: 1, email: 'payer@example.test', phone: null },
}

const initialization = {
  reference: REFERENCE,
  email: 'payer@example.test',
  amountMinor: 500_000,
  currency: 'NGN',
  channels: ['card'],
  metadata: { payment_id: REFERENCE },
}

const page = { authorization_url: 'https://checkout.paystack.com/x', access_code: 'x', reference: REFERENCE }

const refundRow = {
  id: 15_581_137,
  status: 'pending',
  amount: '10000',
  currency: 'NGN',
  merchant_note: 'laurel:1',
  expected_at: '2026-12-01T00:00:00Z',
  deducted_amount: '0',
}

it('an initialization asks for a page with our reference, and the key is in its header only', async () => {
  const { provider, asked } = await aProvider(success(page))
  expect(await provider.initialize(initialization, signal)).toMatchObject({
    ok: true,
    data: { accessCode: 'x', authorizationUrl: 'https://checkout.paystack.com/x' },
  })
  expect(asked).toMatchObject([
    {
      method: 'POST',
      path: '/transaction/initialize',
      body: {
        email: 'payer@example.test',
        amount: 500_000,
        currency: 'NGN',
        reference: REFERENCE,
        channels: ['card'],
        metadata: { payment_id: REFERENCE },
      },
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    },
  ])
})

it('an amount that is not one of minor units never reaches the provider', async () => {
  const { provider, asked } = await aProvider()
  for (const amountMinor of [0.5, -1, 0, 2 ** 53, NaN])
    await expect(provider.initialize({ ...initialization, amountMinor }, signal)).rejects.toThrow(RangeError)
  expect(asked).toEqual([])
})

it('a transaction is read with all that makes it one', async () => {
  const { provider } = await aProvider(success(transaction))
  expect(await provider.verify(REFERENCE, signal)).toEqual({
    ok: true,
    data: {
      id: '4099260516',
      status: 'success',
      reference: REFERENCE,
      amountMinor: 500_000,
      currency: 'NGN',
      paidAt: '2026-11-23T15:00:00.000Z',
      card: {
        brand: 'visa',
        bin: '408408',
        last4: '4081',
        expMonth: '12',
        expYear: '2030',
        bank: 'TEST BANK',
      },
      authorization: { code: 'AUTH_72btv547', signature: 'SIG_1', reusable: true },
      customerEmail: 'payer@example.test',
    },
  })
})

it.each([
  ['an amount as text', { amount: '500000' }, { amountMinor: 500_000 }],
  ['a fraction', { amount: 0.5 }, { amountMinor: 0.5 }],
  ['a negative amount', { amount: '-1' }, { amountMinor: -1 }],
  ['an amount beyond what is exact', { amount: '9007199254740993' }, { amountMinor: 9_007_199_254_740_992 }],
  ['the other spelling of an instant', { paid_at: undefined, paidAt: '2026-11-23T16:00:00+01:00' }, {}],
  ['an instant that is none', { paid_at: 'yesterday' }, { paidAt: null }],
  ['metadata that are empty', { metadata: '' }, {}],
  ['metadata that are an object', { metadata: { custom_fields: [] } }, {}],
  ['a number as text', { id: '4099260516' }, { id: '4099260516' }],
  ['no authorization', { authorization: null }, { card: null, authorization: null }],
  ['an empty authorization', { authorization: {} }, { card: null, authorization: null }],
  ['no customer', { customer: null }, { customerEmail: null }],
  ['a field that nobody knows', { shoe_size: 42 }, {}],
])('a transaction is understood with %s', async (_, odd, expected) => {
  const { provider } = await aProvider(success({ ...transaction, ...odd }))
  expect(await provider.verify(REFERENCE, signal)).toMatchObject({
    ok: true,
    data: { status: 'success', paidAt: '2026-11-23T15:00:00.000Z', ...expected },
  })
})

it('no more of a card is taken over than may be kept', async () => {
  const authorization = { ...transaction.authorization, bin: '4084084084084081' }
  const { provider } = await aProvider(success({ ...transaction, authorization }))
  expect(await provider.verify(REFERENCE, signal)).toMatchObject({ data: { card: { bin: '408408' } } })
})

it.each<[string, Line, string]>([
  ['no answer in time', silence, 'timeout'],
  ['an answer that never ends', half, 'timeout'],
  ['a broken connection', reset, 'connection_lost'],
  ['a redirect', (response) => response.writeHead(307, { location: '/elsewhere' }).end(), 'connection_lost'],
  ['500', answer(500, { status: false, message: 'Oops' }), 'http_500'],
  ['503 without JSON', answer(503, '<html>'), 'http_503'],
  ['408', refusal(408, 'slow'), 'slow'],
  ['404 without JSON', answer(404, '<html>'), 'http_404'],
  ['success without JSON', answer(200, 'OK'), 'http_200'],
  ['success without data', answer(200, { status: true, message: 'ok' }), 'strange_answer'],
  ['success that says it is none', answer(200, { status: false, message: 'Hm' }), 'http_200'],
  ['a status that nobody knows', success({ ...transaction, status: 'levitating' }), 'strange_answer'],
  ['an amount that is none', success({ ...transaction, amount: 'much' }), 'strange_answer'],
  ['an endless amount', answer(200, '{"status":true,"data":{"amount":1e999}}'), 'strange_answer'],
  ['a number that is not exact', success({ ...transaction, id: 2 ** 60 }), 'strange_answer'],
  ['more than it may hold', success({ ...transaction, log: 'x'.repeat(1024 * 1024) }), 'answer_too_large'],
])('nobody knows what has happened after %s', async (_, line, code) => {
  const { provider } = await aProvider(line)
  expect(await provider.verify(REFERENCE, signal)).toMatchObject({ ok: false, kind: 'unknown', code })
})

it.each<[string, Line, { kind: string; code: string }]>([
  ['400', refusal(400, 'invalid_params'), { kind: 'refused', code: 'invalid_params' }],
  ['422 without a code', answer(422, { status: false }), { kind: 'refused', code: 'http_422' }],
  ['403 without JSON', answer(403, '<html>'), { kind: 'refused', code: 'http_403' }],
  ['a code that is a sentence', refusal(400, 'no, no'), { kind: 'refused', code: 'http_400' }],
  ['429', refusal(429, 'slow_down'), { kind: 'not_done', code: 'rate_limited' }],
  [
    'a reference that exists',
    refusal(400, 'duplicate_reference'),
    { kind: 'unknown', code: 'duplicate_reference' },
  ],
  [
    'the same without a code',
    answer(400, { status: false, message: 'Duplicate Transaction Reference' }),
    { kind: 'unknown', code: 'duplicate_reference' },
  ],
  [
    'a page for something else',
    success({ ...page, reference: 'x' }),
    { kind: 'unknown', code: 'other_reference' },
  ],
  [
    'a page that is none',
    success({ ...page, authorization_url: 'javascript:alert(1)' }),
    { kind: 'unknown', code: 'strange_answer' },
  ],
])('an initialization that is answered with %s', async (_, line, expected) => {
  const { provider } = await aProvider(line)
  expect(await provider.initialize(initialization, signal)).toMatchObject({ ok: false, ...expected })
})

it.each<[string, Line]>([
  ['404', refusal(404, 'api_error', 'Entity not found')],
  ['400', refusal(400, 'transaction_not_found', 'Transaction reference not found.')],
  ['400 without a code', answer(400, { status: false, message: 'Transaction reference not found' })],
])('a reference that the provider does not know is missing: %s', async (_, line) => {
  const { provider } = await aProvider(line)
  expect(await provider.verify(REFERENCE, signal)).toMatchObject({ ok: false, kind: 'missing' })
})

it('a key that is not taken is said aloud, and nothing has happened', async () => {
  const { provider, failures } = await aProvider(answer(401, { status: false, message: 'Invalid key' }))
  expect(await provider.verify(REFERENCE, signal)).toMatchObject({ kind: 'not_done', code: 'invalid_key' })
  expect(String(failures)).toContain('PAYSTACK_SECRET_KEY')
  expect(String(failures)).not.toContain(SECRET)
})

it('a provider that cannot be reached has done nothing', async () => {
  const unreachable = [`http://127.0.0.1:${await freePort()}`, 'http://nowhere.invalid']
  for (const url of unreachable) {
    const provider = createPaystack({ url, secretKey: SECRET, failed: () => {} })
    expect(await provider.verify(REFERENCE, signal)).toMatchObject({ kind: 'not_done', code: 'unreachable' })
  }
})

it('what is given up before it is sent has not been done; while it is under way nobody knows', async () => {
  const giveUp = new AbortController()
  const { provider, asked } = await aProvider(() => giveUp.abort())
  expect(await provider.verify(REFERENCE, giveUp.signal)).toMatchObject({ kind: 'unknown', code: 'aborted' })
  expect(await provider.verify(REFERENCE, giveUp.signal)).toMatchObject({ kind: 'not_done', code: 'aborted' })
  expect(asked).toHaveLength(1)
})

it("the provider's words are cut, and nothing secret is left in them", async () => {
  const message = `${SECRET} AUTH_72btv547 payer@example.test 4084 0840 8408 4081 ${'x'.repeat(1_000)}`
  const { provider } = await aProvider(refusal(400, 'invalid_params', message))
  const failure = (await provider.verify(REFERENCE, signal)) as ProviderFailure
  expect(failure.message).toMatch(/^\[key\] \[authorization\] \[e-mail\] \[number\] x+$/)
  expect(failure.message).toHaveLength(200)
})

const charge = {
  reference: REFERENCE,
  email: 'payer@example.test',
  amountMinor: 500_000,
  currency: 'NGN',
  authorizationCode: 'AUTH_72btv547',
}

it('a charge is answered with a transaction, or with a page when the bank wants its customer', async () => {
  const { provider, asked } = await aProvider(success(transaction), success({ ...page, paused: true }))
  expect(await provider.charge(charge, signal)).toMatchObject({ data: { status: 'success' } })
  expect(await provider.charge(charge, signal)).toMatchObject({ data: { accessCode: 'x' } })
  expect(asked[0]).toMatchObject({
    path: '/transaction/charge_authorization',
    body: { authorization_code: 'AUTH_72btv547', amount: 500_000, reference: REFERENCE },
  })
})

it('a refund carries our note, and no word that people wrote', async () => {
  const { provider, asked } = await aProvider(success({ ...refundRow, transaction: { id: 1 } }))
  const request = { reference: REFERENCE, amountMinor: 10_000, currency: 'NGN', note: 'laurel:1' }
  expect(await provider.refund(request, signal)).toEqual({
    ok: true,
    data: {
      id: '15581137',
      status: 'pending',
      amountMinor: 10_000,
      currency: 'NGN',
      note: 'laurel:1',
      expectedAt: '2026-12-01T00:00:00.000Z',
    },
  })
  expect(asked[0]!.body).toEqual({
    transaction: REFERENCE,
    amount: 10_000,
    currency: 'NGN',
    customer_note: 'Your payment is being given back.',
    merchant_note: 'laurel:1',
  })
})

it('refunds are listed by the number of their transaction, page by page, each of them once', async () => {
  const rows = (...ids: number[]) => ids.map((id) => ({ ...refundRow, id }))
  const meta = { total: 3, skipped: 0, perPage: '100', pageCount: 2 }
  const { provider, asked } = await aProvider(
    success(transaction),
    success(rows(3, 2), { ...meta, page: 1 }),
    success(rows(2, 1), { ...meta, page: 2 }),
  )
  const answered = await provider.refundsOf(REFERENCE, signal)
  expect(answered).toMatchObject({ ok: true, data: [{ id: '3' }, { id: '2' }, { id: '1' }] })
  expect(asked.map(({ path }) => path)).toEqual([
    `/transaction/verify/${REFERENCE}`,
    '/refund?transaction=4099260516&perPage=100&page=1',
    '/refund?transaction=4099260516&perPage=100&page=2',
  ])
})

it('a list that does not say how long it is ends with an empty page', async () => {
  const { provider } = await aProvider(success(transaction), success([refundRow]), success([]))
  expect(await provider.refundsOf(REFERENCE, signal)).toMatchObject({ data: [{ id: '15581137' }] })
})

it.each<[string, Line[], string]>([
  ['the transaction', [silence], 'unknown'],
  ['the second page', [success(transaction), success([refundRow]), reset], 'unknown'],
  ['a row that makes no sense', [success(transaction), success([{ id: 1 }])], 'unknown'],
])('nobody knows the refunds without %s', async (_, lines, kind) => {
  const { provider } = await aProvider(...lines)
  expect(await provider.refundsOf(REFERENCE, signal)).toMatchObject({ ok: false, kind })
})

it('a refund that needs attention is retried with a bank account', async () => {
  const { provider, asked } = await aProvider(
    success({ ...refundRow, status: 'processing' }),
    refusal(422, 'refund_not_retryable'),
  )
  const details = { currency: 'NGN', accountNumber: '0123456789', bankId: '9' }
  expect(await provider.retryRefund('15581137', details, signal)).toMatchObject({
    data: { status: 'processing' },
  })
  expect(asked[0]).toMatchObject({
    path: '/refund/retry_with_customer_details/15581137',
    body: { refund_account_details: { currency: 'NGN', account_number: '0123456789', bank_id: '9' } },
  })
  expect(await provider.retryRefund('15581137', details, signal)).toMatchObject({ kind: 'refused' })
})

const disputeRow = {
  id: 1_801_929,
  status: 'awaiting-merchant-feedback',
  resolution: null,
  refund_amount: 10_000,
  currency: 'NGN',
  dueAt: '2026-12-01T00:00:00.000Z',
  transaction: { reference: REFERENCE, amount: 500_000, currency: 'NGN' },
  transaction_reference: null,
}

it.each([
  ['as documented', {}, { amountMinor: 10_000, reference: REFERENCE }],
  ['without an amount of its own', { refund_amount: null, currency: null }, { amountMinor: 500_000 }],
  ['without a deadline', { dueAt: null }, { dueAt: null }],
  [
    'with the number of its transaction',
    { transaction: 7, merchant_transaction_reference: 'r' },
    { reference: 'r' },
  ],
])('a dispute is understood %s', async (_, odd, expected) => {
  const { provider } = await aProvider(success({ ...disputeRow, ...odd }))
  expect(await provider.dispute('1801929', signal)).toMatchObject({
    ok: true,
    data: { id: '1801929', currency: 'NGN', resolution: null, ...expected },
  })
})

it('a dispute that nobody can tell the amount of makes no sense', async () => {
  const { provider } = await aProvider(success({ ...disputeRow, refund_amount: null, transaction: null }))
  expect(await provider.dispute('1801929', signal)).toMatchObject({ code: 'strange_answer' })
})

const evidence = {
  customerEmail: 'payer@example.test',
  customerName: 'Ada Obi',
  customerPhone: '08012345678',
  serviceDetails: 'A course',
}
const upload = success({ signedUrl: 'https://storage.example.test', fileName: 'none-1' })

it('a dispute is contested with evidence and then declined', async () => {
  const decided = success({ ...disputeRow, status: 'awaiting-bank-feedback', transaction: 7 })
  const { provider, asked } = await aProvider(success({ id: 21, dispute: 1_801_929 }), upload, decided)
  expect(await provider.contestDispute('1801929', evidence, signal)).toMatchObject({
    data: { status: 'awaiting-bank-feedback' },
  })
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /dispute/1801929/evidence',
    'GET /dispute/1801929/upload_url?upload_filename=none.txt',
    'PUT /dispute/1801929/resolve',
  ])
  expect(asked[0]!.body).toEqual({
    customer_email: 'payer@example.test',
    customer_name: 'Ada Obi',
    customer_phone: '08012345678',
    service_details: 'A course',
  })
  expect(asked[2]!.body).toMatchObject({ resolution: 'declined', evidence: 21, uploaded_filename: 'none-1' })
})

it('a dispute is conceded with its amount', async () => {
  const resolved = { ...disputeRow, status: 'resolved', resolution: 'merchant-accepted', transaction: 7 }
  const { provider, asked } = await aProvider(upload, success(resolved))
  expect(
    await provider.acceptDispute('1801929', { message: 'Conceded', amountMinor: 10_000 }, signal),
  ).toMatchObject({ data: { status: 'resolved', resolution: 'merchant-accepted' } })
  expect(asked[1]!.body).toEqual({
    resolution: 'merchant-accepted',
    message: 'Conceded',
    refund_amount: 10_000,
    uploaded_filename: 'none-1',
  })
})

it('a dispute is not answered before its file has a name', async () => {
  const { provider, asked } = await aProvider(reset)
  const concession = { message: 'Conceded', amountMinor: 10_000 }
  expect(await provider.acceptDispute('1801929', concession, signal)).toMatchObject({ kind: 'not_done' })
  expect(asked).toHaveLength(1)
})

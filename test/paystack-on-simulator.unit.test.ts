import { randomUUID } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import type { ProviderAnswer } from '../src/payments/provider.ts'
import { createPaystack } from '../src/payments/paystack.ts'
import { createSimulator } from '../src/paystack-simulator/simulator.ts'

const SECRET = 'sk_test_0123456789abcdef'
const { signal } = new AbortController()
const email = 'payer@example.test'
const money = { amountMinor: 500_000, currency: 'NGN' }

const aSimulator = async () => {
  const options = { port: 0, host: '127.0.0.1', secretKey: SECRET, now: Date.now }
  const { url, control, close } = await createSimulator(options)
  onTestFinished(close)
  const provider = createPaystack({ url, secretKey: SECRET, failed: () => {} })
  const aPaid = async (scenario: NonNullable<Parameters<typeof control.pay>[1]>['scenario'] = 'success') => {
    const reference = randomUUID()
    expectData(await provider.initialize({ reference, email, ...money, metadata: {} }, signal))
    control.pay(reference, { scenario })
    return reference
  }
  return { provider, control, url, aPaid }
}

const expectData = <Data>(answer: ProviderAnswer<Data>): Data => {
  if (!answer.ok) throw new Error(`${answer.kind} ${answer.code}: ${answer.message}`)
  return answer.data
}

it('a payment is opened, paid, verified, and its card is charged again', async () => {
  const { provider, control } = await aSimulator()
  const reference = randomUUID()
  expect(await provider.verify(reference, signal)).toMatchObject({ kind: 'missing' })
  const request = { reference, email, ...money, channels: ['card'], metadata: { payment_id: reference } }
  expect(expectData(await provider.initialize(request, signal))).toMatchObject({
    accessCode: expect.any(String),
    authorizationUrl: expect.stringMatching(/^http/),
  })
  expect(await provider.initialize(request, signal)).toMatchObject({ code: 'duplicate_reference' })
  expect(expectData(await provider.verify(reference, signal))).toMatchObject({
    status: 'abandoned',
    card: null,
  })

  control.pay(reference)
  const paid = expectData(await provider.verify(reference, signal))
  expect(paid).toMatchObject({ status: 'success', reference, ...money, customerEmail: email })
  expect(paid.card).toMatchObject({ brand: 'visa', bin: '408408', last4: '4081' })
  expect(paid.authorization).toMatchObject({ reusable: true, signature: expect.any(String) })

  const again = { reference: randomUUID(), email, ...money, authorizationCode: paid.authorization!.code }
  expect(expectData(await provider.charge(again, signal))).toMatchObject({ status: 'success', ...money })
  expect(await provider.charge(again, signal)).toMatchObject({ kind: 'unknown', code: 'duplicate_reference' })
  const other = { ...again, reference: randomUUID(), email: 'somebody@example.test' }
  expect(await provider.charge(other, signal)).toMatchObject({ kind: 'refused' })
})

it('a card whose bank wants to see the customer is answered with a page', async () => {
  const { provider, aPaid } = await aSimulator()
  const { authorization } = expectData(await provider.verify(await aPaid('next_challenged'), signal))
  const charge = { reference: randomUUID(), email, ...money, authorizationCode: authorization!.code }
  expect(expectData(await provider.charge(charge, signal))).toHaveProperty('authorizationUrl')
})

it('refunds are made, found by their note, and retried', async () => {
  const { provider, control, aPaid } = await aSimulator()
  const [reference, other] = [await aPaid(), await aPaid()]
  control.planRefunds('needs_attention', reference)
  const refund = { reference, amountMinor: 10_000, currency: 'NGN', note: 'laurel:1' }
  const { id } = expectData(await provider.refund(refund, signal))
  expectData(await provider.refund({ ...refund, reference: other, note: 'laurel:2' }, signal))
  await control.idle()
  expect(expectData(await provider.refundsOf(reference, signal))).toMatchObject([
    { id, status: 'needs-attention', amountMinor: 10_000, note: 'laurel:1' },
  ])
  const details = { currency: 'NGN', accountNumber: '0123456789', bankId: '9' }
  expect(expectData(await provider.retryRefund(id, details, signal))).toMatchObject({ id })
  await control.idle()
  expect(await provider.retryRefund(id, details, signal)).toMatchObject({ kind: 'refused' })
  expect(expectData(await provider.refundsOf(reference, signal))).toMatchObject([{ status: 'processed' }])
  const tooMuch = { ...refund, amountMinor: money.amountMinor }
  expect(await provider.refund(tooMuch, signal)).toMatchObject({ kind: 'refused' })
})

it('more refunds than a page holds are all found', async () => {
  const { provider, aPaid } = await aSimulator()
  const reference = await aPaid()
  const notes = Array.from({ length: 101 }, (_, index) => `laurel:${index}`)
  for (const note of notes)
    expectData(await provider.refund({ reference, amountMinor: 100, currency: 'NGN', note }, signal))
  const found = expectData(await provider.refundsOf(reference, signal))
  expect(new Set(found.map(({ note }) => note))).toEqual(new Set(notes))
})

it('disputes are looked up, contested and conceded', async () => {
  const { provider, control, aPaid } = await aSimulator()
  const reference = await aPaid()
  const [first, second] = [0, 0].map(() => String(control.openDispute(reference, { amountMinor: 10_000 })))
  expect(expectData(await provider.dispute(first!, signal))).toMatchObject({
    status: 'awaiting-merchant-feedback',
    amountMinor: 10_000,
    reference,
  })
  const evidence = { customerEmail: email, customerName: 'Ada', customerPhone: '0801', serviceDetails: 'x' }
  expect(expectData(await provider.contestDispute(first!, evidence, signal))).toMatchObject({
    status: 'awaiting-bank-feedback',
  })
  const concession = { message: 'Conceded', amountMinor: 10_000 }
  expect(expectData(await provider.acceptDispute(second!, concession, signal))).toMatchObject({
    status: 'resolved',
    resolution: 'merchant-accepted',
  })
  expect(await provider.acceptDispute(second!, concession, signal)).toMatchObject({ kind: 'refused' })
  expect(await provider.dispute('1', signal)).toMatchObject({ kind: 'missing' })
})

it('another key is not taken', async () => {
  const { url } = await aSimulator()
  const provider = createPaystack({ url, secretKey: 'sk_test_fedcba9876543210', failed: () => {} })
  expect(await provider.verify(randomUUID(), signal)).toMatchObject({ kind: 'not_done', code: 'invalid_key' })
})

it('amounts as text are amounts, and half an answer is none', async () => {
  const { provider, control, aPaid } = await aSimulator()
  const reference = await aPaid()
  control.rule({ fault: 'textAmounts', at: 'verify', times: 1 })
  expect(expectData(await provider.verify(reference, signal))).toMatchObject(money)
  control.rule({ fault: 'malformed', at: 'verify', times: 1 })
  expect(await provider.verify(reference, signal)).toMatchObject({ kind: 'unknown' })
})

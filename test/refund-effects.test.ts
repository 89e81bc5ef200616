import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Database } from '../persistence/database.ts'
import { createEffectStore } from '../persistence/effects.ts'
import { createInProcessQueue, type QueueDependencies } from '../src/queue/in-process.ts'
import type { EffectQueue } from '../src/queue/queue.ts'
import { aDatabase } from './support/database.ts'
import { anEffectScene } from './support/effect-scene.ts'
import { eventually } from './support/effect-table.ts'
import { aScriptedServer, refusal, reset, success, type Line } from './support/scripted-server.ts'

let database: Database
beforeAll(async () => {
  database = await aDatabase()
})
afterAll(() => database.close())

const aSceneOn = async (own: Database, lines: Line[]) => {
  const server = await aScriptedServer(...lines)
  return { ...server, ...(await anEffectScene(server.url, own)) }
}
const aScene = (...lines: Line[]) => aSceneOn(database, lines)

/** A refund that is about to be submitted, and the answers of a provider that has these refunds of its payment. */
const aRefundSceneOn = async (own: Database, lines: Line[]) => {
  const scene = await aSceneOn(own, lines)
  const paymentId = randomUUID()
  const id = await scene.aRefund(paymentId)
  const row = (odd: object = {}) => ({
    id: 15_581_137,
    status: 'pending',
    amount: 10_000,
    currency: 'NGN',
    merchant_note: `laurel:${id}`,
    expected_at: '2026-12-01T00:00:00.000Z',
    ...odd,
  })
  const transaction = { id: 4_099, status: 'success', reference: paymentId, amount: 500_000, currency: 'NGN' }
  return {
    ...scene,
    id,
    paymentId,
    row,
    has: (...rows: object[]) => scene.say(success(transaction), success(rows, { pageCount: 1 })),
    state: () => scene.stateOf('refund', id),
    paths: () => scene.asked.map(({ method, path }) => `${method} ${path}`),
  }
}

const aRefundScene = (...lines: Line[]) => aRefundSceneOn(database, lines)

/** The same with a database of its own, and nodes that carry submissions out by themselves. */
const aRefundHouse = async (...lines: Line[]) => {
  const own = await aDatabase()
  const nodes: EffectQueue[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await own.close()
  })
  const scene = await aRefundSceneOn(own, lines)
  const { submitRefund } = scene.handlers
  const node = (options: Partial<QueueDependencies> = {}) => {
    const store = createEffectStore(own.sql)
    const queue = createInProcessQueue({
      store,
      handlers: { submitRefund: submitRefund! },
      now: Date.now,
      failed: (error) => scene.failures.push(error),
      sweepMs: 20,
      ...options,
    })
    nodes.push(queue)
    queue.start()
    return queue
  }
  return { ...scene, node }
}

const MINUTE = 60_000
const busy = refusal(429, 'rate_limited')

describe('submitRefund', () => {
  it('sends our note, and nothing that somebody wrote', async () => {
    const { id, paymentId, say, row, attempt, state, asked, due, contextOf } = await aRefundScene()
    say(success(row()))
    expect(await attempt('submitRefund', id)).toBe('done')
    expect(await state()).toBe('pending')
    expect(await contextOf('refund', id)).toMatchObject({ providerRefundId: '15581137' })
    expect(asked.map(({ body }) => body)).toEqual([
      {
        transaction: paymentId,
        amount: 10_000,
        currency: 'NGN',
        customer_note: 'Your payment is being given back.',
        merchant_note: `laurel:${id}`,
      },
    ])
    expect(await due('submitRefund', id)).toEqual([])
  })

  it('ends the refund when the provider does not want it', async () => {
    const { id, attempt, state, contextOf } = await aRefundScene(refusal(400, 'transaction_reversed'))
    await attempt('submitRefund', id)
    expect(await state()).toBe('failed')
    expect(await contextOf('refund', id)).toMatchObject({ failure: 'transaction_reversed' })
  })

  it('is not repeated when its outcome is unknown: the refund looks for it', async () => {
    const { id, attempt, state, paths } = await aRefundScene(reset)
    expect(await attempt('submitRefund', id)).toBe('done')
    expect(await state()).toBe('reconciling')
    expect(paths()).toEqual(['POST /refund'])
  })

  it('is tried again when nothing has happened, without a look and on any node', async () => {
    const { id, due, say, row, state, paths, node } = await aRefundHouse(busy)
    const one = node({ sweepMs: MINUTE })
    one.push(await due('submitRefund', id))
    await eventually(() => one.stats().lanes['submitRefund']).toMatchObject({ retried: 1 })
    await one.stop()
    say(success(row()))
    node()
    await eventually(state).toBe('pending')
    expect(paths()).toEqual(['POST /refund', 'POST /refund'])
  })

  it('is submitted at once when it only had to wait for others, wherever it waited', async () => {
    const { id, aRefund, due, say, stateOf, paths, node, row } = await aRefundHouse()
    const ids = [id, ...(await Promise.all(Array.from({ length: 59 }, () => aRefund(randomUUID()))))]
    const slowly: Line = (...call) => void setTimeout(() => success(row())(...call), 200)
    say(...ids.map(() => slowly))
    const one = node()
    // By its clock, what the other has merely heard of is nobody's any more.
    node({ now: () => Date.now() + 10_000 })
    for (const refund of ids) one.push(await due('submitRefund', refund))
    const states = () => Promise.all(ids.map((refund) => stateOf('refund', refund)))
    await eventually(states).toEqual(ids.map(() => 'pending'))
    expect(paths()).toEqual(ids.map(() => 'POST /refund'))
  })

  it('is not repeated when a look finds that an attempt had arrived', async () => {
    const { id, has, row, attempt, state, paths } = await aRefundScene()
    has(row({ status: 'processing', merchant_note: `Refund. laurel:${id}` }))
    expect(await attempt('submitRefund', id, false)).toBe('done')
    expect(await state()).toBe('processing')
    expect(paths()).not.toContain('POST /refund')
  })

  it('is not repeated after an attempt that was cut off, even when the provider has nothing of it yet', async () => {
    const { id, has, attempt, state, paths } = await aRefundScene()
    has()
    expect(await attempt('submitRefund', id, false)).toBe('done')
    expect(await state()).toBe('reconciling')
    expect(paths()).not.toContain('POST /refund')
  })

  it('is not repeated while no look is possible', async () => {
    const { id, attempt, state, paths, due } = await aRefundScene(busy, reset)
    await attempt('submitRefund', id)
    expect(await attempt('submitRefund', id, false)).toBe('retried')
    expect(await state()).toBe('submitting')
    expect(paths()).toHaveLength(2)
    expect(await due('submitRefund', id)).toMatchObject([{ attempts: 2 }])
  })

  it('calls people when the provider has it twice', async () => {
    const { id, has, row, attempt, state } = await aRefundScene()
    has(row({ id: 1 }), row({ id: 2 }))
    await attempt('submitRefund', id, false)
    expect(await state()).toBe('needsReview')
  })

  it('does nothing for a refund that does not wait for it any more', async () => {
    const { id, send, attempt, state, asked, due } = await aRefundScene()
    await send('refund', id, { type: 'provider.unknown', reason: 'timeout' })
    expect(await attempt('submitRefund', id)).toBe('done')
    expect(await state()).toBe('reconciling')
    expect(asked).toEqual([])
    expect(await due('submitRefund', id)).toEqual([])
  })

  it('is a dead letter when the provider cannot be reached for long', async () => {
    const { id, exhaust, buried, asked } = await aRefundScene(...Array(20).fill(busy))
    await exhaust('submitRefund', id)
    expect(buried).toEqual([expect.stringMatching(/^rate_limited/)])
    expect(asked).toHaveLength(20)
  })
})

describe('findRefund', () => {
  const aSearch = async () => {
    const scene = await aRefundScene(reset)
    await scene.attempt('submitRefund', scene.id)
    await scene.send('refund', scene.id, { type: 'payment.refundsChanged' })
    return scene
  }

  it.each([
    ['pending', 'pending'],
    ['processing', 'processing'],
    ['needs-attention', 'needsAttention'],
    ['processed', 'processed'],
    ['failed', 'failed'],
  ])('sees ours among others: %s', async (status, expected) => {
    const { id, has, row, attempt, state } = await aSearch()
    has(row({ id: 1, merchant_note: 'by hand' }), row({ id: 2, status }))
    expect(await attempt('findRefund', id)).toBe('done')
    expect(await state()).toBe(expected)
  })

  it('sees that there is none, or more than one', async () => {
    const none = await aSearch()
    none.has()
    expect(await none.attempt('findRefund', none.id)).toBe('done')
    expect(await none.state()).toBe('reconciling')
    const two = await aSearch()
    two.has(two.row({ id: 1 }), two.row({ id: 2, status: 'processed' }))
    await two.attempt('findRefund', two.id)
    expect(await two.state()).toBe('needsReview')
  })

  it('says nothing when it cannot see', async () => {
    const { id, say, attempt, due } = await aSearch()
    say(reset)
    expect(await attempt('findRefund', id)).toBe('retried')
    expect(await due('findRefund', id)).toHaveLength(1)
  })
})

describe('retryRefund', () => {
  const withDetails = async () => {
    const scene = await aRefundScene()
    const { id, say, row, send, attempt, vault } = scene
    say(success(row({ status: 'needs-attention' })))
    await attempt('submitRefund', id)
    const details = { accountNumber: vault.seal('0123456789'), bankId: '9', currency: 'NGN' }
    await send('refund', id, { type: 'submitBankDetails', ...details })
    return scene
  }
  const path = 'POST /refund/retry_with_customer_details/15581137'

  it('sends the account, which stands nowhere', async () => {
    const { id, say, row, attempt, asked, state, stored } = await withDetails()
    say(success(row({ status: 'processing' })))
    expect(await attempt('retryRefund', id)).toBe('done')
    expect(await state()).toBe('processing')
    expect(asked.at(-1)!.body).toEqual({
      refund_account_details: { currency: 'NGN', account_number: '0123456789', bank_id: '9' },
    })
    expect(await stored()).not.toContain('0123456789')
  })

  it('asks for other details when the provider does not want these', async () => {
    const { id, say, attempt, state } = await withDetails()
    say(refusal(400, 'invalid_account'))
    await attempt('retryRefund', id)
    expect(await state()).toBe('needsAttention')
  })

  it('is repeated until it is known to have arrived, and not once more', async () => {
    const { id, say, has, row, attempt, state, paths } = await withDetails()
    say(reset)
    expect(await attempt('retryRefund', id)).toBe('retried')
    has(row({ status: 'needs-attention' }))
    say(reset)
    expect(await attempt('retryRefund', id, false)).toBe('retried')
    has(row({ status: 'processed' }))
    expect(await attempt('retryRefund', id, false)).toBe('done')
    expect(await state()).toBe('processed')
    expect(paths().filter((asked) => asked === path)).toHaveLength(2)
  })
})

describe('disputes', () => {
  const row = (odd: object = {}) => ({
    id: 1_801_929,
    status: 'awaiting-merchant-feedback',
    resolution: null,
    refund_amount: 10_000,
    currency: 'NGN',
    dueAt: '2099-12-01T00:00:00.000Z',
    transaction: 7,
    ...odd,
  })
  const contested = row({ status: 'awaiting-bank-feedback' })
  const conceded = row({ status: 'resolved', resolution: 'merchant-accepted' })
  const upload = success({ signedUrl: 'https://storage.example.test', fileName: 'none-1' })

  const anOpenDispute = async () => {
    const scene = await aScene(success(row()))
    const id = await scene.aDispute(randomUUID(), '1801929')
    expect(await scene.attempt('lookUpDispute', id)).toBe('done')
    expect(await scene.stateOf('dispute', id)).toBe('opened')
    const { vault, send } = scene
    const evidence = {
      customerEmail: vault.seal('payer@example.test'),
      customerName: vault.seal('Ada Obi'),
      customerPhone: vault.seal('08012345678'),
      serviceDetails: 'A course',
      deliveryAddress: vault.seal('1 Marina, Lagos'),
      deliveryDate: '2026-11-01',
    }
    return {
      ...scene,
      id,
      contest: () => send('dispute', id, { type: 'submitEvidence', ...evidence }),
      accept: () => send('dispute', id, { type: 'accept' }),
      state: () => scene.stateOf('dispute', id),
    }
  }

  it('are looked up until there is an answer', async () => {
    const { id, say, send, attempt, state } = await anOpenDispute()
    await send('dispute', id, { type: 'payment.disputeChanged' })
    say(reset, success(row({ status: 'resolved', resolution: 'declined' })))
    expect(await attempt('lookUpDispute', id)).toBe('retried')
    expect(await attempt('lookUpDispute', id)).toBe('done')
    expect(await state()).toBe('declined')
  })

  it('are contested with evidence that stands nowhere in clear', async () => {
    const { id, say, contest, attempt, state, asked, stored } = await anOpenDispute()
    await contest()
    say(success({ id: 21 }), upload, success(contested))
    expect(await attempt('submitEvidence', id)).toBe('done')
    expect(await state()).toBe('underReview')
    expect(asked[1]!.body).toEqual({
      customer_email: 'payer@example.test',
      customer_name: 'Ada Obi',
      customer_phone: '08012345678',
      service_details: 'A course',
      delivery_address: '1 Marina, Lagos',
      delivery_date: '2026-11-01',
    })
    expect(asked[3]!.body).toMatchObject({ resolution: 'declined', evidence: 21 })
    expect(await stored()).not.toMatch(/payer@example|Ada Obi|08012345678|Marina/)
  })

  it('are answered once, whatever became of the answer', async () => {
    const { id, say, contest, attempt, state, asked } = await anOpenDispute()
    await contest()
    say(success({ id: 21 }), upload, reset)
    expect(await attempt('submitEvidence', id)).toBe('retried')
    say(success(contested))
    expect(await attempt('submitEvidence', id, false)).toBe('done')
    expect(await state()).toBe('underReview')
    expect(asked.filter(({ method }) => method === 'PUT')).toHaveLength(1)
  })

  it('stay open when the provider does not want the evidence', async () => {
    const { id, say, contest, attempt, state, due } = await anOpenDispute()
    await contest()
    say(refusal(400, 'invalid_evidence'))
    expect(await attempt('submitEvidence', id)).toBe('done')
    expect(await state()).toBe('opened')
    expect(await due('submitEvidence', id)).toEqual([])
  })

  it('are conceded once, whatever became of the answer', async () => {
    const { id, say, accept, attempt, state, asked } = await anOpenDispute()
    await accept()
    say(upload, reset)
    expect(await attempt('acceptDispute', id)).toBe('retried')
    say(success(conceded))
    expect(await attempt('acceptDispute', id, false)).toBe('done')
    expect(await state()).toBe('accepted')
    expect(asked.filter(({ method }) => method === 'PUT')).toMatchObject([
      { path: '/dispute/1801929/resolve', body: { resolution: 'merchant-accepted', refund_amount: 10_000 } },
    ])
  })

  it('that the bank has decided meanwhile are told as they are', async () => {
    const { id, say, accept, attempt, state } = await anOpenDispute()
    await accept()
    say(success(row({ status: 'resolved', resolution: 'declined' })))
    expect(await attempt('acceptDispute', id, false)).toBe('done')
    expect(await state()).toBe('declined')
  })
})

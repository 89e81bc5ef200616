import { setTimeout as sleep } from 'node:timers/promises'
import type { Control } from '../../src/paystack-simulator/control.ts'
import type { Random } from '../kill/random.ts'
import type { Shop, Wish } from './shop.ts'
import type { Customer, Teller } from './teller.ts'

export type Shoppers = {
  /** Everybody tries to buy what they wish. */
  run: () => Promise<void>
  /** Lets everything come to its end, with a clock that goes on for weeks. */
  finish: (advance: (ms: number) => void, print: (line: string) => void) => Promise<void>
  /** The same without a clock that can be moved: what cannot be known yet stays open. */
  settle: (untilMs: number) => Promise<void>
  /** Nobody begins anything new. */
  stop: () => void
  told: () => string
}

type Parts = {
  shop: Shop
  simulator: Control
  ask: Teller
  random: Random
  violated: (what: string) => void
  atOnce?: number
  /** How payments and refunds may go at the provider; many ways by default. */
  scenarios?: readonly (typeof SCENARIOS)[number][]
  /** Nobody can make the clock go on: everybody pays, and at once. */
  inRealTime?: boolean
}

const AT_ONCE = 24
const SCENARIOS = [
  'success',
  'success',
  'success',
  'success',
  'refund_fails',
  'refund_needs_attention',
] as const
const OPEN_PAYMENT = ['pending'] as const
const OPEN_REFUND = ['submitting', 'uncertain', 'pending', 'processing', 'needs_attention'] as const
const BANK = { accountNumber: '0001234567', bankId: '9' }
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** How the clock goes on at the end: long enough for every timer. */
const STEPS_MS = [
  ...Array.from({ length: 8 }, () => 15_000),
  ...Array.from({ length: 8 }, () => 5 * MINUTE_MS),
  ...Array.from({ length: 6 }, () => 20 * MINUTE_MS),
  ...Array.from({ length: 6 }, () => HOUR_MS),
  ...Array.from({ length: 60 }, () => DAY_MS),
]

export const createShoppers = ({ shop, simulator, ask, random, violated, ...how }: Parts): Shoppers => {
  const { atOnce = AT_ONCE, scenarios = SCENARIOS, inRealTime = false } = how
  const counts = {
    initiated: 0,
    paid: 0,
    declined: 0,
    left: 0,
    late: 0,
    cancelled: 0,
    refunds: 0,
    rejected: 0,
  }
  const wishes = [...shop.wishes]

  const worker = async (chance: Random) => {
    for (let wish = wishes.shift(); wish; wish = wishes.shift()) {
      await buy(wish, chance)
      if (chance.chance(0.03)) await clear(chance)
    }
  }

  const buy = async ({ customer, offering }: Wish, chance: Random) => {
    const body = { offeringId: offering.id, method: chance.chance(0.5) ? 'card' : 'paystack' }
    const begun = await ask(customer, 'POST', '/api/v1/payments', { body, key: chance.uuid() })
    if (begun.status !== 201)
      return violated(`a payment was not initiated: ${begun.status} ${begun.code ?? ''}`)
    counts.initiated++
    const paymentId: string = begun.data.id
    // Two tabs: one of them must be told no, and no second payment may come to anything.
    if (chance.chance(0.1)) await ask(customer, 'POST', '/api/v1/payments', { body, key: chance.uuid() })
    await untilKnown(paymentId)
    await act(customer, paymentId, chance)
    if (chance.chance(0.3)) await command(customer, paymentId, 'verify', chance)
    if (chance.chance(0.6)) await wantBack(customer, paymentId, offering.minor, chance)
  }

  /** The customer can only pay what the provider has heard of. */
  const untilKnown = async (reference: string) => {
    for (let look = 0; look < 150 && !isKnown(reference); look++) await sleep(60)
  }

  const isKnown = (wanted: string) => simulator.transactions().some(({ reference }) => reference === wanted)

  const act = async (customer: Customer, reference: string, chance: Random) => {
    if (!isKnown(reference)) {
      counts.left++
      return
    }
    const scenario = chance.pick(scenarios)
    const kind = inRealTime ? 0 : chance.next()
    if (kind < 0.6) {
      counts.paid++
      simulator.pay(reference, { scenario })
    } else if (kind < 0.7) {
      counts.declined++
      simulator.decline(reference)
      // The page lets one try again with another card.
      if (chance.chance(0.3)) simulator.pay(reference, { scenario })
    } else if (kind < 0.8) {
      counts.cancelled++
      await command(customer, reference, 'cancel', chance)
      if (chance.chance(0.5)) simulator.pay(reference, { scenario })
    } else if (kind < 0.9) {
      counts.late++
      late.push(() => simulator.pay(reference, { scenario }))
    } else counts.left++
  }

  /** What happens when the payments have long been given up. */
  const late: (() => unknown)[] = []

  const command = (customer: Customer, id: string, name: string, chance: Random, body: object = {}) =>
    ask(customer, 'POST', `/api/v1/payments/${id}/${name}`, { body, key: chance.uuid() })

  const wantBack = async (customer: Customer, id: string, minor: number, chance: Random) => {
    for (let look = 0; look < 50; look++) {
      const { data } = await ask(customer, 'GET', `/api/v1/payments/${id}`)
      if (data.status !== 'pending') break
      await sleep(100)
    }
    const half = Math.floor(minor / 2)
    const parts = chance.pick([[minor], [half, half], [half], [half, half, half], [0]])
    const replies = await Promise.all(
      parts.map((part) => {
        const amount = { amount: { minor: part, currency: 'NGN' }, reason: 'changed my mind' }
        const body = part === 0 ? { full: true, reason: 'all of it' } : amount
        return command(chance.chance(0.5) ? customer : shop.admin, id, 'requestRefund', chance, body)
      }),
    )
    for (const { status } of replies) if (status === 200) counts.refunds++
  }

  /** Decides what waits for a decision, and sends money to an account where a card does not take it. */
  const clear = async (chance: Random) => {
    for (const refund of await all('refunds', ['pending_approval', 'needs_attention'])) {
      const path = `/api/v1/refunds/${refund.id}`
      const reject = chance.chance(0.3)
      if (refund.view.status === 'needs_attention')
        await ask(shop.admin, 'POST', `${path}/submitBankDetails`, { body: BANK, key: chance.uuid() })
      else if (reject) {
        counts.rejected++
        await ask(shop.admin, 'POST', `${path}/reject`, { body: { reason: 'too late' }, key: chance.uuid() })
      } else await ask(shop.admin, 'POST', `${path}/approve`, { body: {}, key: chance.uuid() })
    }
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  const all = async (namespace: string, statuses: readonly string[]): Promise<any[]> => {
    // oxlint-disable-next-line typescript/no-explicit-any -- as above
    const found: any[] = []
    for (const status of statuses) {
      let after = ''
      do {
        const page = `/api/v1/${namespace}?status=${status}&limit=200${after && `&after=${after}`}`
        const { data } = await ask(shop.admin, 'GET', page)
        found.push(...data.items)
        after = data.next ?? ''
      } while (after)
    }
    return found
  }

  /** Asks the provider again about whatever is still open, until nothing is or time is up. */
  const settle = async (untilMs: number) => {
    for (;;) {
      await clear(random)
      const payments = await all('payments', OPEN_PAYMENT)
      const refunds = await all('refunds', OPEN_REFUND)
      if (payments.length + refunds.length === 0 || Date.now() > untilMs) break
      for (const { id } of payments)
        await ask(shop.admin, 'POST', `/api/v1/payments/${id}/verify`, { body: {}, key: random.uuid() })
      await sleep(2_000)
    }
    await simulator.idle()
  }

  return {
    settle,
    stop: () => void wishes.splice(0),
    run: async () => {
      await Promise.all(Array.from({ length: atOnce }, () => worker(random.fork())))
    },
    finish: async (advance, print) => {
      let open = 0
      for (const [step, ms] of STEPS_MS.entries()) {
        // Half-way through the hours everything has been given up: late money arrives.
        if (step === 20) for (const pay of late.splice(0)) pay()
        advance(ms)
        await sleep(250)
        await clear(random)
        const payments = await all('payments', OPEN_PAYMENT)
        const refunds = await all('refunds', OPEN_REFUND)
        open = payments.length + refunds.length
        if (open === 0 && step > 30) break
      }
      await simulator.idle()
      await sleep(1_000)
      print(`at rest with ${open} open payments and refunds; ${counts.rejected} refunds rejected`)
      if (open > 0) violated(`${open} payments and refunds never came to an end`)
    },
    told: () =>
      Object.entries(counts)
        .map(([name, count]) => `${count} ${name}`)
        .join(', '),
  }
}

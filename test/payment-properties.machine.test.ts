import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { payment } from '../actors/payment.ts'
import { bucketsOf } from '../machines/payment-money.ts'
import type { PaymentContext } from '../machines/payment-steps.ts'
import type { PurchaseContext } from '../machines/purchase.ts'
import { DAY, HOUR, input, MINUTE, price, SECOND } from './payment-messages.ts'
import { createWorld, MOODS, PAYMENT, PURCHASE, type Happening, type World } from './payment-world.ts'
import type { Received } from './provider-model.ts'

const pick = fc.nat(20)
const minor = fc.constantFrom(0, 1, 100_000, 250_000, 499_999, 500_000, 500_001)
const mood = fc.oneof(
  { weight: 4, arbitrary: fc.constant('answered' as const) },
  { weight: 1, arbitrary: fc.constantFrom(...MOODS) },
)

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('carryOut' as const), pick, mood, again: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, again: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(SECOND, 10 * SECOND, 2 * MINUTE, 31 * MINUTE, HOUR, DAY),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ do: 'pay' } as const, { do: 'webhook' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('decline' as const, 'arrive', 'verify', 'cancel') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('requestRefund' as const),
      minor,
      by: fc.constantFrom('admin-1', input.payerId),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('decide' as const), pick, approve: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('moveRefund' as const),
      pick,
      to: fc.constantFrom('processing' as const, 'processed', 'failed', 'needs-attention'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dispute' as const), minor: minor.filter(Boolean) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('endDispute' as const), pick, lost: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rival' as const),
      says: fc.constantFrom('claimed' as const, 'settled', 'released'),
    }),
  },
)

const answered: Happening[] = [
  { do: 'carryOut', pick: 0, mood: 'answered', again: false },
  { do: 'deliver', pick: 0, again: false },
]
const begun: Happening[] = [...answered, ...answered, ...answered]
const made: Happening[] = [...begun, { do: 'pay' }, { do: 'webhook' }, ...answered, ...answered, ...answered]
/** Most lives begin like most payments, or they would end before anything can happen to them. */
const life = fc
  .tuple(fc.constantFrom([], begun, made), fc.array(happening, { maxLength: 40, size: 'max' }))
  .map(([beginning, rest]) => [...beginning, ...rest])

const right: Received = { amountMinor: price.minor, currency: 'NGN', reference: input.id }
const wrong = fc.constantFrom(
  { ...right, amountMinor: price.minor - 1 },
  { ...right, amountMinor: price.minor + 1 },
  { ...right, currency: 'USD' },
  { ...right, reference: 'payment-2' },
  { ...right, amountMinor: 2 ** 53 },
)
const received = fc.oneof({ weight: 3, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: wrong })
const saved = fc.constantFrom(null, null, 'authorization-1')

const snapshotOf = ({ actors }: World) => actors.story(PAYMENT)!.snapshot
const contextOf = (world: World) => snapshotOf(world).context as PaymentContext
const count = (world: World, type: string) =>
  world.actors.facts.filter(({ owner, event }) => owner === PAYMENT && event.type === type).length
const promises = (world: World, ...names: string[]) =>
  world.actors.history.filter(({ owner, name }) => owner === PAYMENT && names.includes(name))
const refundsBySystem = (world: World) =>
  promises(world, 'create').filter(({ params }) => (params as { id: string }).id === input.autoRefundId)
const isMatching = ({ provider }: World, truth: Received) =>
  provider.transaction()?.status === 'success' && truth === right

/** What holds after every single step. */
const checkStep = (world: World) => {
  const { charged, refundPending, refunded } = bucketsOf(contextOf(world))
  expect(refunded + refundPending).toBeLessThanOrEqual(charged)
  expect(promises(world, 'initializePayment', 'chargeAuthorization').length).toBeLessThanOrEqual(1)
  expect(count(world, 'payment.settled')).toBeLessThanOrEqual(1)
  expect(refundsBySystem(world).length).toBeLessThanOrEqual(1)
}

const run = (world: World, happenings: readonly Happening[], lateSpeech: boolean) => {
  for (const one of happenings) {
    world.happen(one)
    checkStep(world)
  }
  world.end(lateSpeech)
  checkStep(world)
}

test('M8 whatever happens, and in whatever order, it ends as the provider says, and the books add up', () =>
  fc.assert(
    fc.property(life, received, saved, fc.boolean(), (happenings, truth, authorizationId, lateSpeech) => {
      const world = createWorld(truth, authorizationId)
      run(world, happenings, lateSpeech)
      const { value } = snapshotOf(world)
      const context = contextOf(world)
      const books = bucketsOf(context)
      const hasPaid = world.provider.transaction()?.status === 'success'
      const matching = isMatching(world, truth)

      // It is where the truth is, and settled exactly once when that is a success.
      expect(count(world, 'payment.settled')).toBe(matching ? 1 : 0)
      if (matching) expect(value).toBe('settled')
      else if (hasPaid) expect(value).toBe('needsReview')
      else expect(value).toHaveProperty('closed')

      // Money that nobody wanted any more has been sent back, all of it and once.
      const isUnwanted = matching && (count(world, 'payment.cancelled') > 0 || wasRefusedLate(world))
      expect(refundsBySystem(world).map(({ params }) => amountOf(params))).toEqual(
        isUnwanted ? [price.minor] : [],
      )

      // The books are the provider's.
      const isBookable = hasPaid && truth.currency === 'NGN' && truth.reference === input.id
      const came = isBookable && Number.isSafeInteger(truth.amountMinor) ? truth.amountMinor : 0
      expect(books).toMatchObject({
        charged: came,
        refundPending: 0,
        refunded: world.provider.refunded(),
      })
      const lost = world.provider.disputes.filter(({ resolution }) => resolution === 'auto-accepted')
      expect(books.disputed).toBe(lost.reduce((sum, dispute) => sum + dispute.minor, 0))
      for (const { refundId, standing } of context.refunds) {
        const atProvider = world.provider.refunds.filter(({ note }) => note === refundId)
        expect(atProvider.length).toBeLessThanOrEqual(1)
        expect(atProvider[0]?.status === 'processed').toBe(standing === 'processed')
      }

      // Whoever keeps money has the purchase, and nobody else.
      const { holder } = world.actors.story(PURCHASE)!.snapshot.context as PurchaseContext
      const { status } = payment.view(snapshotOf(world) as never, input.id)
      const isKept = matching && !isUnwanted && !['refunded', 'reversed'].includes(status)
      if (isKept) expect(holder).toMatchObject({ paymentId: input.id, paid: true })
      else if (value !== 'needsReview') expect(holder?.paymentId).not.toBe(input.id)
    }),
  ))

const amountOf = (params: unknown) => (params as { input: { amount: { minor: number } } }).input.amount.minor

/** The first claim decides whether there is a payment at all; a refusal of a second one comes too late for that. */
const wasRefusedLate = (world: World) =>
  world.claimsRefused() > 0 && promises(world, 'initializePayment', 'chargeAuthorization').length > 0

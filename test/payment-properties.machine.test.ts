import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { payment } from '../actors/payment.ts'
import type { PaymentNews } from '../contracts/purchase.ts'
import { bucketsOf } from '../machines/payment-money.ts'
import type { PaymentContext } from '../machines/payment-steps.ts'
import { purchaseMachine, type PurchaseContext } from '../machines/purchase.ts'
import { given, type Story } from './given.ts'
import {
  DAY,
  disputeChanged,
  granted,
  HOUR,
  initialized,
  initializing,
  input,
  MINUTE,
  missing,
  paid,
  price,
  refundChanged,
  requestRefund,
  SECOND,
  unknown,
  verified,
  verify,
  webhook,
} from './payment-messages.ts'
import { createWorld, PAYMENT, PURCHASE, type Happening, type World } from './payment-world.ts'
import { MOODS, type Mood, type Received } from './provider-model.ts'

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

const repeated = (happenings: Happening[], times: number) =>
  Array.from({ length: times }, () => happenings).flat()
const carryOut = (choice: Mood): Happening => ({ do: 'carryOut', pick: 0, mood: choice, again: false })
const life = fc.array(happening, { maxLength: 40, size: 'max' })

const answered: Happening[] = [carryOut('answered'), { do: 'deliver', pick: 0, again: false }]
const claimed: Happening[] = [carryOut('answered'), carryOut('answered')]
const begun: Happening[] = [...claimed, ...answered]
const madeThen: Happening[] = [...begun, { do: 'pay' }, { do: 'webhook' }, ...answered, ...answered]
const asked: Happening = { do: 'requestRefund', minor: 250_000, by: 'admin-1' }
const givenUp: Happening[] = [...begun, { do: 'advance', ms: 31 * MINUTE }, ...repeated(answered, 8)]
/** Each of them is a way into a part of a payment's life which chance alone would seldom find. */
const beginnings: [string, Happening[]][] = [
  ['from the beginning', []],
  ['on the page', begun],
  ['when the answer gets lost', [...claimed, carryOut('lost'), { do: 'deliver', pick: 0, again: false }]],
  ['when the request is late', [...claimed, carryOut('slow'), { do: 'deliver', pick: 0, again: false }]],
  ['after it was paid', madeThen],
  ['while refunds are under way', [...madeThen, asked, asked, ...repeated([carryOut('answered')], 4)]],
  ['after it was cancelled', [...begun, { do: 'cancel' }]],
  ['after another one took over', [...givenUp, { do: 'rival', says: 'claimed' }, { do: 'pay' }]],
]

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
/** The payer is told of each end once, and of nothing that has not happened. */
const toldOf = (world: World, topic: string) =>
  promises(world, 'create').filter(
    ({ params }) => (params as { input: { topic?: string } }).input.topic === `payment.${topic}`,
  ).length
const isMatching = ({ provider }: World, truth: Received) =>
  provider.transaction()?.status === 'success' && truth === right

/** What holds after every single step. */
const checkStep = (world: World) => {
  const { charged, refundPending, refunded } = bucketsOf(contextOf(world))
  expect(refunded + refundPending).toBeLessThanOrEqual(charged)
  expect(promises(world, 'initializePayment', 'chargeAuthorization').length).toBeLessThanOrEqual(1)
  expect(count(world, 'payment.settled')).toBeLessThanOrEqual(1)
  expect(refundsBySystem(world).length).toBeLessThanOrEqual(1)
  expect(toldOf(world, 'settled')).toBe(count(world, 'payment.settled'))
  expect(toldOf(world, 'refundIssued')).toBe(count(world, 'payment.refundIssued'))
  expect(toldOf(world, 'failed')).toBeLessThanOrEqual(count(world, 'payment.failed'))
}

const run = (world: World, happenings: readonly Happening[], lateSpeech: boolean) => {
  for (const one of happenings) {
    world.happen(one)
    checkStep(world)
  }
  world.end(lateSpeech)
  checkStep(world)
}

test.each(beginnings)('M8 %s it ends as the provider says, whatever the order', (_, beginning) => {
  fc.assert(
    fc.property(life, received, saved, fc.boolean(), (happenings, truth, authorizationId, lateSpeech) => {
      const world = createWorld(truth, authorizationId)
      run(world, [...beginning, ...happenings], lateSpeech)
      const { value } = snapshotOf(world)
      const context = contextOf(world)
      const books = bucketsOf(context)
      const hasPaid = world.provider.transaction()?.status === 'success'
      const matching = isMatching(world, truth)

      // It is where the truth is, and settled exactly once when that is a success.
      expect(count(world, 'payment.settled')).toBe(matching ? 1 : 0)
      if (matching) expect(value).toBe('settled')
      else if (hasPaid) {
        // People may have closed what they had reviewed.
        expect(context.reviewed).toBe(true)
        expect(['needsReview', { closed: 'cancelled' }]).toContainEqual(value)
      } else expect(value).toHaveProperty('closed')

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
  )
})

const amountOf = (params: unknown) => (params as { input: { amount: { minor: number } } }).input.amount.minor

/** The first claim decides whether there is a payment at all; a refusal of a second one comes too late for that. */
const wasRefusedLate = (world: World) =>
  world.claimsRefused() > 0 && promises(world, 'initializePayment', 'chargeAuthorization').length > 0

/** All of them in some order, and some of them again. */
const shuffled = <Message>(messages: readonly Message[]) =>
  fc
    .tuple(
      fc.array(fc.constantFrom(...messages), { maxLength: 6 }),
      fc.array(fc.nat(), { minLength: messages.length + 6, maxLength: messages.length + 6 }),
    )
    .map(([again, ranks]) =>
      [...messages, ...again]
        .map((message, index) => ({ message, rank: ranks[index] ?? 0 }))
        .toSorted((one, other) => one.rank - other.rank)
        .map(({ message }) => message),
    )

type Told = Parameters<typeof initializing.when>[number]
type Scene = { story: typeof initializing; held: Story<typeof purchaseMachine>; version: number }

/** The purchase hears what the payment says, and is still to be had. */
const deliver = ({ story, held, version }: Scene, message: Told): Scene => {
  const next = story.when(message)
  const source = { actor: 'payment', id: input.id, version: version + 1 }
  const news = next.effects
    .filter(({ name }) => name === 'tell')
    .map(({ params }) => (params as { message: PaymentNews }).message)
  const heard = held.when(...news.map(({ type }) => ({ type, source, at: input.at })))
  const scene = { story: next, held: heard, version: version + 1 }
  return news.some(({ type }) => type === 'payment.claimed') ? deliver(scene, granted()) : scene
}

test('F08 F09 any permutation and repetition of the same inputs ends in the same state and books', () => {
  const minors = fc.constantFrom(100_000, 250_000, price.minor)
  const cases = fc
    .record({
      answers: fc.subarray([
        initialized(),
        unknown(),
        missing(),
        webhook(),
        verify(),
        verified('abandoned'),
        verified('failed'),
        verified('pending'),
      ]),
      disputes: fc.constantFrom([], ['open'] as const, ['open', 'won'] as const, ['open', 'lost'] as const),
      isDecidedEarly: fc.boolean(),
      disputed: minors,
      ends: fc.tuple(
        fc.constantFrom('processed' as const, 'failed'),
        fc.constantFrom('processed' as const, 'rejected'),
      ),
    })
    .chain(({ answers, disputes, isDecidedEarly, disputed, ends }) => {
      const news = disputes.map((standing) => disputeChanged(disputed, standing))
      const first = [paid(), ...answers, ...(isDecidedEarly ? news : news.slice(0, 1))]
      const [one, other] = ends
      const then = [...first, ...news, refundChanged('refund-1', one), refundChanged('refund-2', other)]
      return fc.record({
        orders: fc.tuple(shuffled<Told>(first), shuffled<Told>(then)),
        others: fc.tuple(shuffled<Told>(first), shuffled<Told>(then)),
      })
    })
  const endOf = ([first, then]: [Told[], Told[]]) => {
    const requests = [requestRefund('refund-1', 250_000), requestRefund('refund-2', 250_000)]
    const version = 1
    const held = given(purchaseMachine, { ...input, id: input.purchaseId }).when({
      type: 'payment.claimed',
      source: { actor: 'payment', id: input.id, version },
      at: input.at,
    })
    const end = [...first, ...requests, ...then].reduce(deliver, { story: initializing, held, version })
    const { value, context } = end.story.snapshot
    const { charged, refunds, disputes } = context as PaymentContext
    const { holder } = end.held.snapshot.context as PurchaseContext
    return { value, charged, refunds, disputes, isPaid: holder?.paid ?? false, isFree: holder === null }
  }
  fc.assert(
    fc.property(cases, ({ orders, others }) => {
      const end = endOf(orders)
      expect(end.value).toBe('settled')
      expect(end).toEqual(endOf(others))
    }),
  )
})

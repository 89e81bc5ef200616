import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketsOf, isGone } from '../machines/payment-money.ts'
import type { PaymentContext } from '../machines/payment-steps.ts'
import type { RemovalContext } from '../machines/removal.ts'
import type { RosterContext } from '../machines/roster.ts'
import type { SettlementContext } from '../machines/settlement.ts'
import { createWorld, idOf, PRICE, type Happening, type World } from './enrollment-world.ts'

const pick = fc.nat(20)
const learner = fc.constantFrom('ada', 'ben')
const doing = (...names: Extract<Happening, { pick: number }>['do'][]) =>
  fc.record({ do: fc.constantFrom(...names), pick }) as fc.Arbitrary<Happening>

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, again: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('enroll' as const, 'initiate' as const), learner }),
  },
  { weight: 4, arbitrary: doing('pay') },
  { weight: 2, arbitrary: doing('schedule', 'complete', 'callOff') },
  { weight: 2, arbitrary: doing('drop', 'suspend', 'resume', 'learn', 'ask', 'reject', 'cancel') },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      pick,
      minor: fc.constantFrom(1, 100_000, PRICE.minor),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endRefund' as const), pick, fails: fc.boolean() }) },
  { weight: 1, arbitrary: doing('deskRefund', 'retry') },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('plan' as const, 'run', 'remove', 'pause', 'goOn', 'discard'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(60_000, 31 * 60_000) }),
  },
)
const life = fc.array(happening, { maxLength: 60, size: 'max' })

const delivered = (times: number): Happening[] =>
  Array.from({ length: times }, () => ({ do: 'deliver', pick: 0, again: false }))
const enrolled: Happening[] = [{ do: 'enroll', learner: 'ada' }, ...delivered(8)]
const begun: Happening[] = [
  ...enrolled,
  { do: 'initiate', learner: 'ada' },
  ...delivered(4),
  { do: 'pay', pick: 0 },
  ...delivered(8),
]
const taught: Happening[] = [
  ...begun,
  ...Array.from({ length: 4 }, (): Happening => ({ do: 'schedule', pick: 0 })),
  { do: 'complete', pick: 0 },
  ...delivered(8),
]
/** Each of them is a way into a part of a life which chance alone would seldom find. */
const beginnings: [string, Happening[]][] = [
  ['from the beginning', []],
  ['when one is enrolled', enrolled],
  ['when one has begun', begun],
  ['when one has learned', taught],
  ['while the money goes back', [...taught, { do: 'ask', pick: 0 }, ...delivered(2)]],
  ['while it is removed', [...taught, { do: 'remove' }]],
  ['after a dry run', [...taught, { do: 'plan' }, ...delivered(1), { do: 'run' }]],
]

const paymentsOf = ({ actors, contextOf }: World) =>
  actors.names('payment').map((name) => ({ id: idOf(name), of: contextOf<PaymentContext>(name) }))

/** What holds after every single step. */
const checkStep = (world: World) => {
  const { actors, contextOf, enrollments } = world
  for (const { value, of } of enrollments())
    if (value === 'active' || value === 'completed')
      expect(contextOf<PaymentContext>(`payment:${of.paymentId}`).settledAt).not.toBeNull()
  for (const { of } of paymentsOf(world)) {
    const { charged, refunded, refundPending } = bucketsOf(of)
    expect(refunded + refundPending).toBeLessThanOrEqual(charged)
  }
  for (const name of actors.names('removal')) {
    const { total, pending, processed, failed, review } = contextOf<RemovalContext>(name)
    expect(processed + failed + review + pending).toBe(total)
    expect(Math.min(pending, processed, failed, review)).toBeGreaterThanOrEqual(0)
  }
}

const settlementsOf = ({ actors, contextOf, valueOf }: World) =>
  actors.names('settlement').map((name) => ({ value: valueOf(name), of: contextOf<SettlementContext>(name) }))

/** All that anybody has decided about one payment: each is an amount up to which it goes back. */
const dueFor = (world: World, id: string, { charged, refunds, autoRefundId }: PaymentContext): number => {
  const settled = settlementsOf(world)
    .filter(({ value, of }) => of.paymentId === id && (value === 'refunded' || value === 'cancelled'))
    .map(({ of }) => of.verdict!.amountMinor)
  const asked = world
    .enrollments()
    .filter(({ of }) => of.paymentId === id)
    .flatMap(({ of: { refundRequest } }) =>
      refundRequest && ['approved', 'autoApproved'].includes(refundRequest.status)
        ? [refundRequest.amountMinor]
        : [],
    )
  const whole = world.deskRefunds.has(id) || refunds.some(({ refundId }) => refundId === autoRefundId)
  return Math.max(0, ...settled, ...asked, whole ? charged : 0)
}

const checkRest = (world: World, keepsAccess: boolean) => {
  const { actors, contextOf, valueOf, enrollments } = world
  const isUsed = (id: string) => enrollments().some(({ of }) => of.paymentId === id)
  const wasCancelled = (id: string) =>
    actors.facts.some(({ owner, event }) => owner === `payment:${id}` && event.type === 'payment.cancelled')
  const roster = actors.story('roster:roster-1')?.snapshot
  const isClosed = roster?.value === 'closed'

  for (const { value, of } of enrollments()) {
    expect(['requested', 'pendingPayment', 'closing']).not.toContain(value)
    if (!keepsAccess && ['active', 'suspended', 'completed'].includes(value as string))
      expect(isGone(contextOf<PaymentContext>(`payment:${of.paymentId}`))).toBe(false)
    if (isClosed) expect(['active', 'suspended']).not.toContain(value)
  }
  expect((roster?.context as RosterContext | undefined)?.enrolled ?? 0).toBe(
    enrollments().filter(({ value, of }) => of.endedAt === null && value !== 'completed').length,
  )
  for (const { id, of } of paymentsOf(world)) {
    expect(bucketsOf(of)).toMatchObject({ refundPending: 0, refunded: dueFor(world, id, of) })
    // What nobody could use any more has gone back.
    if (isClosed && of.settledAt !== null && !isUsed(id) && !keepsAccess) expect(isGone(of)).toBe(true)
    // And what somebody has used goes back by decision only, or because its payer had cancelled it before it came.
    const { autoRefundId } = of
    if (isUsed(id) && !wasCancelled(id))
      expect(of.refunds.map(({ refundId }) => refundId)).not.toContain(autoRefundId)
  }
  for (const { value, of } of settlementsOf(world))
    // What was planned and will not be done has ended, and nothing else has ended so.
    if (valueOf(`removal:${of.removalId}`) === 'discarded') expect(value).toBe('discarded')
    else expect(value).not.toBe('discarded')
  for (const name of actors.names('removal')) {
    const isBegun = !['planning', 'planned', 'discarded'].includes(valueOf(name) as string)
    if (isBegun) expect(valueOf(name)).toBe('done')
    if (isBegun) expect(contextOf<RemovalContext>(name)).toMatchObject({ pending: 0, failed: 0, review: 0 })
  }
}

test.each(beginnings)(
  '%s nobody has access or money that is not theirs, whatever the order',
  (_, beginning) => {
    const policies = fc.record({
      keepsAccess: fc.constantFrom(false, false, true),
      refund: fc.constantFrom('firstLesson@1', 'within14Days@1'),
    })
    fc.assert(
      fc.property(
        life,
        policies,
        fc.boolean(),
        fc.boolean(),
        (happenings, policy, isRemoved, newestFirst) => {
          const world = createWorld(policy)
          for (const one of [
            ...beginning,
            ...happenings,
            ...(isRemoved ? [{ do: 'remove' } as const] : []),
          ]) {
            world.happen(one)
            checkStep(world)
          }
          world.end(newestFirst)
          checkStep(world)
          checkRest(world, policy.keepsAccess)
        },
      ),
    )
  },
)

import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { settlement, settlementId } from '../actors/settlement.ts'
import { SettlementView, type Verdict } from '../contracts/settlement.ts'
import { settlementMachine } from '../machines/settlement.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const enrolledAt = '2025-12-01T09:00:00.000Z'
const naira = (minor: number) => ({ minor, currency: 'NGN' as const })
const input = {
  id: 'settlement-1',
  orgId: 'org-1',
  removalId: 'removal-1',
  enrollmentId: 'enrollment-1',
  offeringId: 'offering-1',
  studentId: 'learner-1',
  courseTitle: 'First aid',
  removalReason: 'taken down',
  refundId: 'refund-1',
  total: naira(500_000),
  paymentId: 'payment-1' as string | null,
  verdict: null as Verdict | null,
  at,
}
const facts = { removalId: 'removal-1', enrollmentId: 'enrollment-1', studentId: 'learner-1' }

const run = { type: 'removal.run', at } as const
/** From the removal itself, which has counted that it is reopened. */
const runAgain = { ...run, source: { actor: 'removal', id: 'removal-1', version: 2 } } as const
const discarded = { type: 'removal.discarded', at } as const
const counted = { type: 'removal.counted', at } as const
const closing = (paid: number | null, lessonIds = ['a', 'b', 'c', 'd']) =>
  ({
    type: 'enrollment.closing',
    paymentId: paid === null ? null : 'payment-1',
    paid: paid === null ? null : naira(paid),
    enrolledAt,
    lessonIds,
    at,
  }) as const
const over = { type: 'enrollment.over', status: 'dropped', at } as const
const measured = (completedLessons: number, totalLessons = 4) =>
  ({ type: 'lessons.measured', completedLessons, totalLessons, at }) as const
const unmeasurable = { type: 'lessons.unmeasurable', reason: 'there are others', at } as const
const broken = { type: 'effect.failed', effect: 'tell', reason: 'no answer', at } as const
const refundBegan = (minor: number, refundId = 'refund-1') =>
  ({ type: 'payment.refundBegan', refundId, minor, at }) as const
const refundEnded = (minor: number, standing: 'processed' | 'failed', refundId = 'refund-1') =>
  ({ type: 'payment.refundEnded', refundId, minor, standing, at }) as const
const nothingDue = { type: 'payment.nothingDue', refundId: 'refund-1', at } as const
const by = { at, by: 'admin-1' }
const retry = { type: 'retry', refundId: 'refund-2', ...by } as const
const resolve = (as: 'refunded' | 'cancelled') => ({ type: 'resolve', as, note: 'by bank', ...by }) as const

const tell = (actor: string, id: string, message: object) => ({
  name: 'tell',
  params: { actor, id, message },
})
const toEnrollment = (message: object) => tell('enrollment', 'enrollment-1', message)
const toRemoval = (message: object) => tell('removal', 'removal-1', message)
const close = toEnrollment({ type: 'removal.began', reason: 'taken down' })
const reason = (note: string) => `Course removed by admin. Reason: taken down. ${note}`
const askPayment = (upToMinor: number, note: string) =>
  tell('payment', 'payment-1', { type: 'refund.due', refundId: 'refund-1', upToMinor, reason: reason(note) })
const fact = (type: string, change: object = {}) => ({ type: `settlement.${type}`, ...facts, ...change })
const HALF = 'Pro-rata refund: 2/4 lessons completed, refunding 2 unused lessons'
const NONE = 'No refund: 3/4 lessons completed (over 50%)'
const FULL = 'Full refund - no lessons completed'
const verdict = (
  completedLessons: number,
  decision: Verdict['decision'],
  amountMinor: number,
  note: string,
): Verdict => ({
  policy: 'removal@1',
  decision,
  amountMinor,
  note,
  inputs: { totalMinor: 500_000, enrolledAt, completedLessons, totalLessons: 4 },
})
const announced = (refund: string, refundAmount: number, of: Verdict) => ({
  type: 'settlement.removedByAdmin',
  coursePackId: 'offering-1',
  courseTitle: 'First aid',
  removalReason: 'taken down',
  studentId: 'learner-1',
  refund,
  refundAmount,
  totalAmount: of.inputs.totalMinor,
  currency: 'NGN',
  completedLessons: of.inputs.completedLessons,
  totalLessons: of.inputs.totalLessons,
  refundNote: of.note,
  removedAt: at,
})
const processed = (minor: number) =>
  toRemoval({ type: 'settlement.ended', outcome: 'processed', refunded: naira(minor) })
const stuck = (outcome: 'failed' | 'review') =>
  toRemoval({ type: 'settlement.ended', outcome, refunded: null })

/** The learner is told that the course has gone, and what was paid and stays. */
const gone = (kept?: { minor: number; currency: string }) => ({
  name: 'create',
  params: {
    actor: 'notification',
    input: {
      orgId: 'org-1',
      recipientId: 'learner-1',
      topic: 'enrollment.removed',
      subject: { actor: 'enrollment', id: 'enrollment-1' },
      text: 'First aid has been removed, and your enrollment has ended. The reason: taken down',
      data: {
        offeringId: 'offering-1',
        offeringTitle: 'First aid',
        reason: 'taken down',
        ...(kept ? { amountMinor: kept.minor, currency: kept.currency } : {}),
      },
    },
  },
})

const planned = given(settlementMachine, input)
const measuring = planned.when(run, closing(500_000))
const refunding = measuring.when(measured(2))
const failed = refunding.when(refundBegan(250_000), refundEnded(250_000, 'failed'))
const review = measuring.when(unmeasurable)

describe('a settlement', () => {
  it('closes the enrollment first, and measures it then', () => {
    planned.expect({ state: 'planned', events: [fact('planned')], effects: [] })
    planned.when(run).expect({ state: 'closing', effects: [close] })
    measuring.expect({
      state: 'measuring',
      effects: [
        close,
        {
          name: 'measureLessons',
          params: { orgId: 'org-1', enrollmentId: 'enrollment-1', lessonIds: ['a', 'b', 'c', 'd'] },
        },
      ],
    })
  })

  it('is brought up to date by a plan that is made again, as long as it has not begun', () => {
    const again = { type: 'planner.measured', verdict: verdict(0, 'full', 500_000, FULL), at } as const
    planned.when(again).expect({ state: 'planned', context: { verdict: again.verdict } })
    measuring.when(again).expect({ state: 'measuring', refused: true })
  })

  it('S2.57 S2.59 C11 asks the payment for exactly the amount, with the reason', () => {
    const half = verdict(2, 'partial', 250_000, HALF)
    refunding.expect({
      state: 'refunding',
      events: [fact('decided', { verdict: half })],
      effects: [askPayment(250_000, HALF)],
      context: { verdict: half },
    })
  })

  it('S2.62 C15 says it when the refund is asked for, and again when it has ended', () => {
    const half = verdict(2, 'partial', 250_000, HALF)
    refunding
      .when(refundBegan(250_000))
      .expect({ state: 'refunding', events: [announced('requested', 250_000, half)], effects: [] })
      .when(refundEnded(250_000, 'processed'))
      .expect({
        state: 'refunded',
        events: [announced('processed', 250_000, half), fact('refunded')],
        effects: [
          toEnrollment({ type: 'removal.ended', outcome: 'refunded', note: reason(HALF) }),
          processed(250_000),
        ],
      })
  })

  it('S2.59 cancels what nothing is due for', () => {
    const none = verdict(3, 'none', 0, NONE)
    measuring.when(measured(3)).expect({
      state: 'cancelled',
      events: [fact('decided', { verdict: none }), announced('none', 0, none), fact('cancelled')],
      effects: [
        toEnrollment({ type: 'removal.ended', outcome: 'cancelled', note: reason(NONE) }),
        processed(0),
        gone(naira(500_000)),
      ],
    })
  })

  it('does not measure what nobody has paid for', () => {
    const nothing: Verdict = {
      ...verdict(0, 'full', 0, FULL),
      inputs: { totalMinor: 0, enrolledAt, completedLessons: 0, totalLessons: 0 },
    }
    planned
      .when(run)
      .when(closing(null))
      .expect({
        state: 'cancelled',
        events: [fact('decided', { verdict: nothing }), announced('none', 0, nothing), fact('cancelled')],
        effects: [
          toEnrollment({ type: 'removal.ended', outcome: 'cancelled', note: reason(FULL) }),
          processed(0),
          gone(),
        ],
      })
  })

  it('takes what was paid meanwhile, not what was planned', () =>
    given(settlementMachine, { ...input, total: naira(0), paymentId: null })
      .when(run, closing(500_000))
      .when(measured(0))
      .expect({
        state: 'refunding',
        events: [fact('decided', { verdict: verdict(0, 'full', 500_000, FULL) })],
        effects: [askPayment(500_000, FULL)],
      }))

  it('is skipped when the enrollment has ended by itself', () =>
    planned
      .when(run)
      .when(over)
      .expect({
        state: 'skipped',
        events: [fact('skipped')],
        effects: [toRemoval({ type: 'settlement.ended', outcome: 'processed', refunded: null })],
      }))

  it('is cancelled when as much has gone back before', () =>
    refunding.when(nothingDue).expect({
      state: 'cancelled',
      events: [announced('none', 0, verdict(2, 'partial', 250_000, HALF)), fact('cancelled')],
      effects: [
        toEnrollment({ type: 'removal.ended', outcome: 'cancelled', note: reason(HALF) }),
        processed(0),
        gone(naira(500_000)),
      ],
    }))

  it('counts what the payment really gives back', () =>
    refunding
      .when(refundBegan(150_000))
      .when(refundEnded(150_000, 'processed'))
      .expect({
        state: 'refunded',
        events: [announced('processed', 150_000, verdict(2, 'partial', 250_000, HALF)), fact('refunded')],
        effects: [
          toEnrollment({ type: 'removal.ended', outcome: 'refunded', note: reason(HALF) }),
          processed(150_000),
        ],
      }))

  it('knows its own refund only', () => {
    for (const other of [refundBegan(1, 'another'), refundEnded(1, 'processed', 'another')])
      refunding.when(other).expect({ state: 'refunding', refused: true })
  })
})

describe('what is stuck', () => {
  it('C13 moves no money when it cannot be measured', () => {
    for (const [message, why] of [
      [unmeasurable, 'there are others'],
      [broken, 'internal'],
    ] as const)
      measuring.when(message).expect({
        state: 'needsReview',
        events: [fact('needsReview', { reason: why })],
        effects: [stuck('review')],
      })
  })

  it('C12 is failed when the refund is, and C15 says so', () =>
    refunding
      .when(refundBegan(250_000))
      .when(refundEnded(250_000, 'failed'))
      .expect({
        state: 'failed',
        events: [
          announced('failed', 250_000, verdict(2, 'partial', 250_000, HALF)),
          fact('failed', { reason: 'refund_failed' }),
        ],
        effects: [stuck('failed')],
      }))

  it('C12 is failed when a bank looks at the money, and says why', () =>
    refunding.when({ ...refundEnded(0, 'failed'), reason: 'disputed' }).expect({
      state: 'failed',
      events: [
        announced('failed', 0, verdict(2, 'partial', 250_000, HALF)),
        fact('failed', { reason: 'disputed' }),
      ],
      effects: [stuck('failed')],
    }))

  it('is failed when its messages cannot be delivered', () => {
    for (const story of [planned.when(run), refunding])
      story.when(broken).expect({
        state: 'failed',
        events: [fact('failed', { reason: 'internal' })],
        effects: [stuck('failed')],
      })
  })

  it('may be retried or resolved only when the removal has counted it', () => {
    for (const story of [failed, review])
      for (const message of [retry, resolve('refunded'), resolve('cancelled')])
        story.when(message).expect({ state: story.snapshot.value, refused: true, effects: [] })
  })

  it.each([
    ['failed', failed, 'failed'],
    ['needsReview', review, 'review'],
  ] as const)('that is %s begins anew when it is retried, under another refund', (_, story, from) => {
    story
      .when(counted)
      .when(retry)
      .expect({
        state: 'planned',
        events: [fact('retried')],
        effects: [toRemoval({ type: 'settlement.reopened', from })],
        context: { refundId: 'refund-2', failure: null, counted: false },
      })
      // The runner sees it as well, perhaps before it is counted.
      .when(run)
      .expect({ state: 'planned', refused: true, effects: [] })
      .when(runAgain, closing(500_000), measured(2))
      .when(refundBegan(250_000), refundEnded(250_000, 'processed'))
      .expect({ state: 'refunding', refused: true, events: [] })
  })

  it.each(['refunded', 'cancelled'] as const)('is %s by hand', (as) => {
    failed
      .when(counted)
      .when(resolve(as))
      .expect({
        state: as,
        events: [fact(as)],
        effects: [
          toEnrollment({ type: 'removal.ended', outcome: as, note: 'by bank' }),
          gone(as === 'cancelled' ? naira(500_000) : undefined),
          toRemoval({ type: 'settlement.resolved', from: 'failed' }),
        ],
        context: { failure: null, refundMinor: 0 },
      })
  })
})

it('ends with the plan that was thrown away, and stays so', () => {
  const ended = given(settlementMachine, input)
    .when(discarded)
    .expect({ state: 'discarded', events: [fact('discarded')], effects: [] })
  ended.when(discarded, run).expect({ state: 'discarded', refused: true })
  given(settlementMachine, input).when(run, discarded).expect({ state: 'closing', refused: true })
})

test('every state can be reached', () => {
  const paths = getShortestPaths(settlementMachine, {
    input,
    events: [
      run,
      closing(500_000),
      over,
      measured(2),
      measured(4),
      unmeasurable,
      refundBegan(250_000),
      refundEnded(250_000, 'processed'),
      broken,
      discarded,
    ],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  const reached = new Set(paths.map(({ state }) => state.value))
  // It decides without stopping there.
  expect(reached).toEqual(
    new Set(Object.keys(settlementMachine.states).filter((name) => name !== 'deciding')),
  )
})

describe('the rules', () => {
  const as = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => ({
    userId,
    orgId,
    roles: [role],
  })

  it.each([
    ['an administrator', as('admin'), true],
    ['the system', as('system'), true],
    ['an administrator who is the learner', as('admin', 'learner-1'), false],
    ['csm', as('csm'), false],
    ['the learner', as('student', 'learner-1'), false],
    ['a tutor', as('instructor'), false],
    ['an administrator of another organisation', as('admin', 'somebody', 'org-2'), false],
  ] as const)('%s decides, or not', (_, principal, decides) => {
    for (const may of Object.values(settlement.allow))
      expect(may(principal, failed.snapshot as never)).toBe(decides)
  })

  it('is for operators only', () => {
    for (const role of ['student', 'instructor', 'coordinator', 'peer_mentor'] as const)
      expect(settlement.scopes(as(role))).toEqual([])
    expect(settlement.scopes(as('csm'))).toEqual([{ orgId: 'org-1' }])
  })

  it('is one for an enrollment in a removal, and another in another', () => {
    expect(settlementId('r1', 'e1')).toBe(settlementId('r1', 'e1'))
    expect(new Set([settlementId('r1', 'e1'), settlementId('r1', 'e2'), settlementId('r2', 'e1')]).size).toBe(
      3,
    )
  })

  it('S2.61 the view holds what the contract promises', () => {
    const viewOf = ({ snapshot }: typeof planned) => settlement.view(snapshot as never, 'settlement-1')
    for (const story of [planned, measuring, refunding, failed, review])
      expect(Object.keys(viewOf(story)).toSorted()).toEqual(Object.keys(SettlementView.shape).toSorted())
    expect(viewOf(refunding)).toMatchObject({
      enrollmentId: 'enrollment-1',
      studentId: 'learner-1',
      totalAmount: naira(500_000),
      refundAmount: naira(250_000),
      completedLessons: 2,
      totalLessons: 4,
      note: HALF,
    })
    expect(viewOf(review)).toMatchObject({
      status: 'needs_review',
      failure: 'there are others',
      refundAmount: naira(0),
    })
  })
})

import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { enrollment } from '../actors/enrollment.ts'
import { EnrollmentView, Progress } from '../contracts/enrollment.ts'
import { enrollmentMachine } from '../machines/enrollment.ts'
import {
  active,
  admitted,
  approve,
  askRefund,
  at,
  began,
  certificateOpened,
  closing,
  drop,
  ended,
  fact,
  free,
  input,
  later,
  lesson,
  MINUTE,
  paid,
  price,
  progress,
  reject,
  released,
  requested,
  reserved,
  resume,
  suspend,
  toPayment,
  toCertificate,
  toCertificates,
  toPurchase,
  toRoster,
  toSettlement,
  turnedAway,
  welcome,
} from './enrollment-messages.ts'
import { given } from './given.ts'

const opened = toPurchase({ type: 'enrollment.opened', openedAt: at })
const left = (paymentId: string | null) => toPurchase({ type: 'enrollment.ended', paymentId })
const gone = (isAdmitted: boolean) => toRoster({ type: 'enrollment.ended', admitted: isAdmitted })
const payBefore = later(30 * MINUTE)

describe('enrolling', () => {
  it('asks the roster before it is anything', () =>
    requested.expect({
      state: 'requested',
      events: [fact('requested', { price })],
      effects: [toRoster({ type: 'enrollment.opened' })],
      timers: {},
    }))

  it('C28 begins at once when it is free, and S4.29 welcomes the learner', () =>
    free.expect({ state: 'active', events: [fact('activated')], effects: [welcome], timers: {} }))

  it('is reserved until it is paid', () =>
    reserved.expect({
      state: 'pendingPayment',
      events: [fact('reserved', { price, payBefore })],
      effects: [opened],
      timers: { payment: payBefore },
    }))

  it('C27 begins when its purchase is paid, tells it so, and welcomes the learner once', () =>
    active
      .expect({
        state: 'active',
        events: [fact('activated')],
        effects: [toPurchase({ type: 'enrollment.activated', paymentId: 'payment-1' }), welcome],
        timers: {},
        context: { paymentId: 'payment-1', paid: price },
      })
      .when(paid(3))
      .expect({ state: 'active', refused: true, effects: [] }))

  it('takes the price for what was paid when nobody knows better', () =>
    reserved
      .when(paid(3, 'payment-1', null))
      .expect({ state: 'active', events: [fact('activated')], context: { paid: price } }))

  it('is given up when nobody pays in time, and the place is free again', () =>
    reserved.until(payBefore).expect({
      state: 'cancelled',
      events: [fact('cancelled', { reason: 'not_paid_in_time' })],
      effects: [gone(true), left(null)],
      timers: {},
    }))

  it.each(['deleted', 'removed'] as const)('is nothing when the offering is %s', (why) => {
    requested.when(turnedAway(why)).expect({
      state: 'cancelled',
      events: [fact('cancelled', { reason: `offering_${why}` })],
      effects: [gone(false), left(null)],
    })
  })

  it('gives back its place when it is let in after it had given up waiting', () =>
    requested
      .when(drop)
      .expect({
        state: 'cancelled',
        events: [fact('cancelled', { reason: 'dropped' })],
        effects: [gone(false), left(null)],
      })
      .when(admitted)
      .expect({ state: 'cancelled', effects: [gone(true)] })
      .when(admitted)
      .expect({ state: 'cancelled', refused: true, effects: [] }))
})

describe('what the purchase says', () => {
  it('about money that has gone back keeps what it had said before from giving access', () =>
    reserved
      .when(released(5), paid(3))
      .expect({ state: 'pendingPayment', refused: true, effects: [] })
      .when(paid(7, 'payment-2'))
      .expect({ state: 'active', events: [fact('activated')], context: { paymentId: 'payment-2' } }))

  it('S2.66 takes access away when nothing is left of the money', () => {
    const ways = [
      [active, true, []],
      [active.when(suspend), true, []],
      // What was certified is looked at again (STATECHARTS 2.2).
      [active.when(...done), false, [toCertificates]],
    ] as const
    for (const [story, counts, others] of ways)
      story.when(released(5)).expect({
        state: 'refunded',
        events: [fact('refunded', { reason: 'money_returned' })],
        effects: [gone(counts), left('payment-1'), ...others],
      })
  })

  it('is told to a certificate that was issued while the money went back', () => {
    const completed = active.when(...done)
    completed
      .when(certificateOpened('certificate-1'))
      .expect({ state: 'completed', effects: [], refused: true })
    completed
      .when(released(5))
      .when(certificateOpened('certificate-1'))
      .expect({ state: 'refunded', effects: [toCertificate('certificate-1')] })
  })

  it('leaves the learner in where the organisation says so', () => {
    const keeps = given(enrollmentMachine, { ...input, policy: { ...input.policy, keepsAccess: true } })
    keeps.when(admitted, paid(3), released(5)).expect({
      state: 'active',
      refused: true,
      events: [fact('reserved', { price, payBefore }), fact('activated')],
    })
  })

  it('is old news when it was said before the payment', () =>
    active.when(released(2)).expect({ state: 'active', refused: true, effects: [] }))

  it('to an enrollment that is over is answered, so that nobody keeps the money because of it', () => {
    for (const story of [reserved.until(payBefore), active.when(drop), closing.when(ended('refunded'))])
      story
        .when(paid(9, 'payment-2'))
        .expect({
          state: story.snapshot.value,
          effects: [left(story.snapshot.context.paymentId as string | null)],
        })
        .when(paid(9, 'payment-2'))
        .expect({ state: story.snapshot.value, refused: true, effects: [] })
  })
})

const done = [progress('one', 1), progress('two', 1), progress('three', 1)] as const

describe('progress', () => {
  it('S4.25 C23 is kept for each module, with the mean of all, rounded down', () =>
    active.when(progress('one', 0.75, { timeSpentSeconds: 3_600 }), progress('two', 0.3334)).expect({
      state: 'active',
      events: [
        fact('progressed', { moduleId: 'one', moduleProgress: 0.75, progress: 0.25 }),
        fact('progressed', { moduleId: 'two', moduleProgress: 0.3334, progress: 0.3611 }),
      ],
      effects: [],
      context: {
        progress: 0.3611,
        resumeAt: 'two',
        modules: { one: { progress: 0.75, timeSpentSeconds: 3_600, lastAccessedAt: at, completedAt: null } },
      },
    }))

  it('C23 never goes back, and the time never becomes less', () => {
    const half = active.when(progress('one', 0.5, { timeSpentSeconds: 60 }))
    half.when(progress('one', 0.4999)).expect({ state: 'active', refused: true })
    half.when(progress('one', 0.5, { timeSpentSeconds: 10 })).expect({
      state: 'active',
      events: [fact('progressed', { moduleId: 'one', moduleProgress: 0.5, progress: 0.1666 })],
      context: { modules: { one: { progress: 0.5, timeSpentSeconds: 60 } } },
    })
  })

  it('of a module that is not of the offering is refused', () =>
    active.when(progress('four', 0.5)).expect({ state: 'active', refused: true }))

  it('S4.26 completes it when every module is done, by the rule alone', () => {
    const almost = active.when(...done.slice(0, 2), progress('three', 0.9999)).expect({
      state: 'active',
      events: [
        fact('progressed', { moduleId: 'one', moduleProgress: 1, progress: 0.3333 }),
        fact('progressed', { moduleId: 'two', moduleProgress: 1, progress: 0.6666 }),
        fact('progressed', { moduleId: 'three', moduleProgress: 0.9999, progress: 0.9999 }),
      ],
    })
    almost.when(progress('three', 1)).expect({
      state: 'completed',
      events: [fact('progressed', { moduleId: 'three', moduleProgress: 1, progress: 1 }), fact('completed')],
      // Whoever is done keeps no offering from being deleted.
      effects: [gone(true)],
    })
  })

  it('counts the modules that there are when it is said', () =>
    active.when(progress('one', 1), progress('two', 1, { modules: ['two'] })).expect({
      state: 'completed',
      events: [
        fact('progressed', { moduleId: 'one', moduleProgress: 1, progress: 0.3333 }),
        fact('progressed', { moduleId: 'two', moduleProgress: 1, progress: 1 }),
        fact('completed'),
      ],
    }))

  it('S2.56 of a pack is that of its lessons', () => {
    const pack = given(enrollmentMachine, { ...input, requiredLessons: 2 }).when(admitted, paid(3))
    pack
      .when(lesson('a', 'completed', 2), lesson('b', 'missed', 2), lesson('c', 'scheduled', 1), ...done)
      .expect({ state: 'active', context: {}, events: expect.anything() as never })
      .when(lesson('c', 'completed', 2))
      .expect({
        state: 'completed',
        events: [fact('lessonChanged', { lessonId: 'c', status: 'completed' }), fact('completed')],
      })
  })

  it('of lessons takes the newest word about each', () =>
    active.when(lesson('a', 'completed', 2), lesson('a', 'scheduled', 1)).expect({
      state: 'active',
      refused: true,
      events: [fact('lessonChanged', { lessonId: 'a', status: 'completed' })],
      context: { lessons: { a: { status: 'completed', version: 2 } } },
    }))

  it('is not to be had while it is suspended', () =>
    active
      .when(suspend)
      .expect({ state: 'suspended', events: [fact('suspended', { reason: 'a dispute' })], effects: [] })
      .when(progress('one', 0.5))
      .expect({ state: 'suspended', refused: true })
      .when(lesson('a', 'completed', 2))
      .expect({ state: 'suspended', events: [fact('lessonChanged', { lessonId: 'a', status: 'completed' })] })
      .when(resume)
      .expect({ state: 'active', events: [fact('resumed')] }))

  it.each([
    [0.75, 0.75],
    [0.123_456_789, 0.1234],
    [0.999_99, 0.9999],
    [0.1 + 0.2, 0.3],
    [1, 1],
    [0, 0],
  ])('C23 of %d is kept as %d', (sent, kept) => expect(Progress.parse(sent)).toBe(kept))

  it.each([1.000_1, -0.1, Number.NaN, Infinity, '0.5', null])('C23 of %s is no progress', (sent) =>
    expect(Progress.safeParse(sent).success).toBe(false),
  )
})

describe('a refund that is asked for', () => {
  const decided = (status: string, amountMinor: number, note: string) =>
    fact('refundDecided', { status, amountMinor, note })
  const asked = fact('refundRequested', { reason: 'not for me' })
  const inputs = { totalMinor: 500_000, enrolledAt: at, completedLessons: 1, totalLessons: 2 }

  it('S2.67 is granted strictly after the first lesson, with what was decided and on what', () =>
    active
      .when(lesson('a', 'completed', 2), lesson('b', 'scheduled', 1))
      .when(askRefund)
      .expect({
        state: 'active',
        events: [asked, decided('autoApproved', 500_000, 'Full refund after the first lesson')],
        effects: [toPayment(500_000)],
        context: {
          refundRequest: {
            status: 'autoApproved',
            requestedBy: 'learner-1',
            requestedAt: at,
            decidedAt: at,
            firstLessonCompleted: true,
            policy: 'firstLesson@1',
            inputs,
            amountMinor: 500_000,
          },
        },
      }))

  it('S2.67 waits for an administrator otherwise', () =>
    active.when(askRefund).expect({
      state: 'active',
      events: [asked],
      effects: [],
      context: {
        refundRequest: { status: 'pending', firstLessonCompleted: false, decidedAt: null, amountMinor: 0 },
      },
    }))

  it('S2.67 is asked for once', () => {
    for (const story of [active.when(askRefund), active.when(askRefund, reject)])
      story.when(askRefund).expect({ state: 'active', refused: true, effects: [] })
  })

  it('is for money only', () => free.when(askRefund).expect({ state: 'active', refused: true, effects: [] }))

  it('is granted, in part as well, once and never beyond what was paid', () => {
    const waiting = active.when(askRefund)
    waiting.when(approve(500_001)).expect({ state: 'active', refused: true, effects: [] })
    const granted = waiting.when(approve(200_000))
    const note = '0 lessons completed: an administrator decides'
    granted.expect({
      state: 'active',
      events: [decided('approved', 200_000, note)],
      effects: [toPayment(200_000)],
    })
    for (const again of [approve(), reject]) granted.when(again).expect({ state: 'active', refused: true })
    waiting.when(approve()).expect({
      state: 'active',
      events: [decided('approved', 500_000, note)],
      effects: [toPayment(500_000)],
    })
  })

  it('is refused, and moves nothing', () =>
    active
      .when(askRefund)
      .when(reject)
      .expect({
        state: 'active',
        events: [decided('rejected', 0, 'too late')],
        effects: [],
        context: { refundRequest: { status: 'rejected', adminNote: 'too late' } },
      }))

  it('is decided for whoever has completed it meanwhile', () =>
    active
      .when(askRefund, ...done)
      .when(approve())
      .expect({
        state: 'completed',
        events: [decided('approved', 500_000, '0 lessons completed: an administrator decides')],
        effects: [toPayment(500_000)],
      }))

  it.each([
    ['processed', { outcome: 'processed', processedAt: at }],
    ['failed', { outcome: 'failed', processedAt: null }],
  ] as const)('knows that the money %s', (standing, refundRequest) => {
    const news = { type: 'payment.refundEnded', refundId: 'refund-1', minor: 500_000, standing, at } as const
    const source = { actor: 'payment', id: 'payment-1', version: 9 }
    const granted = active.when(askRefund, approve())
    granted.when({ ...news, source }).expect({ state: 'active', context: { refundRequest } })
    granted
      .when({ ...news, refundId: 'another', source })
      .expect({ state: 'active', context: { refundRequest: { outcome: null } } })
    granted
      .when({ type: 'payment.nothingDue', refundId: 'refund-1', at, source })
      .expect({ state: 'active', context: { refundRequest: { outcome: 'nothing_due', processedAt: null } } })
  })
})

describe('a removal', () => {
  const answer = (lessonIds: string[] = [], was: object = { paymentId: 'payment-1', paid: price }) =>
    toSettlement({ type: 'enrollment.closing', enrolledAt: at, lessonIds, ...was } as never)

  it('takes access away, and hears what there is to be settled', () => {
    const learned = [
      lesson('a', 'completed', 2),
      lesson('b', 'cancelled', 2),
      lesson('c', 'missed', 2),
    ] as const
    active
      .when(...learned)
      .when(began())
      .expect({
        state: 'closing',
        events: [fact('closing', { reason: 'taken down' })],
        effects: [answer(['a', 'c'])],
      })
    for (const story of [requested, reserved])
      story.when(began()).expect({
        state: 'closing',
        events: [fact('closing', { reason: 'taken down' })],
        effects: [answer([], { paymentId: null, paid: null })],
      })
  })

  it('also ends what its settlement never reached, when people have seen to it', () => {
    for (const story of [reserved, active, active.when(suspend)])
      for (const outcome of ['refunded', 'cancelled'] as const)
        story
          .when(ended(outcome))
          .expect({ state: outcome, events: [fact(outcome, { reason: 'as agreed' })] })
  })

  it('ends it as its own settlement says, and no other', () => {
    closing.when(ended('refunded', 'settlement-2')).expect({ state: 'closing', refused: true })
    for (const outcome of ['refunded', 'cancelled'] as const)
      closing.when(ended(outcome)).expect({
        state: outcome,
        events: [fact(outcome, { reason: 'as agreed' })],
        effects: [gone(true), left('payment-1')],
      })
  })

  it('may ask again, and hears of lessons that have changed meanwhile (C13)', () =>
    closing
      .when(lesson('a', 'scheduled', 1))
      .expect({ state: 'closing', events: [fact('lessonChanged', { lessonId: 'a', status: 'scheduled' })] })
      .when(began())
      .expect({ state: 'closing', effects: [answer(['a'])] }))

  it('finds nothing to do for what is over', () => {
    const over = [
      [active.when(drop), 'dropped'],
      [active.when(...done), 'completed'],
      [active.when(released(5)), 'refunded'],
      [reserved.when(drop), 'cancelled'],
    ] as const
    for (const [story, status] of over)
      story
        .when(began())
        .expect({ state: status, effects: [toSettlement({ type: 'enrollment.over', status })] })
  })

  it('does not let money in that comes too late: it goes back when it is over', () =>
    reserved
      .when(began(), paid(3))
      .expect({ state: 'closing', refused: true, events: expect.anything() as never })
      .when(ended('cancelled'))
      .expect({
        state: 'cancelled',
        events: [fact('cancelled', { reason: 'as agreed' })],
        effects: [gone(true), left(null)],
      }))
})

it('leaving keeps the money where it is', () =>
  active
    .when(drop)
    .expect({ state: 'dropped', events: [fact('dropped')], effects: [gone(true), left('payment-1')] }))

test('every state can be reached', () => {
  const paths = getShortestPaths(enrollmentMachine, {
    input,
    events: [admitted, paid(3), ...done, drop, suspend, began(), ended('cancelled'), released(5)],
    serializeState: ({ value, context }) => JSON.stringify([value, context.modules]),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(
    new Set(Object.keys(enrollmentMachine.states)),
  )
})

it('the view holds what the contract promises', () => {
  for (const story of [requested, reserved, active.when(progress('one', 0.5), askRefund), closing]) {
    const view = enrollment.view(story.snapshot as never, 'enrollment-1')
    expect(Object.keys(view).filter((name) => !(name in EnrollmentView.shape))).toEqual([])
    expect('payBefore' in view).toBe(story === reserved)
  }
})

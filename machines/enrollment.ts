import { and } from 'xstate'
import {
  activate,
  admit,
  answerSettlement,
  approveRefund,
  ask,
  beginClosing,
  complete,
  end,
  enrollment,
  factsOf,
  leaveAfterAll,
  leavePurchase,
  noteReturn,
  noteVersion,
  recordProgress,
  rejectRefund,
  remind,
  requestRefund,
  reserve,
  sendSettlementAway,
  suspend,
  takeLesson,
  takePayment,
  takeRefundNews,
  withdrawCertificate,
  withdrawCertificates,
} from './enrollment-steps.ts'

/** Whatever comes too late for it: nobody keeps a place, or money, because of an enrollment that is over. */
const over = (status: 'completed' | 'dropped' | 'cancelled' | 'refunded') =>
  ({
    'removal.began': { actions: sendSettlementAway(status) },
    ...(status === 'completed'
      ? {}
      : {
          'roster.admitted': { guard: ({ context }) => !context.admitted, actions: leaveAfterAll },
          'purchase.paid': { guard: 'isNews', actions: [noteVersion, leavePurchase] },
        }),
  }) satisfies Parameters<typeof enrollment.createStateConfig>[0]['on']

/** Its settlement never reached it, and people have seen to it. */
const settledByHand = {
  'removal.ended': [
    { guard: 'isRefunded', target: 'refunded', actions: end('enrollment.refunded') },
    { target: 'cancelled', actions: end('enrollment.cancelled') },
  ],
} as const

const decisions = {
  approveRefund: { guard: and(['isAsked', 'isGrantable']), actions: approveRefund },
  rejectRefund: { guard: 'isAsked', actions: rejectRefund },
} as const

/**
 * One learner in one offering, from asking to the end. It is let in by the roster, which closes before an offering goes,
 * and begins when it is free or its purchase is paid, whichever of payment and enrollment came first (C27). A learner who
 * comes back gets a new one; the old one stays as it ended.
 */
export const enrollmentMachine = enrollment.createMachine({
  id: 'enrollment@1',
  context: ({ input: { at, by: _by, ...input } }) => ({
    ...input,
    enrolledAt: at,
    activatedAt: null,
    completedAt: null,
    endedAt: null,
    endReason: null,
    admitted: false,
    paymentId: null,
    paid: null,
    purchaseVersion: 0,
    modules: {},
    progress: 0,
    resumeAt: null,
    modulesDone: false,
    lessons: {},
    refundRequest: null,
    settlementId: null,
  }),
  entry: [
    enrollment.emit(({ context }) => {
      return { type: 'enrollment.requested', ...factsOf(context), price: context.price }
    }),
    ask,
  ],
  initial: 'requested',
  states: {
    requested: {
      on: {
        'roster.admitted': [
          { guard: 'isFree', target: 'active', actions: [admit, activate] },
          { target: 'pendingPayment', actions: [admit, reserve] },
        ],
        'roster.closed': { target: 'cancelled', actions: end('enrollment.cancelled') },
        drop: { target: 'cancelled', actions: end('enrollment.cancelled', 'dropped') },
        'removal.began': { target: 'closing', actions: beginClosing },
        ...settledByHand,
      },
    },
    pendingPayment: {
      after: {
        payment: { target: 'cancelled', actions: end('enrollment.cancelled', 'not_paid_in_time') },
      },
      on: {
        'purchase.paid': { guard: 'isNews', target: 'active', actions: [takePayment, activate] },
        'purchase.released': { guard: 'isNews', actions: noteVersion },
        drop: { target: 'cancelled', actions: end('enrollment.cancelled', 'dropped') },
        'removal.began': { target: 'closing', actions: beginClosing },
        ...settledByHand,
      },
    },
    active: {
      always: { guard: 'isComplete', target: 'completed', actions: complete },
      after: {
        idle: [
          { guard: 'isIdle', target: 'active', reenter: true, actions: remind },
          // There was progress meanwhile: it waits for the rest.
          { target: 'active', reenter: true },
        ],
      },
      on: {
        recordProgress: { guard: 'isProgress', actions: recordProgress },
        'lesson.changed': { guard: 'isNewsOfLesson', actions: takeLesson },
        drop: { target: 'dropped', actions: end('enrollment.dropped', 'dropped') },
        suspend: { target: 'suspended', actions: suspend },
        requestRefund: { guard: 'mayAskForMoney', actions: requestRefund },
        ...decisions,
        'purchase.released': {
          guard: 'losesAccess',
          target: 'refunded',
          actions: end('enrollment.refunded', 'money_returned'),
        },
        'removal.began': { target: 'closing', actions: beginClosing },
        ...settledByHand,
      },
    },
    suspended: {
      on: {
        resume: {
          target: 'active',
          actions: [
            enrollment.emit(({ context }) => ({ type: 'enrollment.resumed', ...factsOf(context) })),
            noteReturn,
          ],
        },
        'lesson.changed': { guard: 'isNewsOfLesson', actions: takeLesson },
        drop: { target: 'dropped', actions: end('enrollment.dropped', 'dropped') },
        ...decisions,
        'purchase.released': {
          guard: 'losesAccess',
          target: 'refunded',
          actions: end('enrollment.refunded', 'money_returned'),
        },
        'removal.began': { target: 'closing', actions: beginClosing },
        ...settledByHand,
      },
    },
    completed: {
      on: {
        ...decisions,
        'purchase.released': {
          guard: 'losesAccess',
          target: 'refunded',
          actions: [end('enrollment.refunded', 'money_returned'), withdrawCertificates],
        },
        ...over('completed'),
      },
    },
    closing: {
      on: {
        'removal.ended': [
          {
            guard: and(['isOurSettlement', 'isRefunded']),
            target: 'refunded',
            actions: end('enrollment.refunded'),
          },
          { guard: 'isOurSettlement', target: 'cancelled', actions: end('enrollment.cancelled') },
        ],
        // It is asked once more when its settlement is retried.
        'removal.began': [
          { guard: 'isOurSettlement', actions: answerSettlement },
          { actions: sendSettlementAway('completed') },
        ],
        'roster.admitted': { actions: admit },
        // What cannot be measured while it knows of other lessons than there are can be measured later.
        'lesson.changed': { guard: 'isNewsOfLesson', actions: takeLesson },
      },
    },
    dropped: {
      on: {
        requestRefund: { guard: 'mayAskForMoney', actions: requestRefund },
        ...decisions,
        ...over('dropped'),
      },
    },
    cancelled: { on: over('cancelled') },
    refunded: {
      on: {
        ...over('refunded'),
        // It was issued while the money went back.
        'certificate.opened': { actions: withdrawCertificate },
      },
    },
  },
  on: {
    'payment.refundEnded': { actions: takeRefundNews },
    'payment.nothingDue': { actions: takeRefundNews },
  },
})

import { and, assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { EnrollmentAnswer, RemovalNews } from '../contracts/enrollment.ts'
import type { Money } from '../contracts/money.ts'
import type { RefundDue, RefundNews } from '../contracts/payment.ts'
import type {
  SettlementCommand,
  SettlementEvent,
  SettlementNews,
  SettlementOrder,
  SettlementReport,
  Verdict,
} from '../contracts/settlement.ts'
import type { Notice } from './notification.ts'
import { refundPolicy } from './refund-policies.ts'
import { removalNotice } from './settlement-notice.ts'

export type SettlementInput = Envelope & {
  id: string
  orgId: string
  removalId: string
  enrollmentId: string
  offeringId: string
  studentId: string
  courseTitle: string
  removalReason: string
  refundId: string
  /** What was paid when it was planned. */
  total: Money
  paymentId: string | null
  /** As it looked then. */
  verdict: Verdict | null
}

export type SettlementContext = Omit<SettlementInput, keyof Envelope> & {
  enrolledAt: string | null
  lessonIds: readonly string[]
  /** What the payment really gives back. Minor units. */
  refundMinor: number
  failure: string | null
  /** The removal knows that it is stuck. */
  counted: boolean
  /** It is tried again, and begins when the removal has counted that. */
  reopened: boolean
}

type SettlementMessage = Envelope &
  (
    | Exclude<SettlementCommand, { type: 'retry' }>
    | { type: 'retry'; refundId: string }
    | SettlementOrder
    | SettlementReport
    | EnrollmentAnswer
    | RefundNews
    | { type: 'effect.failed'; effect: string; reason: string }
  )

type Told =
  | { actor: 'enrollment'; id: string; message: RemovalNews }
  | { actor: 'payment'; id: string; message: RefundDue }
  | { actor: 'removal'; id: string; message: SettlementNews }

const POLICY = 'removal@1'

const settlement = setup({
  types: {
    context: {} as SettlementContext,
    input: {} as SettlementInput,
    events: {} as SettlementMessage,
    emitted: {} as SettlementEvent,
  },
  actions: {
    tell: (_, _params: Told) => {},
    create: (_, _params: Notice) => {},
    measureLessons: (_, _params: { orgId: string; enrollmentId: string; lessonIds: readonly string[] }) => {},
  },
  guards: {
    hasPaid: ({ context }) => context.paymentId !== null && context.total.minor > 0,
    isDue: ({ context }) => (context.verdict?.amountMinor ?? 0) > 0,
    isOurs: ({ context, event }) => 'refundId' in event && event.refundId === context.refundId,
    isProcessed: ({ event }) => event.type === 'payment.refundEnded' && event.standing === 'processed',
    isCounted: ({ context }) => context.counted,
    /** The runner may be faster than the word that it was reopened, and would have it end before that. */
    mayBegin: ({ context, event }) => !context.reopened || ('source' in event && event.source !== undefined),
    isRefundedByHand: ({ context, event }) =>
      context.counted && event.type === 'resolve' && event.as === 'refunded',
  },
})

const factsOf = ({ removalId, enrollmentId, studentId }: SettlementContext) => {
  return { removalId, enrollmentId, studentId }
}

const tellRemoval = (message: (context: SettlementContext) => SettlementNews) =>
  settlement.enqueueActions(({ context, enqueue }) => {
    enqueue({ type: 'tell', params: { actor: 'removal', id: context.removalId, message: message(context) } })
  })

const tellEnrollment = (message: (context: SettlementContext) => RemovalNews) =>
  settlement.enqueueActions(({ context, enqueue }) => {
    const { enrollmentId: id } = context
    enqueue({ type: 'tell', params: { actor: 'enrollment', id, message: message(context) } })
  })

const close = tellEnrollment(({ removalReason }) => ({ type: 'removal.began', reason: removalReason }))

const takeEnrollment = settlement.assign(({ context, event }) => {
  assertEvent(event, 'enrollment.closing')
  const { paymentId, paid, enrolledAt, lessonIds } = event
  return { paymentId, total: paid ?? { ...context.total, minor: 0 }, enrolledAt, lessonIds }
})

const measure = settlement.enqueueActions(({ context, enqueue }) => {
  const { orgId, enrollmentId, lessonIds } = context
  enqueue({ type: 'measureLessons', params: { orgId, enrollmentId, lessonIds } })
})

/** What is decided is kept with all that it was decided on. */
const decide = settlement.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['lessons.measured', 'enrollment.closing'])
  const used = event.type === 'lessons.measured' ? event : { completedLessons: 0, totalLessons: 0 }
  const { completedLessons, totalLessons } = used
  const { total } = context
  const enrolledAt = ('enrolledAt' in used ? used.enrolledAt : undefined) ?? context.enrolledAt!
  const inputs = { totalMinor: total.minor, enrolledAt, completedLessons, totalLessons }
  const verdict = { ...refundPolicy(POLICY)(inputs, event.at), inputs }
  enqueue.assign({ verdict, refundMinor: 0 })
  enqueue.emit({ type: 'settlement.decided', ...factsOf(context), verdict })
})

/** In two words: what the payment has been asked for, and later what became of it (S2.62, C15). */
const announce = (refund: 'requested' | 'none' | 'processed' | 'failed') =>
  settlement.enqueueActions(({ context, event, enqueue }) => {
    const { offeringId: coursePackId, courseTitle, removalReason, studentId, total, verdict } = context
    const { completedLessons, totalLessons } = verdict!.inputs
    enqueue.emit({
      type: 'settlement.removedByAdmin',
      coursePackId,
      courseTitle,
      removalReason,
      studentId,
      refund,
      refundAmount: context.refundMinor,
      totalAmount: total.minor,
      currency: total.currency,
      completedLessons,
      totalLessons,
      refundNote: verdict!.note,
      removedAt: event.at,
    })
  })

const askPayment = settlement.enqueueActions(({ context, enqueue }) => {
  const { refundId, verdict, paymentId } = context
  const reason = reasonOf(context)
  const message = { type: 'refund.due', refundId, upToMinor: verdict!.amountMinor, reason } as const
  enqueue({ type: 'tell', params: { actor: 'payment', id: paymentId!, message } })
})

/** As S2.59 writes it. */
const reasonOf = ({ removalReason, verdict }: SettlementContext): string =>
  `Course removed by admin. Reason: ${removalReason}. ${verdict!.note}`

const takeRefund = settlement.assign(({ context, event }) =>
  'minor' in event ? { refundMinor: event.minor } : { refundMinor: context.refundMinor },
)

/** Of what goes back the payment tells. */
const tellLearner = settlement.enqueueActions(({ context, enqueue }) => {
  const { total } = context
  enqueue({ type: 'create', params: removalNotice(context, total.minor > 0 ? total : null) })
})

const end = (type: 'refunded' | 'cancelled') => [
  settlement.emit(({ context }) => ({ type: `settlement.${type}`, ...factsOf(context) })),
  tellEnrollment((context) => ({
    type: 'removal.ended',
    outcome: type,
    note: context.verdict ? reasonOf(context) : context.removalReason,
  })),
  tellRemoval(({ refundMinor: minor, total: { currency } }) => ({
    type: 'settlement.ended',
    outcome: 'processed',
    refunded: { minor: type === 'refunded' ? minor : 0, currency },
  })),
  ...(type === 'cancelled' ? [tellLearner] : []),
]

const stick = (outcome: 'failed' | 'review', given?: string) =>
  settlement.enqueueActions(({ context, event, enqueue }) => {
    const failure = given ?? ('reason' in event ? event.reason : undefined) ?? 'refund_failed'
    const type = outcome === 'failed' ? 'settlement.failed' : 'settlement.needsReview'
    // What was asked for has not gone back.
    enqueue.assign({ failure, counted: false, refundMinor: 0 })
    enqueue.emit({ type, ...factsOf(context), reason: failure })
    enqueue(tellRemoval(() => ({ type: 'settlement.ended', outcome, refunded: null })))
  })

/** What is stuck is counted as such before it may be anything else, or the sums of the removal would be wrong for a while. */
const stuck = (from: 'failed' | 'review') =>
  ({
    on: {
      'removal.counted': { actions: settlement.assign({ counted: true }) },
      retry: {
        guard: 'isCounted',
        target: 'planned',
        actions: settlement.enqueueActions(({ context, event, enqueue }) => {
          assertEvent(event, 'retry')
          enqueue.assign({ refundId: event.refundId, failure: null, counted: false, reopened: true })
          enqueue.emit({ type: 'settlement.retried', ...factsOf(context) })
          enqueue(tellRemoval(() => ({ type: 'settlement.reopened', from })))
        }),
      },
      resolve: [
        {
          guard: 'isRefundedByHand',
          target: 'refunded',
          actions: [byHand('refunded'), tellRemoval(() => ({ type: 'settlement.resolved', from }))],
        },
        {
          guard: 'isCounted',
          target: 'cancelled',
          actions: [byHand('cancelled'), tellRemoval(() => ({ type: 'settlement.resolved', from }))],
        },
      ],
    },
  }) satisfies Parameters<typeof settlement.createStateConfig>[0]

const byHand = (outcome: 'refunded' | 'cancelled') =>
  settlement.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, 'resolve')
    const { note } = event
    enqueue.assign({ failure: null, refundMinor: 0 })
    enqueue.emit({ type: `settlement.${outcome}`, ...factsOf(context) })
    enqueue(tellEnrollment(() => ({ type: 'removal.ended', outcome, note })))
    if (outcome === 'cancelled') enqueue(tellLearner)
    else enqueue({ type: 'create', params: removalNotice(context, null) })
  })

/**
 * One enrollment of an offering that is removed. It is closed first, measured then, so that nothing is decided on what
 * may still change; what cannot be measured moves no money and waits for people (C13). Nothing is refunded without an
 * amount (C11), and it is over only when the payment says how the refund ended (C12).
 */
export const settlementMachine = settlement.createMachine({
  id: 'settlement@1',
  context: ({ input: { at: _at, by: _by, source: _source, ...input } }) => ({
    ...input,
    enrolledAt: null,
    lessonIds: [],
    refundMinor: 0,
    failure: null,
    counted: false,
    reopened: false,
  }),
  entry: settlement.emit(({ context }) => ({ type: 'settlement.planned', ...factsOf(context) })),
  initial: 'planned',
  states: {
    planned: {
      on: {
        'planner.measured': {
          actions: settlement.assign(({ event }) => {
            assertEvent(event, 'planner.measured')
            return { verdict: event.verdict }
          }),
        },
        'removal.run': {
          guard: 'mayBegin',
          target: 'closing',
          actions: [settlement.assign({ reopened: false }), close],
        },
        'removal.discarded': {
          target: 'discarded',
          actions: settlement.emit(({ context }) => ({ type: 'settlement.discarded', ...factsOf(context) })),
        },
      },
    },
    closing: {
      on: {
        'enrollment.closing': [
          { guard: ({ event }) => event.paid !== null, target: 'measuring', actions: takeEnrollment },
          // Nothing was paid, so nothing has to be measured.
          {
            target: 'cancelled',
            actions: [takeEnrollment, decide, announce('none'), ...end('cancelled')],
          },
        ],
        'enrollment.over': {
          target: 'skipped',
          actions: [
            settlement.emit(({ context }) => ({ type: 'settlement.skipped', ...factsOf(context) })),
            tellRemoval(() => ({ type: 'settlement.ended', outcome: 'processed', refunded: null })),
          ],
        },
        'effect.failed': { target: 'failed', actions: stick('failed', 'internal') },
      },
    },
    measuring: {
      entry: measure,
      on: {
        'lessons.measured': { target: 'deciding', actions: decide },
        'lessons.unmeasurable': { target: 'needsReview', actions: stick('review') },
        'effect.failed': { target: 'needsReview', actions: stick('review', 'internal') },
      },
    },
    deciding: {
      always: [
        { guard: and(['hasPaid', 'isDue']), target: 'refunding' },
        { target: 'cancelled', actions: [announce('none'), ...end('cancelled')] },
      ],
    },
    refunding: {
      entry: askPayment,
      on: {
        'payment.refundBegan': { guard: 'isOurs', actions: [takeRefund, announce('requested')] },
        'payment.nothingDue': {
          guard: 'isOurs',
          target: 'cancelled',
          actions: [announce('none'), ...end('cancelled')],
        },
        'payment.refundEnded': [
          {
            guard: and(['isOurs', 'isProcessed']),
            target: 'refunded',
            actions: [takeRefund, announce('processed'), ...end('refunded')],
          },
          {
            guard: 'isOurs',
            target: 'failed',
            actions: [takeRefund, announce('failed'), stick('failed')],
          },
        ],
        'effect.failed': { target: 'failed', actions: stick('failed', 'internal') },
      },
    },
    refunded: {},
    cancelled: {},
    skipped: {},
    /** Nobody was told of it. */
    discarded: {},
    failed: stuck('failed'),
    needsReview: stuck('review'),
  },
})

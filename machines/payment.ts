import { and } from 'xstate'
import {
  abandon,
  abandonAt,
  ARRIVES_WITHIN_MS,
  ask,
  charge,
  claim,
  countAnew,
  doubt,
  factsOf,
  fail,
  hintDispute,
  hintRefunds,
  isWaiting,
  JANITOR_MS,
  look,
  lookAgain,
  msSinceAsked,
  openCheckout,
  payment,
  release,
  review,
  settle,
} from './payment-steps.ts'
import {
  giveBack,
  refundAll,
  requestRefund,
  resolveRefund,
  retryRefund,
  takeDispute,
  takeRefund,
} from './payment-refunds.ts'

/** What could not be given back waits for people. */
const stuck = {
  retryRefund: { guard: 'isStuck', actions: retryRefund },
  resolveRefund: { guard: 'isStuck', actions: resolveRefund },
} as const

/**
 * One payer paying one price once. The row and its reference exist before the provider hears of them. Only an answer to
 * a lookup says what became of the money; webhooks, clients and timers merely make it look, so their order and number
 * do not matter. A request whose outcome is unknown is looked for and never called failed.
 */
export const paymentMachine = payment.createMachine({
  id: 'payment@1',
  context: ({ input: { at, by: _, ...input } }) => ({
    ...input,
    initiatedAt: at,
    settledAt: null,
    checkout: null,
    answered: false,
    looks: 0,
    lookedAt: null,
    askedAt: null,
    reviewed: false,
    card: null,
    failure: null,
    charged: 0,
    refunds: [],
    disputes: [],
  }),
  entry: payment.enqueueActions(({ context, enqueue }) => {
    enqueue.emit({ type: 'payment.initiated', ...factsOf(context), method: context.method })
  }),
  initial: 'claiming',
  states: {
    claiming: {
      entry: claim,
      on: {
        'purchase.granted': [
          // Nobody was there for a long time; whoever wanted to pay has gone.
          { guard: 'timeIsUp', target: 'closed.abandoned', actions: abandon },
          { target: 'open', actions: ask },
        ],
        'purchase.refused': { target: 'closed.failed', actions: fail() },
        'effect.failed': { target: 'closed.failed', actions: fail('internal') },
        cancel: { target: 'closed.cancelled' },
      },
    },
    open: {
      initial: 'initializing',
      on: {
        'provider.initialized': [
          // Told twice.
          { guard: ({ context }) => context.checkout !== null },
          { target: '.awaitingCustomer', actions: openCheckout },
        ],
        'provider.refused': {
          guard: ({ context }) => context.checkout === null,
          target: 'closed.failed',
          actions: fail(),
        },
        'provider.verified': [
          { guard: 'matches', target: 'settled', actions: [charge, settle(false)] },
          { guard: 'mismatches', target: 'needsReview', actions: review },
          {
            guard: { type: 'says', params: 'failed' },
            target: 'closed.failed',
            actions: fail('declined'),
          },
          { guard: { type: 'says', params: 'reversed' }, target: 'reversed' },
          { guard: 'timeIsUp', target: 'closed.abandoned', actions: abandon },
          { guard: 'canBePaid', target: '.awaitingCustomer' },
          // The page got lost with the answer, so nobody can pay it.
          { guard: 'wasAnswered', target: 'closed.abandoned', actions: abandon },
          { target: '.initializing' },
        ],
        'provider.missing': [
          { guard: 'isTooOld', target: 'closed.failed', actions: fail('never_arrived') },
          { guard: 'wasAnswered', target: '.unknown' },
          { target: '.initializing' },
        ],
        'webhook.charged': { target: '.verifying' },
        verify: { target: '.verifying' },
        cancel: { target: 'closed.cancelled' },
      },
      states: {
        initializing: {
          on: {
            'provider.unknown': { target: 'unknown' },
            'effect.failed': { guard: 'concernsProvider', target: 'unknown' },
          },
        },
        awaitingCustomer: {
          entry: countAnew,
          after: {
            poll: { target: 'awaitingCustomer', reenter: true, actions: lookAgain },
            abandonment: { target: 'verifying' },
          },
          on: {
            // An answer that changes nothing leaves the timers alone.
            'provider.verified': {
              guard: ({ event, context }) => isWaiting(event) && event.at < abandonAt(context),
            },
            'provider.missing': {},
          },
        },
        unknown: {
          entry: [doubt, countAnew],
          after: {
            janitor: [
              {
                guard: ({ context }) => context.looks < JANITOR_MS.length - 1,
                target: 'unknown',
                reenter: true,
                actions: lookAgain,
              },
              { target: 'unresolved', actions: look },
            ],
          },
          on: {
            'provider.missing': {
              guard: ({ context, event }) => msSinceAsked(context, event) < ARRIVES_WITHIN_MS,
            },
          },
        },
        /** People have to find out, or give it up; an answer that comes nevertheless counts as ever. */
        unresolved: { entry: review },
        verifying: {
          entry: [
            payment.enqueueActions(({ context, enqueue }) => {
              enqueue.emit({ type: 'payment.verifying', ...factsOf(context) })
            }),
            look,
          ],
          on: {
            verify: undefined,
            'webhook.charged': { actions: look },
            'provider.unknown': { target: 'unknown' },
            'effect.failed': { guard: 'concernsProvider', target: 'unknown' },
          },
        },
      },
    },
    closed: {
      initial: 'failed',
      entry: release,
      after: {
        lateLook1: { actions: look },
        lateLook2: { actions: look },
        lateLook3: { actions: look },
      },
      on: {
        // The answer to a claim that was given up meanwhile.
        'purchase.granted': { actions: release },
        'provider.verified': [
          { guard: 'matches', target: 'reclaiming', actions: charge },
          { guard: 'mismatches', target: 'needsReview', actions: review },
          { guard: { type: 'says', params: 'reversed' }, target: 'reversed' },
        ],
        'webhook.charged': { actions: look },
        // Whoever asked has tried for minutes: the money may still be there.
        'provider.unknown': { guard: 'wasAnswered', actions: look },
        verify: { guard: 'mayLookAgain', actions: look },
      },
      states: {
        failed: {},
        abandoned: {},
        cancelled: {
          entry: payment.enqueueActions(({ context, enqueue }) => {
            enqueue.emit({ type: 'payment.cancelled', ...factsOf(context) })
          }),
          on: {
            'provider.verified': [
              {
                guard: 'matches',
                target: '#payment@1.settled',
                actions: [charge, settle(true), refundAll('paid after it was cancelled')],
              },
              // People have seen to it.
              { guard: and(['mismatches', 'isReviewed']) },
            ],
          },
        },
      },
    },
    reclaiming: {
      entry: claim,
      on: {
        'purchase.granted': { target: 'settled', actions: settle(true) },
        'purchase.refused': {
          target: 'settled',
          actions: [settle(true), refundAll('paid by another payment')],
        },
      },
    },
    settled: {
      on: { requestRefund: { guard: 'isRefundable', actions: requestRefund }, ...stuck },
    },
    needsReview: {
      on: {
        // What the books cannot hold is given back by hand.
        cancel: { guard: 'mayBeClosed', target: 'closed.cancelled' },
        requestRefund: { guard: 'isRefundable', actions: requestRefund },
        ...stuck,
        verify: { guard: 'mayLookAgain', actions: look },
        'webhook.charged': { actions: look },
        'provider.unknown': { actions: look },
        // The purchase may have been released before.
        'provider.verified': {
          guard: and(['matches', 'isUntouched']),
          target: 'reclaiming',
          actions: charge,
        },
      },
    },
    reversed: {
      entry: [
        payment.enqueueActions(({ context, enqueue }) => {
          enqueue.emit({ type: 'payment.reversed', ...factsOf(context) })
        }),
        release,
      ],
    },
  },
  on: {
    'webhook.refundChanged': { actions: hintRefunds },
    'webhook.disputeChanged': { actions: hintDispute },
    'refund.due': { actions: giveBack },
    'refund.changed': { guard: 'isPendingRefund', actions: takeRefund },
    'dispute.changed': { guard: 'isNewsOfDispute', actions: takeDispute },
  },
})

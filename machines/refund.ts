import { and } from 'xstate'
import {
  decide,
  doubt,
  endRetry,
  factsOf,
  fail,
  look,
  lookAgain,
  LOOKUPS_MS,
  refund,
  reject,
  retry,
  review,
  see,
  sendBack,
  submit,
  tellPayment,
} from './refund-steps.ts'
import { DOUBLED, RANKS } from './refund-ranks.ts'

/**
 * One amount that goes back to whoever paid it. Only what the provider says about this very refund counts; everything
 * else merely makes it look. It is submitted again only when the provider does not have it, long after it should. Its
 * end is told to the payment, once.
 */
export const refundMachine = refund.createMachine({
  id: 'refund@1',
  context: ({ input: { at, by: _by, ...input } }) => ({
    ...input,
    requestedAt: at,
    submissions: 0,
    submittedAt: at,
    uncertainSince: at,
    looks: 0,
    round: 0,
    isRetrying: false,
    rank: 0,
    providerRefundId: null,
    expectedAt: null,
    refusal: null,
    failure: null,
  }),
  entry: refund.emit(({ context }) => {
    return { type: 'refund.requested', ...factsOf(context), reason: context.reason }
  }),
  initial: 'pendingApproval',
  states: {
    pendingApproval: {
      always: { guard: ({ context }) => context.approved, target: 'open' },
      on: {
        approve: {
          target: 'open',
          actions: refund.emit(({ context }) => ({ type: 'refund.approved', ...factsOf(context) })),
        },
        reject: { target: 'rejected', actions: reject },
      },
    },
    open: {
      initial: 'submitting',
      on: {
        'provider.refundSeen': [
          { guard: { type: 'brings', params: 'processed' }, target: 'processed', actions: see },
          { guard: { type: 'brings', params: 'failed' }, target: 'failed', actions: see },
          { guard: { type: 'brings', params: 'needs-attention' }, target: '.needsAttention', actions: see },
          { guard: { type: 'brings', params: 'processing' }, target: '.processing', actions: see },
          { guard: { type: 'brings', params: 'pending' }, target: '.pending', actions: see },
          { guard: 'answersRetry', actions: endRetry },
        ],
        'provider.refundDoubled': {
          guard: ({ context }) => context.rank < DOUBLED,
          target: '.needsReview',
          actions: [refund.assign({ rank: DOUBLED }), review('refunded_twice')],
        },
        'provider.refused': { guard: 'isRetrying', actions: [endRetry, look] },
        'effect.failed': {
          guard: and(['isRetrying', { type: 'hasFailed', params: 'retryRefund' }]),
          actions: [endRetry, look],
        },
        'payment.refundsChanged': { actions: look },
      },
      states: {
        submitting: {
          entry: submit,
          on: {
            'provider.refused': [
              {
                guard: ({ context }) => context.submissions === 1,
                target: '#refund@1.failed',
                actions: fail,
              },
              // Perhaps because the one before has arrived after all.
              { target: 'reconciling', actions: doubt },
            ],
            'provider.unknown': { target: 'reconciling', actions: doubt },
            'effect.failed': {
              guard: { type: 'hasFailed', params: 'submitRefund' },
              target: 'reconciling',
              actions: doubt,
            },
          },
        },
        reconciling: {
          after: {
            nextLookup: [
              {
                guard: ({ context }) => context.looks < LOOKUPS_MS.length,
                target: 'reconciling',
                reenter: true,
                actions: lookAgain,
              },
              { target: 'needsReview', actions: review('outcome_unknown') },
            ],
          },
          on: {
            'provider.refundMissing': [
              {
                guard: and(['isLost', ({ context }) => context.refusal !== null]),
                target: '#refund@1.failed',
                actions: fail,
              },
              { guard: and(['isLost', 'maySubmit']), target: 'submitting' },
              { guard: 'isLost', target: 'needsReview', actions: review('never_arrived') },
            ],
            // Somebody had a submission tried again that had failed for good.
            'provider.refused': { target: 'reconciling', reenter: true, actions: doubt },
          },
        },
        pending: {
          after: {
            silence: [
              { guard: 'isPatient', target: 'pending', reenter: true, actions: lookAgain },
              { target: 'needsReview', actions: review('no_news') },
            ],
          },
        },
        processing: {
          after: {
            silence: [
              { guard: 'isPatient', target: 'processing', reenter: true, actions: lookAgain },
              { target: 'needsReview', actions: review('no_news') },
            ],
          },
          on: {
            'provider.refused': { guard: 'isRetrying', target: 'needsAttention', actions: sendBack },
          },
        },
        needsAttention: {
          after: {
            silence: { guard: 'isPatient', target: 'needsAttention', reenter: true, actions: lookAgain },
          },
          on: {
            submitBankDetails: { target: 'processing', actions: retry },
            'provider.refundSeen': {
              guard: 'isStillWanted',
              actions: refund.assign({ rank: RANKS['needs-attention'] }),
            },
          },
        },
        /** Lookups have not helped: people find out, and say so. */
        needsReview: {
          on: {
            resubmit: {
              // One that the provider has told of is there.
              guard: ({ context }) => context.rank === 0,
              target: 'submitting',
              actions: refund.assign({ failure: null }),
            },
            resolve: [
              {
                guard: ({ event }) => event.as === 'processed',
                target: '#refund@1.processed',
                actions: decide,
              },
              { target: '#refund@1.failed', actions: decide },
            ],
          },
        },
      },
    },
    processed: { entry: tellPayment('processed') },
    failed: { entry: tellPayment('failed') },
    rejected: { entry: tellPayment('rejected') },
  },
})

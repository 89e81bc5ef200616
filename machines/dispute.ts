import {
  concede,
  contest,
  dispute,
  doubt,
  hearRefusal,
  look,
  lookAgain,
  moveDeadline,
  open,
  resolve,
  takeEvidence,
  warn,
} from './dispute-steps.ts'

const answers = {
  accept: { actions: concede },
  'provider.disputeConceded': { target: '#dispute@1.accepted', actions: resolve('lost') },
  'provider.refused': { actions: hearRefusal },
  'effect.failed': { guard: 'failsToAnswer', actions: hearRefusal },
} as const

/**
 * One customer's bank that wants the money of one payment back. What the provider says about the dispute decides;
 * everything else merely makes it look. The end is told to the payment, once.
 */
export const disputeMachine = dispute.createMachine({
  id: 'dispute@1',
  context: ({ input: { at, by: _by, ...input } }) => ({
    ...input,
    openedAt: at,
    amount: null,
    dueAt: null,
    evidenceSubmittedAt: null,
    resolution: null,
    isUnclear: false,
    looks: 0,
  }),
  initial: 'unresolved',
  states: {
    unresolved: {
      entry: look,
      initial: 'opening',
      on: {
        'provider.disputeSeen': [
          { guard: { type: 'resolves', params: 'lost' }, target: 'accepted', actions: resolve('lost') },
          { guard: { type: 'resolves', params: 'won' }, target: 'declined', actions: resolve('won') },
        ],
        'payment.disputeChanged': { actions: look },
      },
      states: {
        opening: {
          after: { nextAttempt: { target: 'opening', reenter: true, actions: lookAgain } },
          on: {
            'provider.disputeSeen': [
              { guard: 'isUnresolved', target: 'opened', actions: open },
              { guard: 'becomesUnclear', target: 'opening', reenter: true, actions: doubt },
            ],
          },
        },
        opened: {
          after: {
            dayBefore: { actions: warn(24) },
            hoursBefore: { actions: warn(4) },
            overdue: { guard: 'isPatient', target: 'opened', reenter: true, actions: lookAgain },
          },
          on: {
            'provider.disputeSeen': [
              { guard: 'movesDeadline', target: 'opened', reenter: true, actions: moveDeadline },
              { guard: 'becomesUnclear', target: 'opened', reenter: true, actions: doubt },
            ],
            submitEvidence: { actions: contest },
            'provider.evidenceTaken': { target: 'underReview', actions: takeEvidence },
            ...answers,
          },
        },
        underReview: {
          after: {
            overdue: { guard: 'isPatient', target: 'underReview', reenter: true, actions: lookAgain },
          },
          on: {
            'provider.disputeSeen': [
              { guard: 'movesDeadline', target: 'underReview', reenter: true, actions: moveDeadline },
              { guard: 'becomesUnclear', target: 'underReview', reenter: true, actions: doubt },
            ],
            ...answers,
          },
        },
      },
    },
    accepted: {},
    declined: {},
  },
})

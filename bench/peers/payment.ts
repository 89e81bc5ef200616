import { assign, setup } from 'xstate'

/** How many payments there are; every one of them takes the next command at any time. */
export const KEYS = 1_000

type Sums = { authorised: number; captured: number; refunded: number }
export type PaymentContext = Sums & { owner: string; turns: number; note: string }

/** As long as the reference, the channel, the payer and the times of a real payment. */
const NOTE = 'x'.repeat(400)

/** What follows from what: the state, and the event that others hear of. */
export const STEPS = {
  created: { to: 'authorised', event: 'payment.authorised' },
  authorised: { to: 'captured', event: 'payment.captured' },
  captured: { to: 'created', event: 'payment.refunded' },
} as const

export type PaymentState = keyof typeof STEPS

export const newContext = (owner: string): PaymentContext => ({
  owner,
  authorised: 0,
  captured: 0,
  refunded: 0,
  turns: 0,
  note: NOTE,
})

/**
 * The statechart that everybody runs. A payment is authorised, captured, refunded and authorised again: one step, one guard,
 * one assignment and one event for each command. Whoever has a way to tell others provides `announce`.
 */
export const paymentMachine = setup({
  types: {
    context: {} as PaymentContext,
    input: undefined as { owner?: string } | undefined,
    events: {} as { type: 'proceed'; amount: number },
    emitted: {} as { type: (typeof STEPS)[PaymentState]['event']; amount: number },
  },
  guards: { isPositive: ({ event }) => event.amount > 0 },
  actions: {
    add: assign(({ context, event }, { to }: { to: keyof Sums }) => ({
      [to]: context[to] + event.amount,
      turns: context.turns + 1,
    })),
    announce: (_, _params: { event: (typeof STEPS)[PaymentState]['event'] }) => {},
  },
}).createMachine({
  id: 'payment@1',
  context: ({ input }) => newContext(input?.owner ?? 'nobody'),
  initial: 'created',
  states: {
    created: {
      on: {
        proceed: {
          guard: 'isPositive',
          target: 'authorised',
          actions: [
            { type: 'add', params: { to: 'authorised' } },
            { type: 'announce', params: { event: 'payment.authorised' } },
          ],
        },
      },
    },
    authorised: {
      on: {
        proceed: {
          guard: 'isPositive',
          target: 'captured',
          actions: [
            { type: 'add', params: { to: 'captured' } },
            { type: 'announce', params: { event: 'payment.captured' } },
          ],
        },
      },
    },
    captured: {
      on: {
        proceed: {
          guard: 'isPositive',
          target: 'created',
          actions: [
            { type: 'add', params: { to: 'refunded' } },
            { type: 'announce', params: { event: 'payment.refunded' } },
          ],
        },
      },
    },
  },
})

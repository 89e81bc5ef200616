import { assign, emit, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type {
  DeadLetterCommand,
  DeadLetterEvent,
  DeadLetterView,
  EffectReport,
} from '../contracts/dead-letter.ts'
import { redact, redactText } from './redact.ts'

export type DeadLetterInput = Envelope &
  Pick<DeadLetterView, 'id' | 'effect' | 'name' | 'owner' | 'attempts' | 'reason'> & {
    orgId: string
    /** As the effect has them: they are kept here without what nobody may read. */
    params: unknown
  }

export type DeadLetterContext = Omit<DeadLetterInput, keyof Envelope> & {
  openedAt: string
  /** The latest one. */
  decision: { what: 'retried' | 'discarded'; by: string | null; reason: string } | null
}

type DeadLetterMessage = DeadLetterCommand | (EffectReport & Envelope)

/**
 * An effect that failed for good. Somebody has it tried again, after which it may fail once more, or gives it up. The
 * queue's answers to both (`effect.revived`, `effect.discarded`) change nothing here: the decision has been recorded.
 */
export const deadLetterMachine = setup({
  types: {
    context: {} as DeadLetterContext,
    input: {} as DeadLetterInput,
    events: {} as DeadLetterMessage,
    emitted: {} as DeadLetterEvent,
  },
  actions: {
    reviveEffect: (_, _params: { effect: string }) => {},
    discardEffect: (_, _params: { effect: string }) => {},
  },
}).createMachine({
  id: 'deadLetter@1',
  context: ({ input: { id, orgId, effect, name, owner, params, attempts, reason, at } }) => ({
    id,
    orgId,
    effect,
    name,
    owner,
    params: redact(params),
    attempts,
    reason: redactText(reason),
    openedAt: at,
    decision: null,
  }),
  initial: 'open',
  states: {
    open: {
      entry: emit(({ context }) => ({
        type: 'deadLetter.opened',
        ...subjectOf(context),
        reason: context.reason,
        by: null,
      })),
      on: {
        retry: {
          target: 'retrying',
          actions: [
            assign({ decision: ({ event }) => decided('retried', event) }),
            emit(({ context, event }) => ({ type: 'deadLetter.retried', ...decisionOf(context, event) })),
            { type: 'reviveEffect', params: ({ context: { effect } }) => ({ effect }) },
          ],
        },
        discard: {
          target: 'discarded',
          actions: [
            assign({ decision: ({ event }) => decided('discarded', event) }),
            emit(({ context, event }) => ({ type: 'deadLetter.discarded', ...decisionOf(context, event) })),
            { type: 'discardEffect', params: ({ context: { effect } }) => ({ effect }) },
          ],
        },
        'effect.died': {
          guard: ({ context, event: { attempts, reason } }) =>
            attempts !== context.attempts || redactText(reason) !== context.reason,
          target: 'open',
          reenter: true,
          actions: assign(({ event }) => failureOf(event)),
        },
      },
    },
    retrying: {
      on: {
        'effect.died': { target: 'open', actions: assign(({ event }) => failureOf(event)) },
        // Nobody could have it tried again.
        'effect.failed': {
          target: 'open',
          actions: assign(({ event }) => ({ reason: redactText(event.reason) })),
        },
      },
    },
    discarded: {},
  },
})

const failureOf = ({ attempts, reason }: { attempts: number; reason: string }) => {
  return { attempts, reason: redactText(reason) }
}

const decided = <What extends 'retried' | 'discarded'>(what: What, { by, reason }: DeadLetterCommand) => {
  return { what, by: by ?? null, reason }
}

const subjectOf = ({ effect, name, owner }: DeadLetterContext) => ({ effect, name, owner })

const decisionOf = (context: DeadLetterContext, { by, reason }: DeadLetterCommand) => {
  return { ...subjectOf(context), reason, by: by ?? null }
}

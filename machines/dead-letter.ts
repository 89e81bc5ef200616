import { assign, emit, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type {
  DeadLetterCommand,
  DeadLetterEvent,
  DeadLetterView,
  EffectReport,
} from '../contracts/dead-letter.ts'
import { HIDDEN, redact, redactText } from './redact.ts'

export type DeadLetterInput = Envelope &
  Pick<DeadLetterView, 'id' | 'effect' | 'name' | 'owner' | 'attempts' | 'reason'> & {
    orgId: string
    /** As the effect has them: they are kept here without what nobody may read. */
    params: unknown
  }

export type DeadLetterContext = Omit<DeadLetterInput, keyof Envelope> & {
  openedAt: string
  /** How often it has been looked for since it was tried again. */
  looks: number
  /** The latest one. */
  decision: { what: 'retried' | 'discarded'; by: string | null; reason: string } | null
}

type DeadLetterMessage = DeadLetterCommand | (EffectReport & Envelope)

/**
 * An effect that failed for good. Somebody has it tried again, after which it may fail once more, or gives it up. The
 * queue's answers to both (`effect.revived`, `effect.discarded`) change nothing here: the decision has been recorded. An
 * effect that is there no longer after it was tried again has been carried out.
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
    findEffect: (_, _params: { effect: string }) => {},
  },
  delays: {
    look: ({ context: { looks } }) => LOOKS_MS[Math.min(looks, LOOKS_MS.length - 1)]!,
  },
}).createMachine({
  id: 'deadLetter@1',
  context: ({ input: { id, orgId, effect, name, owner, params, attempts, reason, at } }) => ({
    id,
    orgId,
    effect,
    name,
    owner,
    params: redact(withoutMessage(params)),
    attempts,
    reason: redactText(reason),
    openedAt: at,
    looks: 0,
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
            assign({ looks: 0, decision: ({ event }) => decided('retried', event) }),
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
      after: {
        look: {
          target: 'retrying',
          reenter: true,
          actions: [
            assign({ looks: ({ context }) => context.looks + 1 }),
            { type: 'findEffect', params: ({ context: { effect } }) => ({ effect }) },
          ],
        },
      },
      on: {
        'effect.settled': {
          target: 'resolved',
          actions: emit(({ context }) => ({
            type: 'deadLetter.resolved',
            ...subjectOf(context),
            reason: context.decision?.reason ?? '',
            by: null,
          })),
        },
        'effect.died': { target: 'open', actions: assign(({ event }) => failureOf(event)) },
        // Nobody could have it tried again.
        'effect.failed': {
          guard: ({ event }) => event.effect === 'reviveEffect',
          target: 'open',
          actions: assign(({ event }) => ({ reason: redactText(event.reason) })),
        },
      },
    },
    resolved: {},
    discarded: {},
  },
})

/** After the decision, and after each look. */
const LOOKS_MS = [10_000, 60_000, 5 * 60_000, 60 * 60_000]

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

/** What somebody is told is not for those who see to it that they are told. */
const withoutMessage = (params: unknown): unknown => {
  if (!isMade(params)) return params
  return { ...params, input: { ...params.input, text: HIDDEN, data: HIDDEN } }
}

const isMade = (params: unknown): params is { actor: 'notification'; input: object } =>
  typeof params === 'object' &&
  params !== null &&
  'actor' in params &&
  params.actor === 'notification' &&
  'input' in params &&
  typeof params.input === 'object'

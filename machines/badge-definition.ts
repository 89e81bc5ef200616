import { assertEvent, setup } from 'xstate'
import type {
  BadgeDefinitionCommand,
  BadgeDefinitionEvent,
  Criteria,
  DefinitionNews,
  EditionNews,
  FirstAward,
  Repeatable,
} from '../contracts/badge-definition.ts'
import type { Envelope } from '../contracts/contract.ts'
import { givenOf } from './given-fields.ts'

/** What a client may change. */
export type BadgeTerms = {
  name: string
  iconKey: string
  description: string
  criteria: Criteria
  repeatable: Repeatable | null
  revocable: boolean
}

export type BadgeDefinitionInput = Envelope &
  BadgeTerms & {
    id: string
    orgId: string
    edition: number
    predecessorId: string | null
    /** Which stays: what has been earned keeps its name. */
    predecessorName: string | null
  }

export type BadgeDefinitionContext = Omit<BadgeDefinitionInput, keyof Envelope> & {
  createdAt: string
  activatedAt: string | null
  lockedAt: string | null
  archivedAt: string | null
}

type BadgeDefinitionMessage =
  | Exclude<BadgeDefinitionCommand, { type: 'define' | 'revise' }>
  | ((EditionNews | FirstAward) & Envelope & Required<Pick<Envelope, 'source'>>)

const TERMS = ['name', 'iconKey', 'description', 'criteria', 'repeatable', 'revocable'] as const
/** What those who have earned it have earned it by. */
const FIXED = ['name', 'criteria', 'repeatable', 'revocable'] as const

const definition = setup({
  types: {
    context: {} as BadgeDefinitionContext,
    input: {} as BadgeDefinitionInput,
    events: {} as BadgeDefinitionMessage,
    emitted: {} as BadgeDefinitionEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'badgeDefinition'; id: string; message: EditionNews }) => {},
    tellAll: (_, _params: { actor: 'achievement'; where: { orgId: string }; message: DefinitionNews }) => {},
  },
  guards: {
    isFirstEdition: ({ context }) => context.predecessorId === null,
    isOurs: ({ context, event }) =>
      event.type === 'edition.superseded' && event.source.id === context.predecessorId,
    touchesNothingFixed: ({ event }) =>
      event.type === 'update' && FIXED.every((name) => event[name] === undefined),
  },
})

const namedOf = ({ name, edition }: BadgeDefinitionContext) => ({ name, edition })

const edit = definition.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'update')
  const changes = givenOf<BadgeTerms>(event, TERMS)
  enqueue.emit({
    type: 'badgeDefinition.updated',
    ...namedOf({ ...context, ...changes }),
    fields: Object.keys(changes),
  })
  enqueue.assign(changes)
})

/** What was done before counts, too. */
const look = definition.enqueueActions(({ context: { orgId }, enqueue }) => {
  const message = { type: 'badgeDefinition.changed' } as const
  enqueue({ type: 'tellAll', params: { actor: 'achievement', where: { orgId }, message } })
})

const open = definition.enqueueActions(({ context, event, enqueue }) => {
  enqueue.assign({ activatedAt: event.at })
  enqueue.emit({ type: 'badgeDefinition.activated', ...namedOf(context) })
  enqueue(look)
})

const lock = [
  definition.assign({ lockedAt: ({ event }) => event.at }),
  definition.emit(({ context }) => ({ type: 'badgeDefinition.locked', ...namedOf(context) })),
]

const close = [
  definition.assign({ archivedAt: ({ event }) => event.at }),
  definition.emit(({ context }) => ({ type: 'badgeDefinition.archived', ...namedOf(context) })),
]

const askPredecessor = definition.enqueueActions(({ context: { predecessorId: id }, enqueue }) => {
  const message = { type: 'edition.superseding' } as const
  enqueue({ type: 'tell', params: { actor: 'badgeDefinition', id: id!, message } })
})

const answerSuccessor = definition.enqueueActions(({ event, enqueue }) => {
  assertEvent(event, 'edition.superseding')
  const message = { type: 'edition.superseded' } as const
  enqueue({ type: 'tell', params: { actor: 'badgeDefinition', id: event.source.id, message } })
})

const givesWay = {
  'edition.superseding': { target: 'archived', actions: [...close, answerSuccessor] },
} as const

/**
 * A badge that can be earned. The first award locks what it takes to earn it; whoever wants something else drafts the
 * next edition, which takes over the name when the one before it has let go of it.
 */
export const badgeDefinitionMachine = definition.createMachine({
  id: 'badgeDefinition@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => {
    return { ...input, createdAt: at, activatedAt: null, lockedAt: null, archivedAt: null }
  },
  entry: definition.emit(({ context }) => ({ type: 'badgeDefinition.defined', ...namedOf(context) })),
  initial: 'draft',
  states: {
    draft: {
      on: {
        update: { actions: edit },
        activate: [
          { guard: 'isFirstEdition', target: 'active', actions: open },
          { target: 'superseding', actions: askPredecessor },
        ],
        archive: { target: 'archived', actions: close },
      },
    },
    superseding: {
      on: {
        'edition.superseded': { guard: 'isOurs', target: 'active', actions: open },
        // Somebody else may have taken the name that nobody had for a moment.
        update: { actions: edit },
        archive: { target: 'archived', actions: close },
      },
    },
    active: {
      on: {
        update: { actions: [edit, look] },
        archive: { target: 'archived', actions: close },
        'badge.awarded': { target: 'locked', actions: lock },
        ...givesWay,
      },
    },
    locked: {
      on: {
        update: { guard: 'touchesNothingFixed', actions: edit },
        archive: { target: 'archived', actions: close },
        ...givesWay,
      },
    },
    archived: { on: { 'edition.superseding': { actions: answerSuccessor } } },
  },
})

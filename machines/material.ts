import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { MaterialCommand, MaterialEvent, Said } from '../contracts/material.ts'
import { givenOf } from './given-fields.ts'

export type MaterialInput = Envelope &
  Said & { id: string; orgId: string; ownerId: string; offeringId: string }

export type MaterialContext = Omit<MaterialInput, keyof Envelope> & { uploadedAt: string }

const material = setup({
  types: {
    context: {} as MaterialContext,
    input: {} as MaterialInput,
    events: {} as Exclude<MaterialCommand, { type: 'create' }>,
    emitted: {} as MaterialEvent,
  },
  guards: {
    isFit: ({ context, event }) =>
      event.type === 'update' && leadsSomewhere({ ...context, ...changesOf(event) }),
  },
})

const factsOf = ({ offeringId, kind, title }: MaterialContext) => ({ offeringId, kind, title })

type Update = Extract<MaterialCommand, { type: 'update' }>

const changesOf = (update: Update) =>
  givenOf<Said>(update, ['kind', 'title', 'description', 'fileUrl', 'linkUrl', 'position'])

/** Whether an external link says where it leads. */
export const leadsSomewhere = ({ kind, linkUrl }: Pick<Said, 'kind' | 'linkUrl'>): boolean =>
  kind !== 'externalLink' || linkUrl !== null

const edit = material.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'update')
  const changes = changesOf(event)
  enqueue.emit({
    type: 'material.updated',
    ...factsOf({ ...context, ...changes }),
    fields: Object.keys(changes),
  })
  enqueue.assign(changes)
})

/** Something to learn from: a file or a link that belongs to one offering for good. */
export const materialMachine = material.createMachine({
  id: 'material@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({ ...input, uploadedAt: at }),
  entry: material.emit(({ context }) => ({ type: 'material.added', ...factsOf(context) })),
  initial: 'active',
  states: {
    active: {
      on: {
        update: { guard: 'isFit', actions: edit },
        delete: {
          target: 'deleted',
          actions: material.emit(({ context }) => ({ type: 'material.deleted', ...factsOf(context) })),
        },
      },
    },
    deleted: {},
  },
})

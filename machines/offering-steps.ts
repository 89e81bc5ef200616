import { assertEvent, setup } from 'xstate'
import type { CategoryToOffering } from '../contracts/category.ts'
import type { Envelope } from '../contracts/contract.ts'
import type {
  Moderation,
  Module,
  OfferingCommand,
  OfferingEvent,
  OfferingToCategory,
  OfferingToRemoval,
  OfferingToRoster,
  OfferingToTutor,
  RemovalToOffering,
  RosterToOffering,
} from '../contracts/offering.ts'
import type { TutorToOffering } from '../contracts/tutor-profile.ts'
import {
  describedOf,
  givenFields,
  isModeration,
  publishFault,
  updated,
  updateFault,
  type Described,
  type Update,
} from './offering-terms.ts'

export type OfferingInput = Envelope &
  Described & {
    id: string
    orgId: string
    ownerId: string
    tutorProfileId: string
    /** As they were read; the profile says so when that is out of date. */
    tutor: { approved: boolean; displayName: string | null; version: number }
    /** The actor that knows who is enrolled; null on a server without enrollments. */
    rosterId: string | null
    published: boolean
  }

export type OfferingContext = Omit<OfferingInput, keyof Envelope> & {
  modules: readonly Module[]
  moderationNote: string | null
  removalId: string | null
  createdAt: string
}

/** Ids are given before a machine sees the command. */
type SetModules = Omit<Extract<OfferingCommand, { type: 'setModules' }>, 'modules'> & {
  modules: readonly Module[]
}
type Remove = Extract<OfferingCommand, { type: 'remove' }> & { removalId: string }

type OfferingMessage =
  | Extract<OfferingCommand, { type: 'publish' | 'unpublish' | 'archive' | 'flag' | 'clear' | 'delete' }>
  | Update
  | SetModules
  | Remove
  | (RosterToOffering & Envelope)
  | ((TutorToOffering | CategoryToOffering | RemovalToOffering) &
      Envelope &
      Required<Pick<Envelope, 'source'>>)

type Tell =
  | { actor: 'removal'; id: string; message: OfferingToRemoval }
  | { actor: 'tutorProfile'; id: string; message: OfferingToTutor }
  | { actor: 'category'; id: string; message: OfferingToCategory }
  | {
      actor: 'roster'
      id: string
      message: OfferingToRoster
      orCreate: { orgId: string; offeringId: string }
    }

export const offering = setup({
  types: {
    context: {} as OfferingContext,
    input: {} as OfferingInput,
    events: {} as OfferingMessage,
    emitted: {} as OfferingEvent,
  },
  actions: { tell: (_, _params: Tell) => {} },
  guards: {
    startsPublished: ({ context }) => context.published,
    hasRoster: ({ context }) => context.rosterId !== null,
    isFit: ({ context }) => publishFault(context) === undefined,
    /** An update that may be made, and after which it is to be published or not. */
    changes: ({ context, event }, { published, to }: { published: boolean; to: boolean }) =>
      event.type === 'update' &&
      !isModeration(event) &&
      (event.isPublished ?? published) === to &&
      updateFault(context, event, to) === undefined,
    moderates: ({ event }) => event.type === 'update' && isModeration(event),
    moderatesTo: ({ event }, status: Moderation) =>
      event.type === 'update' && event.moderationStatus === status,
    isNewsOfTutor: ({ context, event }) =>
      event.type === 'tutor.changed' && event.source.version > context.tutor.version,
    isNewsOfCategory: ({ context, event }) =>
      'source' in event &&
      event.source?.id === context.category?.id &&
      event.source.version > context.category.version,
  },
})

const factsOf = ({ ownerId, terms: { kind }, title }: OfferingContext) => ({ ownerId, kind, title })

/** The profile and the category hear what it knows of them, and answer when that is out of date. */
export const begin = offering.enqueueActions(({ context, enqueue }) => {
  const { tutorProfileId: id, tutor, published, category } = context
  enqueue.emit({ type: 'offering.created', ...factsOf(context), published })
  const { approved, displayName } = tutor
  const message = { type: 'offering.created', approved, displayName } as const
  enqueue({ type: 'tell', params: { actor: 'tutorProfile', id, message } })
  if (category) enqueue({ type: 'tell', params: filingOf(category) })
})

const filingOf = ({ id, name }: NonNullable<Described['category']>) =>
  ({ actor: 'category', id, message: { type: 'offering.filed', name } }) as const

export const edit = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'update')
  const next = updated(describedOf(context), event)
  enqueue.emit({
    type: 'offering.updated',
    ...factsOf({ ...context, ...next }),
    fields: givenFields(event),
  })
  enqueue.assign(next)
  if (next.category && next.category.id !== context.category?.id)
    enqueue({ type: 'tell', params: filingOf(next.category) })
})

/** Says what happened, where there is no more to say. */
export const say = (type: 'published' | 'unpublished' | 'archived' | 'deleted') =>
  offering.emit(({ context }) => ({ type: `offering.${type}`, ...factsOf(context) }))

export const setModules = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'setModules')
  enqueue.emit({ type: 'offering.modulesSet', ...factsOf(context), modules: event.modules.length })
  enqueue.assign({ modules: event.modules })
})

export const flag = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['flag', 'update'])
  const note = event.type === 'flag' ? event.note : (event.moderationNote ?? null)
  enqueue.emit({ type: 'offering.flagged', ...factsOf(context), note })
  enqueue.assign({ moderationNote: note })
})

export const clear = offering.enqueueActions(({ context, enqueue }) => {
  enqueue.emit({ type: 'offering.cleared', ...factsOf(context) })
  enqueue.assign({ moderationNote: null })
})

/** Whoever enrolls at this moment is counted before it goes, or finds it closed. */
export const askRoster = offering.enqueueActions(({ context, enqueue }) => {
  enqueue.emit({ type: 'offering.deleting', ...factsOf(context) })
  enqueueRoster(context, { type: 'offering.deleting' }, (params) => enqueue({ type: 'tell', params }))
})

export const keep = offering.emit(({ context, event }) => {
  assertEvent(event, 'roster.busy')
  return { type: 'offering.kept', ...factsOf(context), enrolled: event.count }
})

/** On the word of an administrator, or of a removal that was planned before. */
export const remove = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['remove', 'removal.started'])
  const { reason } = event
  const [removalId, by = null] =
    event.type === 'remove' ? [event.removalId, event.by] : [event.source.id, event.startedBy]
  const { title } = context
  enqueue.emit({ type: 'offering.removed', ...factsOf(context), reason, removalId })
  enqueue.assign({ moderationNote: reason, removalId })
  enqueueRoster(context, { type: 'offering.removed', removalId, title, reason, by }, (params) =>
    enqueue({ type: 'tell', params }),
  )
})

/** Another removal was faster, or the tutor has deleted it. */
export const sendRemovalAway = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'removal.started')
  const { id } = event.source
  if (id === context.removalId) return
  enqueue({ type: 'tell', params: { actor: 'removal', id, message: { type: 'offering.gone' } } })
})

const enqueueRoster = (
  { rosterId, orgId, id: offeringId }: OfferingContext,
  message: OfferingToRoster,
  tell: (params: Tell) => void,
) => {
  if (rosterId) tell({ actor: 'roster', id: rosterId, message, orCreate: { orgId, offeringId } })
}

/** It may hear the same again, from the profile itself and as one of many. */
export const followTutor = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'tutor.changed')
  const { approved, displayName, source } = event
  const { tutor } = context
  if (approved !== tutor.approved || displayName !== tutor.displayName)
    enqueue.emit({ type: 'offering.tutorChanged', ...factsOf(context), approved, displayName })
  enqueue.assign({ tutor: { approved, displayName, version: source.version } })
})

export const followCategory = offering.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['category.renamed', 'category.deleted'])
  const { id, version } = event.source
  const name = event.type === 'category.renamed' ? event.name : null
  if (name !== context.category?.name)
    enqueue.emit({ type: 'offering.categoryChanged', ...factsOf(context), category: name })
  enqueue.assign({ category: name === null ? null : { id, name, version } })
})

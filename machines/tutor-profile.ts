import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { OfferingToTutor } from '../contracts/offering.ts'
import type {
  About,
  ProfileStatus,
  TutorProfileCommand,
  TutorProfileEvent,
  TutorToOffering,
} from '../contracts/tutor-profile.ts'
import { givenOf } from './given-fields.ts'

export type TutorProfileInput = Envelope &
  About & { id: string; orgId: string; tutorId: string; displayName: string | null }

export type TutorProfileContext = Omit<TutorProfileInput, keyof Envelope> & {
  note: string | null
  createdAt: string
}

type TutorProfileMessage =
  | Exclude<TutorProfileCommand, { type: 'create' }>
  | (OfferingToTutor & Envelope & Required<Pick<Envelope, 'source'>>)

type TellAll = { actor: 'offering'; where: { tutorProfileId: string }; message: TutorToOffering }

const profile = setup({
  types: {
    context: {} as TutorProfileContext,
    input: {} as TutorProfileInput,
    events: {} as TutorProfileMessage,
    emitted: {} as TutorProfileEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'offering'; id: string; message: TutorToOffering }) => {},
    tellAll: (_, _params: TellAll) => {},
  },
  guards: {
    becomes: ({ event }, status: ProfileStatus) => event.type === 'update' && event.profileStatus === status,
    stays: ({ event }, status: ProfileStatus) =>
      event.type === 'update' && (event.profileStatus ?? status) === status,
  },
})

const FIELDS = ['displayName', 'certifications', 'experience', 'subjects', 'bio', 'profilePhoto'] as const

const factsOf = ({ tutorId, displayName }: TutorProfileContext) => ({ tutorId, displayName })

const newsOf = (approved: boolean, displayName: string | null): TutorToOffering => {
  return { type: 'tutor.changed', approved, displayName }
}

const tellOfferings = (id: string, message: TutorToOffering): TellAll => {
  return { actor: 'offering', where: { tutorProfileId: id }, message }
}

/** What an administrator decides at the same time is said separately. */
const edit = (approved: boolean) =>
  profile.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, 'update')
    const changes = givenOf<Pick<TutorProfileContext, (typeof FIELDS)[number]>>(event, FIELDS)
    const next = { ...context, ...changes }
    enqueue.emit({ type: 'tutorProfile.updated', ...factsOf(next), fields: Object.keys(changes) })
    enqueue.assign(changes)
    if (next.displayName !== context.displayName)
      enqueue({ type: 'tellAll', params: tellOfferings(context.id, newsOf(approved, next.displayName)) })
  })

const approve = profile.enqueueActions(({ context, enqueue }) => {
  enqueue.emit({ type: 'tutorProfile.approved', ...factsOf(context) })
  enqueue.assign({ note: null })
  enqueue({ type: 'tellAll', params: tellOfferings(context.id, newsOf(true, context.displayName)) })
})

const reject = profile.enqueueActions(({ context, event, enqueue }) => {
  const note = event.type === 'reject' ? event.note : null
  enqueue.emit({ type: 'tutorProfile.rejected', ...factsOf(context), note })
  enqueue.assign({ note })
  enqueue({ type: 'tellAll', params: tellOfferings(context.id, newsOf(false, context.displayName)) })
})

const resubmit = profile.emit(({ context }) => ({ type: 'tutorProfile.resubmitted', ...factsOf(context) }))

const leave = profile.enqueueActions(({ context, enqueue }) => {
  enqueue.emit({ type: 'tutorProfile.deleted', ...factsOf(context) })
  enqueue({ type: 'tellAll', params: tellOfferings(context.id, newsOf(false, context.displayName)) })
})

/** An offering was made with what its maker had read of this profile, which may have been out of date by then. */
const welcome = (approved: boolean) =>
  profile.enqueueActions(({ context: { displayName }, event, enqueue }) => {
    assertEvent(event, 'offering.created')
    if (event.approved === approved && event.displayName === displayName) return
    const message = newsOf(approved, displayName)
    enqueue({ type: 'tell', params: { actor: 'offering', id: event.source.id, message } })
  })

/**
 * A tutor, as learners see one. Approval is an administrator's decision, and everybody sees the tutor's offerings while
 * it stands: they hear of each change.
 */
export const tutorProfileMachine = profile.createMachine({
  id: 'tutorProfile@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    note: null,
    createdAt: at,
  }),
  entry: profile.emit(({ context }) => ({ type: 'tutorProfile.created', ...factsOf(context) })),
  initial: 'pending',
  states: {
    pending: {
      on: {
        approve: { target: 'approved', actions: approve },
        reject: { target: 'rejected', actions: reject },
        update: [
          { guard: { type: 'stays', params: 'pending' }, actions: edit(false) },
          {
            guard: { type: 'becomes', params: 'approved' },
            target: 'approved',
            actions: [edit(false), approve],
          },
          { target: 'rejected', actions: [edit(false), reject] },
        ],
        delete: { target: 'deleted', actions: leave },
        'offering.created': { actions: welcome(false) },
      },
    },
    approved: {
      on: {
        reject: { target: 'rejected', actions: reject },
        update: [
          { guard: { type: 'stays', params: 'approved' }, actions: edit(true) },
          {
            guard: { type: 'becomes', params: 'rejected' },
            target: 'rejected',
            actions: [edit(true), reject],
          },
        ],
        delete: { target: 'deleted', actions: leave },
        'offering.created': { actions: welcome(true) },
      },
    },
    rejected: {
      on: {
        resubmit: { target: 'pending', actions: [profile.assign({ note: null }), resubmit] },
        update: [
          { guard: { type: 'stays', params: 'rejected' }, actions: edit(false) },
          {
            guard: { type: 'becomes', params: 'pending' },
            target: 'pending',
            actions: [edit(false), profile.assign({ note: null }), resubmit],
          },
        ],
        delete: { target: 'deleted', actions: leave },
        'offering.created': { actions: welcome(false) },
      },
    },
    deleted: { on: { 'offering.created': { actions: welcome(false) } } },
  },
})

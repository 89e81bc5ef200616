import { setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { LessonChanged } from '../contracts/enrollment.ts'
import type { LessonCommand, LessonEvent } from '../contracts/lesson.ts'

export type LessonInput = Envelope & {
  id: string
  orgId: string
  tutorId: string
  studentId: string
  enrollmentId: string
  offeringId: string
  startsAt: string
  durationMinutes: number
}

export type LessonContext = Omit<LessonInput, keyof Envelope> & { reason: string | null }

const lesson = setup({
  types: {
    context: {} as LessonContext,
    input: {} as LessonInput,
    events: {} as Exclude<LessonCommand, { type: 'schedule' }>,
    emitted: {} as LessonEvent,
  },
  actions: { tell: (_, _params: { actor: 'enrollment'; id: string; message: LessonChanged }) => {} },
  guards: {
    hasBegun: ({ context, event }) => Date.parse(event.at) >= Date.parse(context.startsAt),
    isElsewhen: ({ context, event }) => 'startsAt' in event && event.startsAt !== context.startsAt,
  },
})

const factsOf = ({ enrollmentId, studentId, startsAt }: LessonContext) => {
  return { enrollmentId, studentId, startsAt }
}

const tellEnrollment = (status: LessonChanged['status']) =>
  lesson.enqueueActions(({ context: { enrollmentId: id }, enqueue }) => {
    enqueue({
      type: 'tell',
      params: { actor: 'enrollment', id, message: { type: 'lesson.changed', status } },
    })
  })

/** One lesson. The enrollment counts those that were given, so it hears of every change. */
export const lessonMachine = lesson.createMachine({
  id: 'lesson@1',
  context: ({ input: { at: _at, by: _by, ...input } }) => ({ ...input, reason: null }),
  entry: [
    lesson.emit(({ context }) => ({ type: 'lesson.scheduled', ...factsOf(context) })),
    tellEnrollment('scheduled'),
  ],
  initial: 'scheduled',
  states: {
    scheduled: {
      on: {
        reschedule: {
          guard: 'isElsewhen',
          actions: lesson.enqueueActions(({ context, event, enqueue }) => {
            if (!('startsAt' in event)) return
            const { startsAt } = event
            const previous = { previousStartsAt: context.startsAt }
            enqueue.emit({ type: 'lesson.rescheduled', ...factsOf(context), startsAt, ...previous })
            enqueue.assign({ startsAt })
          }),
        },
        complete: {
          guard: 'hasBegun',
          target: 'completed',
          actions: [
            lesson.emit(({ context }) => ({ type: 'lesson.completed', ...factsOf(context) })),
            tellEnrollment('completed'),
          ],
        },
        miss: {
          guard: 'hasBegun',
          target: 'missed',
          actions: [
            lesson.emit(({ context }) => ({ type: 'lesson.missed', ...factsOf(context) })),
            tellEnrollment('missed'),
          ],
        },
        cancel: {
          target: 'cancelled',
          actions: [
            lesson.enqueueActions(({ context, event, enqueue }) => {
              if (!('reason' in event)) return
              const { reason } = event
              enqueue.emit({ type: 'lesson.cancelled', ...factsOf(context), reason })
              enqueue.assign({ reason })
            }),
            tellEnrollment('cancelled'),
          ],
        },
      },
    },
    completed: {},
    missed: {},
    cancelled: {},
  },
})

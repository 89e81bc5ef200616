import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Instant, Note, StoredInstant, wholeNumber } from './scalars.ts'

export const LessonStatus = z.enum(['scheduled', 'completed', 'cancelled', 'missed'])
export type LessonStatus = z.output<typeof LessonStatus>

export const LessonView = z.strictObject({
  id: Id,
  enrollmentId: Id,
  offeringId: Id,
  studentId: Id,
  tutorId: Id,
  status: LessonStatus,
  startsAt: StoredInstant,
  durationMinutes: z.int(),
  reason: z.string().nullable().describe('Why it was called off'),
})

const Of = z.strictObject({ enrollmentId: Id, studentId: Id, startsAt: StoredInstant })

/** One lesson that a tutor gives to one learner: what the source calls a lesson slot. */
export const lessonContract = defineContract({
  actor: 'lesson',
  namespace: 'lessons',
  commands: {
    schedule: {
      summary: 'Arrange a lesson with somebody who is enrolled',
      creates: true,
      input: z.strictObject({
        enrollmentId: Id,
        startsAt: Instant,
        durationMinutes: wholeNumber(5, 720).default(60),
      }),
      errors: ['not_enrolled'],
    },
    reschedule: { summary: 'Move a lesson', input: z.strictObject({ startsAt: Instant }) },
    complete: {
      summary: 'Say that the lesson was given, once it has begun',
      input: z.strictObject({}),
      errors: ['not_begun'],
    },
    miss: {
      summary: 'Say that the learner did not come, once it has begun',
      input: z.strictObject({}),
      errors: ['not_begun'],
    },
    cancel: { summary: 'Call the lesson off; it does not count', input: z.strictObject({ reason: Note }) },
  },
  queries: {
    get: { summary: 'One lesson', input: GetInput, output: LessonView },
    list: {
      summary: 'Lessons that the caller gives, takes or oversees',
      input: z.strictObject({
        enrollmentId: Id.optional(),
        offeringId: Id.optional(),
        studentId: Id.optional(),
        status: LessonStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(LessonView),
    },
    journal: { summary: 'What happened to one lesson', input: JournalInput, output: JournalPage },
  },
  events: {
    'lesson.scheduled': Of,
    'lesson.rescheduled': z.strictObject({ ...Of.shape, previousStartsAt: StoredInstant }),
    'lesson.completed': Of,
    'lesson.missed': Of,
    'lesson.cancelled': z.strictObject({ ...Of.shape, reason: z.string() }),
  },
  view: LessonView,
})
export type LessonCommand = CommandOf<typeof lessonContract>
export type LessonEvent = EventOf<typeof lessonContract>
export type LessonView = ViewOf<typeof lessonContract>

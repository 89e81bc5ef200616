import { z } from 'zod'
import { derivedId } from '../../actors/derived-id.ts'
import { enrollment } from '../../actors/enrollment.ts'
import type { EnrollmentStatus, EnrollmentView, ModuleProgress } from '../../contracts/enrollment.ts'
import { Id, StoredInstant } from '../../contracts/scalars.ts'
import { parsed, HttpRefusal } from './http-envelope.ts'
import type { Asked, Route } from './route.ts'

const { commands } = enrollment.contract
const common = { definition: enrollment, group: 'enrollments' } as const

const EnrollBody = z.strictObject({
  courseId: Id.describe('The offering'),
  userId: Id.describe('The caller; administrators may enrol others'),
  paymentId: Id.optional().describe('When it was paid before; otherwise it is reserved until it is paid'),
})

const ProgressBody = z.strictObject({
  enrollmentId: Id,
  moduleId: Id,
  progress: commands.recordProgress.input.shape.progress,
  timeSpent: commands.recordProgress.input.shape.timeSpentSeconds.describe('Seconds on this module, in all'),
})

const Status = z.string().describe('`in_progress`, `completed`, `dropped`, `pending_payment`, `refunded`, …')

const moduleFields = {
  progressId: Id.nullable(),
  moduleId: Id.nullable(),
  progress: z.number().describe('0 to 1, four decimals'),
  lastAccessed: StoredInstant.nullable(),
  timeSpent: z.int().describe('Seconds'),
}

/** The routes of S4 for enrollments and progress. */
export const enrollmentRoutes: readonly Route[] = [
  {
    ...common,
    method: 'POST',
    url: '/api/enrollments/enroll',
    operationId: 'enrollments.enrollInCourse',
    summary: 'Enrol in a course, and wait until that is settled or has to be paid',
    status: 201,
    command: true,
    body: EnrollBody,
    data: z.object({ enrollmentId: Id, status: Status, message: z.string() }),
    errors: ['own_offering'],
    location: (id) => `/api/enrollments/${id}`,
    answer: (asked) => enroll(asked),
  },
  {
    ...common,
    method: 'GET',
    url: '/api/enrollments/:id',
    operationId: 'enrollments.statusOfOne',
    summary: 'One enrollment',
    status: 200,
    data: z.object({
      enrollmentId: Id,
      userId: Id,
      courseId: Id,
      enrollmentDate: StoredInstant,
      status: Status,
    }),
    answer: async ({ query }) => factsOf((await query('get', {})).data as EnrollmentView),
  },
  {
    ...common,
    method: 'GET',
    url: '/api/progress/:id',
    operationId: 'enrollments.progress',
    summary: 'How far an enrollment has got: the module that was used last, and all of them',
    status: 200,
    data: z.object({
      enrollmentId: Id,
      ...moduleFields,
      overallProgress: z.number(),
      modules: z.array(z.object(moduleFields)),
    }),
    answer: async ({ query }) => progressOf((await query('get', {})).data as EnrollmentView),
  },
  {
    ...common,
    method: 'POST',
    url: '/api/progress/update',
    operationId: 'enrollments.updateProgress',
    summary: commands.recordProgress.summary,
    status: 200,
    command: true,
    body: ProgressBody,
    data: z.object({ progressId: Id, message: z.string() }),
    errors: commands.recordProgress.errors,
    statuses: { progress_backwards: 400, unknown_module: 400 },
    answer: (asked) => update(asked),
  },
]

const enroll = async ({ request, command, until }: Asked) => {
  const { courseId: offeringId, ...fields } = parsed(EnrollBody, request.body)
  const { id: enrollmentId } = await command('enroll', { offeringId, ...fields })
  const isDecided = (view: unknown) => (view as EnrollmentView).status !== 'requested'
  const { status, endReason } = (await until(enrollmentId, isDecided)) as EnrollmentView
  // It closed at the same moment.
  if (status === 'cancelled')
    throw new HttpRefusal({
      code: 'not_found',
      message: 'courseId: no such course',
      details: { enrollmentId, reason: endReason },
    })
  return {
    enrollmentId,
    status: STATUS[status] ?? status,
    message: MESSAGES[status] ?? 'Enrollment requested',
  }
}

const MESSAGES: Partial<Record<EnrollmentStatus, string>> = {
  active: 'User enrolled successfully',
  pending_payment: 'Enrollment reserved until it is paid',
}

/** S4 has another word for what is active. */
const STATUS: Partial<Record<EnrollmentStatus, string>> = { active: 'in_progress' }

const factsOf = ({ id: enrollmentId, userId, offeringId: courseId, enrolledAt, status }: EnrollmentView) => ({
  enrollmentId,
  userId,
  courseId,
  enrollmentDate: enrolledAt,
  status: STATUS[status] ?? status,
})

/** C22: the fields of the module that was used last, and beside them those of all. */
const progressOf = ({ id: enrollmentId, modules, resumeAt, progress: overallProgress }: EnrollmentView) => {
  const all = modules.map((module) => moduleOf(enrollmentId, module))
  const last = all.find(({ moduleId }) => moduleId === resumeAt) ?? UNTOUCHED
  return { enrollmentId, ...last, overallProgress, modules: all }
}

const moduleOf = (enrollmentId: string, module: ModuleProgress) => {
  const { moduleId, progress, lastAccessedAt: lastAccessed, timeSpentSeconds: timeSpent } = module
  return { progressId: progressId(enrollmentId, moduleId), moduleId, progress, lastAccessed, timeSpent }
}

const UNTOUCHED = { progressId: null, moduleId: null, progress: 0, lastAccessed: null, timeSpent: 0 }

/** The same for the same module of the same enrollment. */
const progressId = (enrollmentId: string, moduleId: string) => derivedId('progress', enrollmentId, moduleId)

const update = async ({ request, own }: Asked) => {
  const {
    enrollmentId: id,
    moduleId,
    progress,
    timeSpent: timeSpentSeconds,
  } = parsed(ProgressBody, request.body)
  await own(
    {
      like: 'recordProgress',
      answer: (ask, payload) => ask('recordProgress', { ...(payload as object), id }),
    },
    { moduleId, progress, timeSpentSeconds },
  )
  return { progressId: progressId(id, moduleId), message: 'Progress updated successfully' }
}

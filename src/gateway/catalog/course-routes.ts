import { z } from 'zod'
import { offering } from '../../../actors/offering.ts'
import type { OfferingView } from '../../../contracts/offering.ts'
import { PageFields } from '../../../contracts/queries.ts'
import { Id, StoredInstant } from '../../../contracts/scalars.ts'
import type { Asked, Route } from '../route.ts'
import { courseCalls } from './business-calls.ts'
import {
  givenPrice,
  INCOMPLETE,
  isComplete,
  meantPrice,
  showPrice,
  shownPrice,
  type GivenPrice,
} from './price-fields.ts'
import {
  chosenId,
  given,
  isActive,
  listOf,
  read,
  readBody,
  REASON,
  deletion,
  reasonOf,
  shownPage,
} from './business-routes.ts'

const { commands, queries } = offering.contract
const creation = commands.createCourse.input.shape
const change = commands.update.input.shape
const { list } = queries

type CourseView = Extract<OfferingView, { kind: 'course' }>

/** The fields of S4.10, and beside them the exact price. */
const catalogued = {
  courseId: Id,
  title: z.string(),
  instructor: z.string().nullable().describe('Their name'),
  rating: z.number().nullable(),
  duration: z.int().nullable().describe('Minutes'),
  category: z.string().nullable(),
  coverImageUrl: z.string().nullable(),
  description: z.string().nullable(),
  ...shownPrice,
  difficulty: creation.difficulty.unwrap(),
}

const showCatalogued = ({ id: courseId, tutorName: instructor, price, ...view }: CourseView) => {
  const { title, rating, durationMinutes: duration, category, coverImageUrl, description, difficulty } = view
  return {
    courseId,
    title,
    instructor,
    rating,
    duration,
    category,
    coverImageUrl,
    description,
    ...showPrice(price),
    difficulty,
  }
}

const Course = z.object({
  ...catalogued,
  instructorId: Id,
  isPublished: z.boolean(),
  moderationStatus: change.moderationStatus.unwrap(),
  isActive: z.boolean(),
  createdAt: StoredInstant,
})

const showCourse = (view: CourseView, state: string): z.output<typeof Course> => ({
  ...showCatalogued(view),
  instructorId: view.ownerId,
  isPublished: view.publication === 'published',
  moderationStatus: view.moderation,
  isActive: isActive(state),
  createdAt: view.createdAt,
})

/** One number, or the two ends of a range, each of which may be left out. */
const Duration = z
  .string()
  .regex(/^(?:\d{1,7}|\d{1,7}-\d{0,7}|-\d{1,7})$/, 'must be minutes, or a range of them such as 30-90')
  .describe('Minutes, or a range of them such as `30-90`, `-60` or `120-`')

const Catalogue = z.strictObject({
  category: list.input.shape.category,
  difficulty: list.input.shape.difficulty,
  duration: Duration.optional(),
  ...PageFields,
})

const durations = (text: string | undefined) => {
  if (text === undefined) return {}
  const [from, to] = text.split('-')
  if (to === undefined) return { durationMinutes: from }
  return { minDurationMinutes: from || undefined, maxDurationMinutes: to || undefined }
}

const CourseBody = z
  .strictObject({
    title: creation.title,
    description: creation.description,
    category: creation.category,
    difficulty: creation.difficulty,
    duration: creation.durationMinutes.describe('Minutes'),
    coverImageUrl: creation.coverImageUrl,
    ...givenPrice,
    isPublished: creation.isPublished.describe('Whether it is in the catalogue'),
    ...chosenId,
  })
  .refine(isComplete, INCOMPLETE)

const CourseChange = z
  .strictObject({
    title: change.title,
    description: change.description,
    category: change.category,
    difficulty: change.difficulty,
    duration: change.durationMinutes.describe('Minutes'),
    coverImageUrl: change.coverImageUrl,
    ...givenPrice,
    isPublished: change.isPublished.describe('Whether it is in the catalogue'),
    moderationStatus: change.moderationStatus,
    moderationNote: change.moderationNote,
  })
  .refine(isComplete, INCOMPLETE)

const meant = ({
  price,
  currency,
  duration,
  ...others
}: GivenPrice & { duration?: number | null | undefined }) =>
  given({ ...others, durationMinutes: duration, ...meantPrice({ price, currency }) })

const common = { definition: offering, group: 'courses', status: 200 } as const
const changing = {
  ...common,
  command: true,
  data: Course,
  statuses: { price_below_minimum: 400 },
} as const

const update = async ({ request, own }: Asked) => {
  const { data, state } = await own(courseCalls.update, meant(readBody(CourseChange, request)))
  return showCourse(data as CourseView, state ?? '')
}

const changed = {
  ...changing,
  url: '/api/courses/:id',
  body: CourseChange,
  errors: commands.update.errors,
  answer: update,
} as const

/** S4.10, and the routes that S4 speaks of without naming them (C21), which are Laurel's own. */
export const courseRoutes: readonly Route[] = [
  {
    ...common,
    method: 'GET',
    url: '/api/courses/catalog/list',
    operationId: 'courses.catalog',
    summary: 'The courses that everybody sees, by category, difficulty and duration',
    public: true,
    query: Catalogue,
    data: listOf('courses', z.object(catalogued)),
    answer: async ({ request, everybody }) => {
      const { duration, ...others } = read(Catalogue, request.query)
      const fields = given({ ...others, ...durations(duration), kind: 'course' })
      return shownPage('courses', await everybody('list', fields), showCatalogued)
    },
  },
  {
    ...common,
    method: 'GET',
    url: '/api/courses/:id',
    operationId: 'courses.get',
    summary: "One course (Laurel's own)",
    public: true,
    data: Course,
    answer: async ({ request, own }) => {
      const { data, state } = await own(courseCalls.get, request.query)
      return showCourse(data as CourseView, state ?? '')
    },
  },
  {
    ...changing,
    method: 'POST',
    url: '/api/courses',
    operationId: 'courses.create',
    summary: "Make a course; its instructor is the caller (Laurel's own)",
    status: 201,
    body: CourseBody,
    errors: commands.createCourse.errors,
    location: (id) => `/api/courses/${id}`,
    answer: async ({ request, command }) => {
      const { view, state } = await command('createCourse', meant(readBody(CourseBody, request)))
      return showCourse(view as CourseView, state)
    },
  },
  {
    ...changed,
    method: 'PATCH',
    operationId: 'courses.update',
    summary: "Change a course; what is left out stays (Laurel's own)",
  },
  {
    ...changed,
    method: 'PUT',
    operationId: 'courses.put',
    summary: "The same as PATCH, for clients that only put (Laurel's own)",
  },
  {
    ...changing,
    method: 'DELETE',
    url: '/api/courses/:id',
    operationId: 'courses.delete',
    summary: `${courseCalls.delete.summary} (Laurel's own)`,
    ...REASON,
    errors: commands.delete.errors,
    answer: async (asked) => {
      const { data, state } = await deletion(asked, courseCalls.delete, reasonOf(asked.request))
      return showCourse(data as CourseView, state ?? '')
    },
  },
]

import { z } from 'zod'
import { offering } from '../../../actors/offering.ts'
import type { OfferingView } from '../../../contracts/offering.ts'
import { Id, StoredInstant } from '../../../contracts/scalars.ts'
import type { Route } from '../route.ts'
import { businessCalls } from './business-calls.ts'
import {
  givenPrice,
  INCOMPLETE,
  isComplete,
  meantPrice,
  showPrice,
  shownPrice,
  type GivenPrice,
} from './price-fields.ts'
import { chosenId, isActive, businessRoutes } from './business-routes.ts'

const { commands, queries } = offering.contract
const { list } = queries
const creation = commands.createCoursePack.input
// Its condition is the command's to say; fields of others are left out here.
const change = z.strictObject(commands.update.input.shape)

type PackView = Extract<OfferingView, { kind: 'course_pack' }>

/** What the source and the contract call the same. */
const terms = {
  schedulingType: true,
  minWeeklyClasses: true,
  preliminaryMeetingRequired: true,
  maxDailyLessons: true,
  requiredClassesCount: true,
  maxPeriodValue: true,
  maxPeriodUnit: true,
} as const

const CoursePack = z.object({
  id: Id,
  tutorProfileId: Id,
  tutorId: Id,
  tutorName: z.string().nullable(),
  title: z.string(),
  description: z.string().nullable(),
  ...shownPrice,
  category: z.string().nullable().describe('Its name'),
  categoryId: Id.nullable(),
  ...creation.pick(terms).shape,
  isPublished: z.boolean(),
  moderationStatus: creation.shape.moderationStatus.unwrap(),
  moderationNote: z.string().nullable(),
  modules: z.array(z.object({ id: Id, title: z.string() })),
  isActive: z.boolean(),
  createdAt: StoredInstant,
})

const show = (view: PackView, state: string): z.output<typeof CoursePack> => {
  const { ownerId, price, publication, moderation, ...same } = view
  return CoursePack.parse({
    ...same,
    tutorId: ownerId,
    ...showPrice(price),
    isPublished: publication === 'published',
    moderationStatus: moderation,
    isActive: isActive(state),
  })
}

const meant = ({ price, currency, ...others }: GivenPrice) => ({
  ...others,
  ...meantPrice({ price, currency }),
})

type Filters = { courseTitle?: string; moderationStatus?: string }

/** S2.66.6–10. */
export const coursePackRoutes: readonly Route[] = businessRoutes({
  group: 'tutor-catalog',
  base: '/v1/coursepacks',
  calls: {
    get: businessCalls.getCoursePack,
    list: businessCalls.listCoursePacks,
    create: businessCalls.createCoursePack,
    update: businessCalls.updateCoursePack,
    delete: businessCalls.deleteCoursePack,
  },
  data: CoursePack,
  show,
  filters: list.input
    .pick({ tutorProfileId: true, category: true, scheduling: true, published: true })
    .extend({ courseTitle: list.input.shape.title, moderationStatus: list.input.shape.moderation }),
  create: creation
    .omit({ price: true })
    .extend({ ...givenPrice, ...chosenId })
    .refine(isComplete, INCOMPLETE),
  update: change
    .omit({ price: true, durationMinutes: true, difficulty: true, coverImageUrl: true, ownerId: true })
    .extend(givenPrice)
    .refine(isComplete, INCOMPLETE),
  meant: {
    filters: ({ courseTitle, moderationStatus, ...others }: Filters) => ({
      ...others,
      title: courseTitle,
      moderation: moderationStatus,
    }),
    create: meant,
    update: meant,
  },
  hasReason: true,
  statuses: { price_below_minimum: 400, scheduling_inconsistent: 400 },
})

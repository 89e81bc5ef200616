import { z } from 'zod'
import { changesOf } from './changes.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Currency, Minor, Money } from './money.ts'
import { Flag, GetInput, JournalInput, JournalPage, PageFields, pageOf, SearchText } from './queries.ts'
import { Id, Note, StoredInstant, textOf, titleOf, WebAddress, wholeNumber } from './scalars.ts'

/** A course is learned from its modules; a course pack is a number of lessons with its tutor. */
const OfferingKind = z.enum(['course', 'course_pack'])
export type OfferingKind = z.output<typeof OfferingKind>

export const Publication = z.enum(['draft', 'published', 'archived'])
export type Publication = z.output<typeof Publication>

export const Moderation = z.enum(['approved', 'flagged', 'removed'])
export type Moderation = z.output<typeof Moderation>

export const Visibility = z
  .enum(['public', 'private', 'deleted'])
  .describe('`public` while it is published, approved, and by an approved tutor')
export type Visibility = z.output<typeof Visibility>

const Difficulty = z.enum(['beginner', 'intermediate', 'advanced'])
const SchedulingType = z.enum(['flexible', 'strict'])

const courseTerms = {
  durationMinutes: z.int().min(1).max(1_000_000).nullable(),
  difficulty: Difficulty.nullable(),
  coverImageUrl: WebAddress.nullable(),
}

const packTerms = {
  schedulingType: SchedulingType,
  minWeeklyClasses: z.int().min(1).max(168).nullable(),
  preliminaryMeetingRequired: z.boolean(),
  maxDailyLessons: z.int().min(1).max(24).nullable(),
  requiredClassesCount: z.int().min(1).max(1_000).nullable(),
  maxPeriodValue: z.int().min(1).max(120).nullable().describe('Strict scheduling: how long it may take'),
  maxPeriodUnit: z.enum(['weeks', 'months']).nullable(),
}

const CourseTerms = z.strictObject({ kind: z.literal('course'), ...courseTerms })
const PackTerms = z.strictObject({ kind: z.literal('course_pack'), ...packTerms })

/** What is particular to the kind. */
export type OfferingTerms = z.output<typeof CourseTerms> | z.output<typeof PackTerms>

const Module = z.strictObject({ id: Id, title: titleOf(100) })
export type Module = z.output<typeof Module>

const Common = z.strictObject({
  id: Id,
  ownerId: Id.describe('The user who teaches it'),
  tutorProfileId: Id,
  tutorName: z.string().nullable(),
  title: z.string(),
  description: z.string().nullable(),
  price: Money,
  categoryId: Id.nullable(),
  category: z.string().nullable().describe('The name of the category'),
  modules: z.array(Module),
  rating: z.number().min(0).max(5).nullable(),
  publication: Publication,
  moderation: Moderation,
  moderationNote: z.string().nullable(),
  visibility: Visibility,
  createdAt: StoredInstant,
})

export const OfferingView = z.discriminatedUnion('kind', [
  Common.extend(CourseTerms.shape),
  Common.extend(PackTerms.shape),
])

const Price = z
  .strictObject({ minor: Minor, currency: Currency.optional() })
  .describe("In the organisation's currency unless it says another one")
const CategoryKey = titleOf(100).describe('The id or the name of a category')

const described = {
  description: textOf(10_000).nullable().default(null),
  price: Price.default({ minor: 0 }),
  category: CategoryKey.optional(),
}

const ImmutableId = Id.optional().describe('Never changes: refused')

/** For filters, which come as JSON or as the text of a query string. */
const Minutes = wholeNumber(1, 1_000_000)

const facts = { ownerId: Id, kind: OfferingKind, title: z.string() }
const Fact = z.strictObject(facts)

export const offeringContract = defineContract({
  actor: 'offering',
  namespace: 'offerings',
  commands: {
    createCourse: {
      summary: 'Make a course; its tutor is the caller',
      creates: true,
      input: z.strictObject({
        title: titleOf(100),
        ...described,
        durationMinutes: courseTerms.durationMinutes.default(null),
        difficulty: courseTerms.difficulty.default(null),
        coverImageUrl: courseTerms.coverImageUrl.default(null),
        isPublished: z.boolean().default(false),
      }),
      errors: ['profile_required', 'price_below_minimum'],
    },
    createCoursePack: {
      summary: 'Make a course pack; its tutor is the caller, with this profile',
      creates: true,
      input: z.strictObject({
        tutorProfileId: Id,
        title: titleOf(100).default('default'),
        ...described,
        schedulingType: SchedulingType.default('flexible'),
        minWeeklyClasses: packTerms.minWeeklyClasses.default(null),
        preliminaryMeetingRequired: packTerms.preliminaryMeetingRequired,
        maxDailyLessons: packTerms.maxDailyLessons.default(null),
        requiredClassesCount: packTerms.requiredClassesCount.default(null),
        maxPeriodValue: packTerms.maxPeriodValue.default(null),
        maxPeriodUnit: packTerms.maxPeriodUnit.default(null),
        isPublished: z.boolean().default(true),
        moderationStatus: Moderation.optional().describe('Ignored: it begins as approved'),
      }),
      errors: ['price_below_minimum', 'scheduling_inconsistent'],
    },
    update: {
      summary: 'Change what it says and costs; what is published stays fit for that',
      input: changesOf({
        title: titleOf(100).optional(),
        description: described.description.unwrap().optional(),
        price: Price.optional(),
        category: CategoryKey.nullable().optional(),
        ...z.strictObject({ ...courseTerms, ...packTerms }).partial().shape,
        isPublished: z.boolean().optional(),
        moderationStatus: Moderation.optional().describe('Administrators only, and by itself'),
        moderationNote: Note.nullable().optional().describe('Administrators only, with `moderationStatus`'),
        tutorProfileId: ImmutableId,
        ownerId: ImmutableId,
      }),
      errors: ['field_forbidden', 'price_below_minimum', 'scheduling_inconsistent'],
    },
    publish: {
      summary: 'Offer it; everybody sees it when it is approved and its tutor is',
      input: z.strictObject({}),
      errors: ['price_below_minimum', 'scheduling_inconsistent'],
    },
    unpublish: { summary: 'Offer it no longer; whoever is enrolled stays', input: z.strictObject({}) },
    archive: { summary: 'Offer it never again; whoever is enrolled stays', input: z.strictObject({}) },
    setModules: {
      summary: 'Say what it consists of, in this order',
      input: z.strictObject({
        modules: z
          .array(
            z.strictObject({ id: Id.optional().describe('Of a module that stays'), title: titleOf(100) }),
          )
          .max(200),
      }),
    },
    flag: {
      summary: 'Hide it from the catalogue until it is cleared',
      input: z.strictObject({ note: Note }),
    },
    clear: { summary: 'Show it in the catalogue again', input: z.strictObject({}) },
    delete: {
      summary: 'Delete it while nobody is enrolled',
      input: z.strictObject({}),
      errors: ['has_enrollments'],
    },
    remove: {
      summary: 'Take it away from everybody, for good, and give back what is due',
      input: z.strictObject({ reason: Note }),
    },
  },
  queries: {
    get: { summary: 'One offering', input: GetInput, output: OfferingView },
    list: {
      summary: 'Offerings that the caller may see',
      input: z.strictObject({
        kind: OfferingKind.optional(),
        ownerId: Id.optional(),
        tutorProfileId: Id.optional(),
        title: titleOf(100).optional(),
        category: CategoryKey.optional(),
        scheduling: SchedulingType.optional(),
        difficulty: Difficulty.optional(),
        durationMinutes: Minutes.optional(),
        minDurationMinutes: Minutes.optional(),
        maxDurationMinutes: Minutes.optional(),
        published: Flag.optional(),
        moderation: Moderation.optional(),
        ...PageFields,
      }),
      output: pageOf(OfferingView),
    },
    search: {
      summary: 'Offerings that match a text, best first',
      input: z.strictObject({
        text: SearchText,
        kind: OfferingKind.optional(),
        category: CategoryKey.optional(),
        scheduling: SchedulingType.optional(),
        difficulty: Difficulty.optional(),
        maxPriceMinor: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
        ...PageFields,
      }),
      output: pageOf(OfferingView),
    },
    journal: { summary: 'What happened to one offering', input: JournalInput, output: JournalPage },
  },
  events: {
    'offering.created': z.strictObject({ ...facts, published: z.boolean() }),
    'offering.updated': z.strictObject({ ...facts, fields: z.array(z.string()).describe('What was given') }),
    'offering.published': Fact,
    'offering.unpublished': Fact,
    'offering.archived': Fact,
    'offering.modulesSet': z.strictObject({ ...facts, modules: z.int().describe('How many') }),
    'offering.flagged': z.strictObject({ ...facts, note: z.string().nullable() }),
    'offering.cleared': Fact,
    'offering.tutorChanged': z.strictObject({
      ...facts,
      approved: z.boolean(),
      displayName: z.string().nullable(),
    }),
    'offering.categoryChanged': z.strictObject({ ...facts, category: z.string().nullable() }),
    'offering.deleting': Fact.describe('It asks whether anybody is enrolled'),
    'offering.kept': z.strictObject({ ...facts, enrolled: z.int().describe('How many are enrolled') }),
    'offering.deleted': Fact,
    'offering.removed': z.strictObject({ ...facts, reason: z.string(), removalId: Id }),
  },
  view: OfferingView,
})
export type OfferingCommand = CommandOf<typeof offeringContract>
export type OfferingEvent = EventOf<typeof offeringContract>
export type OfferingView = ViewOf<typeof offeringContract>

/** What an offering tells its tutor's profile when it is made, and its category when it is put there: what it knows. */
export type OfferingToTutor = { type: 'offering.created'; approved: boolean; displayName: string | null }
export type OfferingToCategory = { type: 'offering.filed'; name: string }

/** What it asks its roster, and what that answers. */
export type OfferingToRoster =
  | { type: 'offering.deleting' }
  | { type: 'offering.removed'; removalId: string; title: string; reason: string; by: string | null }
export type RosterToOffering = { type: 'roster.emptied' } | { type: 'roster.busy'; count: number }

/** What a removal tells the offering that it is about, when it is carried out after all; and the answer to one too many. */
export type RemovalToOffering = { type: 'removal.started'; reason: string; startedBy: string | null }
export type OfferingToRemoval = { type: 'offering.gone' }

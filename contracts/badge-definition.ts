import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, StoredInstant, textOf, titleOf } from './scalars.ts'

const RuleKind = z.enum(['activity_count', 'streak_length', 'training_completion', 'recruiting_milestone'])
const RuleValue = z.int().min(1).max(1_000_000)

const Rule = z
  .strictObject({
    kind: RuleKind,
    value: RuleValue.describe('At least so many'),
    of: titleOf(100)
      .optional()
      .describe('Only of this sort: what facts call it, such as `lesson`, or the id of a course'),
  })
  .refine(({ kind, of }) => kind !== 'streak_length' || of === undefined, {
    path: ['of'],
    error: 'a streak is of days on which anything was done',
  })
export type Rule = z.output<typeof Rule>

export const Criteria = z
  .strictObject({ match: z.enum(['all', 'any']), rules: z.array(Rule).min(1).max(10) })
  .describe('What has to be true of somebody: all of the rules, or any')
export type Criteria = z.output<typeof Criteria>

/** How often it can be earned: once in each such period, in UTC. */
const Repeatable = z.strictObject({ period: z.enum(['day', 'week', 'month', 'year']) })
export type Repeatable = z.output<typeof Repeatable>

const BadgeDefinitionStatus = z.enum(['draft', 'superseding', 'active', 'locked', 'archived'])

/** The key of a picture that clients have; never an address, which somebody else could change. */
const IconKey = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be letters, digits, dots and dashes')

const BadgeDefinitionView = z.strictObject({
  id: Id,
  name: z.string(),
  iconKey: z.string(),
  description: z.string(),
  criteria: Criteria,
  criteriaText: z.string().describe('The criteria in words'),
  repeatable: Repeatable.nullable().describe('Null: earned once'),
  revocable: z.boolean().describe('Whether it is taken back when its criteria are no longer met'),
  status: BadgeDefinitionStatus,
  edition: z.int().min(1).describe('1, and one more for each revision'),
  predecessorId: Id.nullable().describe('The edition before it'),
  createdAt: StoredInstant,
  activatedAt: StoredInstant.nullable(),
  lockedAt: StoredInstant.nullable().describe('When it was first earned'),
  archivedAt: StoredInstant.nullable(),
})

/** One rule may be written in two fields. */
const oneRule = {
  criteria: Criteria.optional(),
  criteriaType: RuleKind.optional().describe('Instead of `criteria`: the kind of its only rule'),
  criteriaValue: RuleValue.optional().describe('Beside `criteriaType`: its value'),
}

type Written = z.output<z.ZodObject<typeof oneRule>>

const isWhole = ({ criteriaType, criteriaValue }: Written) =>
  (criteriaType === undefined) === (criteriaValue === undefined)
const isOne = ({ criteria, criteriaType }: Written) => criteria === undefined || criteriaType === undefined

const half = { path: ['criteriaValue'], error: 'criteriaType and criteriaValue belong together' }
const twice = { path: ['criteria'], error: 'is given twice' }

/** Whatever may be said later, too. */
const changes = {
  name: titleOf(100).optional(),
  iconKey: IconKey.optional(),
  description: textOf(500).optional(),
  ...oneRule,
  repeatable: Repeatable.nullable().optional(),
  revocable: z.boolean().optional(),
}

const Named = z.strictObject({ name: z.string(), edition: z.int() })

export const badgeDefinitionContract = defineContract({
  actor: 'badgeDefinition',
  namespace: 'badgeDefinitions',
  commands: {
    define: {
      summary: 'Draft a badge: what it is called, and what it takes to earn it',
      creates: true,
      input: z
        .strictObject({
          ...changes,
          name: titleOf(100),
          iconKey: IconKey,
          description: textOf(500),
          repeatable: Repeatable.nullable().default(null),
          revocable: z.boolean().default(true),
        })
        .refine(isWhole, half)
        .refine(isOne, twice)
        .refine(({ criteria, criteriaType }) => criteria ?? criteriaType, {
          path: ['criteria'],
          error: 'is required',
        }),
    },
    revise: {
      summary: 'Draft the next edition of a badge that has been earned; it takes over when it is activated',
      creates: true,
      input: z
        .strictObject({ predecessorId: Id, ...changes })
        .refine(isWhole, half)
        .refine(isOne, twice),
      errors: ['not_locked'],
    },
    update: {
      summary: 'Change a badge; once earned, only its picture and its description',
      input: z
        .strictObject(changes)
        .refine(isWhole, half)
        .refine(isOne, twice)
        .refine((given) => Object.values(given).some((value) => value !== undefined), {
          error: 'nothing to change',
        }),
      errors: ['locked'],
    },
    activate: {
      summary: 'Let it be earned from now on, also by what was done before',
      input: z.strictObject({}),
      errors: ['too_many_badges'],
    },
    archive: { summary: 'Let nobody earn it any more; who has it keeps it', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One badge that can be earned', input: GetInput, output: BadgeDefinitionView },
    list: {
      summary: 'Badges that can be earned; operators see drafts and archived ones, too',
      input: z.strictObject({
        name: titleOf(100).optional(),
        status: BadgeDefinitionStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(BadgeDefinitionView),
    },
    journal: { summary: 'What happened to one of them', input: JournalInput, output: JournalPage },
  },
  events: {
    'badgeDefinition.defined': Named,
    'badgeDefinition.updated': z.strictObject({ ...Named.shape, fields: z.array(z.string()) }),
    'badgeDefinition.activated': Named,
    'badgeDefinition.locked': Named,
    'badgeDefinition.archived': Named,
  },
  view: BadgeDefinitionView,
})
export type BadgeDefinitionCommand = CommandOf<typeof badgeDefinitionContract>
export type BadgeDefinitionEvent = EventOf<typeof badgeDefinitionContract>
export type BadgeDefinitionView = ViewOf<typeof badgeDefinitionContract>

/** What an edition and its predecessor tell each other: a name belongs to one of them at a time. */
export type EditionNews = { type: 'edition.superseding' } | { type: 'edition.superseded' }

/** What a badge tells its definition when it is the first one, as far as it knows. */
export type FirstAward = { type: 'badge.awarded' }

/** What a definition tells everybody who has done something. */
export type DefinitionNews = { type: 'badgeDefinition.changed' }

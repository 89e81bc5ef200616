import { z } from 'zod'
import { changesOf } from './changes.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, textOf, titleOf } from './scalars.ts'

const Name = titleOf(100).refine((name) => !Id.safeParse(name).success, 'must not look like an id')
const Description = textOf(10_000).nullable()
const Icon = titleOf(16)

export const CategoryView = z.strictObject({
  id: Id,
  name: z.string(),
  description: z.string().nullable(),
  icon: z.string().describe('One emoji, by default 📚'),
})

const Fact = z.strictObject({ name: z.string() })

export const categoryContract = defineContract({
  actor: 'category',
  namespace: 'categories',
  commands: {
    create: {
      summary: 'Make a category; its name is unique in the organisation',
      creates: true,
      input: z.strictObject({
        name: Name.default('default'),
        description: Description.default(null),
        icon: Icon.default('📚'),
      }),
    },
    update: {
      summary: 'Change it; its offerings hear of a new name',
      input: changesOf({
        name: Name.optional(),
        description: Description.optional(),
        icon: Icon.optional(),
      }),
    },
    delete: {
      summary: 'Delete it while no offering uses it',
      input: z.strictObject({}),
      errors: ['category_in_use'],
    },
  },
  queries: {
    get: { summary: 'One category', input: GetInput, output: CategoryView },
    list: {
      summary: 'Categories of the organisation',
      input: z.strictObject({ name: Name.optional(), icon: Icon.optional(), ...PageFields }),
      output: pageOf(CategoryView),
    },
    journal: { summary: 'What happened to one category', input: JournalInput, output: JournalPage },
  },
  events: {
    'category.created': Fact,
    'category.updated': z.strictObject({ name: z.string(), fields: z.array(z.string()) }),
    'category.renamed': z.strictObject({ name: z.string(), previousName: z.string() }),
    'category.deleted': Fact,
  },
  view: CategoryView,
})
export type CategoryCommand = CommandOf<typeof categoryContract>
export type CategoryEvent = EventOf<typeof categoryContract>
export type CategoryView = ViewOf<typeof categoryContract>

/** What a category tells its offerings. */
export type CategoryToOffering = { type: 'category.renamed'; name: string } | { type: 'category.deleted' }

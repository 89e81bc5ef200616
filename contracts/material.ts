import { z } from 'zod'
import { changesOf } from './changes.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf, SearchText } from './queries.ts'
import { Id, StoredInstant, textOf, titleOf, WebAddress } from './scalars.ts'

const MaterialKind = z.enum(['file', 'video', 'image', 'document', 'externalLink'])
export type MaterialKind = z.output<typeof MaterialKind>

const said = {
  kind: MaterialKind,
  title: titleOf(100),
  description: textOf(10_000).nullable(),
  fileUrl: z.union([z.literal('default'), WebAddress]).describe('`default` until there is a file'),
  linkUrl: WebAddress.nullable().describe('Where an external link leads'),
  position: z.int().min(0).max(1_000_000).describe('Its place among the materials of the offering'),
}
const Said = z.strictObject(said)

/** What a material says. */
export type Said = z.output<typeof Said>

export const MaterialView = z.strictObject({
  id: Id,
  ownerId: Id,
  offeringId: Id,
  ...said,
  title: z.string(),
  description: z.string().nullable(),
  uploadedAt: StoredInstant,
})

const facts = { offeringId: Id, kind: MaterialKind, title: z.string() }
const Fact = z.strictObject(facts)

export const materialContract = defineContract({
  actor: 'material',
  namespace: 'materials',
  commands: {
    create: {
      summary: 'Add a material to an offering; its title is unique there',
      creates: true,
      input: z.strictObject({
        offeringId: Id,
        kind: said.kind.default('file'),
        title: said.title.default('default'),
        description: said.description.default(null),
        fileUrl: said.fileUrl.default('default'),
        linkUrl: said.linkUrl.default(null),
        position: said.position.default(0),
      }),
    },
    update: {
      summary: 'Change it',
      input: changesOf({
        ...Said.partial().shape,
        offeringId: Id.optional().describe('Never changes: refused'),
      }),
      errors: ['field_forbidden'],
    },
    delete: { summary: 'Delete it', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One material', input: GetInput, output: MaterialView },
    list: {
      summary: 'Materials of own offerings and of those in which the caller learns',
      input: z.strictObject({
        offeringId: Id.optional(),
        kind: MaterialKind.optional(),
        text: SearchText.optional().describe('Best first, instead of in their order'),
        ...PageFields,
      }),
      output: pageOf(MaterialView),
    },
    journal: { summary: 'What happened to one material', input: JournalInput, output: JournalPage },
  },
  events: {
    'material.added': Fact,
    'material.updated': z.strictObject({ ...facts, fields: z.array(z.string()) }),
    'material.deleted': Fact,
  },
  view: MaterialView,
})
export type MaterialCommand = CommandOf<typeof materialContract>
export type MaterialEvent = EventOf<typeof materialContract>
export type MaterialView = ViewOf<typeof materialContract>

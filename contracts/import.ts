import { z } from 'zod'
import { defineContract, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Limit, StoredInstant, wholeNumber } from './scalars.ts'

const Count = z.int().min(0)

const counts = {
  issued: Count.describe('Rows that became a certification'),
  unchanged: Count.describe('Rows whose certification exists already'),
  refused: Count.describe('Rows that the report explains'),
}
const Counts = z.strictObject(counts)
export type Counts = z.output<typeof Counts>

const Progress = z.strictObject({
  rows: Count.describe('Rows of the file, without its header'),
  done: Count.describe('issued + unchanged + refused'),
  ...counts,
})

const ImportFailure = z
  .enum(['forbidden', 'file_missing', 'internal'])
  .describe('`forbidden`: whoever started it may not import any more')
export type ImportFailure = z.output<typeof ImportFailure>

export const ImportView = z.strictObject({
  id: Id,
  startedBy: Id,
  ...Progress.shape,
  startedAt: StoredInstant,
  finishedAt: StoredInstant.optional(),
  failure: ImportFailure.optional(),
})

const RefusedRow = z.strictObject({
  line: z
    .int()
    .min(2)
    .describe('In the file, where the header is line 1; the first line of a row that has several'),
  code: z.string(),
  message: z.string(),
  column: z.string().optional().describe('As it is called in the header, in snake_case'),
})
export type RefusedRow = z.output<typeof RefusedRow>

export const importContract = defineContract({
  actor: 'import',
  namespace: 'imports',
  commands: {
    start: {
      summary: 'Import an uploaded file; `POST /api/v1/certifications/import` uploads one and starts it',
      creates: true,
      input: z.strictObject({}),
    },
  },
  queries: {
    get: { summary: 'One import', input: GetInput, output: ImportView },
    list: {
      summary: 'Imports that the caller may see',
      input: z.strictObject({
        startedBy: Id.optional(),
        state: z.enum(['running', 'completed', 'failed']).optional(),
        ...PageFields,
      }),
      output: pageOf(ImportView),
    },
    report: {
      summary: 'The rows of an import that were refused, by line',
      input: z.strictObject({
        id: Id,
        after: wholeNumber(1, 1_000_000_000).optional().describe('The `next` of the page before'),
        limit: Limit.optional(),
      }),
      output: z.strictObject({ items: z.array(RefusedRow), next: z.int().optional() }),
    },
    journal: { summary: 'What happened to one import', input: JournalInput, output: JournalPage },
  },
  events: {
    'import.started': z.strictObject({ startedBy: Id, rows: Count }),
    'import.progressed': Progress,
    'import.completed': Progress,
    'import.failed': z.strictObject({ ...Progress.shape, reason: ImportFailure }),
  },
  view: ImportView,
})
export type ImportEvent = EventOf<typeof importContract>
export type ImportView = ViewOf<typeof importContract>

/** What the one who carries out the rows reports; all counts are of the whole file. */
export type ImporterReport =
  | ({ type: 'importer.progressed' } & Counts)
  | ({ type: 'importer.finished' } & Counts)
  | { type: 'importer.failed'; reason: ImportFailure }

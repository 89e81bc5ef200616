import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

export const RemovalStatus = z.enum([
  'planning',
  'planned',
  'closing',
  'running',
  'paused',
  'done',
  'discarded',
  'failed',
])
export type RemovalStatus = z.output<typeof RemovalStatus>

/** Of the enrollments of an offering; `processed` + `failed` + `review` + `pending` is always `total`. */
export const Counts = z.strictObject({
  total: z.int(),
  pending: z.int().describe('Not settled yet'),
  processed: z.int().describe('Settled: refunded, cancelled, or ended before'),
  failed: z.int().describe('Stuck; can be retried'),
  review: z.int().describe('People have to look at it; no money has moved'),
})
export type Counts = z.output<typeof Counts>

/** In minor units, by currency. */
const Sums = z.record(z.string(), z.int())

export const RemovalView = z.strictObject({
  id: Id,
  offeringId: Id,
  title: z.string(),
  reason: z.string(),
  status: RemovalStatus,
  ...Counts.shape,
  planned: Sums.describe('What the plan gives back'),
  refunded: Sums.describe('What has been given back'),
  startedBy: Id.nullable(),
  createdAt: StoredInstant,
  endedAt: StoredInstant.nullable(),
  failure: z.string().nullable(),
})

const Progress = z.strictObject({ offeringId: Id, ...Counts.shape, refunded: Sums })

/** An offering is taken away from everybody: one settlement for each enrollment, and what is due goes back. */
export const removalContract = defineContract({
  actor: 'removal',
  namespace: 'removals',
  commands: {
    plan: {
      summary: 'Find out what removing an offering would do, without doing it',
      creates: true,
      input: z.strictObject({ offeringId: Id, reason: Note }),
    },
    run: { summary: 'Carry the plan out: the offering is removed', input: z.strictObject({}) },
    pause: { summary: 'Begin no further settlements', input: z.strictObject({}) },
    resume: { summary: 'Go on', input: z.strictObject({}) },
    discard: { summary: 'Throw the plan away', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One removal', input: GetInput, output: RemovalView },
    list: {
      summary: 'Removals of the organisation',
      input: z.strictObject({
        offeringId: Id.optional(),
        status: RemovalStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(RemovalView),
    },
    journal: { summary: 'What happened to one removal', input: JournalInput, output: JournalPage },
  },
  events: {
    'removal.started': z.strictObject({ offeringId: Id, title: z.string(), reason: z.string() }),
    'removal.planned': z.strictObject({ ...Progress.shape, planned: Sums }),
    'removal.progressed': Progress,
    'removal.paused': Progress,
    'removal.resumed': Progress,
    'removal.finished': Progress,
    'removal.discarded': z.strictObject({ offeringId: Id, reason: z.string() }),
    'removal.failed': z.strictObject({ offeringId: Id, reason: z.string() }),
  },
  view: RemovalView,
})
export type RemovalCommand = CommandOf<typeof removalContract>
export type RemovalEvent = EventOf<typeof removalContract>
export type RemovalView = ViewOf<typeof removalContract>

/** What the planner and the runner report. */
export type RemovalReport =
  | { type: 'planner.finished'; total: number; planned: Readonly<Record<string, number>> }
  | { type: 'runner.finished' }
  | { type: 'effect.failed'; effect: string; reason: string }

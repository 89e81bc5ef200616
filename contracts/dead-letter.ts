import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant } from './scalars.ts'

const DeadLetterStatus = z.enum(['open', 'retrying', 'resolved', 'discarded'])
export type DeadLetterStatus = z.output<typeof DeadLetterStatus>

const Decision = z.enum(['retried', 'discarded'])

const Owner = z.strictObject({ type: z.string(), id: Id }).describe('The actor that wanted it done')

export const DeadLetterView = z.strictObject({
  id: Id,
  effect: z.string().describe('The id of the effect: `<actor>:<id>@<version>.<number>`'),
  name: z.string().describe('What was to be done, such as `submitRefund`'),
  owner: Owner,
  params: z.unknown().describe('What it was to be done with; secrets and personal data are `[hidden]`'),
  attempts: z.int().min(0),
  reason: z.string().describe('Why the last attempt failed'),
  status: DeadLetterStatus,
  openedAt: StoredInstant,
  decision: Decision.optional().describe('The latest; what was retried may have failed again'),
  decidedBy: Id.nullable().optional(),
  decisionReason: z.string().optional(),
})

const Fact = z.strictObject({
  effect: z.string(),
  name: z.string(),
  owner: Owner,
  reason: z.string().describe('Why it failed, or why somebody decided so'),
  by: Id.nullable().describe('Who decided; null for the system'),
})

/** An effect that failed for good and waits for somebody to decide. */
export const deadLetterContract = defineContract({
  actor: 'deadLetter',
  namespace: 'dead-letters',
  audience: 'operators',
  commands: {
    retry: { summary: 'Have the effect tried again', input: z.strictObject({ reason: Note }) },
    discard: {
      summary: 'Give the effect up: it will never be carried out',
      input: z.strictObject({ reason: Note }),
    },
  },
  queries: {
    get: { summary: 'One dead letter', input: GetInput, output: DeadLetterView },
    list: {
      summary: 'Dead letters of the organisation',
      input: z.strictObject({
        status: DeadLetterStatus.optional(),
        effect: z.string().min(1).max(200).optional().describe('The id of an effect'),
        ...PageFields,
      }),
      output: pageOf(DeadLetterView),
    },
    journal: { summary: 'What happened to one dead letter', input: JournalInput, output: JournalPage },
  },
  events: {
    'deadLetter.opened': Fact.describe('An effect has failed for good, or has done so again'),
    'deadLetter.retried': Fact,
    'deadLetter.resolved': Fact.describe('It has been carried out after all'),
    'deadLetter.discarded': Fact,
  },
  view: DeadLetterView,
})
export type DeadLetterCommand = CommandOf<typeof deadLetterContract>
export type DeadLetterEvent = EventOf<typeof deadLetterContract>
export type DeadLetterView = ViewOf<typeof deadLetterContract>

/** What the effect queue reports to a dead letter. */
export type EffectReport =
  /** It has failed for good, once more. */
  | { type: 'effect.died'; attempts: number; reason: string }
  /** It is among those that are tried. */
  | { type: 'effect.revived' }
  /** It is gone. */
  | { type: 'effect.discarded' }
  /** It is still there, dead or alive. */
  | { type: 'effect.found' }
  /** It is there no longer: it was carried out. */
  | { type: 'effect.settled' }
  /** What the dead letter itself wanted to have done has failed for good. */
  | { type: 'effect.failed'; effect: string; reason: string }

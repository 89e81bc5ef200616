import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Instant, Note, StoredInstant, titleOf, wholeNumber } from './scalars.ts'

export const FactKind = z.enum(['activity', 'training', 'recruiting'])
export type FactKind = z.output<typeof FactKind>

const BadgeFactView = z.strictObject({
  id: Id,
  userId: Id,
  kind: FactKind,
  of: z.string().nullable(),
  count: z.int(),
  occurredAt: StoredInstant,
  status: z.enum(['recorded', 'takenBack']),
  takenBackReason: z.string().nullable(),
})

const Of = z.strictObject({ userId: Id, kind: FactKind, of: z.string().nullable(), count: z.int() })

/** One thing that somebody did and Laurel does not see by itself: what badges are earned by. */
export const badgeFactContract = defineContract({
  actor: 'badgeFact',
  namespace: 'badgeFacts',
  commands: {
    record: {
      summary: 'Record what somebody did; the same `id` is recorded once',
      creates: true,
      input: z.strictObject({
        recipientId: Id.describe('A mentor or a user'),
        kind: FactKind,
        of: titleOf(100)
          .optional()
          .describe('The sort of activity, the training, or what people were recruited for'),
        count: wholeNumber(1, 10_000).default(1),
        occurredAt: Instant.optional().describe('Now, unless it is said'),
      }),
    },
    takeBack: { summary: 'Say that it does not count', input: z.strictObject({ reason: Note }) },
  },
  queries: {
    get: { summary: 'One fact', input: GetInput, output: BadgeFactView },
    list: {
      summary: 'Facts that were recorded by hand or by other systems',
      input: z.strictObject({ userId: Id.optional(), kind: FactKind.optional(), ...PageFields }),
      output: pageOf(BadgeFactView),
    },
    journal: { summary: 'What happened to one fact', input: JournalInput, output: JournalPage },
  },
  events: {
    'badgeFact.recorded': Of,
    'badgeFact.takenBack': z.strictObject({ ...Of.shape, reason: z.string() }),
  },
  view: BadgeFactView,
})
export type BadgeFactCommand = CommandOf<typeof badgeFactContract>
export type BadgeFactEvent = EventOf<typeof badgeFactContract>
export type BadgeFactView = ViewOf<typeof badgeFactContract>

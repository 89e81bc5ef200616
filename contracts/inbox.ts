import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf } from './contract.ts'
import { JournalInput, JournalPage, GetInput } from './queries.ts'
import { Id, Instant, StoredInstant } from './scalars.ts'

const InboxView = z.strictObject({
  id: Id,
  userId: Id,
  readUpTo: StoredInstant.describe('Everything that had come by then has been read'),
})

/** One person's inbox as a whole: it is made when it is first read to its end. */
export const inboxContract = defineContract({
  actor: 'inbox',
  namespace: 'inboxes',
  commands: {
    readAll: {
      summary: 'Say that everything has been read that had come by then; the caller has one inbox',
      creates: true,
      input: z.strictObject({ upTo: Instant.optional().describe('By default, and at most, now') }),
    },
  },
  queries: {
    get: { summary: "The caller's own inbox", input: GetInput, output: InboxView },
    journal: { summary: 'When it was read to its end', input: JournalInput, output: JournalPage },
  },
  events: { 'inbox.readAll': z.strictObject({ userId: Id, upTo: StoredInstant }) },
  view: InboxView,
})
export type InboxCommand = CommandOf<typeof inboxContract>
export type InboxEvent = EventOf<typeof inboxContract>

import { z } from 'zod'
import { isFreeOfCards, CARD_REFUSED } from './card-numbers.ts'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, StoredInstant, textOf } from './scalars.ts'

const NotificationStatus = z.enum(['unread', 'read'])

/** S4 calls this the type of a notification (C25). */
export const NotificationChannel = z.enum(['in_app', 'email', 'push'])
export type NotificationChannel = z.output<typeof NotificationChannel>

/** What it is about: a noun and what has happened to it, such as `enrollment.welcome`. */
export const NotificationTopic = z
  .string()
  .max(100)
  .regex(/^[a-z][a-zA-Z]*(?:\.[a-z][a-zA-Z]*)?$/, 'must be such as course.reminder')

const Value = z.union([
  z.string().max(500).refine(isFreeOfCards, CARD_REFUSED),
  z.number(),
  z.boolean(),
  z.null(),
])

/** Flat facts that templates make sentences of: names, numbers, instants and ids. */
const NotificationData = z
  .record(z.string().regex(/^[a-z][a-zA-Z\d]{0,39}$/, 'must be a name such as courseTitle'), Value)
  .refine((data) => Object.keys(data).length <= 20, 'must be at most 20 facts')
export type NotificationData = Readonly<Record<string, string | number | boolean | null>>

const NotificationView = z.strictObject({
  id: Id,
  recipientId: Id,
  topic: z.string().describe('What it is about, such as `enrollment.welcome`'),
  subject: z.strictObject({ actor: z.string(), id: Id }).describe('The actor that it is about'),
  text: z.string(),
  data: z.record(z.string(), z.unknown()).describe('The facts behind the text'),
  channels: z.array(NotificationChannel).describe('Where it goes; `in_app` is the inbox'),
  status: NotificationStatus,
  createdAt: StoredInstant,
  readAt: StoredInstant.nullable(),
})

const Of = z.strictObject({
  recipientId: Id,
  topic: z.string(),
  text: z.string(),
  channels: z.array(NotificationChannel).describe('Only what has `in_app` counts as unread'),
})

/** Something that one person should know; it waits until it is read, on whatever device. */
export const notificationContract = defineContract({
  actor: 'notification',
  namespace: 'notifications',
  commands: {
    send: {
      summary: 'Tell a user of the organisation something (administrators)',
      creates: true,
      input: z.strictObject({
        recipientId: Id,
        topic: NotificationTopic.default('message'),
        text: textOf(2_000),
        data: NotificationData.default({}),
        channels: z
          .array(NotificationChannel)
          .min(1)
          .max(3)
          .refine((channels) => new Set(channels).size === channels.length, 'must differ')
          .default(['in_app', 'email', 'push']),
        urgent: z.boolean().default(false).describe('Goes out in quiet hours, too'),
        dedupeKey: z
          .string()
          .min(1)
          .max(200)
          .regex(/^[\w.:-]+$/, 'must be letters, digits and any of _.:-')
          .optional()
          .describe('The same key again, for the same recipient and topic, comes to the first notification'),
      }),
    },
    markRead: { summary: 'Say that it has been read', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One notification', input: GetInput, output: NotificationView },
    list: {
      summary: "The caller's inbox, the newest first",
      input: z.strictObject({
        status: NotificationStatus.optional(),
        topic: z.string().min(1).max(100).optional(),
        ...PageFields,
      }),
      output: pageOf(NotificationView),
    },
    unread: {
      summary: "How many in the caller's inbox are unread",
      input: z.strictObject({}),
      output: z.strictObject({
        unread: z.int().min(0),
        position: z.int().min(0).describe('As of this position: what happened later counts from here'),
      }),
    },
    journal: { summary: 'What happened to one notification', input: JournalInput, output: JournalPage },
  },
  events: { 'notification.created': Of, 'notification.read': Of },
  view: NotificationView,
})
export type NotificationCommand = CommandOf<typeof notificationContract>
export type NotificationEvent = EventOf<typeof notificationContract>
export type NotificationView = ViewOf<typeof notificationContract>

/** What an inbox tells the notifications in it: whatever was there at that instant has been read. */
export type InboxRead = { type: 'inbox.read'; upTo: string }

import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, StoredInstant } from './scalars.ts'

const NotificationStatus = z.enum(['unread', 'read'])

const NotificationView = z.strictObject({
  id: Id,
  recipientId: Id,
  topic: z.string().describe('What it is about, such as `enrollment.welcome`'),
  subject: z.strictObject({ actor: z.string(), id: Id }).describe('The actor that it is about'),
  text: z.string(),
  status: NotificationStatus,
  createdAt: StoredInstant,
  readAt: StoredInstant.nullable(),
})

const Of = z.strictObject({ recipientId: Id, topic: z.string(), text: z.string() })

/** Something that one person should know; it waits until it is read, on whatever device. */
export const notificationContract = defineContract({
  actor: 'notification',
  namespace: 'notifications',
  commands: {
    markRead: { summary: 'Say that it has been read', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One notification', input: GetInput, output: NotificationView },
    list: {
      summary: "The caller's notifications",
      input: z.strictObject({
        status: NotificationStatus.optional(),
        topic: z.string().min(1).max(100).optional(),
        ...PageFields,
      }),
      output: pageOf(NotificationView),
    },
    journal: { summary: 'What happened to one notification', input: JournalInput, output: JournalPage },
  },
  events: { 'notification.created': Of, 'notification.read': Of },
  view: NotificationView,
})
export type NotificationCommand = CommandOf<typeof notificationContract>
export type NotificationEvent = EventOf<typeof notificationContract>
export type NotificationView = ViewOf<typeof notificationContract>

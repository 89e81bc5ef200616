import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, StoredInstant } from './scalars.ts'
import { NotificationChannel } from './notification.ts'

/** The inbox needs no carrying. */
export const DeliveryChannel = NotificationChannel.exclude(['in_app'])
export type DeliveryChannel = z.output<typeof DeliveryChannel>

const DeliveryStatus = z.enum(['queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed'])
export type DeliveryStatus = z.output<typeof DeliveryStatus>

const Attempt = z.strictObject({
  number: z.int().min(1),
  at: StoredInstant,
  outcome: z.enum(['sent', 'retry', 'failed']),
  reason: z.string().nullable().describe('A code such as `unreachable` or `address_refused`'),
})
export type DeliveryAttempt = z.output<typeof Attempt>

const of = { notificationId: Id, recipientId: Id, channel: DeliveryChannel, topic: z.string() }
const Fact = z.strictObject(of)
const Because = z.strictObject({ ...of, reason: z.string() })
const Later = z.strictObject({ ...of, reason: z.string(), dueAt: StoredInstant })

const DeliveryView = z.strictObject({
  id: Id,
  ...of,
  status: DeliveryStatus,
  attempts: z.array(Attempt).describe('Every one, the oldest first'),
  queuedAt: StoredInstant,
  dueAt: StoredInstant.nullable().describe('When it is tried next, while it waits'),
  sentAt: StoredInstant.nullable(),
  deliveredAt: StoredInstant.nullable().describe('When the recipient’s device said so'),
  reason: z.string().nullable().describe('Why it waits, or was not sent: `quiet_hours`, `preference_off`, …'),
})

/** S4 knows `sent` and `pending` only; the others say why something stays `pending` no longer. */
const LogEntry = z.strictObject({
  logId: Id,
  notificationId: Id,
  channel: NotificationChannel,
  topic: z.string(),
  attempt: z.int().min(0).describe('0 as long as there was none'),
  deliveryStatus: z.enum(['sent', 'pending', 'failed', 'suppressed']),
  deliveredAt: StoredInstant.nullable(),
  at: StoredInstant,
  reason: z.string().nullable(),
})
export type LogEntry = z.output<typeof LogEntry>

/** One notification on its way over one channel. Addresses and texts stay where they are: it holds ids. */
export const deliveryContract = defineContract({
  actor: 'delivery',
  namespace: 'deliveries',
  commands: {
    confirm: { summary: 'Say that it has arrived, as a device does', input: z.strictObject({}) },
  },
  queries: {
    get: { summary: 'One delivery', input: GetInput, output: DeliveryView },
    list: {
      summary: "The caller's deliveries; administrators see those of the organisation",
      input: z.strictObject({
        recipientId: Id.optional(),
        notificationId: Id.optional(),
        channel: DeliveryChannel.optional(),
        status: DeliveryStatus.optional(),
        ...PageFields,
      }),
      output: pageOf(DeliveryView),
    },
    log: {
      summary: 'What became of a user’s notifications, attempt by attempt, those of the newest first',
      input: z.strictObject({ userId: Id, ...PageFields }),
      output: z.strictObject({ logs: z.array(LogEntry), next: z.string().optional() }),
    },
    journal: { summary: 'What happened to one delivery', input: JournalInput, output: JournalPage },
  },
  events: {
    'delivery.sent': Fact,
    'delivery.postponed': Later.describe('It is tried again, or waits for the end of quiet hours'),
    'delivery.failed': Because,
    'delivery.suppressed': Because,
    'delivery.confirmed': Fact,
  },
  view: DeliveryView,
})
export type DeliveryCommand = CommandOf<typeof deliveryContract>
export type DeliveryEvent = EventOf<typeof deliveryContract>
export type DeliveryView = ViewOf<typeof deliveryContract>

/** What the courier reports to a delivery. Reasons are codes: the words of mail servers repeat addresses. */
export type CourierReport =
  | { type: 'courier.sent' }
  /** Not now. `jitter` is between 0 and 1; `reached` are devices that have it and get it no second time. */
  | {
      type: 'courier.failed'
      reason: string
      jitter: number
      retryAfterMs: number | null
      reached: readonly string[]
    }
  /** Trying again will not help. */
  | { type: 'courier.refused'; reason: string }
  /** It is not to be sent, or there is nobody to send it to. */
  | { type: 'courier.suppressed'; reason: string }
  /** The recipient is not to be disturbed before this instant. */
  | { type: 'courier.quiet'; until: string }

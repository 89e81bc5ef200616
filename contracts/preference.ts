import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { NotificationTopic } from './notification.ts'
import { GetInput, JournalInput, JournalPage } from './queries.ts'
import { Id } from './scalars.ts'

/** Each has its templates in a file under `src/notifications/languages/`. */
export const Language = z.enum(['en', 'fr', 'ar'])
export type Language = z.output<typeof Language>

const TimeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00')

const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const TimeZone = z
  .string()
  .max(64)
  .regex(/^[A-Za-z][A-Za-z_]*(?:\/[A-Za-z][A-Za-z\d_+-]*)*$/, 'must be a time zone such as Africa/Lagos')
  .refine(isTimeZone, 'is no time zone that this server knows')
  .meta({ description: 'IANA name' })

const QuietHours = z
  .strictObject({ from: TimeOfDay, to: TimeOfDay })
  .refine(({ from, to }) => from !== to, 'must begin and end at different times')
  .describe("In the recipient's time zone; they may go past midnight")

const Choice = z.strictObject({ email: z.boolean().optional(), push: z.boolean().optional() })

const Choices = z
  .record(NotificationTopic, Choice)
  .refine((topics) => Object.keys(topics).length <= 100, 'must be at most 100 topics')

const settings = {
  language: Language,
  timeZone: TimeZone,
  email: z.boolean().describe('Whether e-mail comes, unless a topic says otherwise'),
  push: z.boolean().describe('Whether pushes come, unless a topic says otherwise'),
  topics: Choices.describe('By topic (`badge.earned`) or by its noun (`badge`); the closest decides'),
  quietHours: QuietHours.nullable(),
}
const Settings = z.strictObject(settings)
export type NotificationSettings = Readonly<z.output<typeof Settings>>

/** Of whoever has said nothing. */
export const DEFAULT_SETTINGS: NotificationSettings = {
  language: 'en',
  timeZone: 'UTC',
  email: true,
  push: true,
  topics: {},
  quietHours: null,
}

const PreferenceView = z.strictObject({ id: Id, userId: Id, ...settings })

/** How one person wants to be told things. The inbox is not asked: it is what there is to look up. */
export const preferenceContract = defineContract({
  actor: 'preference',
  namespace: 'preferences',
  commands: {
    set: {
      summary: "Change the caller's own preferences; what is not named stays as it is",
      creates: true,
      input: Settings.partial(),
    },
  },
  queries: {
    get: { summary: "The caller's own preferences", input: GetInput, output: PreferenceView },
    own: {
      summary: "The caller's preferences, or those of whoever has set none",
      input: z.strictObject({}),
      output: z.strictObject({ id: Id.nullable(), userId: Id, ...settings }),
    },
    journal: { summary: 'What was changed when', input: JournalInput, output: JournalPage },
  },
  events: { 'preference.changed': z.strictObject({ userId: Id, ...settings }) },
  view: PreferenceView,
})
export type PreferenceCommand = CommandOf<typeof preferenceContract>
export type PreferenceEvent = EventOf<typeof preferenceContract>
export type PreferenceView = ViewOf<typeof preferenceContract>

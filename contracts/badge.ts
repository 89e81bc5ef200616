import { z } from 'zod'
import { defineContract, type CommandOf, type EventOf, type ViewOf } from './contract.ts'
import { Flag, GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id, Note, StoredInstant, WebAddress } from './scalars.ts'

const AwardedBy = z.enum(['system', 'admin'])
export type AwardedBy = z.output<typeof AwardedBy>

/** What it was awarded for. */
const BadgeEvidence = z.strictObject({
  note: Note.optional(),
  url: WebAddress.optional(),
  reached: z
    .array(z.strictObject({ kind: z.string(), of: z.string().optional(), value: z.int(), reached: z.int() }))
    .optional()
    .describe('Each rule of the criteria, and how far it was reached'),
})
export type BadgeEvidence = z.output<typeof BadgeEvidence>

const BadgeView = z.strictObject({
  id: Id,
  definitionId: Id,
  recipientId: Id.describe('The mentor, or the user who is none'),
  recipientUserId: Id,
  coordinatorId: Id.nullable().describe('Of the mentor'),
  name: z.string(),
  description: z.string(),
  iconKey: z.string(),
  criteria: z.string().describe('In words, as they were then'),
  period: z
    .string()
    .describe('The day, week, month or year that it was earned in; empty when it is earned once'),
  earnedAt: StoredInstant,
  awardedBy: AwardedBy,
  awardedById: Id.nullable().describe('The user who awarded it'),
  evidence: BadgeEvidence.nullable(),
  notifiedAt: StoredInstant.nullable().describe('When the notification of it was there'),
  revokedAt: StoredInstant.nullable(),
  revokeReason: z.string().nullable(),
  shown: z.boolean().describe('Whether the recipient wants it to be seen'),
})

const Of = z.strictObject({
  definitionId: Id,
  recipientId: Id,
  recipientUserId: Id,
  name: z.string(),
  period: z.string(),
})

export const badgeContract = defineContract({
  actor: 'badge',
  namespace: 'badges',
  commands: {
    award: {
      summary: 'Award a badge; who has it already keeps the first one, which is the answer',
      creates: true,
      input: z.strictObject({
        definitionId: Id,
        recipientId: Id.describe('A mentor or a user'),
        evidence: BadgeEvidence.pick({ note: true, url: true }).optional(),
      }),
      errors: ['not_active'],
    },
    revoke: { summary: 'Take a badge back', input: z.strictObject({ reason: Note }) },
    accept: {
      summary: 'Say that it may be shown to others, as it may at first',
      input: z.strictObject({}),
      errors: ['already_shown'],
    },
    decline: {
      summary: 'Say that it is not to be shown to others; it stays on record',
      input: z.strictObject({}),
      errors: ['already_hidden'],
    },
  },
  queries: {
    get: { summary: 'One badge of somebody', input: GetInput, output: BadgeView },
    list: {
      summary: 'Badges that the caller may see, by when they were earned; revoked ones only when asked for',
      input: z.strictObject({
        definitionId: Id.optional(),
        recipientId: Id.optional().describe('A mentor or a user'),
        coordinatorId: Id.optional(),
        awardedBy: AwardedBy.optional(),
        revoked: Flag.default(false),
        ...PageFields,
      }),
      output: pageOf(BadgeView),
    },
    hasEarned: {
      summary: 'Whether somebody has a badge, as far as the caller may know',
      input: z.strictObject({ definitionId: Id, recipientId: Id.describe('A mentor or a user') }),
      output: z.strictObject({ earned: z.boolean(), badgeId: Id.nullable() }),
    },
    journal: { summary: 'What happened to one badge', input: JournalInput, output: JournalPage },
  },
  events: {
    'badge.earned': z.strictObject({ ...Of.shape, awardedBy: AwardedBy }),
    'badge.revoked': z.strictObject({ ...Of.shape, reason: z.string() }),
    'badge.accepted': Of,
    'badge.declined': Of,
    'badge.reassigned': z.strictObject({ ...Of.shape, coordinatorId: Id }),
  },
  view: BadgeView,
})
export type BadgeCommand = CommandOf<typeof badgeContract>
export type BadgeEvent = EventOf<typeof badgeContract>
export type BadgeView = ViewOf<typeof badgeContract>

/** What a badge hears from its surroundings. */
export type BadgeNews =
  /** Its criteria are no longer met. */
  | { type: 'criteria.lost'; reason: string }
  /** The notification that it asked for is there. */
  | { type: 'notification.made' }

/** What a badge tells the mentor whose it is, so that another coordinator hears of it. */
export type BadgeFiled = { type: 'badge.filed'; coordinatorId: string }

import { z } from 'zod'
import { FactKind } from './badge-fact.ts'
import { defineContract, type EventOf, type ViewOf } from './contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from './queries.ts'
import { Id } from './scalars.ts'

const AchievementView = z.strictObject({
  id: Id,
  userId: Id,
  activities: z.int().describe('Of all sorts'),
  longestStreakDays: z.int().describe('Days in a row with an activity, in UTC'),
  trainings: z.int().describe('Different ones that were completed'),
  recruited: z.int(),
})

const Of = z.strictObject({ userId: Id, kind: FactKind, of: z.string().nullable(), count: z.int() })

/** What one person has done, as far as badges are concerned. Facts speak to it, so it has no commands. */
export const achievementContract = defineContract({
  actor: 'achievement',
  namespace: 'achievements',
  commands: {},
  queries: {
    get: { summary: 'What one person has done', input: GetInput, output: AchievementView },
    list: {
      summary: "The caller's own; operators see those of the organisation",
      input: z.strictObject({ userId: Id.optional(), ...PageFields }),
      output: pageOf(AchievementView),
    },
    journal: { summary: 'How it came to that', input: JournalInput, output: JournalPage },
  },
  events: { 'achievement.counted': Of, 'achievement.discounted': Of },
  view: AchievementView,
})
export type AchievementEvent = EventOf<typeof achievementContract>
export type AchievementView = ViewOf<typeof achievementContract>

/** What somebody did, as achievements count it. */
export type Fact = { kind: FactKind; of: string | null; count: number; occurredAt: string }

/** What an achievement is told; `factId` is the same for the same fact, whoever tells it how often. */
export type FactNews =
  | { type: 'fact.recorded'; factId: string; fact: Fact }
  | { type: 'fact.takenBack'; factId: string; fact: Fact | null }

/** What became of an evaluation: so many badges were awarded, and so many taken back. */
export type Evaluated = { type: 'badges.evaluated'; awarded: number; takenBack: number }

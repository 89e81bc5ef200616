import { achievementContract } from '../contracts/achievement.ts'
import { achievementMachine } from '../machines/achievement.ts'
import { reachedOf } from '../machines/badge-criteria.ts'
import { defineActor } from './actor.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { isOperator } from './rules.ts'

const ALL = { value: 1 }

export const achievement = defineActor({
  contract: achievementContract,
  machine: achievementMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    userId: { type: 'uuid', indexed: true, of: ({ context }) => context.userId },
  },
  topics: { achievement: 'id' },
  scopes: (principal) => {
    const { orgId, userId } = principal
    return isOperator(principal) ? [{ orgId }] : [{ orgId, userId }]
  },
  allow: {},
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ context }, id) => ({
    id,
    userId: context.userId,
    activities: reachedOf({ kind: 'activity_count', ...ALL }, context),
    longestStreakDays: reachedOf({ kind: 'streak_length', ...ALL }, context),
    trainings: reachedOf({ kind: 'training_completion', ...ALL }, context),
    recruited: reachedOf({ kind: 'recruiting_milestone', ...ALL }, context),
  }),
})

import { randomUUID } from 'node:crypto'
import type { AchievementInput } from '../../machines/achievement.ts'
import type { BadgeDefinitionInput } from '../../machines/badge-definition.ts'
import type { BadgeFactInput } from '../../machines/badge-fact.ts'
import type { BadgeInput } from '../../machines/badge.ts'
import { madeBySystem } from './by-system.ts'
import type { TestServer } from './server.ts'

/** Badges and what belongs to them, as the system makes them. */

type Party = { orgId: string; userId: string }
type Own<Input> = Omit<Input, 'id' | 'at'>
type Signals = NonNullable<Parameters<typeof madeBySystem>[3]>[number][]

/** A draft, unless something happened to it. */
export const aBadgeDefinition = (server: TestServer, orgId: string, ...signals: Signals) => {
  const input: Own<BadgeDefinitionInput> = {
    orgId,
    name: `Badge ${randomUUID()}`,
    iconKey: 'star',
    description: 'For those who help',
    criteria: { match: 'all', rules: [{ kind: 'recruiting_milestone', value: 1_000_000 }] },
    repeatable: null,
    revocable: true,
    edition: 1,
    predecessorId: null,
    predecessorName: null,
  }
  return madeBySystem(server, { type: 'badgeDefinition', id: randomUUID() }, input, signals)
}

export const anActiveDefinition = (server: TestServer, orgId: string) =>
  aBadgeDefinition(server, orgId, { type: 'activate' })

export const aLockedDefinition = (server: TestServer, orgId: string) =>
  aBadgeDefinition(
    server,
    orgId,
    { type: 'activate' },
    { type: 'badge.awarded', source: { actor: 'badge', id: randomUUID(), version: 1 } },
  )

/** A mentor's, by a definition that nobody has heard of. */
export const aBadge = (
  server: TestServer,
  mentor: Party & { mentorId: string; coordinatorId: string },
  ...signals: Signals
) => {
  const input: Own<BadgeInput> = {
    orgId: mentor.orgId,
    definitionId: randomUUID(),
    recipientId: mentor.mentorId,
    recipientUserId: mentor.userId,
    coordinatorId: mentor.coordinatorId,
    name: 'Helper',
    description: 'For those who help',
    iconKey: 'star',
    criteria: 'At least 10 activities.',
    period: '',
    ordinal: 1,
    awardedBy: 'admin',
    awardedById: null,
    evidence: null,
    isFirst: false,
    notices: { earned: randomUUID(), revoked: randomUUID() },
  }
  return madeBySystem(server, { type: 'badge', id: randomUUID() }, input, signals)
}

export const aBadgeFact = (server: TestServer, { orgId, userId }: Party) => {
  const what = { kind: 'activity', of: null, count: 1, occurredAt: server.clock.at() } as const
  const input: Own<BadgeFactInput> = { orgId, userId, achievementId: randomUUID(), ...what }
  return madeBySystem(server, { type: 'badgeFact', id: randomUUID() }, input)
}

export const anAchievement = (server: TestServer, { orgId, userId }: Party) => {
  const input: Own<AchievementInput> = { orgId, userId }
  return madeBySystem(server, { type: 'achievement', id: randomUUID() }, input)
}

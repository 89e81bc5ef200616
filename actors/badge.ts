import { badgeContract, type AwardedBy, type BadgeEvidence } from '../contracts/badge.ts'
import { refused } from '../contracts/protocol.ts'
import { awardPeriod, criteriaText } from '../machines/badge-criteria.ts'
import type { BadgeDefinitionContext } from '../machines/badge-definition.ts'
import { badgeMachine, mentorIdOf, type BadgeContext, type BadgeInput } from '../machines/badge.ts'
import { defineActor, type CreationRequest, type Principal } from './actor.ts'
import { badgeDefinition, isEarnable } from './badge-definition.ts'
import { hasEarned, listBadges } from './badge-queries.ts'
import { recipientOf, type Recipient } from './badge-recipient.ts'
import { derivedId } from './derived-id.ts'
import type { Condition, Found, Read } from './ports.ts'
import { actorJournal, getActor } from './queries.ts'
import { administers, decides, has, isOperator } from './rules.ts'

const BADGE = { contract: badgeContract, machine: badgeMachine }

type Owned = { context: { orgId: string; recipientUserId: string } }

const isRecipient = ({ orgId, userId }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && context.recipientUserId === userId

type Awarding = {
  id: string
  at: string
  definition: BadgeDefinitionContext & { id: string }
  isFirst: boolean
  recipient: Recipient
  period: string
  ordinal: number
  awardedBy: AwardedBy
  awardedById: string | null
  evidence: BadgeEvidence | null
}

/** The same for the same one: whoever awards it at the same moment makes the same badge. */
export const badgeId = ({
  definitionId,
  recipientUserId,
  period,
  ordinal,
}: Pick<BadgeContext, 'definitionId' | 'recipientUserId' | 'period' | 'ordinal'>): string =>
  derivedId('badge', definitionId, recipientUserId, period, String(ordinal))

/** What a badge is made of, whoever awards it. */
export const awardOf = ({ definition, recipient, ...award }: Awarding): BadgeInput => {
  const { id: definitionId, orgId, name, description, iconKey, criteria, repeatable } = definition
  const notice = (topic: string) =>
    derivedId(topic, badgeId({ ...award, definitionId, recipientUserId: recipient.recipientUserId }))
  return {
    ...award,
    orgId,
    definitionId,
    ...recipient,
    name,
    description,
    iconKey,
    criteria: criteriaText(criteria, repeatable),
    notices: { earned: notice('badge.earned'), revoked: notice('badge.revoked') },
  }
}

/** The newest badge of somebody in one period, and how many there have been: only that one may still stand. */
const newestOf = async (
  { search, count }: Pick<Read, 'search' | 'count'>,
  orgId: string,
  of: { definitionId: string; recipientUserId: string; period: string },
): Promise<{ newest: Found<typeof BADGE> | undefined; ordinal: number }> => {
  const { recipientUserId, ...rest } = of
  const scopes = [{ orgId, recipientUserId }]
  const where = Object.entries(rest).map(([column, value]): Condition => ({ column, is: '=', value }))
  const ordinal = await count(BADGE, { scopes, where })
  if (ordinal === 0) return { newest: undefined, ordinal }
  const byOrdinal: Condition = { column: 'ordinal', is: '=', value: ordinal }
  const { found } = await search(BADGE, { scopes, where: [...where, byOrdinal], limit: 1 })
  return { newest: found[0], ordinal }
}

type Wish = {
  definitionId: string
  recipientId: string
  evidence?: Pick<BadgeEvidence, 'note' | 'url'> | undefined
}

const award = async ({ id, payload, principal, at, lookup }: CreationRequest<Wish>) => {
  // Before anything else, or the answers would tell who is here.
  if (!administers(principal)) return refused('forbidden', 'you may not award a badge')
  const { orgId, userId } = principal
  const { definitionId, recipientId, evidence = null } = payload
  const definition = await lookup.actor(badgeDefinition, definitionId)
  if (definition?.context.orgId !== orgId) return refused('not_found', 'definitionId: no such badge')
  const recipient = await recipientOf(lookup, orgId, recipientId)
  if (!recipient) return refused('not_found', 'recipientId: no such mentor or user')
  if (!isEarnable(definition)) return refused('not_active', 'this badge cannot be earned now')

  const period = awardPeriod(definition.context.repeatable, at)
  const { recipientUserId } = recipient
  const { newest, ordinal: before } = await newestOf(lookup, orgId, { definitionId, recipientUserId, period })
  if (newest && !isRevoked(newest)) return { ok: true as const, existing: newest.id }
  const ordinal = before + 1
  const input = awardOf({
    id,
    at,
    definition: { ...definition.context, id: definitionId },
    isFirst: definition.matches('active'),
    recipient,
    period,
    ordinal,
    awardedBy: has(principal, 'system') ? 'system' : 'admin',
    awardedById: userId,
    evidence,
  })
  const made = { ok: true as const, input, id: badgeId({ definitionId, recipientUserId, period, ordinal }) }
  return newest ? { ...made, after: newest.id } : made
}

const isRevoked = ({ snapshot }: Found<typeof BADGE>) => snapshot.context.revokedAt !== null

/** What clients are told who lose a race for what there may be once; whoever awards is shown the winner. */
const EARNED = { code: 'already_exists', message: 'this badge is earned already' }

export const badge = defineActor({
  contract: badgeContract,
  machine: badgeMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    definitionId: { type: 'uuid', indexed: true, of: ({ context }) => context.definitionId },
    recipientId: { type: 'uuid', indexed: true, of: ({ context }) => context.recipientId },
    recipientUserId: { type: 'uuid', indexed: true, of: ({ context }) => context.recipientUserId },
    mentorId: { type: 'uuid', indexed: true, of: ({ context }) => mentorIdOf(context) },
    coordinatorId: { type: 'uuid', indexed: true, of: ({ context }) => context.coordinatorId },
    period: { type: 'text', of: ({ context }) => context.period },
    ordinal: { type: 'integer', of: ({ context }) => context.ordinal },
    awardedBy: { type: 'text', of: ({ context }) => context.awardedBy },
    earnedAt: { type: 'instant', of: ({ context }) => context.earnedAt },
    revoked: { type: 'boolean', of: ({ context }) => context.revokedAt !== null },
  },
  unique: { badge_live: EARNED, badge_ordinal: EARNED },
  topics: {
    badge: 'id',
    user: 'recipientUserId',
    mentor: 'mentorId',
    coordinator: 'coordinatorId',
    org: 'orgId',
  },
  scopes: (principal) => {
    const { orgId, userId } = principal
    if (isOperator(principal)) return [{ orgId }]
    return [
      { orgId, recipientUserId: userId },
      ...(has(principal, 'coordinator') ? [{ orgId, coordinatorId: userId }] : []),
    ]
  },
  allow: { award: decides, revoke: decides, accept: isRecipient, decline: isRecipient },
  prepare: {
    // What the system took back, the system may award again.
    revoke: async ({ payload, principal }) => ({
      ok: true,
      payload: { ...payload, asSystem: has(principal, 'system') },
    }),
  },
  create: { award },
  queries: { get: getActor, list: listBadges, hasEarned, journal: actorJournal },
  explain: {
    accept: () => ({ code: 'already_shown', message: 'it may be shown already' }),
    decline: () => ({ code: 'already_hidden', message: 'it is not to be shown already' }),
  },
  view: ({ context }, id) => {
    const { definitionId, recipientId, recipientUserId, coordinatorId, period, earnedAt, evidence } = context
    const { name, description, iconKey, criteria, awardedBy, awardedById, shown } = context
    const { notifiedAt, revokedAt, revokeReason } = context
    const parties = { id, definitionId, recipientId, recipientUserId, coordinatorId }
    const what = { name, description, iconKey, criteria, period }
    const how = { earnedAt, awardedBy, awardedById, evidence }
    return { ...parties, ...what, ...how, notifiedAt, revokedAt, revokeReason, shown }
  },
})

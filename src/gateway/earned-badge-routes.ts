import { z } from 'zod'
import { badge } from '../../actors/badge.ts'
import type { BadgeView } from '../../contracts/badge.ts'
import { PageFields } from '../../contracts/queries.ts'
import { Id, Note, StoredInstant } from '../../contracts/scalars.ts'
import { given } from './catalog/business-routes.ts'
import { parsed } from './http-envelope.ts'
import type { Asked, Route } from './route.ts'

const BASE = '/api/v1/earned-badges'
const common = { definition: badge, group: 'earned badges', status: 200 } as const

/** A badge in the words of S1. */
const EarnedBadge = z.object({
  id: Id,
  badge_definition_id: Id,
  peer_mentor_id: Id.describe('The mentor, or the user who is none'),
  organization_id: Id,
  earned_at: StoredInstant,
  awarded_by: z.enum(['system', 'admin']),
  notification_sent: z.boolean(),
  revoked_at: StoredInstant.nullable(),
  revoke_reason: z.string().nullable(),
})

const Both = { badge_definition_id: Id, peer_mentor_id: Id }
const AwardBody = z.strictObject(Both)
const CheckQuery = z.strictObject(Both)
const ListQuery = z.strictObject({
  badge_definition_id: Id.optional(),
  peer_mentor_id: Id.optional(),
  ...PageFields,
})
const ReasonBody = z.strictObject({ reason: Note.optional() }).optional()
const ReasonQuery = z.strictObject({
  reason: Note.optional().describe('Instead of the body; `deleted` without either'),
})

/** S1.15–S1.19. */
export const earnedBadgeRoutes: readonly Route[] = [
  {
    ...common,
    method: 'GET',
    url: BASE,
    operationId: 'badges.listEarned',
    summary: 'Badges of the organisation that the caller may see and that were not taken back',
    query: ListQuery,
    data: z.object({ items: z.array(EarnedBadge), next: z.string().optional().describe('For `after`') }),
    answer: (asked) => list(asked),
  },
  {
    ...common,
    method: 'GET',
    url: `${BASE}/check`,
    operationId: 'badges.check',
    summary: 'Whether somebody has a badge',
    query: CheckQuery,
    data: z.object({ exists: z.boolean(), earned_badge_id: Id.nullable() }),
    answer: (asked) => check(asked),
  },
  {
    ...common,
    method: 'GET',
    url: `${BASE}/:id`,
    operationId: 'badges.getEarned',
    summary: 'One badge of somebody, whether it was taken back or not',
    data: EarnedBadge,
    answer: async ({ request, principal, query }) => {
      const { data } = await query('get', request.query as object)
      return earnedBadge(data as BadgeView, principal.orgId)
    },
  },
  {
    ...common,
    method: 'POST',
    url: BASE,
    operationId: 'badges.awardEarned',
    summary: 'Award a badge: 201 when it is new, 200 with the first one when it was there (administrators)',
    status: 201,
    command: true,
    body: AwardBody,
    data: EarnedBadge,
    errors: ['not_active'],
    location: (id) => `${BASE}/${id}`,
    answer: (asked) => award(asked),
  },
  {
    ...common,
    method: 'DELETE',
    url: `${BASE}/:id`,
    operationId: 'badges.revokeEarned',
    summary: 'Take a badge back; the record and its history stay (administrators)',
    command: true,
    query: ReasonQuery,
    body: ReasonBody,
    data: EarnedBadge,
    answer: (asked) => revoke(asked),
  },
]

const earnedBadge = (view: BadgeView, organisationId: string): z.output<typeof EarnedBadge> => ({
  id: view.id,
  badge_definition_id: view.definitionId,
  peer_mentor_id: view.recipientId,
  organization_id: organisationId,
  earned_at: view.earnedAt,
  awarded_by: view.awardedBy,
  notification_sent: view.notifiedAt !== null,
  revoked_at: view.revokedAt,
  revoke_reason: view.revokeReason,
})

type Page = { items: { view: BadgeView }[]; next?: string }

const list = async ({ request, principal, query }: Asked) => {
  const asked = parsed(ListQuery, request.query)
  const { badge_definition_id: definitionId, peer_mentor_id: recipientId, ...page } = asked
  const { items, next } = (await query('list', given({ definitionId, recipientId, ...page }))).data as Page
  return {
    items: items.map(({ view }) => earnedBadge(view, principal.orgId)),
    ...(next === undefined ? {} : { next }),
  }
}

const check = async ({ request, query }: Asked) => {
  const { badge_definition_id: definitionId, peer_mentor_id: recipientId } = parsed(CheckQuery, request.query)
  const { data } = await query('hasEarned', { definitionId, recipientId })
  const { earned, badgeId } = data as { earned: boolean; badgeId: string | null }
  return { exists: earned, earned_badge_id: badgeId }
}

const award = async ({ request, principal, command }: Asked) => {
  const { badge_definition_id: definitionId, peer_mentor_id: recipientId } = parsed(AwardBody, request.body)
  const { view } = await command('award', { definitionId, recipientId })
  return earnedBadge(view as BadgeView, principal.orgId)
}

const revoke = async ({ request, principal, command }: Asked) => {
  const reasons = { ...parsed(ReasonQuery, request.query), ...parsed(ReasonBody, request.body ?? undefined) }
  const { view } = await command('revoke', { reason: 'deleted', ...reasons })
  return earnedBadge(view as BadgeView, principal.orgId)
}

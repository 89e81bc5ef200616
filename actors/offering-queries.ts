import { enrollmentContract } from '../contracts/enrollment.ts'
import type { OfferingView } from '../contracts/offering.ts'
import type { Principal, Scope } from './actor.ts'
import { readBy, type Audience } from './audience.ts'
import { findCategory } from './catalog.ts'
import type { Condition, Read } from './ports.ts'
import { getActor, pageOf, type QueryHandler } from './queries.ts'

const DEFAULT_LIMIT = 50

/** Whoever learns from an offering keeps it, whether or not the catalogue still shows it (S2.32). */
const learners: Pick<Audience, 'ofOne'> = {
  ofOne: async ({ input, principal, read }) =>
    (await isEnrolled(read, principal, input.id))
      ? [{ orgId: principal.orgId, id: input.id, visibility: 'private' }]
      : [],
}

/** What administrators have noted about it is between them and its tutor. */
const shownToLearners = (offering: OfferingView): OfferingView => ({ ...offering, moderationNote: null })

export const getOffering = readBy(learners, getActor, shownToLearners)

const isEnrolled = async ({ count }: Read, { orgId, userId }: Principal, offeringId: string) =>
  (await count(
    { contract: enrollmentContract },
    {
      scopes: [{ orgId, userId, offeringId }],
      where: [{ column: 'live', is: '=', value: true }],
    },
  )) > 0

type Filters = {
  kind?: string | undefined
  ownerId?: string | undefined
  tutorProfileId?: string | undefined
  title?: string | undefined
  category?: string | undefined
  scheduling?: string | undefined
  difficulty?: string | undefined
  durationMinutes?: number | undefined
  minDurationMinutes?: number | undefined
  maxDurationMinutes?: number | undefined
  published?: boolean | undefined
  moderation?: string | undefined
  limit?: number | undefined
  after?: string | undefined
}

/** Every filter is a column of its own, but for the category, which clients may name as well. */
export const listOfferings: QueryHandler<Filters> = async (request) => {
  const { definition, scopes, input, principal, read } = request
  const { limit = DEFAULT_LIMIT, after, category, minDurationMinutes, maxDurationMinutes, ...equal } = input
  const known =
    category === undefined ? undefined : await findCategory(read.search, principal.orgId, category)
  if (category !== undefined && !known) return { ok: true, data: { items: [] } }
  const where = [
    ...Object.entries(equal).flatMap(([column, value]) => condition(column, '=', value)),
    ...condition('categoryId', '=', known?.id),
    ...condition('durationMinutes', '>=', minDurationMinutes),
    ...condition('durationMinutes', '<=', maxDurationMinutes),
  ]
  const possible = scopes.filter((scope) => isPossible(scope, input))
  const page = await read.search(definition, { scopes: possible, where, after, limit })
  return { ok: true, data: pageOf(page) }
}

/** Nothing is public that is not published and approved: the database would read all of that to find it out. */
const isPossible = ({ visibility }: Scope<'visibility'>, { published, moderation }: Filters) =>
  visibility !== 'public' || (published !== false && (moderation ?? 'approved') === 'approved')

const condition = (
  column: string,
  is: Condition['is'],
  value: string | number | boolean | undefined,
): Condition[] => (value === undefined ? [] : [{ column, is, value }])

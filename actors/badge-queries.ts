import type { AwardedBy } from '../contracts/badge.ts'
import { mentor } from './mentor.ts'
import type { Condition } from './ports.ts'
import { pageOf, type QueryHandler, type QueryRequest } from './queries.ts'

type Filters = {
  definitionId?: string | undefined
  recipientId?: string | undefined
  coordinatorId?: string | undefined
  awardedBy?: AwardedBy | undefined
  revoked: boolean
  limit?: number | undefined
  after?: string | undefined
}

/** By when they were earned. */
export const listBadges: QueryHandler<Filters> = async (request) => {
  const { definition, scopes, read, input } = request
  const { recipientId, limit = 50, after, ...filters } = input
  const where = Object.entries(filters).flatMap(([column, value]): Condition[] =>
    value === undefined ? [] : [{ column, is: '=', value }],
  )
  if (recipientId !== undefined) where.push(await ofRecipient(request, recipientId))
  const page = await read.search(definition, { scopes, where, order: 'earnedAt', after, limit })
  return { ok: true, data: pageOf(page) }
}

/** What the caller may not know of is not there. */
export const hasEarned: QueryHandler<{ definitionId: string; recipientId: string }> = async (request) => {
  const { definition, scopes, read, input } = request
  const { found } = await read.search(definition, {
    scopes,
    where: [
      { column: 'definitionId', is: '=', value: input.definitionId },
      { column: 'revoked', is: '=', value: false },
      await ofRecipient(request, input.recipientId),
    ],
    limit: 1,
  })
  return { ok: true, data: { earned: found.length > 0, badgeId: found[0]?.id ?? null } }
}

/** A badge is the person's, by whichever id somebody asks. */
const ofRecipient = async (
  { principal, read }: Pick<QueryRequest<unknown>, 'principal' | 'read'>,
  id: string,
): Promise<Condition> => {
  const { found } = await read.search(mentor, {
    scopes: mentor.scopes(principal),
    where: [{ column: 'id', is: '=', value: id }],
    limit: 1,
  })
  const userId = found[0]?.snapshot.context.userId ?? id
  return { column: 'recipientUserId', is: '=', value: userId }
}

import type { Principal } from './actor.ts'
import type { Audience } from './audience.ts'
import { findAll } from './find.ts'
import { mentor } from './mentor.ts'
import type { Condition, Read } from './ports.ts'
import type { QueryRequest } from './queries.ts'
import { has, isOperator } from './rules.ts'

/**
 * The coordinators of those whom this column names, who may read what belongs to their mentors (C49). Who is in charge is
 * asked each time: a mentor who goes to another coordinator takes everything along at once.
 */
export const coordinatorsOf = (column: string): Audience => ({
  ofOne: async (request) => {
    const { principal, read, input } = request
    if (!has(principal, 'coordinator')) return []
    const userId = await userOf(request, column)
    if (userId === undefined || (await mentorsOf(read, principal, userId)).length === 0) return []
    return [{ orgId: principal.orgId, id: input.id }]
  },
  ofAll: async ({ principal, read, input }) => {
    if (!has(principal, 'coordinator') || isOperator(principal)) return []
    // A list that has a filter of the column's name.
    const wanted: unknown = Object.entries(input).find(([name]) => name === column)?.[1]
    const users = await mentorsOf(read, principal, typeof wanted === 'string' ? wanted : undefined)
    return users.map((userId) => ({ orgId: principal.orgId, [column]: userId }))
  },
})

/** The users of the mentors that the caller is in charge of; only this one, when one is asked about. */
const mentorsOf = async (
  { search }: Pick<Read, 'search'>,
  { orgId, userId: coordinatorId }: Principal,
  userId: string | undefined,
): Promise<string[]> => {
  const scope = { orgId, coordinatorId }
  const mentors = await findAll(search, mentor, { scopes: [userId ? { ...scope, userId } : scope] })
  return mentors.map(({ snapshot }) => snapshot.context.userId)
}

/** To whom the actor that is asked about belongs. */
const userOf = async (
  { definition, read, input, principal: { orgId } }: QueryRequest<{ id: string }>,
  column: string,
): Promise<string | undefined> => {
  const byId: Condition = { column: 'id', is: '=', value: input.id }
  const [one] = (await read.search(definition, { scopes: [{ orgId }], where: [byId], limit: 1 })).found
  const value = one && definition.columns[column]?.of(one.snapshot)
  return typeof value === 'string' ? value : undefined
}

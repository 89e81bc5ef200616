import { refused, type Reply } from '../contracts/protocol.ts'
import type { AnyActorDefinition, Principal } from './actor.ts'
import { allowedCommands } from './engine/turn.ts'
import type { Condition, FoundPage, Read } from './ports.ts'

/** A question that has been parsed and belongs to somebody. */
export type QueryRequest<Input> = {
  definition: AnyActorDefinition
  input: Input
  principal: Principal
  at: string
  read: Read
}

export type QueryHandler<Input> = (request: QueryRequest<Input>) => Promise<Reply>

const DEFAULT_LIMIT = 50
const HISTORY_LIMIT = 200

/** `get { id }`: one actor with what the caller may do to it now. */
export const getActor: QueryHandler<{ id: string }> = async ({ definition, input, principal, read }) => {
  const { actor } = definition.contract
  const {
    found: [one],
  } = await read.search(actor, {
    scopes: definition.scopes(principal),
    where: [{ column: 'id', is: '=', value: input.id }],
    limit: 1,
  })
  if (!one) return refused('not_found', `no such ${actor}`)
  const { id, version, state, view: data } = one
  return { ok: true, data, id, version, state, allowed: allowedCommands(definition, one.snapshot, principal) }
}

/** `list { …columns }`: every field of the input is a filter on the column of that name. */
export const listActors: QueryHandler<{ limit?: number | undefined; after?: string | undefined }> = async ({
  definition,
  input: { limit = DEFAULT_LIMIT, after, ...filters },
  principal,
  read,
}) => {
  const where = Object.entries(filters).flatMap(([column, value]): Condition[] =>
    value === undefined ? [] : [{ column, is: '=', value: value as string | boolean }],
  )
  const page = await read.search(definition.contract.actor, {
    scopes: definition.scopes(principal),
    where,
    after,
    limit,
  })
  return { ok: true, data: pageOf(page) }
}

/** `journal { id, afterVersion? }`: what happened to one actor, for those who may see it now. */
export const actorJournal: QueryHandler<{ id: string; afterVersion?: number | undefined }> = async (
  request,
) => {
  const actor = await getActor(request)
  if (!actor.ok) return actor
  const { id, afterVersion = 0 } = request.input
  const entries = await request.read.history(id, afterVersion, HISTORY_LIMIT)
  const last = entries.length === HISTORY_LIMIT ? entries.at(-1)?.version : undefined
  return { ok: true, data: last === undefined ? { items: entries } : { items: entries, next: last } }
}

/** A page as clients see it. */
export const pageOf = ({ found, next }: FoundPage) => ({
  items: found.map(({ id, version, state, view }) => ({ id, version, state, view })),
  ...(next === undefined ? {} : { next }),
})

import { refused, type Reply } from '../contracts/protocol.ts'
import type { AnyActorDefinition, Principal, Scope } from './actor.ts'
import { allowedCommands } from './engine/turn.ts'
import type { Condition, FoundPage, Read } from './ports.ts'

/** A question that has been parsed and belongs to somebody. */
export type QueryRequest<Input> = {
  definition: AnyActorDefinition
  /** Which actors the answer may be about: those that the definition lets this principal know of, unless a query says others. */
  scopes: readonly Scope[]
  input: Input
  principal: Principal
  at: string
  read: Read
}

export type QueryHandler<Input> = (request: QueryRequest<Input>) => Promise<Reply>

const DEFAULT_LIMIT = 50
const HISTORY_LIMIT = 200

/** `get { id }`: one actor with what the caller may do to it now. */
export const getActor: QueryHandler<{ id: string }> = async (request) => {
  const { definition, scopes, input, principal, read } = request
  const {
    found: [one],
  } = await read.search(definition, {
    scopes,
    where: [{ column: 'id', is: '=', value: input.id }],
    limit: 1,
  })
  if (!one) return refused('not_found', `no such ${definition.contract.actor}`)
  const { id, version, state, view: data } = one
  return { ok: true, data, id, version, state, allowed: allowedCommands(definition, one.snapshot, principal) }
}

/** `list { …columns }`: every field of the input is a filter on the column of that name. */
export const listActors: QueryHandler<{ limit?: number | undefined; after?: string | undefined }> = async ({
  definition,
  scopes,
  input: { limit = DEFAULT_LIMIT, after, ...filters },
  read,
}) => {
  const where = Object.entries(filters).flatMap(([column, value]): Condition[] =>
    value === undefined ? [] : [{ column, is: '=', value: value as string | boolean }],
  )
  const page = await read.search(definition, { scopes, where, after, limit })
  return { ok: true, data: pageOf(page) }
}

/** `journal { id, afterVersion? }`: what happened to one actor, for those who may see it now. */
export const actorJournal: QueryHandler<{ id: string; afterVersion?: number | undefined }> = async (
  request,
) => {
  const actor = await getActor(request)
  if (!actor.ok) return actor
  const { id, afterVersion = 0 } = request.input
  const { actor: type } = request.definition.contract
  const entries = await request.read.history({ type, id }, afterVersion, HISTORY_LIMIT)
  const last = entries.length === HISTORY_LIMIT ? entries.at(-1)?.version : undefined
  return { ok: true, data: last === undefined ? { items: entries } : { items: entries, next: last } }
}

/** Who may see something need not see all that ever happened to it: the journal is for whom these scopes name. */
export const journalFor =
  (
    scopes: (principal: Principal) => readonly Scope[],
  ): QueryHandler<{ id: string; afterVersion?: number | undefined }> =>
  (request) =>
    actorJournal({ ...request, scopes: scopes(request.principal) })

/** A page as clients see it. */
export const pageOf = ({ found, next }: FoundPage) => ({
  items: found.map(({ id, version, state, view }) => ({ id, version, state, view })),
  ...(next === undefined ? {} : { next }),
})

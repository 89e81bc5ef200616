import type { Scope } from './actor.ts'
import type { QueryHandler, QueryRequest } from './queries.ts'

/** Some who may read actors that no scope of theirs names, because others stand between: their mentors, their enrollments. */
export type Audience = {
  /** The one that is asked about, as far as they may read it. */
  ofOne: (request: QueryRequest<{ id: string }>) => Promise<readonly Scope[]>
  /** All that they may read. */
  ofAll: (request: QueryRequest<object>) => Promise<readonly Scope[]>
}

/** A query about one actor, which these may ask as well; by default they are answered as everybody is. */
export const readBy =
  <Input extends { id: string }, View = unknown>(
    audience: Pick<Audience, 'ofOne'>,
    handler: QueryHandler<Input>,
    shown: (view: View) => unknown = (view) => view,
  ): QueryHandler<Input> =>
  async (request) => {
    const answer = await handler(request)
    if (answer.ok) return answer
    const scopes = await audience.ofOne(request)
    if (scopes.length === 0) return answer
    const theirs = await handler({ ...request, scopes })
    // A reply says what every actor's reply says; whoever says what is shown of it knows which actor that is.
    return theirs.ok ? { ...theirs, data: shown(theirs.data as View) } : theirs
  }

/** A list, which has theirs beside what they may know of anyway. */
export const listedFor =
  <Input extends object>(
    audience: Pick<Audience, 'ofAll'>,
    handler: QueryHandler<Input>,
  ): QueryHandler<Input> =>
  async (request) =>
    handler({ ...request, scopes: [...request.scopes, ...(await audience.ofAll(request))] })

/**
 * Of a view no more than this. Total on purpose: a new field does not compile until somebody has said who sees it, and what
 * is not said to be shown is not shown.
 */
export const only =
  <View extends object>(fields: Readonly<Record<keyof View, boolean>>) =>
  (view: View): object => {
    const isShown: Readonly<Record<string, boolean>> = fields
    return Object.fromEntries(Object.entries(view).filter(([name]) => isShown[name] === true))
  }

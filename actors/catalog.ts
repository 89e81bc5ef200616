import { refused, type Refused } from '../contracts/protocol.ts'
import type { Lookup, Principal, Role } from './actor.ts'
import type { Found, Read, Search } from './ports.ts'
import { actorJournal, type QueryHandler } from './queries.ts'

/** What the actors of the catalogue have in common: who decides, who owns, and how what they name is found. */

export const has = ({ roles }: Principal, ...wanted: Role[]): boolean =>
  wanted.some((role) => roles.includes(role))

export const decides = (principal: Principal, { context }: { context: { orgId: string } }): boolean =>
  context.orgId === principal.orgId && has(principal, 'admin', 'system')

/** A field that is not the caller's to give, which says nothing about the actor itself (C41). */
export const forbiddenField = (name: string, reason = 'is for administrators'): Refused =>
  refused('field_forbidden', `${name}: ${reason}`, [{ path: [name], reason }])

export const invalidField = (name: string, reason: string): Refused =>
  refused('invalid_input', `${name}: ${reason}`, [{ path: [name], reason }])

/** The first of these that a payload gives. */
export const firstGiven = <Name extends string>(
  payload: { readonly [One in Name]?: unknown },
  ...names: Name[]
): Name | undefined => names.find((name) => payload[name] !== undefined)

/** Who may see something need not see all that ever happened to it: the journal is for whom these scopes name. */
export const journalFor =
  (
    scopes: (principal: Principal) => Search['scopes'],
  ): QueryHandler<{ id: string; afterVersion?: number | undefined }> =>
  (request) =>
    actorJournal({ ...request, definition: { ...request.definition, scopes: scopes as never } })

/** Every one that matches, however many there are. */
export const findAll = async (
  search: Read['search'],
  actorType: string,
  what: Pick<Search, 'scopes' | 'where'>,
): Promise<Found[]> => {
  const all: Found[] = []
  let after: string | undefined
  do {
    const { found, next } = await search(actorType, { ...what, after, limit: PAGE })
    all.push(...found)
    after = next
  } while (after !== undefined)
  return all
}

const PAGE = 200

/** The category that somebody names by its id or its name (C17), as far as it exists. */
export const findCategory = async (
  search: Lookup['search'],
  orgId: string,
  key: string,
): Promise<{ id: string; name: string; version: number } | undefined> => {
  const named = UUID.test(key) ? { id: key.toLowerCase() } : { name: key }
  const scope = { orgId, ...named, standing: 'active' }
  const [one] = (await search('category', { scopes: [scope], limit: 1 })).found
  return one && { id: one.id, name: one.snapshot.context.name as string, version: one.version }
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

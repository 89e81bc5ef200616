import type { Lookup } from './actor.ts'
import { category } from './category.ts'

/** The category that somebody names by its id or its name (C17), as far as it exists. */
export const findCategory = async (
  search: Lookup['search'],
  orgId: string,
  key: string,
): Promise<{ id: string; name: string; version: number } | undefined> => {
  const named = UUID.test(key) ? { id: key.toLowerCase() } : { name: key }
  const scope = { orgId, ...named, standing: 'active' }
  const [one] = (await search(category, { scopes: [scope], limit: 1 })).found
  return one && { id: one.id, name: one.snapshot.context.name, version: one.version }
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

import type { ActorType, Found, Read, Search } from './ports.ts'

/** Every one that matches, however many there are. */
export const findAll = async <Type extends ActorType>(
  search: Read['search'],
  type: Type,
  what: Pick<Search, 'scopes' | 'where'>,
): Promise<Found<Type>[]> => {
  const all: Found<Type>[] = []
  let after: string | undefined
  do {
    const { found, next } = await search(type, { ...what, after, limit: PAGE })
    all.push(...found)
    after = next
  } while (after !== undefined)
  return all
}

const PAGE = 200

import type { Lookup } from './actor.ts'
import type { ActorType } from './ports.ts'

/** Of kinds of which each user has one at most: the id of a user's own. */
export const ownActor = async (
  { search }: Pick<Lookup, 'search'>,
  type: ActorType,
  userId: string,
): Promise<string | undefined> => {
  const { found } = await search(type, { scopes: [{ userId }], limit: 1 })
  return found[0]?.id
}

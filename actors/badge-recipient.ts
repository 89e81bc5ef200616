import { derivedId } from './derived-id.ts'
import type { Lookup } from './actor.ts'
import { mentor } from './mentor.ts'

/** Who a badge is for. `recipientId` is the mentor's where the person is one. */
export type Recipient = { recipientId: string; recipientUserId: string; coordinatorId: string | null }

/**
 * The person of an organisation whom a mentor's or a user's id names. Whoever is a mentor is known as that, whichever id
 * was given: nobody earns a badge twice under two names.
 */
export const recipientOf = async (
  { actor, search, userOrganisation }: Pick<Lookup, 'actor' | 'search' | 'userOrganisation'>,
  orgId: string,
  id: string,
): Promise<Recipient | undefined> => {
  const named = await actor(mentor, id)
  if (named) return named.context.orgId === orgId ? ofMentor(id, named.context) : undefined
  if ((await userOrganisation(id)) !== orgId) return undefined
  const { found } = await search(mentor, { scopes: [{ orgId, userId: id }], limit: 1 })
  return found[0]
    ? ofMentor(found[0].id, found[0].snapshot.context)
    : { recipientId: id, recipientUserId: id, coordinatorId: null }
}

const ofMentor = (
  recipientId: string,
  { userId, coordinatorId }: { userId: string; coordinatorId: string },
): Recipient => ({ recipientId, recipientUserId: userId, coordinatorId })

/** The same for the same person, so that everybody tells the same actor. */
export const achievementId = (userId: string): string => derivedId('achievement', userId)

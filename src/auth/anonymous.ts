import type { Principal } from '../../actors/actor.ts'

/** A user id that no user has and no actor names. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Somebody who is not signed in: a member of an organisation without any role, who sees what everybody there sees. */
export const anonymousIn = (orgId: string): Principal => ({ userId: NOBODY, orgId, roles: [] })

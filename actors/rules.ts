import type { Principal, Role } from './actor.ts'

/** What the rules of several actors ask about whoever asks. */

export const has = ({ roles }: Principal, ...wanted: readonly Role[]): boolean =>
  wanted.some((role) => roles.includes(role))

/** Whoever decides in an organisation. */
export const administers = (principal: Principal): boolean => has(principal, 'admin', 'system')

/** Whoever runs an organisation, or helps its people: they see what is there, and need not decide on it. */
export const isOperator = (principal: Principal): boolean => administers(principal) || has(principal, 'csm')

/** Whoever decides in the organisation that this belongs to. */
export const decides = (principal: Principal, { context }: { context: { orgId: string } }): boolean =>
  context.orgId === principal.orgId && administers(principal)

import type { FastifyRequest } from 'fastify'
import type { Principal } from '../../actors/actor.ts'
import { HttpRefusal } from '../gateway/http-envelope.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** Who is asking, by which sign-in, and until when the token is good. */
export type Caller = { principal: Principal; sessionId: string; expiresAt: string }

export type AuthenticateDeps = { tokens: Tokens; sessions: Sessions }

/** For a token from anywhere: HTTP header or socket handshake. `undefined` whatever is wrong with it. */
export const createCallerOf =
  ({ tokens, sessions }: AuthenticateDeps) =>
  async (token: unknown): Promise<Caller | undefined> => {
    const verified = tokens.verify(token)
    if (!verified.ok) return undefined
    const { sessionId, expiresAt } = verified
    // The roles of now: those in the token may be a quarter of an hour old.
    const principal = await sessions.principalOf(sessionId)
    if (principal?.userId !== verified.principal.userId) return undefined
    return { principal, sessionId, expiresAt }
  }

/**
 * Reads `Authorization: Bearer` of a request; for use in handlers and hooks.
 * @throws HttpRefusal `unauthenticated`, the same for every reason
 */
export const authenticate = (deps: AuthenticateDeps): ((request: FastifyRequest) => Promise<Caller>) => {
  const callerOf = createCallerOf(deps)
  return async ({ headers }) => {
    const caller = await callerOf(/^Bearer ([\w.-]+)$/i.exec(headers.authorization ?? '')?.[1])
    if (!caller) throw new HttpRefusal({ code: 'unauthenticated', message: 'Sign in first' })
    return caller
  }
}

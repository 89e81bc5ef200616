import { HttpRefusal } from '../gateway/http-envelope.ts'
import type { CredentialFacts } from './facts.ts'

/**
 * A credential of Open Badges 3.0 says where to learn of its revocation, and has no room for a suspension: one that was
 * signed now would be taken for valid.
 * @throws HttpRefusal `not_allowed_in_state`
 */
export const refuseSuspended = ({ suspendedAt }: CredentialFacts, profile: 'ob3' | 'vc2'): void => {
  if (suspendedAt === null || profile === 'vc2') return
  const message = 'It is suspended, which a credential of Open Badges 3.0 cannot say'
  throw new HttpRefusal({ code: 'not_allowed_in_state', message })
}

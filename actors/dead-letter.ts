import { deadLetterContract } from '../contracts/dead-letter.ts'
import { deadLetterMachine } from '../machines/dead-letter.ts'
import { defineActor, type Principal } from './actor.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { isOperator } from './topics.ts'

/** Success managers look; administrators and the system decide. */
const mayDecide = ({ orgId, roles }: Principal, { context }: { context: { orgId: string } }) =>
  context.orgId === orgId && (roles.includes('admin') || roles.includes('system'))

export const deadLetter = defineActor({
  contract: deadLetterContract,
  machine: deadLetterMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    effect: { type: 'text', indexed: true, of: ({ context }) => context.effect },
    status: { type: 'text', of: ({ value }) => value },
  },
  topics: { deadLetter: 'id', org: 'orgId' },
  scopes: (principal) => (isOperator(principal) ? [{ orgId: principal.orgId }] : []),
  allow: { retry: mayDecide, discard: mayDecide },
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ value, context: { effect, name, owner, params, attempts, reason, openedAt, decision } }, id) => ({
    id,
    effect,
    name,
    owner,
    params,
    attempts,
    reason,
    status: value,
    openedAt,
    ...(decision ? { decision: decision.what, decidedBy: decision.by, decisionReason: decision.reason } : {}),
  }),
})

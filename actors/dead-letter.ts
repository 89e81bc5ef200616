import { deadLetterContract } from '../contracts/dead-letter.ts'
import { deadLetterMachine } from '../machines/dead-letter.ts'
import { defineActor } from './actor.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { decides, isOperator } from './rules.ts'

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
  // Success managers look; administrators and the system decide.
  allow: { retry: decides, discard: decides },
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

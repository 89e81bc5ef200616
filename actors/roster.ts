import { rosterContract } from '../contracts/roster.ts'
import { rosterMachine } from '../machines/roster.ts'
import { defineActor } from './actor.ts'
import { derivedId } from './derived-id.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { isOperator } from './rules.ts'

/** The same for the same offering, so that everybody asks the same actor. */
export const rosterId = (offeringId: string): string => derivedId('roster', offeringId)

export const roster = defineActor({
  contract: rosterContract,
  machine: rosterMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
  },
  topics: { roster: 'id' },
  scopes: (principal) => (isOperator(principal) ? [{ orgId: principal.orgId }] : []),
  allow: {},
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ context: { offeringId, enrolled, closed } }, id) => {
    return { id, offeringId, enrolled, closed: closed?.because ?? null }
  },
})

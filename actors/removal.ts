import type { SnapshotFrom } from 'xstate'
import { refused } from '../contracts/protocol.ts'
import { removalContract, type RemovalStatus } from '../contracts/removal.ts'
import { removalMachine } from '../machines/removal.ts'
import { defineActor } from './actor.ts'
import { offering } from './offering.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { administers, decides, isOperator } from './rules.ts'

export const removal = defineActor({
  contract: removalContract,
  machine: removalMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
    status: { type: 'text', of: (snapshot) => statusOf(snapshot) },
  },
  topics: { removal: 'id', org: 'orgId' },
  scopes: (principal) => (isOperator(principal) ? [{ orgId: principal.orgId }] : []),
  allow: { plan: decides, run: decides, pause: decides, resume: decides, discard: decides },
  create: {
    plan: async ({ id, payload: { offeringId, reason }, principal, at, lookup }) => {
      const { orgId, userId: startedBy } = principal
      // Before anything else, or the answers would tell what is here.
      if (!administers(principal)) return refused('forbidden', 'only administrators remove offerings')
      const found = await lookup.actor(offering, offeringId)
      if (found?.context.orgId !== orgId || found.matches('deleted'))
        return refused('not_found', 'offeringId: no such offering')
      if (found.matches('removed'))
        return refused('not_allowed_in_state', 'this offering has been removed', {
          removalId: found.context.removalId,
        })
      const { title } = found.context
      return { ok: true, input: { id, at, orgId, offeringId, title, reason, startedBy, dryRun: true } }
    },
  },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: (snapshot, id) => {
    const { offeringId, title, reason, total, pending, processed, failed, review } = snapshot.context
    const { planned, refunded, startedBy, createdAt, endedAt, failure } = snapshot.context
    return {
      id,
      offeringId,
      title,
      reason,
      status: statusOf(snapshot),
      total,
      pending,
      processed,
      failed,
      review,
      planned,
      refunded,
      startedBy,
      createdAt,
      endedAt,
      failure,
    }
  },
})

const statusOf = ({ value }: Pick<SnapshotFrom<typeof removalMachine>, 'value'>): RemovalStatus => {
  if (typeof value !== 'string') return value.running === 'paused' ? 'paused' : 'running'
  if (value === 'counting') return 'closing'
  return value === 'begun' ? 'planning' : value
}

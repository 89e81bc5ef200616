import { badgeFactContract } from '../contracts/badge-fact.ts'
import { refused } from '../contracts/protocol.ts'
import { badgeFactMachine } from '../machines/badge-fact.ts'
import { defineActor } from './actor.ts'
import { achievementId, recipientOf } from './badge-recipient.ts'
import { invalidField } from './fields.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { administers, decides, isOperator } from './rules.ts'

export const badgeFact = defineActor({
  contract: badgeFactContract,
  machine: badgeFactMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    userId: { type: 'uuid', indexed: true, of: ({ context }) => context.userId },
    kind: { type: 'text', of: ({ context }) => context.kind },
  },
  topics: { badgeFact: 'id' },
  scopes: (principal) => {
    const { orgId, userId } = principal
    return isOperator(principal) ? [{ orgId }] : [{ orgId, userId }]
  },
  allow: { record: decides, takeBack: decides },
  create: {
    record: async ({ id, payload, principal, at, lookup }) => {
      // Before anything else, or the answers would tell who is here.
      if (!administers(principal)) return refused('forbidden', 'you may not say what somebody has done')
      const { recipientId, kind, of = null, count, occurredAt = at } = payload
      if (occurredAt > at) return invalidField('occurredAt', 'must not be in the future')
      const { orgId } = principal
      const recipient = await recipientOf(lookup, orgId, recipientId)
      if (!recipient) return refused('not_found', 'recipientId: no such mentor or user')
      const userId = recipient.recipientUserId
      const parties = { id, at, orgId, userId, achievementId: achievementId(userId) }
      return { ok: true, input: { ...parties, kind, of, count, occurredAt } }
    },
  },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ value, context: { userId, kind, of, count, occurredAt, takenBackReason } }, id) => {
    return { id, userId, kind, of, count, occurredAt, status: value, takenBackReason }
  },
})

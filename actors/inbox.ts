import { inboxContract } from '../contracts/inbox.ts'
import { inboxMachine } from '../machines/inbox.ts'
import { defineActor } from './actor.ts'
import { ownActor } from './own-actor.ts'
import { actorJournal, getActor } from './queries.ts'

const INBOX = { contract: inboxContract, machine: inboxMachine }

export const inbox = defineActor({
  contract: inboxContract,
  machine: inboxMachine,
  columns: {
    orgId: { type: 'uuid', of: ({ context }) => context.orgId },
    userId: { type: 'uuid', of: ({ context }) => context.userId },
  },
  topics: { inbox: 'id', user: 'userId' },
  confidential: true,
  scopes: ({ orgId, userId }) => [{ orgId, userId }],
  unique: { inbox_of_one: { code: 'already_exists', message: 'there is one inbox for each user' } },
  allow: { readAll: ({ userId }, { context }) => context.userId === userId },
  create: {
    readAll: async ({ id, payload, principal: { orgId, userId }, at, lookup }) => {
      const existing = await ownActor(lookup, INBOX, userId)
      if (existing) return { ok: true, existing, changes: true }
      const { upTo } = payload
      return { ok: true, input: { id, at, orgId, userId, ...(upTo === undefined ? {} : { upTo }) } }
    },
  },
  queries: { get: getActor, journal: actorJournal },
  view: ({ context: { userId, readUpTo } }, id) => ({ id, userId, readUpTo }),
})

import { notificationContract } from '../contracts/notification.ts'
import { refused } from '../contracts/protocol.ts'
import { channelsOf, notificationMachine } from '../machines/notification.ts'
import { defineActor } from './actor.ts'
import { listInbox, unreadOfOwn } from './notification-queries.ts'
import { actorJournal, getActor } from './queries.ts'
import { administers } from './rules.ts'

const NOTIFICATION = { contract: notificationContract, machine: notificationMachine }

/** The recipient's own business; whoever has sent it sees what was sent. Nobody else's, whoever runs the organisation. */
export const notification = defineActor({
  contract: notificationContract,
  machine: notificationMachine,
  columns: {
    orgId: { type: 'uuid', of: ({ context }) => context.orgId },
    recipientId: { type: 'uuid', indexed: true, of: ({ context }) => context.recipientId },
    topic: { type: 'text', of: ({ context }) => context.topic },
    status: { type: 'text', of: ({ value }) => value },
    inApp: { type: 'boolean', of: ({ context }) => channelsOf(context).includes('in_app') },
    createdAt: { type: 'instant', of: ({ context }) => context.createdAt },
    senderId: { type: 'uuid', of: ({ context }) => context.senderId ?? null },
    dedupeKey: { type: 'text', of: ({ context }) => context.dedupeKey ?? null },
  },
  topics: { notification: 'id', user: 'recipientId' },
  confidential: true,
  scopes: ({ orgId, userId }) => [
    { orgId, recipientId: userId },
    { orgId, senderId: userId },
  ],
  unique: {
    notification_once: { code: 'already_exists', message: 'dedupeKey: it has been sent' },
  },
  allow: {
    // Not everybody, or it would be a way to pester people.
    send: administers,
    markRead: ({ userId }, { context }) => context.recipientId === userId,
  },
  create: {
    send: async ({ id, payload, principal, at, lookup }) => {
      const { orgId, userId: senderId } = principal
      // Before anything else, or the answers would tell who is here.
      if (!administers(principal)) return refused('forbidden', 'you may not send notifications')
      const { recipientId, topic, dedupeKey, ...rest } = payload
      if ((await lookup.userOrganisation(recipientId)) !== orgId)
        return refused('not_found', 'recipientId: no such user')
      if (dedupeKey !== undefined) {
        const {
          found: [sent],
        } = await lookup.search(NOTIFICATION, {
          scopes: [{ orgId, senderId }],
          where: Object.entries({ recipientId, topic, dedupeKey }).map(([column, value]) => ({
            column,
            is: '=',
            value,
          })),
          limit: 1,
        })
        if (sent) return { ok: true, existing: sent.id }
      }
      const subject = { actor: 'user', id: senderId }
      const once = dedupeKey === undefined ? {} : { dedupeKey }
      return { ok: true, input: { id, at, orgId, senderId, recipientId, topic, subject, ...rest, ...once } }
    },
  },
  queries: { get: getActor, list: listInbox, unread: unreadOfOwn, journal: actorJournal },
  view: ({ value, context }, id) => ({
    id,
    recipientId: context.recipientId,
    topic: context.topic,
    subject: context.subject,
    text: context.text,
    data: { ...context.data },
    channels: [...channelsOf(context)],
    status: value,
    createdAt: context.createdAt,
    readAt: context.readAt,
  }),
})

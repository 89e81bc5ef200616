import { notificationContract } from '../contracts/notification.ts'
import { notificationMachine } from '../machines/notification.ts'
import { defineActor } from './actor.ts'
import { actorJournal, getActor, listActors } from './queries.ts'

/** Nobody else's business, whoever runs the organisation. */
export const notification = defineActor({
  contract: notificationContract,
  machine: notificationMachine,
  columns: {
    orgId: { type: 'uuid', of: ({ context }) => context.orgId },
    recipientId: { type: 'uuid', indexed: true, of: ({ context }) => context.recipientId },
    topic: { type: 'text', of: ({ context }) => context.topic },
    status: { type: 'text', of: ({ value }) => value },
  },
  topics: { notification: 'id', user: 'recipientId' },
  scopes: ({ orgId, userId }) => [{ orgId, recipientId: userId }],
  allow: { markRead: ({ userId }, { context }) => context.recipientId === userId },
  create: {},
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ value, context: { recipientId, topic, subject, text, createdAt, readAt } }, id) => ({
    id,
    recipientId,
    topic,
    subject,
    text,
    status: value,
    createdAt,
    readAt,
  }),
})

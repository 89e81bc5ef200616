import { deliveryContract } from '../contracts/delivery.ts'
import { deliveryMachine } from '../machines/delivery.ts'
import { defineActor } from './actor.ts'
import { deliveryLog } from './notification-queries.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { administers } from './rules.ts'

/** For the recipient, and for those who are asked why nothing has come. It says neither where it went nor what it said. */
export const delivery = defineActor({
  contract: deliveryContract,
  machine: deliveryMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    recipientId: { type: 'uuid', indexed: true, of: ({ context }) => context.recipientId },
    notificationId: { type: 'uuid', indexed: true, of: ({ context }) => context.notificationId },
    channel: { type: 'text', of: ({ context }) => context.channel },
    topic: { type: 'text', of: ({ context }) => context.topic },
    status: { type: 'text', of: ({ value }) => value },
  },
  topics: { delivery: 'id', notification: 'notificationId' },
  scopes: (principal) => {
    const { orgId, userId: recipientId } = principal
    return administers(principal) ? [{ orgId }] : [{ orgId, recipientId }]
  },
  allow: { confirm: ({ userId }, { context }) => context.recipientId === userId },
  create: {},
  queries: { get: getActor, list: listActors, log: deliveryLog, journal: actorJournal },
  view: ({ value, context }, id) => ({
    id,
    notificationId: context.notificationId,
    recipientId: context.recipientId,
    channel: context.channel,
    topic: context.topic,
    status: value,
    attempts: [...context.attempts],
    queuedAt: context.queuedAt,
    dueAt: context.dueAt,
    sentAt: context.sentAt,
    deliveredAt: context.deliveredAt,
    reason: context.reason,
  }),
})

import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { DeliveryChannel } from '../contracts/delivery.ts'
import type {
  InboxRead,
  NotificationChannel,
  NotificationCommand,
  NotificationData,
  NotificationEvent,
} from '../contracts/notification.ts'

export type NotificationInput = Envelope & {
  id: string
  orgId: string
  recipientId: string
  topic: string
  subject: { actor: string; id: string }
  /** A plain sentence in English, for whoever has no template for the topic. */
  text: string
  /** What templates make sentences of. */
  data?: NotificationData
  /** All of them unless it says so. */
  channels?: readonly NotificationChannel[]
  /** Goes out in quiet hours, too. */
  urgent?: boolean
  /** The user who sends it; nobody when it is the system. */
  senderId?: string
  dedupeKey?: string
}

/**
 * What a machine gives to the effect `create` to have somebody told. Its id makes it one, however often that is done;
 * without one, that follows from the effect.
 */
export type Notice = {
  actor: 'notification'
  id?: string
  input: Omit<NotificationInput, keyof Envelope | 'id'>
}

/** Those that were made before there was anything but the inbox have no `channels` and no `data`. */
export type NotificationContext = Omit<NotificationInput, keyof Envelope> & {
  createdAt: string
  readAt: string | null
}

type Carried = {
  actor: 'delivery'
  input: {
    orgId: string
    notificationId: string
    recipientId: string
    channel: DeliveryChannel
    topic: string
    urgent: boolean
  }
}

const notification = setup({
  types: {
    context: {} as NotificationContext,
    input: {} as NotificationInput,
    events: {} as NotificationCommand | (InboxRead & Envelope),
    emitted: {} as NotificationEvent,
  },
  actions: { create: (_, _params: Carried) => {} },
  guards: {
    /** What came after that instant, or is in no inbox, has been seen by nobody. */
    wasThere: ({ context, event }) => {
      assertEvent(event, 'inbox.read')
      return channelsOf(context).includes('in_app') && context.createdAt <= event.upTo
    },
  },
})

export const channelsOf = ({
  channels = ['in_app'],
}: Pick<NotificationContext, 'channels'>): readonly NotificationChannel[] => channels

const factsOf = (context: NotificationContext) => {
  const { recipientId, topic, text } = context
  return { recipientId, topic, text, channels: [...channelsOf(context)] }
}

/** It is in the inbox with this commit; e-mail and push have their own lives, and none can undo what caused them. */
const begin = notification.enqueueActions(({ context, enqueue }) => {
  const { id: notificationId, orgId, recipientId, topic, urgent = false } = context
  enqueue.emit({ type: 'notification.created', ...factsOf(context) })
  for (const channel of channelsOf(context)) {
    if (channel === 'in_app') continue
    const input = { orgId, notificationId, recipientId, channel, topic, urgent }
    enqueue({ type: 'create', params: { actor: 'delivery', input } })
  }
})

const read = notification.enqueueActions(({ context, event, enqueue }) => {
  enqueue.assign({ readAt: event.at })
  enqueue.emit({ type: 'notification.read', ...factsOf(context) })
})

/** One thing that one person should know. */
export const notificationMachine = notification.createMachine({
  id: 'notification@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    channels: input.channels ?? ['in_app', 'email', 'push'],
    createdAt: at,
    readAt: null,
  }),
  entry: begin,
  initial: 'unread',
  states: {
    unread: {
      on: {
        markRead: { target: 'read', actions: read },
        'inbox.read': { guard: 'wasThere', target: 'read', actions: read },
      },
    },
    read: {},
  },
  // Whoever sends the same once more comes to this one.
  on: { send: {} },
})

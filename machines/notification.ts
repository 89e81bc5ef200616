import { assign, emit, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { NotificationCommand, NotificationEvent } from '../contracts/notification.ts'

export type NotificationInput = Envelope & {
  id: string
  orgId: string
  recipientId: string
  topic: string
  subject: { actor: string; id: string }
  text: string
}

export type NotificationContext = Omit<NotificationInput, keyof Envelope> & {
  createdAt: string
  readAt: string | null
}

/** One thing that one person should know. */
export const notificationMachine = setup({
  types: {
    context: {} as NotificationContext,
    input: {} as NotificationInput,
    events: {} as NotificationCommand,
    emitted: {} as NotificationEvent,
  },
}).createMachine({
  id: 'notification@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    createdAt: at,
    readAt: null,
  }),
  entry: emit(({ context }) => ({ type: 'notification.created', ...factsOf(context) })),
  initial: 'unread',
  states: {
    unread: {
      on: {
        markRead: {
          target: 'read',
          actions: [
            assign({ readAt: ({ event }) => event.at }),
            emit(({ context }) => ({ type: 'notification.read', ...factsOf(context) })),
          ],
        },
      },
    },
    read: {},
  },
})

const factsOf = ({ recipientId, topic, text }: NotificationContext) => ({ recipientId, topic, text })

import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { InboxCommand, InboxEvent } from '../contracts/inbox.ts'
import type { InboxRead } from '../contracts/notification.ts'

export type InboxInput = Envelope & { id: string; orgId: string; userId: string; upTo?: string }

export type InboxContext = { id: string; orgId: string; userId: string; readUpTo: string }

type TellAll = {
  actor: 'notification'
  where: { recipientId: string; status: 'unread' }
  message: InboxRead
}

const inbox = setup({
  types: {
    context: {} as InboxContext,
    input: {} as InboxInput,
    events: {} as InboxCommand,
    emitted: {} as InboxEvent,
  },
  actions: { tellAll: (_, _params: TellAll) => {} },
})

/** Nobody has read what is yet to come. */
const earlier = (one: string, other = one): string => (other < one ? other : one)

const tell = inbox.enqueueActions(({ context: { userId, readUpTo: upTo }, enqueue }) => {
  enqueue.emit({ type: 'inbox.readAll', userId, upTo })
  const message = { type: 'inbox.read', upTo } as const
  const where = { recipientId: userId, status: 'unread' } as const
  enqueue({ type: 'tellAll', params: { actor: 'notification', where, message } })
})

/** One person's inbox as a whole. Each notification in it says by itself whether it has been read. */
export const inboxMachine = inbox.createMachine({
  id: 'inbox@1',
  context: ({ input: { id, orgId, userId, at, upTo } }) => ({
    id,
    orgId,
    userId,
    readUpTo: earlier(at, upTo),
  }),
  entry: tell,
  initial: 'open',
  states: {
    open: {
      on: {
        readAll: {
          actions: [
            inbox.assign({
              readUpTo: ({ event }) => {
                assertEvent(event, 'readAll')
                return earlier(event.at, event.upTo)
              },
            }),
            tell,
          ],
        },
      },
    },
  },
})

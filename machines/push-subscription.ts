import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type {
  CourierNews,
  PushSubscriptionCommand,
  PushSubscriptionEvent,
  SubscriptionEnd,
  SubscriptionTaken,
} from '../contracts/push-subscription.ts'

export type PushSubscriptionInput = Envelope & {
  id: string
  orgId: string
  userId: string
  device: string
  /** The same for the same browser; tells nothing about where that is. */
  mark: string
  /** Sealed, as the keys are. */
  endpoint: string
  p256dh: string
  auth: string
}

export type PushSubscriptionContext = Omit<
  PushSubscriptionInput,
  keyof Envelope | 'endpoint' | 'p256dh' | 'auth'
> & {
  /** What opens the way to it; null when it has ended. */
  sealed: { endpoint: string; p256dh: string; auth: string } | null
  createdAt: string
  endReason: SubscriptionEnd | null
}

type TellAll = { actor: 'pushSubscription'; where: { mark: string }; message: SubscriptionTaken }

const subscription = setup({
  types: {
    context: {} as PushSubscriptionContext,
    input: {} as PushSubscriptionInput,
    events: {} as
      | Exclude<PushSubscriptionCommand, { type: 'add' }>
      | (CourierNews & Envelope)
      | (SubscriptionTaken & Envelope & Required<Pick<Envelope, 'source'>>),
    emitted: {} as PushSubscriptionEvent,
  },
  actions: { tellAll: (_, _params: TellAll) => {} },
  guards: {
    /** When two take the same browser at once, one of them keeps it. */
    isLater: ({ context, event }) => {
      assertEvent(event, 'pushSubscription.taken')
      const { since, source } = event
      return since > context.createdAt || (since === context.createdAt && source.id > context.id)
    },
  },
})

const factsOf = ({ userId, device }: PushSubscriptionContext) => ({ userId, device })

/** A browser takes pushes for one person: whoever had it before would be read by whoever has it now. */
const begin = subscription.enqueueActions(({ context, enqueue }) => {
  enqueue.emit({ type: 'pushSubscription.added', ...factsOf(context) })
  const message = { type: 'pushSubscription.taken', since: context.createdAt } as const
  enqueue({ type: 'tellAll', params: { actor: 'pushSubscription', where: { mark: context.mark }, message } })
})

const end = (reason: SubscriptionEnd) =>
  subscription.enqueueActions(({ context, enqueue }) => {
    enqueue.assign({ sealed: null, endReason: reason })
    enqueue.emit({ type: 'pushSubscription.ended', ...factsOf(context), reason })
  })

/** One browser of one person, for as long as its push service knows it. */
export const pushSubscriptionMachine = subscription.createMachine({
  id: 'pushSubscription@1',
  context: ({ input: { at, by: _by, source: _source, endpoint, p256dh, auth, ...input } }) => ({
    ...input,
    sealed: { endpoint, p256dh, auth },
    createdAt: at,
    endReason: null,
  }),
  entry: begin,
  initial: 'active',
  states: {
    active: {
      on: {
        // The same browser says so again.
        add: {},
        remove: { target: 'ended', actions: end('removed') },
        'courier.gone': { target: 'ended', actions: end('gone') },
        'pushSubscription.taken': { guard: 'isLater', target: 'ended', actions: end('superseded') },
      },
    },
    ended: {},
  },
})

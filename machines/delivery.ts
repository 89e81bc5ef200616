import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type {
  CourierReport,
  DeliveryAttempt,
  DeliveryChannel,
  DeliveryCommand,
  DeliveryEvent,
} from '../contracts/delivery.ts'

export type DeliveryInput = Envelope & {
  id: string
  orgId: string
  notificationId: string
  recipientId: string
  channel: DeliveryChannel
  topic: string
  /** Goes out in quiet hours, too. */
  urgent: boolean
}

export type DeliveryContext = Omit<DeliveryInput, keyof Envelope> & {
  queuedAt: string
  /** Nobody wants to hear of it later than this. */
  expiresAt: string
  /** Append-only, the oldest first. */
  attempts: readonly DeliveryAttempt[]
  /** When it is tried next, while it waits. */
  dueAt: string | null
  sentAt: string | null
  deliveredAt: string | null
  reason: string | null
  /** The devices that have it, while others do not. */
  reached: readonly string[]
}

/** Ids only: who that is, where, in which language and whether at all, the courier looks up when it comes to it. */
type Deliver = {
  notificationId: string
  recipientId: string
  channel: DeliveryChannel
  topic: string
  urgent: boolean
  queuedAt: string
  expiresAt: string
  reached: readonly string[]
}

const delivery = setup({
  types: {
    context: {} as DeliveryContext,
    input: {} as DeliveryInput,
    events: {} as DeliveryCommand | (CourierReport & Envelope),
    emitted: {} as DeliveryEvent,
  },
  actions: { deliver: (_, _params: Deliver) => {} },
  guards: {
    mayTryAgain: ({ context, event }) => {
      assertEvent(event, 'courier.failed')
      return context.attempts.length < WAITS_MS.length && dueAfter(context, event) < context.expiresAt
    },
    hasReached: ({ event }) => {
      assertEvent(event, 'courier.failed')
      return event.reached.length > 0
    },
    isConfirmed: ({ context }) => context.deliveredAt !== null,
    isNotConfirmed: ({ context }) => context.deliveredAt === null,
    isInTime: ({ context, event }) => {
      assertEvent(event, 'courier.quiet')
      return event.until < context.expiresAt
    },
  },
  delays: {
    due: ({ context: { dueAt }, event }) => Math.max(0, Date.parse(dueAt!) - Date.parse(event.at)),
  },
})

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

/** STATECHARTS 2.9: how long it waits after each failed attempt; after the one behind the last it gives up. */
const WAITS_MS = [SECOND_MS, 5 * SECOND_MS, 30 * SECOND_MS, 5 * MINUTE_MS, HOUR_MS]
/** The share of a wait that chance adds, so that what failed together does not come back together. */
const JITTER = 0.25
/** A push that is a day old is no news; a letter may be read later. */
const LIFETIME_MS: Record<DeliveryChannel, number> = { push: 24 * HOUR_MS, email: 72 * HOUR_MS }

const after = (instant: string, ms: number) => new Date(Date.parse(instant) + ms).toISOString()

type Failure = Extract<CourierReport, { type: 'courier.failed' }> & Envelope

/** Whoever is asked to come back later does not come back earlier. */
const dueAfter = (
  { attempts }: DeliveryContext,
  { at, jitter, retryAfterMs }: Pick<Failure, 'at' | 'jitter' | 'retryAfterMs'>,
): string => {
  const waitMs = WAITS_MS[attempts.length] ?? HOUR_MS
  return after(at, Math.max(Math.round(waitMs * (1 + JITTER * jitter)), retryAfterMs ?? 0))
}

const factsOf = ({ notificationId, recipientId, channel, topic }: DeliveryContext) => {
  return { notificationId, recipientId, channel, topic }
}

const attempted = (
  { attempts }: DeliveryContext,
  attempt: Pick<DeliveryAttempt, 'at' | 'outcome' | 'reason'>,
) => [...attempts, { number: attempts.length + 1, ...attempt }]

const deliver = delivery.enqueueActions(({ context, enqueue }) => {
  const { notificationId, recipientId, channel, topic, urgent, queuedAt, expiresAt, reached } = context
  const params = { notificationId, recipientId, channel, topic, urgent, queuedAt, expiresAt, reached }
  enqueue({ type: 'deliver', params })
})

const noteSent = delivery.enqueueActions(({ context, event: { at }, enqueue }) => {
  const attempts = attempted(context, { at, outcome: 'sent', reason: null })
  enqueue.assign({ attempts, sentAt: at, dueAt: null, reason: null })
  enqueue.emit({ type: 'delivery.sent', ...factsOf(context) })
})

const noteConfirmed = delivery.assign({ deliveredAt: ({ event }) => event.at })
const tellConfirmed = delivery.emit(({ context }) => ({ type: 'delivery.confirmed', ...factsOf(context) }))

/** A browser may be faster than the courier, who waits for others. */
const confirm = { guard: 'isNotConfirmed', actions: noteConfirmed } as const

const postpone = delivery.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'courier.failed')
  const { at, reason, reached } = event
  const dueAt = dueAfter(context, event)
  enqueue.assign({ attempts: attempted(context, { at, outcome: 'retry', reason }), dueAt, reason, reached })
  enqueue.emit({ type: 'delivery.postponed', ...factsOf(context), reason, dueAt })
})

const waitForQuiet = delivery.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'courier.quiet')
  const { until: dueAt } = event
  enqueue.assign({ dueAt, reason: 'quiet_hours' })
  enqueue.emit({ type: 'delivery.postponed', ...factsOf(context), reason: 'quiet_hours', dueAt })
})

const fail = delivery.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['courier.failed', 'courier.refused'])
  const { at, reason } = event
  enqueue.assign({ attempts: attempted(context, { at, outcome: 'failed', reason }), dueAt: null, reason })
  enqueue.emit({ type: 'delivery.failed', ...factsOf(context), reason })
})

const suppress = (given?: string) =>
  delivery.enqueueActions(({ context, event, enqueue }) => {
    const reason = event.type === 'courier.suppressed' ? event.reason : (given ?? event.type)
    enqueue.assign({ dueAt: null, reason })
    enqueue.emit({ type: 'delivery.suppressed', ...factsOf(context), reason })
  })

/** One notification on its way over one channel: an attempt at a time, each of which is kept, until it ends for good. */
export const deliveryMachine = delivery.createMachine({
  id: 'delivery@1',
  context: ({ input: { at, by: _by, source: _source, ...input } }) => ({
    ...input,
    queuedAt: at,
    expiresAt: after(at, LIFETIME_MS[input.channel]),
    attempts: [],
    dueAt: null,
    sentAt: null,
    deliveredAt: null,
    reason: null,
    reached: [],
  }),
  initial: 'sending',
  states: {
    /** It waits: for another attempt, or for the end of quiet hours. */
    queued: { after: { due: { target: 'sending' } }, on: { confirm } },
    sending: {
      entry: deliver,
      on: {
        confirm,
        'courier.sent': [
          { guard: 'isConfirmed', target: 'delivered', actions: [noteSent, tellConfirmed] },
          { target: 'sent', actions: noteSent },
        ],
        'courier.failed': [
          { guard: 'mayTryAgain', target: 'queued', actions: postpone },
          // The recipient has it, if not everywhere.
          { guard: 'isConfirmed', target: 'delivered', actions: [noteSent, tellConfirmed] },
          { guard: 'hasReached', target: 'sent', actions: noteSent },
          { target: 'failed', actions: fail },
        ],
        'courier.refused': { target: 'failed', actions: fail },
        'courier.suppressed': { target: 'suppressed', actions: suppress() },
        'courier.quiet': [
          { guard: 'isInTime', target: 'queued', actions: waitForQuiet },
          { target: 'suppressed', actions: suppress('expired') },
        ],
      },
    },
    sent: {
      on: {
        confirm: {
          target: 'delivered',
          actions: [noteConfirmed, tellConfirmed],
        },
      },
    },
    delivered: {},
    failed: {},
    suppressed: {},
  },
})

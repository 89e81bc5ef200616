import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { DisputeCommand, DisputeEvent, DisputeHint, DisputeReport } from '../contracts/dispute.ts'
import type { Currency, Money } from '../contracts/money.ts'
import type { DisputeChanged, DisputeStanding } from '../contracts/payment.ts'

export type DisputeInput = Envelope & {
  id: string
  orgId: string
  paymentId: string
  payerId: string
  providerDisputeId: string
}

export type DisputeContext = Omit<DisputeInput, keyof Envelope> & {
  openedAt: string
  /** Null until the provider has been asked. */
  amount: Money | null
  dueAt: string | null
  evidenceSubmittedAt: string | null
  /** The provider's word. */
  resolution: string | null
  /** The provider calls it resolved, in words that say nothing about the money. */
  isUnclear: boolean
  /** Lookups that a timer has caused since it was opened. */
  looks: number
}

type DisputeMessage = Envelope &
  (DisputeCommand | DisputeReport | DisputeHint | { type: 'effect.failed'; effect: string; reason: string })

type Seen = Extract<DisputeReport, { type: 'provider.disputeSeen' }>
type Submission = Extract<DisputeCommand, { type: 'submitEvidence' }>
type Evidence = Omit<Submission, 'type' | keyof Envelope>
type Standing = Exclude<DisputeStanding, 'open'>

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Looks, an hour apart, for a dispute of which nothing is known; after them it is looked for daily. */
const HOURLY_LOOKS = 24

/** Looks, a day apart, for a dispute that should have come to its end. */
const MOST_LOOKS = 30

/** Words that are not here decide nothing: nobody guesses about money. */
const STANDINGS: Readonly<Record<string, Standing>> = {
  'merchant-accepted': 'lost',
  'auto-accepted': 'lost',
  declined: 'won',
}

export const dispute = setup({
  types: {
    context: {} as DisputeContext,
    input: {} as DisputeInput,
    events: {} as DisputeMessage,
    emitted: {} as DisputeEvent,
  },
  actions: {
    lookUpDispute: (_, _params: { providerDisputeId: string }) => {},
    submitEvidence: (_, _params: { providerDisputeId: string } & Evidence) => {},
    acceptDispute: (_, _params: { providerDisputeId: string; amountMinor: number; message: string }) => {},
    tell: (_, _params: { actor: 'payment'; id: string; message: DisputeChanged }) => {},
  },
  guards: {
    resolves: ({ event }, standing: Standing) =>
      isResolved(event) && STANDINGS[event.resolution ?? ''] === standing,
    becomesUnclear: ({ context, event }) =>
      isResolved(event) && !Object.hasOwn(STANDINGS, event.resolution ?? '') && !context.isUnclear,
    isUnresolved: ({ event }) => isUnresolved(event),
    movesDeadline: ({ context, event }) =>
      isUnresolved(event) && event.dueAt !== null && event.dueAt !== context.dueAt,
    failsToAnswer: ({ event }) =>
      event.type === 'effect.failed' &&
      (event.effect === 'submitEvidence' || event.effect === 'acceptDispute'),
    isPatient: ({ context }) => context.looks < MOST_LOOKS,
  },
  delays: {
    nextAttempt: ({ context }) => (context.isUnclear || context.looks >= HOURLY_LOOKS ? DAY_MS : HOUR_MS),
    dayBefore: ({ context, event }) => msUntilDue(context, event, 24) ?? Infinity,
    hoursBefore: ({ context, event }) => msUntilDue(context, event, 4) ?? Infinity,
    // Without an answer it is lost soon after it was due.
    overdue: ({ context, event }) => msUntilDue(context, event, -1) ?? DAY_MS,
  },
})

export const look = dispute.enqueueActions(({ context: { providerDisputeId }, enqueue }) => {
  enqueue({ type: 'lookUpDispute', params: { providerDisputeId } })
})

export const lookAgain = dispute.enqueueActions(({ context, enqueue }) => {
  enqueue.assign({ looks: context.looks + 1 })
  enqueue(look)
})

export const open = dispute.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'provider.disputeSeen')
  const { dueAt } = event
  const amount = amountOf(event)
  enqueue.emit({ type: 'dispute.opened', ...factsOf({ ...context, amount, dueAt }) })
  enqueue.assign({ amount, dueAt, looks: 0, isUnclear: false })
  enqueue({ type: 'tell', params: changeOf(context, amount.minor, 'open') })
})

export const doubt = dispute.assign({ isUnclear: true, looks: 0 })

export const moveDeadline = dispute.assign({
  dueAt: ({ context, event }) => (event.type === 'provider.disputeSeen' ? event.dueAt : context.dueAt),
})

export const warn = (hoursLeft: number) =>
  dispute.emit(({ context }) => ({ type: 'dispute.deadlineNear', ...factsOf(context), hoursLeft }))

export const contest = dispute.enqueueActions(({ context: { providerDisputeId }, event, enqueue }) => {
  assertEvent(event, 'submitEvidence')
  enqueue({ type: 'submitEvidence', params: { providerDisputeId, ...evidenceOf(event) } })
})

export const concede = dispute.enqueueActions(({ context, enqueue }) => {
  const { providerDisputeId, amount } = context
  const message = 'The merchant accepts the dispute'
  enqueue({ type: 'acceptDispute', params: { providerDisputeId, amountMinor: amount!.minor, message } })
})

export const takeEvidence = dispute.enqueueActions(({ context, event, enqueue }) => {
  enqueue.emit({ type: 'dispute.evidenceSubmitted', ...factsOf(context) })
  enqueue.assign({ evidenceSubmittedAt: event.at, looks: 0 })
})

/** It may have been refused because it is over, so look. */
export const hearRefusal = dispute.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, ['provider.refused', 'effect.failed'])
  enqueue.emit({ type: 'dispute.refused', ...factsOf(context), reason: event.reason })
  enqueue(look)
})

export const resolve = (standing: Standing) =>
  dispute.enqueueActions(({ context, event, enqueue }) => {
    assertEvent(event, ['provider.disputeSeen', 'provider.disputeConceded'])
    const seen = event.type === 'provider.disputeSeen' ? event : undefined
    const resolution = seen?.resolution ?? 'merchant-accepted'
    const amount = seen ? amountOf(seen) : context.amount!
    const dueAt = seen?.dueAt ?? context.dueAt
    const facts = factsOf({ ...context, amount, dueAt })
    if (resolution === 'merchant-accepted') enqueue.emit({ type: 'dispute.accepted', ...facts })
    enqueue.emit({ type: 'dispute.resolved', ...facts, resolution, lost: standing === 'lost' })
    enqueue.assign({ amount, dueAt, resolution })
    enqueue({ type: 'tell', params: changeOf(context, amount.minor, standing) })
  })

const isSeen = (event: { type: string }): event is Seen => event.type === 'provider.disputeSeen'

const isResolved = (event: { type: string }): event is Seen => isSeen(event) && event.status === 'resolved'

const isUnresolved = (event: { type: string }): event is Seen => isSeen(event) && event.status !== 'resolved'

/** A dispute is in the currency of its payment, which is one of ours. */
const amountOf = ({ amountMinor, currency }: Seen): Money => {
  return { minor: amountMinor, currency: currency as Currency }
}

const evidenceOf = ({ type: _type, at: _at, by: _by, source: _source, ...evidence }: Submission): Evidence =>
  evidence

const changeOf = (
  { id: disputeId, paymentId: id }: DisputeContext,
  minor: number,
  standing: DisputeStanding,
) => ({ actor: 'payment', id, message: { type: 'dispute.changed', disputeId, minor, standing } }) as const

/** What every event of a dispute carries; there is none before the provider has named the amount. */
const factsOf = ({ paymentId, payerId, amount, dueAt }: DisputeContext) => {
  return { paymentId, payerId, amount: amount!, dueAt }
}

/** Nothing when that instant has passed, or nobody knows it, or the deadline is of no interest any more. */
const msUntilDue = (
  { dueAt, isUnclear }: DisputeContext,
  { at }: { at: string },
  hoursBefore: number,
): number | undefined => {
  if (dueAt === null || isUnclear) return undefined
  const ms = Date.parse(dueAt) - hoursBefore * HOUR_MS - Date.parse(at)
  return ms > 0 ? ms : undefined
}

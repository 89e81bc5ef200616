import { assertEvent, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { Money } from '../contracts/money.ts'
import type { ClaimAnswer, RefundDue } from '../contracts/payment.ts'
import type { EnrollmentWish, PaymentNews, PurchaseEvent, PurchaseNews } from '../contracts/purchase.ts'
import type { OfferingClosed, PaidAlone } from '../contracts/roster.ts'

export type PurchaseInput = Envelope & {
  id: string
  orgId: string
  payerId: string
  offeringId: string
  /** Absent when whoever made it knew of no roster yet. */
  rosterId?: string
}

export type PurchaseContext = Omit<PurchaseInput, keyof Envelope> & {
  /** The payment that may pay for it, and the version in which it claimed that. */
  holder: Holder | null
  /** The enrollment that was opened last, while it is not over. */
  enrollment: { id: string; openedAt: string } | null
  /** An enrollment has begun with what was paid. */
  used: boolean
  /** The payment has been asked to give it back, so nobody begins with it any more. */
  goesBack: boolean
}

type Holder = { paymentId: string; version: number; paid: boolean; amount: Money | null }

type PurchaseMessage = (PaymentNews | EnrollmentWish | OfferingClosed) &
  Envelope &
  Required<Pick<Envelope, 'source'>>

type Told =
  | { actor: 'payment'; id: string; message: ClaimAnswer | RefundDue }
  | { actor: 'enrollment'; id: string; message: PurchaseNews }
  | { actor: 'roster'; id: string; message: PaidAlone; orCreate: object }

const purchase = setup({
  types: {
    context: {} as PurchaseContext,
    input: {} as PurchaseInput,
    events: {} as PurchaseMessage,
    emitted: {} as PurchaseEvent,
  },
  actions: { tell: (_, _params: Told) => {} },
})

/** Whoever wants it hears that it is paid; whoever has paid and is not enrolled may have come too late. */
const pass = purchase.enqueueActions(({ context, enqueue }) => {
  const { holder, enrollment, rosterId, orgId, offeringId, used, goesBack } = context
  if (!holder?.paid || goesBack) return
  const { paymentId, amount } = holder
  if (enrollment) {
    const message = { type: 'purchase.paid', paymentId, amount } as const
    enqueue({ type: 'tell', params: { actor: 'enrollment', id: enrollment.id, message } })
  } else if (rosterId !== undefined && !used) {
    const told = { actor: 'roster', id: rosterId, message: { type: 'purchase.paid' } } as const
    enqueue({ type: 'tell', params: { ...told, orCreate: { orgId, offeringId } } })
  }
})

/** Only what an enrollment says of the payment that counts now: an older one may have been given back. */
const use = purchase.assign({
  used: ({ context: { holder, used }, event }) =>
    used ||
    (holder !== null &&
      (event.type === 'enrollment.activated' || event.type === 'enrollment.ended') &&
      event.paymentId === holder.paymentId),
})

/**
 * One payer and one offering. At most one payment at a time may pay for it, however many tabs are open; payments ask
 * before they start, and again when money arrives after they were given up. An enrollment hears when it is paid, whichever
 * of the two came first.
 */
export const purchaseMachine = purchase.createMachine({
  id: 'purchase@2',
  context: ({ input: { at: _at, by: _by, ...input } }) => ({
    ...input,
    holder: null,
    enrollment: null,
    used: false,
    goesBack: false,
  }),
  initial: 'free',
  states: {
    free: { always: { guard: ({ context }) => context.holder !== null, target: 'claimed' } },
    claimed: {
      always: [
        { guard: ({ context }) => context.holder === null, target: 'free' },
        { guard: ({ context }) => context.holder?.paid === true, target: 'paid' },
      ],
    },
    paid: { always: { guard: ({ context }) => context.holder === null, target: 'free' } },
  },
  on: {
    'payment.claimed': {
      actions: purchase.enqueueActions(({ context, event: { source }, enqueue }) => {
        const { holder } = context
        const answer = (message: ClaimAnswer) =>
          enqueue({ type: 'tell', params: { actor: 'payment', id: source.id, message } })
        if (holder && holder.paymentId !== source.id)
          return answer({
            type: 'purchase.refused',
            reason: holder.paid ? 'already_paid' : 'payment_in_progress',
          })
        if (!holder) enqueue.emit({ type: 'purchase.claimed', ...factsOf(context, source.id) })
        const version = Math.max(source.version, holder?.version ?? 0)
        const { paid = false, amount = null } = holder ?? {}
        enqueue.assign({ holder: { paymentId: source.id, version, paid, amount } })
        answer({ type: 'purchase.granted' })
      }),
    },
    'payment.settled': {
      guard: ({ context: { holder }, event: { source } }) => holder?.paymentId === source.id && !holder.paid,
      actions: [
        purchase.enqueueActions(({ context, event, enqueue }) => {
          assertEvent(event, 'payment.settled')
          const { source, amount = null } = event
          enqueue.emit({ type: 'purchase.paid', ...factsOf(context, source.id) })
          enqueue.assign(({ context: { holder } }) => ({
            holder: holder && { ...holder, paid: true, amount },
          }))
        }),
        pass,
      ],
    },
    'payment.released': {
      // A release that was overtaken by a newer claim of the same payment is about the older one.
      guard: ({ context: { holder }, event: { source } }) =>
        holder?.paymentId === source.id && source.version > holder.version,
      actions: purchase.enqueueActions(({ context, event: { source }, enqueue }) => {
        const { holder, enrollment } = context
        enqueue.emit({ type: 'purchase.released', ...factsOf(context, source.id) })
        enqueue.assign({ holder: null, used: false, goesBack: false })
        const message = { type: 'purchase.released' } as const
        if (holder?.paid && enrollment)
          enqueue({ type: 'tell', params: { actor: 'enrollment', id: enrollment.id, message } })
      }),
    },
    'enrollment.opened': {
      // The wish of one that is over may arrive after that of its successor.
      guard: ({ context: { enrollment }, event: { openedAt } }) =>
        enrollment === null || enrollment.openedAt <= openedAt,
      actions: [
        purchase.assign({
          enrollment: ({ event }) => {
            assertEvent(event, 'enrollment.opened')
            return { id: event.source.id, openedAt: event.openedAt }
          },
        }),
        pass,
      ],
    },
    'enrollment.activated': { actions: use },
    'enrollment.ended': [
      {
        guard: ({ context: { enrollment }, event: { source } }) => enrollment?.id === source.id,
        actions: [use, purchase.assign({ enrollment: null }), pass],
      },
      { actions: use },
    ],
    'offering.closed': {
      // Whoever is enrolled may be about to begin with it, and says so at the end.
      guard: ({ context: { holder, enrollment, used, goesBack } }) =>
        holder?.paid === true && enrollment === null && !used && !goesBack,
      actions: purchase.enqueueActions(({ context: { holder }, event, enqueue }) => {
        assertEvent(event, 'offering.closed')
        const { reason } = event
        const message = { type: 'refund.due', refundId: null, upToMinor: null, reason } as const
        enqueue.assign({ goesBack: true })
        enqueue({ type: 'tell', params: { actor: 'payment', id: holder!.paymentId, message } })
      }),
    },
  },
})

const factsOf = ({ payerId, offeringId }: PurchaseContext, paymentId: string) => {
  return { payerId, offeringId, paymentId }
}

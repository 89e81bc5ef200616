import { enqueueActions, setup } from 'xstate'
import type { Envelope } from '../contracts/contract.ts'
import type { ClaimAnswer } from '../contracts/payment.ts'
import type { PaymentNews, PurchaseEvent } from '../contracts/purchase.ts'

export type PurchaseInput = Envelope & { id: string; orgId: string; payerId: string; offeringId: string }

export type PurchaseContext = Omit<PurchaseInput, keyof Envelope> & {
  /** The payment that may pay for it, and the version in which it claimed that. */
  holder: { paymentId: string; version: number; paid: boolean } | null
}

type PurchaseMessage = PaymentNews & Envelope & Required<Pick<Envelope, 'source'>>

/**
 * One payer and one offering. At most one payment at a time may pay for it, however many tabs are open; payments ask
 * before they start, and again when money arrives after they were given up.
 */
export const purchaseMachine = setup({
  types: {
    context: {} as PurchaseContext,
    input: {} as PurchaseInput,
    events: {} as PurchaseMessage,
    emitted: {} as PurchaseEvent,
  },
  actions: {
    tell: (_, _params: { actor: 'payment'; id: string; message: ClaimAnswer }) => {},
  },
}).createMachine({
  id: 'purchase@1',
  context: ({ input: { id, orgId, payerId, offeringId } }) => ({
    id,
    orgId,
    payerId,
    offeringId,
    holder: null,
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
      actions: enqueueActions(({ context, event: { source }, enqueue }) => {
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
        enqueue.assign({ holder: { paymentId: source.id, version, paid: holder?.paid ?? false } })
        answer({ type: 'purchase.granted' })
      }),
    },
    'payment.settled': {
      guard: ({ context: { holder }, event: { source } }) => holder?.paymentId === source.id && !holder.paid,
      actions: enqueueActions(({ context, event: { source }, enqueue }) => {
        enqueue.emit({ type: 'purchase.paid', ...factsOf(context, source.id) })
        enqueue.assign(({ context: { holder } }) => ({ holder: holder && { ...holder, paid: true } }))
      }),
    },
    'payment.released': {
      // A release that was overtaken by a newer claim of the same payment is about the older one.
      guard: ({ context: { holder }, event: { source } }) =>
        holder?.paymentId === source.id && source.version > holder.version,
      actions: enqueueActions(({ context, event: { source }, enqueue }) => {
        enqueue.emit({ type: 'purchase.released', ...factsOf(context, source.id) })
        enqueue.assign({ holder: null })
      }),
    },
  },
})

const factsOf = ({ payerId, offeringId }: PurchaseContext, paymentId: string) => {
  return { payerId, offeringId, paymentId }
}

import { setTimeout as wait } from 'node:timers/promises'
import type { Agenda } from './agenda.ts'
import type { AuthorizationRecord, Books, RefundStatus, TransactionRecord } from './books.ts'
import type { CallEntry, Calls } from './calls.ts'
import type { Disputes, Resolution } from './disputes.ts'
import type { Faults } from './faults.ts'
import type { Refunds } from './refunds.ts'
import type { RefundPlan, ScenarioName } from './scenarios.ts'
import { ApiRefusal } from './refusal.ts'
import { standingOf, type Standing } from './standing.ts'
import type { Transactions } from './transactions.ts'
import type { Delivery, Webhooks } from './webhooks.ts'

/** What the customer, the bank and the bad luck of a test do. Everything happens at once; `idle` waits for the rest. */
export type Control = {
  setWebhookUrl: (url: string | undefined) => void
  /** The customer pays, or tries to. Without a wait it happens now; with one it happens whatever became of it. */
  pay: (reference: string, options?: { scenario?: ScenarioName; afterMs?: number }) => void
  /** The one-time password was right. */
  confirm: (reference: string) => void
  decline: (reference: string, gatewayResponse?: string) => void
  abandon: (reference: string) => void
  /** The provider has not made up its mind. */
  stall: (reference: string, status: 'ongoing' | 'pending' | 'processing' | 'queued') => void
  moveRefund: (refundId: string | number, to: RefundStatus) => void
  planRefunds: (plan: RefundPlan, reference?: string) => void
  /** @returns the dispute's number */
  openDispute: (reference: string, options?: { amountMinor?: number; dueInMs?: number }) => number
  remindDispute: (disputeId: string | number) => void
  resolveDispute: (disputeId: string | number, resolution: Resolution) => void
  rule: Faults['add']
  removeRule: Faults['remove']
  rules: Faults['list']
  /** No rule and no bad luck any more. */
  calm: () => void
  hostile: Faults['hostile']
  /** By reference. */
  books: () => Record<string, Standing>
  transactions: () => readonly TransactionRecord[]
  authorizations: () => readonly AuthorizationRecord[]
  /** The last ten thousand, the oldest first. */
  calls: () => readonly CallEntry[]
  webhooks: () => readonly Delivery[]
  /** Sends a webhook once more, byte for byte. */
  sendAgain: (webhookId: number) => boolean
  /** Resolves when nothing moves by itself any more: no refund, no late work, no webhook on its way. */
  idle: () => Promise<void>
}

type Dependencies = {
  books: Books
  agenda: Agenda
  faults: Faults
  webhooks: Webhooks
  transactions: Transactions
  refunds: Refunds
  disputes: Disputes
  calls: Calls
}

export const createControl = (dependencies: Dependencies): Control => {
  const { books, agenda, faults, webhooks, transactions, refunds, disputes, calls } = dependencies
  return {
    setWebhookUrl: webhooks.setUrl,
    pay: (reference, { scenario, afterMs } = {}) => {
      if (afterMs === undefined) transactions.pay(reference, scenario)
      else {
        transactions.get(reference)
        agenda.after(afterMs, () => {
          try {
            transactions.pay(reference, scenario)
          } catch (error) {
            // It was paid in another way meanwhile.
            if (!(error instanceof ApiRefusal)) throw error
          }
        })
      }
    },
    confirm: (reference) => void transactions.confirm(reference),
    decline: (reference, gatewayResponse) => void transactions.decline(reference, gatewayResponse),
    abandon: (reference) => void transactions.abandon(reference),
    stall: (reference, status) => void transactions.stall(reference, status),
    moveRefund: (id, to) => void refunds.move(id, to),
    planRefunds: refunds.plan,
    openDispute: (reference, options) => disputes.open(reference, options).id,
    remindDispute: (id) => void disputes.remind(id),
    resolveDispute: (id, resolution) => void disputes.resolve(id, resolution),
    rule: faults.add,
    removeRule: faults.remove,
    rules: faults.list,
    calm: faults.clear,
    hostile: faults.hostile,
    books: () =>
      Object.fromEntries(
        [...books.transactions.values()].map((one) => [one.reference, standingOf(books, one)]),
      ),
    transactions: () => [...books.transactions.values()],
    authorizations: () => [...books.authorizations.values()],
    calls: calls.log,
    webhooks: webhooks.deliveries,
    sendAgain: webhooks.again,
    idle: async () => {
      while (webhooks.pending() > 0 || agenda.pending() > 0 || refunds.moving() > 0) await wait(10)
    },
  }
}

import type { Agenda } from './agenda.ts'
import type { Books, DisputeRecord, TransactionRecord } from './books.ts'
import { ApiRefusal, missing } from './refusal.ts'
import type { DisputeResolution, DisputeUpdate } from './requests.ts'
import { statusOf } from './standing.ts'
import type { Transactions } from './transactions.ts'
import { disputeMoved } from './webhook-bodies.ts'
import type { Webhooks } from './webhooks.ts'

/** `declined` is won by the merchant, the others by the customer. */
export type Resolution = 'merchant-accepted' | 'declined' | 'auto-accepted'

export type Disputes = {
  /** A customer asks the bank for the money back. Without an answer in time the dispute is accepted by itself. */
  open: (reference: string, options?: { amountMinor?: number; dueInMs?: number }) => DisputeRecord
  remind: (id: string | number) => DisputeRecord
  /** The bank decides, or nobody has answered. */
  resolve: (id: string | number, resolution: Resolution) => DisputeRecord
  /** @throws ApiRefusal 404 */
  get: (id: string | number) => DisputeRecord
  update: (id: string | number, input: DisputeUpdate) => DisputeRecord
  /** Keeps nothing of what it says. */
  addEvidence: (id: string | number) => { id: number; at: number }
  /** The merchant concedes, which ends it, or contests, and then the bank decides. */
  answer: (id: string | number, input: DisputeResolution) => DisputeRecord
}

const DUE_IN_MS = 72 * 3_600_000

type Dependencies = {
  books: Books
  transactions: Transactions
  webhooks: Webhooks
  agenda: Agenda
  now: () => number
}

export const createDisputes = ({ books, transactions, webhooks, agenda, now }: Dependencies): Disputes => {
  const get = (id: string | number) => {
    const found = books.disputes.get(Number(id))
    if (!found) throw missing('Dispute', 'dispute_not_found')
    return found
  }
  const tell = (event: string, dispute: DisputeRecord) => {
    const transaction = transactions.get(dispute.reference)
    const data = disputeMoved(books, dispute, transaction, statusOf(books, transaction))
    webhooks.send(`charge.dispute.${event}`, dispute.reference, data)
  }
  const become = (dispute: DisputeRecord, status: DisputeRecord['status'], by: string) => {
    dispute.status = status
    dispute.updatedAt = now()
    dispute.history.push({ status, by, at: now() })
    books.changed()
  }
  const end = (dispute: DisputeRecord, resolution: Resolution, by: string) => {
    dispute.resolution = resolution
    dispute.resolvedAt = now()
    become(dispute, 'resolved', by)
    tell('resolve', dispute)
    return dispute
  }
  const unresolved = (id: string | number) => {
    const dispute = get(id)
    if (dispute.status === 'resolved')
      throw new ApiRefusal('Dispute has been resolved already', { code: 'dispute_resolved' })
    return dispute
  }
  const watch = (dispute: DisputeRecord) => {
    if (dispute.dueAt === null || dispute.status !== 'awaiting-merchant-feedback') return
    const accept = () => {
      if (dispute.status === 'awaiting-merchant-feedback') end(dispute, 'auto-accepted', 'system')
    }
    agenda.after(dispute.dueAt - now(), accept, { background: true })
  }
  for (const dispute of books.disputes.values()) watch(dispute)

  return {
    get,
    open: (reference, { amountMinor, dueInMs = DUE_IN_MS } = {}) => {
      const transaction = transactions.get(reference)
      if (transaction.status !== 'success')
        throw new ApiRefusal('Transaction has not been paid, so nobody can dispute it', {
          code: 'transaction_not_disputable',
        })
      const dispute = opened(transaction, { id: books.newId(), at: now(), dueInMs })
      dispute.amountMinor = amountMinor ?? dispute.amountMinor
      books.disputes.set(dispute.id, dispute)
      books.changed()
      tell('create', dispute)
      watch(dispute)
      return dispute
    },
    remind: (id) => {
      const dispute = unresolved(id)
      tell('remind', dispute)
      return dispute
    },
    resolve: (id, resolution) =>
      end(unresolved(id), resolution, resolution === 'auto-accepted' ? 'system' : 'bank'),
    update: (id, { refund_amount, uploaded_filename }) => {
      const dispute = unresolved(id)
      dispute.amountMinor = refund_amount
      dispute.uploadedFile = uploaded_filename ?? dispute.uploadedFile
      dispute.updatedAt = now()
      books.changed()
      return dispute
    },
    addEvidence: (id) => {
      const dispute = unresolved(id)
      dispute.evidence = books.newId()
      dispute.updatedAt = now()
      books.changed()
      return { id: dispute.evidence, at: now() }
    },
    answer: (id, { resolution, message, refund_amount, uploaded_filename, evidence }) => {
      const dispute = unresolved(id)
      if (dispute.status !== 'awaiting-merchant-feedback')
        throw new ApiRefusal('Dispute has been answered already', { code: 'dispute_answered' })
      dispute.uploadedFile = uploaded_filename
      dispute.evidence = evidence ?? dispute.evidence
      dispute.messages.push({ sender: 'merchant', body: message, at: now() })
      if (resolution === 'declined') {
        become(dispute, 'awaiting-bank-feedback', 'merchant')
        return dispute
      }
      dispute.amountMinor = refund_amount
      return end(dispute, resolution, 'merchant')
    },
  }
}

const opened = (
  { reference, amountMinor, email }: TransactionRecord,
  { id, at, dueInMs }: { id: number; at: number; dueInMs: number },
): DisputeRecord => ({
  id,
  reference,
  amountMinor,
  status: 'awaiting-merchant-feedback',
  resolution: null,
  category: 'chargeback',
  dueAt: at + dueInMs,
  resolvedAt: null,
  evidence: null,
  uploadedFile: null,
  history: [{ status: 'awaiting-merchant-feedback', by: email, at }],
  messages: [{ sender: email, body: 'I do not know this payment', at }],
  createdAt: at,
  updatedAt: at,
})

import type { Books, DisputeRecord, RefundRecord, TransactionRecord } from './books.ts'

export type Standing = {
  status: string
  email: string
  currency: string
  /** How often money was taken. */
  charges: number
  chargedMinor: number
  refundedMinor: number
  /** Asked back and not with the customer yet. */
  refundPendingMinor: number
  /** Held by open disputes, or lost to those that the customer won. */
  disputedMinor: number
  refunds: Pick<RefundRecord, 'id' | 'status' | 'amountMinor' | 'merchantNote'>[]
  disputes: Pick<DisputeRecord, 'id' | 'status' | 'amountMinor' | 'resolution'>[]
}

/** Where the money of one transaction is. */
export const standingOf = (books: Books, transaction: TransactionRecord): Standing => {
  const { reference, email, currency, charges, amountMinor } = transaction
  const refunds = books.refundsOf(reference)
  const disputes = books.disputesOf(reference)
  const pending = refunds.filter(({ status }) => status !== 'processed' && status !== 'failed')
  return {
    status: statusOf(books, transaction),
    email,
    currency,
    charges,
    chargedMinor: charges * amountMinor,
    refundedMinor: sum(refunds.filter(({ status }) => status === 'processed')),
    refundPendingMinor: sum(pending),
    disputedMinor: sum(disputes.filter(({ resolution }) => resolution !== 'declined')),
    refunds: refunds.map(({ id, status, amountMinor: minor, merchantNote }) => {
      return { id, status, amountMinor: minor, merchantNote }
    }),
    disputes: disputes.map(({ id, status, amountMinor: minor, resolution }) => {
      return { id, status, amountMinor: minor, resolution }
    }),
  }
}

/** A payment is reversed when all of it went back, or when the customer's bank took all of it back. */
export const statusOf = (books: Books, { reference, status, amountMinor }: TransactionRecord): string => {
  if (status !== 'success') return status
  const refunded = books.refundsOf(reference).filter((one) => one.status === 'processed')
  const lost = books.disputesOf(reference).filter(({ resolution }) => isLost(resolution))
  return sum(refunded) >= amountMinor || sum(lost) >= amountMinor ? 'reversed' : status
}

const isLost = (resolution: string | null) => resolution !== null && resolution !== 'declined'

const sum = (items: readonly { amountMinor: number }[]) =>
  items.reduce((total, { amountMinor }) => total + amountMinor, 0)

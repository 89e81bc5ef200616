import type { Buckets, DisputeStanding, PaymentStatus, RefundStanding } from '../contracts/payment.ts'

export type Wanted = { actor: 'enrollment' | 'settlement'; id: string }

/** What has been decided to go back, up to an amount in all, and under which refund. */
export type Owed = { refundId: string; minor: number; reason: string; wanted?: Wanted }

/** What came in, and what has been asked back or contested since; everything else about the money follows from it. */
export type Books = {
  /** What the provider took. Minor units. */
  charged: number
  refunds: readonly {
    refundId: string
    minor: number
    standing: RefundStanding
    /** Who said that it is due, and hears what becomes of it. */
    wanted?: Wanted
    /** Its payer has asked for it. */
    byPayer?: true
    /** The refund that this one is in place of, under whose name they hear of it. */
    insteadOf?: string
  }[]
  disputes: readonly { disputeId: string; minor: number; standing: DisputeStanding }[]
  /** What nobody but the payment sees to; payments of before there was any have none. */
  owed?: Owed | null
}

type Entry = { minor: number; standing: string }

const sumOf = (entries: readonly Entry[], ...standings: readonly string[]) =>
  entries.reduce((sum, { minor, standing }) => (standings.includes(standing) ? sum + minor : sum), 0)

/** Refunds that failed or were rejected are in no bucket: their money never moved. */
export const bucketsOf = ({ charged, refunds, disputes }: Books): Buckets => ({
  charged,
  refundPending: sumOf(refunds, 'pending'),
  refunded: sumOf(refunds, 'processed'),
  disputed: sumOf(disputes, 'open', 'lost'),
})

/** What may still be given back: nothing that is on its way already, and nothing that a bank may take. */
export const refundableOf = (books: Books): number => {
  const { charged, refundPending, refunded, disputed } = bucketsOf(books)
  return Math.max(0, charged - refundPending - refunded - disputed)
}

/** What is still due of an amount, after what was given back already, also by a bank, or is on its way. */
export const dueOf = (books: Books, upToMinor: number): number => {
  const { refundPending, refunded } = bucketsOf(books)
  const back = refundPending + refunded + sumOf(books.disputes, 'lost')
  return Math.max(0, Math.min(upToMinor - back, refundableOf(books)))
}

/** Whether more of an amount would be due if no bank were looking at it. */
export const isHeldUp = (books: Books, upToMinor: number): boolean => {
  const disputes = books.disputes.filter(({ standing }) => standing !== 'open')
  return dueOf({ ...books, disputes }, upToMinor) > dueOf(books, upToMinor)
}

/** What should have gone back and is neither there, nor on its way, nor held by a bank. */
export const stuckOf = (books: Books): number =>
  books.refunds.some(({ standing }) => standing === 'pending') ? 0 : dueOf(books, books.owed?.minor ?? 0)

/** What the payer has asked for is decided first, before there is another request. */
export const hasAsked = ({ refunds }: Books): boolean =>
  refunds.some(({ byPayer, standing }) => byPayer === true && standing === 'pending')

/** Nothing is left of the money that came in. */
export const isGone = (books: Books): boolean =>
  books.charged > 0 && sumOf(books.refunds, 'processed') + sumOf(books.disputes, 'lost') >= books.charged

/** Of a payment whose money has come in. */
export const standingOf = (books: Books): PaymentStatus => {
  if (isGone(books)) return sumOf(books.disputes, 'lost') > 0 ? 'reversed' : 'refunded'
  if (stuckOf(books) > 0) return 'refund_stuck'
  return bucketsOf(books).refunded > 0 ? 'partially_refunded' : 'settled'
}

/** The refund once it has come to its end. */
export const withRefund = (
  books: Books,
  refundId: string,
  standing: Exclude<RefundStanding, 'pending'>,
): Books['refunds'] =>
  books.refunds.map((refund) => (refund.refundId === refundId ? { ...refund, standing } : refund))

/** The dispute as it stands now. */
export const withDispute = (books: Books, changed: Books['disputes'][number]): Books['disputes'] => {
  const others = books.disputes.filter(({ disputeId }) => disputeId !== changed.disputeId)
  return [...others, changed].toSorted((one, other) => (one.disputeId < other.disputeId ? -1 : 1))
}

import type { EventObject } from 'xstate'
import type { TransactionStatus } from '../contracts/payment.ts'

/** What may become of a request: the answer, or only its effect, or neither, or its effect after the answer. */
export const MOODS = ['answered', 'lost', 'never', 'slow', 'refused', 'dead'] as const
export type Mood = (typeof MOODS)[number]

export type Received = { amountMinor: number; currency: string; reference: string }

type Transaction = { status: TransactionStatus }
type ProviderRefund = { id: string; note: string; minor: number; status: string }
type ProviderDispute = { id: string; minor: number; status: string; resolution: string | null }

type Params = { refundId: string; amount: { minor: number }; round: number; providerDisputeId: string }

/** What is true at the provider; every answer is what is true when it is asked. */
export const createProvider = (reference: string, received: Received, now: () => string) => {
  let transaction: Transaction | undefined
  /** A request that has not arrived yet. */
  let isOnTheWay = false
  const refunds: ProviderRefund[] = []
  const disputes: ProviderDispute[] = []

  const arrive = () => {
    if (isOnTheWay) transaction ??= { status: 'abandoned' }
    isOnTheWay = false
  }

  const verified = () =>
    transaction
      ? message('provider.verified', { ...received, status: transaction.status, paidAt: null, card: null })
      : message('provider.missing')

  const begin = (name: string, mood: Mood) => {
    if (transaction) return message('provider.unknown', { reason: 'duplicate_reference' })
    if (mood === 'refused') return message('provider.refused', { reason: 'invalid_key' })
    if (mood === 'slow') isOnTheWay = true
    if (mood === 'answered' || mood === 'lost')
      transaction = { status: name === 'initializePayment' ? 'abandoned' : 'pending' }
    if (mood !== 'answered') return failure(name, mood)
    return name === 'initializePayment'
      ? message('provider.initialized', { accessCode: 'access-1', authorizationUrl: 'https://pay.example/1' })
      : verified()
  }

  const refundsOf = (note: string) => refunds.filter((refund) => refund.note === note)

  const seen = (found: readonly ProviderRefund[], round: number) => {
    const [refund, another] = found
    if (!refund) return message('provider.refundMissing', { askedAt: now() })
    if (another) return message('provider.refundDoubled')
    const { id: providerRefundId, status } = refund
    return message('provider.refundSeen', { providerRefundId, status, expectedAt: null, round })
  }

  const submitRefund = (note: string, minor: number, mood: Mood) => {
    if (
      transaction?.status !== 'success' ||
      sum('pending', 'processing', 'needs-attention', 'processed') + minor > received.amountMinor
    )
      return message('provider.refused', { reason: 'amount_exceeds' })
    if (mood === 'refused') return message('provider.refused', { reason: 'no_balance' })
    if (mood === 'answered' || mood === 'lost')
      refunds.push({ id: `${refunds.length}`, note, minor, status: 'pending' })
    return mood === 'answered' ? seen(refundsOf(note), 0) : failure('submitRefund', mood)
  }

  const lookUpDispute = (id: string) => {
    const { status, resolution, minor } = disputes.find((dispute) => dispute.id === id)!
    const fields = { status, resolution, amountMinor: minor, currency: 'NGN', dueAt: null }
    return message('provider.disputeSeen', fields)
  }

  const sum = (...statuses: string[]) =>
    refunds.reduce((total, { status, minor }) => (statuses.includes(status) ? total + minor : total), 0)

  const moveRefund = (pick: number, to: string): boolean => {
    const open = refunds.filter(({ status }) => status !== 'processed' && status !== 'failed')
    const refund = open[pick % Math.max(1, open.length)]
    // One that waits for bank details does not move before it has them.
    if (!refund || refund.status === 'needs-attention' || refund.status === to) return false
    refund.status = to
    return true
  }

  return {
    transaction: () => transaction,
    refunds,
    disputes,
    refunded: () => sum('processed'),
    arrive,
    moveRefund,
    pay: () => {
      if (transaction) transaction.status = 'success'
    },
    decline: () => {
      if (transaction && transaction.status !== 'success') transaction.status = 'failed'
    },
    dispute: (minor: number) => {
      if (transaction?.status !== 'success' || disputes.length > 1) return undefined
      const id = `${disputes.length}`
      disputes.push({ id, minor, status: 'pending', resolution: null })
      return id
    },
    endDispute: (pick: number, lost: boolean) => {
      const open = disputes.filter(({ status }) => status !== 'resolved')
      const dispute = open[pick % Math.max(1, open.length)]
      if (!dispute) return undefined
      dispute.status = 'resolved'
      dispute.resolution = lost ? 'auto-accepted' : 'declined'
      return dispute.id
    },
    /** Ends what has begun; tells which disputes there are news of. */
    endAll: (): string[] => {
      for (const refund of refunds)
        if (refund.status === 'pending' || refund.status === 'processing') refund.status = 'processed'
      const open = disputes.filter(({ status }) => status !== 'resolved')
      for (const dispute of open) Object.assign(dispute, { status: 'resolved', resolution: 'declined' })
      return open.map(({ id }) => id)
    },
    carryOut: ({ name, params }: { name: string; params: Params }, mood: Mood): EventObject => {
      switch (name) {
        case 'initializePayment':
        case 'chargeAuthorization':
          return begin(name, mood)
        case 'verifyPayment':
          return mood === 'answered' || mood === 'slow' || mood === 'refused'
            ? verified()
            : failure(name, mood)
        case 'submitRefund':
          return submitRefund(params.refundId, params.amount.minor, mood)
        case 'findRefund':
          return seen(refundsOf(params.refundId), params.round)
        case 'retryRefund': {
          const [refund] = refundsOf(params.refundId)
          if (refund?.status === 'needs-attention') refund.status = 'processing'
          return seen(refundsOf(params.refundId), params.round)
        }
        case 'lookUpDispute':
          return lookUpDispute(params.providerDisputeId)
        default:
          throw new Error(`the provider knows no '${name}' of ${reference}`)
      }
    },
  }
}

const message = (type: string, fields: object = {}) => ({ type, ...fields })

const failure = (effect: string, mood: Mood) =>
  mood === 'dead'
    ? message('effect.failed', { effect, reason: 'no answer' })
    : message('provider.unknown', { reason: 'timeout' })

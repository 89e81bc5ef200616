import type { Money } from '../contracts/money.ts'
import type { Notice } from './notification.ts'
// oxlint-disable-next-line no-restricted-imports -- pure, and a second copy of the exponents would drift from the first
import { decimalOf } from '../contracts/minor-units.ts'

type About = {
  id: string
  orgId: string
  payerId: string
  offeringId: string
  /** Payments of before there were notices have none. */
  offeringTitle?: string
}

const SAID = {
  'payment.settled': (money: string, what: string) => `Your payment of ${money}${what} has arrived.`,
  'payment.failed': (money: string, what: string) =>
    `Your payment of ${money}${what} has failed. You have not been charged.`,
  'payment.refundIssued': (money: string, what: string) => `${money}${what} has been given back to you.`,
} as const

/** Something has become of the money, and whoever paid should know. */
export const paymentNotice = (
  topic: keyof typeof SAID,
  { id: paymentId, orgId, payerId: recipientId, offeringId, offeringTitle }: About,
  money: Money,
): Notice => {
  const subject = { actor: 'payment', id: paymentId } as const
  const title = offeringTitle === undefined ? {} : { offeringTitle }
  const data = { paymentId, offeringId, ...title, amountMinor: money.minor, currency: money.currency }
  const what = offeringTitle === undefined ? '' : ` for ${offeringTitle}`
  const text = SAID[topic](`${money.currency} ${decimalOf(money)}`, what)
  return { actor: 'notification', input: { orgId, recipientId, topic, subject, text, data } }
}

/** For each administrator of the organisation. */
export type Alert = {
  orgId: string
  key: string
  notification: Omit<Notice['input'], 'orgId' | 'recipientId' | 'topic'> & {
    topic: 'payment.refundStuck'
  }
}

/** People have to see to it; the payer is not told of what is not decided yet. `key`: once for each attempt that failed, and
 * again when it is another amount. */
export const stuckAlert = (
  { id: paymentId, orgId, offeringId, offeringTitle }: Omit<About, 'payerId'>,
  due: Money,
  key: string,
): Alert => {
  const subject = { actor: 'payment', id: paymentId } as const
  const title = offeringTitle === undefined ? {} : { offeringTitle }
  const data = { paymentId, offeringId, ...title, amountMinor: due.minor, currency: due.currency }
  const text = `${due.currency} ${decimalOf(due)} of payment ${paymentId} should have gone back and could not.`
  return { orgId, key, notification: { topic: 'payment.refundStuck', subject, text, data } }
}

/** The money is on its way, and arrives only when the payer says where. */
export const bankDetailsNotice = (refund: {
  id: string
  orgId: string
  paymentId: string
  payerId: string
  amount: Money
}): Notice => {
  const { id: refundId, orgId, paymentId, payerId: recipientId, amount } = refund
  const subject = { actor: 'refund', id: refundId } as const
  const data = { refundId, paymentId, amountMinor: amount.minor, currency: amount.currency }
  const money = `${amount.currency} ${decimalOf(amount)}`
  const text = `${money} is to be given back to you. Your card does not take it: say to which bank account it should go.`
  const topic = 'refund.needsAttention'
  return { actor: 'notification', input: { orgId, recipientId, topic, subject, text, data } }
}

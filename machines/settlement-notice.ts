import type { Money } from '../contracts/money.ts'
import type { Notice } from './notification.ts'

type About = {
  orgId: string
  enrollmentId: string
  studentId: string
  offeringId: string
  courseTitle: string
  removalReason: string
}

/**
 * The course has gone, and no refund is going to say so (S2.62). `kept`: what was paid and does not go back; null when
 * nothing was, or when people have given it back by hand.
 */
export const removalNotice = (about: About, kept: Money | null): Notice => {
  const { orgId, studentId: recipientId, enrollmentId, offeringId, removalReason: reason } = about
  const { courseTitle: offeringTitle } = about
  const money = kept ? { amountMinor: kept.minor, currency: kept.currency } : {}
  const text = `${offeringTitle} has been removed, and your enrollment has ended. The reason: ${reason}`
  const subject = { actor: 'enrollment', id: enrollmentId } as const
  const data = { offeringId, offeringTitle, reason, ...money }
  const input = { orgId, recipientId, topic: 'enrollment.removed', subject, text, data }
  return { actor: 'notification', input }
}

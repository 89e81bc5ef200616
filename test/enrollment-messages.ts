import type { EnrollmentAnswer } from '../contracts/enrollment.ts'
import type { LessonStatus } from '../contracts/lesson.ts'
import { enrollmentMachine } from '../machines/enrollment.ts'
import { given } from './given.ts'

export const MINUTE = 60_000
export const at = '2026-01-01T09:00:00.000Z'
export const later = (ms: number) => new Date(Date.parse(at) + ms).toISOString()
export const price = { minor: 500_000, currency: 'NGN' as const }
const facts = { userId: 'learner-1', offeringId: 'offering-1' }

export const input = {
  id: 'enrollment-1',
  orgId: 'org-1',
  ...facts,
  ownerId: 'tutor-1',
  offeringTitle: 'First aid',
  price,
  requiredLessons: null as number | null,
  rosterId: 'roster-1',
  purchaseId: 'purchase-1',
  welcomeId: 'welcome-1',
  policy: { payWithinMs: 30 * MINUTE, refund: 'firstLesson@1', keepsAccess: false },
  at,
}

const from = (actor: string, id: string, version = 1) => ({ at, source: { actor, id, version } })
export const admitted = { type: 'roster.admitted', ...from('roster', 'roster-1') } as const
export const turnedAway = (closed: 'deleted' | 'removed') =>
  ({ type: 'roster.closed', closed, ...from('roster', 'roster-1') }) as const
export const paid = (version: number, paymentId = 'payment-1', amount: typeof price | null = price) =>
  ({ type: 'purchase.paid', paymentId, amount, ...from('purchase', 'purchase-1', version) }) as const
export const released = (version: number) =>
  ({ type: 'purchase.released', ...from('purchase', 'purchase-1', version) }) as const
export const lesson = (id: string, status: LessonStatus, version: number) =>
  ({ type: 'lesson.changed', status, ...from('lesson', id, version) }) as const
export const began = (id = 'settlement-1') =>
  ({ type: 'removal.began', reason: 'taken down', ...from('settlement', id) }) as const
export const ended = (outcome: 'refunded' | 'cancelled', id = 'settlement-1') =>
  ({ type: 'removal.ended', outcome, note: 'as agreed', ...from('settlement', id) }) as const
export const progress = (moduleId: string, share: number, change: object = {}) =>
  ({
    type: 'recordProgress',
    moduleId,
    progress: share,
    timeSpentSeconds: 0,
    modules: ['one', 'two', 'three'],
    at,
    by: 'learner-1',
    ...change,
  }) as const
export const drop = { type: 'drop', at, by: 'learner-1' } as const
export const suspend = { type: 'suspend', reason: 'a dispute', at, by: 'admin-1' } as const
export const resume = { type: 'resume', at, by: 'admin-1' } as const
export const askRefund = {
  type: 'requestRefund',
  refundId: 'refund-1',
  reason: 'not for me',
  at,
  by: 'learner-1',
} as const
export const approve = (amountMinor?: number) =>
  ({
    type: 'approveRefund',
    ...(amountMinor === undefined ? {} : { amountMinor }),
    at,
    by: 'admin-1',
  }) as const
export const reject = { type: 'rejectRefund', note: 'too late', at, by: 'admin-1' } as const

const tell = (actor: string, id: string, message: object, others: object = {}) => ({
  name: 'tell',
  params: { actor, id, message, ...others },
})
const ofRoster = { orCreate: { orgId: 'org-1', offeringId: 'offering-1' } }
export const toRoster = (message: object) => tell('roster', 'roster-1', message, ofRoster)
export const toPurchase = (message: object) =>
  tell('purchase', 'purchase-1', message, {
    orCreate: { orgId: 'org-1', payerId: 'learner-1', offeringId: 'offering-1', rosterId: 'roster-1' },
  })
export const toPayment = (upToMinor: number, reason = 'not for me') =>
  tell('payment', 'payment-1', { type: 'refund.due', refundId: 'refund-1', upToMinor, reason })
export const toSettlement = (message: EnrollmentAnswer, id = 'settlement-1') =>
  tell('settlement', id, message)
export const certificateOpened = (id: string) =>
  ({ type: 'certificate.opened', ...from('certificate', id) }) as const
const refundedNews = { type: 'enrollment.refunded' }
export const toCertificate = (id: string) => tell('certificate', id, refundedNews)
export const toCertificates = {
  name: 'tellAll',
  params: {
    actor: 'certificate',
    where: { holderId: 'learner-1', offeringId: 'offering-1' },
    message: refundedNews,
  },
}
export const welcome = {
  name: 'create',
  params: {
    actor: 'notification',
    id: 'welcome-1',
    input: {
      orgId: 'org-1',
      recipientId: 'learner-1',
      topic: 'enrollment.welcome',
      subject: { actor: 'enrollment', id: 'enrollment-1' },
      text: 'Welcome to First aid.',
      data: { offeringTitle: 'First aid' },
    },
  },
}
export const fact = (type: string, change: object = {}) => ({
  type: `enrollment.${type}`,
  ...facts,
  ...change,
})

export const requested = given(enrollmentMachine, input)
export const reserved = requested.when(admitted)
export const active = reserved.when(paid(3))
export const free = given(enrollmentMachine, { ...input, price: { ...price, minor: 0 } }).when(admitted)
export const closing = active.when(began())

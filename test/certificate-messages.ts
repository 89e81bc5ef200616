import { certificateMachine } from '../machines/certificate.ts'
import type { CertificateInput } from '../machines/certificate-steps.ts'
import { daysBefore } from '../contracts/certification-status.ts'
import { given } from './given.ts'

export const issuedAt = '2026-11-28T10:00:00.000Z'
export const expiresAt = '2028-11-28T10:00:00.000Z'
export const before = (days: number) => daysBefore(expiresAt, days)

export const input = {
  id: 'certificate-1',
  orgId: 'org-1',
  kind: 'course_certificate',
  holderId: 'learner-1',
  holderName: 'Ada Lovelace',
  ownerId: 'tutor-1',
  offeringId: 'offering-1',
  enrollmentId: 'enrollment-1',
  trackId: null,
  title: 'First aid',
  issuedAt,
  expiresAt,
  policy: { expiringWindowDays: 30, reminderDays: [60, 30, 7] },
  showName: false,
  series: { id: 'series-2026', year: 2026 },
  notices: {
    issued: 'notice-issued',
    reminders: { 60: 'notice-60', 30: 'notice-30', 7: 'notice-7' },
  },
  at: issuedAt,
} satisfies CertificateInput & { at: string }

export const NUMBER = 'CERT-2026-00001'
const facts = {
  holderId: 'learner-1',
  kind: 'course_certificate',
  offeringId: 'offering-1',
  title: 'First aid',
  number: NUMBER,
  issuedAt,
  expiresAt,
}
export const fact = (type: string, change: object = {}) => ({
  type: `certificate.${type}`,
  ...facts,
  ...change,
})

const from = (actor: string, id: string) => ({ source: { actor, id, version: 1 } })
export const numbered = (number = NUMBER, at = issuedAt) =>
  ({ type: 'series.numbered', number, at, ...from('certificateSeries', 'series-2026') }) as const
export const refunded = (at = issuedAt) =>
  ({ type: 'enrollment.refunded', at, ...from('enrollment', 'enrollment-1') }) as const
const by = { by: 'admin-1' }
export const suspend = (at: string) =>
  ({ type: 'suspend', reason: 'under review', at, noticeId: 'notice-suspended', ...by }) as const
export const reinstate = (at: string) =>
  ({ type: 'reinstate', at, noticeId: 'notice-reinstated', ...by }) as const
export const revoke = (at: string) =>
  ({ type: 'revoke', reason: 'fraud', at, noticeId: 'notice-revoked', ...by }) as const
export const renewal = { issuedAt: '2028-11-01T00:00:00.000Z', expiresAt: '2030-11-01T00:00:00.000Z' }
export const renew = (at: string, dates = renewal) =>
  ({
    type: 'renew',
    ...dates,
    at,
    noticeId: 'notice-renewed',
    notices: { reminders: { 60: 'again-60', 30: 'again-30', 7: 'again-7' } },
    ...by,
  }) as const
export const setShowName = (showName: boolean) =>
  ({ type: 'setShowName', showName, at: issuedAt, by: 'learner-1' }) as const

export const askForNumber = {
  name: 'tell',
  params: {
    actor: 'certificateSeries',
    id: 'series-2026',
    message: { type: 'certificate.numberWanted' },
    orCreate: { year: 2026 },
  },
}
export const toEnrollment = {
  name: 'tell',
  params: { actor: 'enrollment', id: 'enrollment-1', message: { type: 'certificate.opened' } },
}
export const notice = (
  topic: string,
  id: string | undefined,
  said: string,
  more: object = {},
  dates: object = {},
) => ({
  name: 'create',
  params: {
    actor: 'notification',
    ...(id === undefined ? {} : { id }),
    input: {
      orgId: 'org-1',
      recipientId: 'learner-1',
      topic: `certificate.${topic}`,
      subject: { actor: 'certificate', id: 'certificate-1' },
      text: `Your certificate ${NUMBER} for First aid ${said}.`,
      data: { title: 'First aid', number: NUMBER, issuedAt, expiresAt, ...dates, ...more },
    },
  },
})

export const opened = given(certificateMachine, input)
export const valid = opened.when(numbered())

import { assertEvent, setup } from 'xstate'
import type {
  CertificateCommand,
  CertificateEvent,
  CertificateKind,
  CertificateOpened,
  CertificateStatus,
  EnrollmentRefunded,
} from '../contracts/certificate.ts'
import type { Numbered, NumberWanted } from '../contracts/certificate-series.ts'
import type { Envelope } from '../contracts/contract.ts'
import { remindersAfter, type Policy } from './certification-dates.ts'
import {
  atOf,
  validityDelays,
  validityGuards,
  reinstatedAt,
  reminded,
  renewedBy,
  revokedFor,
  settledAt,
  suspendedFor,
  type Validity,
} from './validity.ts'
import type { Notice } from './notification.ts'

/** The ids of the notifications that may come, so that each is made once. */
export type Notices = {
  issued: string
  /** By the days before expiry. */
  reminders: Readonly<Record<string, string>>
}

export type CertificateInput = Envelope & {
  id: string
  orgId: string
  kind: CertificateKind
  holderId: string
  holderName: string
  /** Who teaches the course. */
  ownerId: string | null
  offeringId: string | null
  enrollmentId: string | null
  trackId: string | null
  title: string
  issuedAt: string
  expiresAt: string | null
  policy: Policy
  showName: boolean
  /** The series that its number comes from, by the year of `issuedAt`. */
  series: { id: string; year: number }
  notices: Notices
}

export type CertificateContext = Omit<CertificateInput, keyof Envelope> &
  Validity & {
    status: CertificateStatus
    /** How it stands for whoever verifies it, to whom it is all the same whether it expires soon; and since when. */
    standing: string
    since: string
    number: string | null
    suspendedReason: string | null
    revokedReason: string | null
  }

type Announced<Type> = Extract<CertificateCommand, { type: Type }> & { noticeId: string }
type Sent = Envelope & Required<Pick<Envelope, 'source'>>

type CertificateMessage =
  | Extract<CertificateCommand, { type: 'issue' | 'setShowName' }>
  | Announced<'suspend'>
  | Announced<'reinstate'>
  | Announced<'revoke'>
  /** `notices`: of the new period. */
  | (Announced<'renew'> & { notices: Pick<Notices, 'reminders'> })
  | ((Numbered | EnrollmentRefunded) & Sent)

type Told =
  | { actor: 'certificateSeries'; id: string; message: NumberWanted; orCreate: object }
  | { actor: 'enrollment'; id: string; message: CertificateOpened }

export const certificate = setup({
  types: {
    context: {} as CertificateContext,
    input: {} as CertificateInput,
    events: {} as CertificateMessage,
    emitted: {} as CertificateEvent,
  },
  actions: {
    tell: (_, _params: Told) => {},
    create: (_, _params: Notice) => {},
  },
  guards: validityGuards,
  delays: validityDelays,
})

/** What every event of a certificate carries; before it has its number, there are none. */
const factsOf = (context: CertificateContext) => {
  const { holderId, kind, offeringId, title, number, issuedAt, expiresAt } = context
  return { holderId, kind, offeringId, title, number: number ?? '', issuedAt, expiresAt }
}

/** One notification for the holder; in English where nobody has words of their own for the topic. Without an id, one a turn. */
const noticeOf = (
  context: CertificateContext,
  topic: string,
  id: string | undefined,
  said: string,
  more: object = {},
): Notice => {
  const { id: subjectId, orgId, holderId: recipientId, title, number, issuedAt, expiresAt } = context
  const subject = { actor: 'certificate', id: subjectId } as const
  const text = `Your certificate ${number ?? ''} for ${title} ${said}.`
  const data = { title, number, issuedAt, expiresAt, ...more }
  const input = { orgId, recipientId, topic: `certificate.${topic}`, subject, text, data }
  return { actor: 'notification', ...(id === undefined ? {} : { id }), input }
}

const dayOf = (instant: string | null): string => instant?.slice(0, 10) ?? ''

/** A number is asked for; and who is told of a refund later has to know of this one first. */
export const open = certificate.enqueueActions(({ context: { series, enrollmentId }, enqueue }) => {
  const { id, year } = series
  const message = { type: 'certificate.numberWanted' } as const
  enqueue({ type: 'tell', params: { actor: 'certificateSeries', id, message, orCreate: { year } } })
  if (enrollmentId !== null) {
    const told = { actor: 'enrollment', id: enrollmentId, message: { type: 'certificate.opened' } } as const
    enqueue({ type: 'tell', params: told })
  }
})

/** From now on it exists for others. */
export const takeNumber = certificate.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'series.numbered')
  const numbered = { ...context, number: event.number }
  const { suspendedReason: reason, notices } = context
  enqueue.emit({ type: 'certificate.issued', ...factsOf(numbered) })
  enqueue({ type: 'create', params: noticeOf(numbered, 'issued', notices.issued, 'has been issued') })
  const remindersLeft = remindersAfter(event.at, context.expiresAt, context.policy)
  enqueue.assign({ number: event.number, status: 'valid', remindersLeft })
  if (reason === null) return
  enqueue.emit({ type: 'certificate.suspended', ...factsOf(numbered), reason })
  enqueue({
    type: 'create',
    params: noticeOf(numbered, 'suspended', undefined, SUSPENDED, { reason }),
  })
  enqueue.assign(suspendedFor(reason))
})

const SUSPENDED = 'has been suspended'
const REFUNDED = 'what was paid for the course has been given back'

/** It waits for its number with that: the series knows of it already. */
export const noteRefund = certificate.assign({ suspendedReason: REFUNDED })

/** Also of one that is suspended for another reason: whoever would reinstate it has to know. */
export const suspendForRefund = certificate.enqueueActions(({ context, enqueue }) => {
  const reason = REFUNDED
  enqueue.emit({ type: 'certificate.suspended', ...factsOf(context), reason })
  enqueue({ type: 'create', params: noticeOf(context, 'suspended', undefined, SUSPENDED, { reason }) })
  enqueue.assign(suspendedFor(reason))
})

export const settle = certificate.enqueueActions(({ context, event, enqueue }) => {
  const { status, news } = settledAt(context, atOf(event))
  if (news === 'expiring_soon') enqueue.emit({ type: 'certificate.expiringSoon', ...factsOf(context) })
  if (news === 'expired') {
    enqueue.emit({ type: 'certificate.expired', ...factsOf(context) })
    const { standing, since, expiresAt } = context
    // What was suspended when it had expired is so again; its holder has been told.
    const isKnown = standing === 'suspended' && expiresAt !== null && expiresAt <= since
    if (!isKnown) enqueue({ type: 'create', params: noticeOf(context, 'expired', undefined, 'has expired') })
  }
  const standing = status === 'expiring_soon' ? 'valid' : status
  enqueue.assign({ status, ...(standing === context.standing ? {} : { standing, since: atOf(event) }) })
})

export const remind = certificate.enqueueActions(({ context, enqueue }) => {
  const { daysBefore, remindersLeft } = reminded(context)
  enqueue.emit({ type: 'certificate.reminderDue', ...factsOf(context), daysBefore })
  const id = context.notices.reminders[daysBefore]
  const said = `expires on ${dayOf(context.expiresAt)}`
  if (id !== undefined)
    enqueue({ type: 'create', params: noticeOf(context, 'reminderDue', id, said, { daysBefore }) })
  enqueue.assign({ remindersLeft })
})

export const renew = certificate.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'renew')
  if (context.expiresAt === null) return
  const { issuedAt, expiresAt, noticeId, notices } = event
  const { renewal, changes } = renewedBy(context, context.expiresAt, event)
  const renewed = { ...context, issuedAt, expiresAt }
  enqueue.emit({ type: 'certificate.renewed', ...factsOf(renewed), ...renewal })
  const said = `has been renewed until ${dayOf(expiresAt)}`
  enqueue({ type: 'create', params: noticeOf(renewed, 'renewed', noticeId, said) })
  enqueue.assign({ ...changes, notices: { ...context.notices, ...notices } })
})

export const suspend = certificate.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'suspend')
  const { reason, noticeId } = event
  enqueue.emit({ type: 'certificate.suspended', ...factsOf(context), reason })
  enqueue({ type: 'create', params: noticeOf(context, 'suspended', noticeId, SUSPENDED, { reason }) })
  enqueue.assign(suspendedFor(reason))
})

export const reinstate = certificate.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'reinstate')
  enqueue.emit({ type: 'certificate.reinstated', ...factsOf(context) })
  const said = 'has been reinstated'
  enqueue({ type: 'create', params: noticeOf(context, 'reinstated', event.noticeId, said) })
  enqueue.assign(reinstatedAt(context, event.at))
})

export const revoke = certificate.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'revoke')
  const { reason, noticeId } = event
  enqueue.emit({ type: 'certificate.revoked', ...factsOf(context), reason })
  enqueue({ type: 'create', params: noticeOf(context, 'revoked', noticeId, 'has been revoked', { reason }) })
  enqueue.assign(revokedFor(reason))
})

export const setShowName = certificate.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'setShowName')
  const type = event.showName ? 'certificate.nameShown' : 'certificate.nameHidden'
  if (event.showName !== context.showName) enqueue.emit({ type, ...factsOf(context) })
  enqueue.assign({ showName: event.showName })
})

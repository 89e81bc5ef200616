import { certificateContract } from '../contracts/certificate.ts'
import { refused } from '../contracts/protocol.ts'
import { yearsAfter } from '../machines/certification-dates.ts'
import type { CertificateInput, Notices } from '../machines/certificate-steps.ts'
import { certificateMachine } from '../machines/certificate.ts'
import type { EnrollmentContext } from '../machines/enrollment-steps.ts'
import { isGone } from '../machines/payment-money.ts'
import type { Creation, CreationRequest, Lookup, Principal, Scope } from './actor.ts'
import { certificateSeriesId } from './certificate-series.ts'
import { derivedId } from './derived-id.ts'
import { enrollment } from './enrollment.ts'
import { invalidField } from './fields.ts'
import { payment } from './payment.ts'
import { administers } from './rules.ts'

type Wish = {
  offeringId?: string | undefined
  trackId?: string | undefined
  title?: string | undefined
  userId?: string | undefined
  issuedAt?: string | undefined
  expiresAt?: string | undefined
  showName: boolean
}

export const CERTIFICATE = { contract: certificateContract, machine: certificateMachine }

type Request = CreationRequest<Wish>
type Subject = Pick<
  CertificateInput,
  'kind' | 'holderId' | 'holderName' | 'offeringId' | 'enrollmentId' | 'trackId' | 'title' | 'ownerId'
>

/** How long the certificate of a track is good for (S3.16). Years. */
const TRACK_YEARS = 2

/** Nobody gets as many for one thing. */
const MOST_OF_ONE_SUBJECT = 200

/** Nobody vouches for themselves: an administrator who learns is a learner. */
const decidesFor = (principal: Principal, holderId: string): boolean =>
  administers(principal) && principal.userId !== holderId

export const issueCertificate = async (request: Request): Promise<Creation<CertificateInput>> => {
  const { payload, principal, at, lookup } = request
  const {
    userId: holderId = principal.userId,
    offeringId,
    trackId,
    title = '',
    issuedAt,
    expiresAt,
  } = payload
  if (
    !decidesFor(principal, holderId) &&
    (holderId !== principal.userId || trackId !== undefined || (issuedAt ?? expiresAt) !== undefined)
  )
    return refused('forbidden', 'you can ask for your own courses to be certified, as of now')
  if (payload.showName && holderId !== principal.userId)
    return refused('forbidden', 'showName: only the holder can have their name shown')
  const holder = await lookup.user(holderId)
  if (holder?.orgId !== principal.orgId) return refused('not_found', 'userId: no such user')
  const holderName = holder.name
  if (issuedAt !== undefined && issuedAt > at) return invalidField('issuedAt', 'must not be in the future')
  if (expiresAt !== undefined && expiresAt <= (issuedAt ?? at))
    return invalidField('expiresAt', 'must be after issuedAt')
  if (trackId !== undefined) {
    const track = { offeringId: null, enrollmentId: null, ownerId: null, trackId, title }
    return issue(request, { kind: 'track_certificate', holderId, holderName, ...track })
  }
  const completed = await completedBy(lookup, {
    orgId: principal.orgId,
    userId: holderId,
    offeringId: offeringId!,
  })
  if (!completed) return refused('incomplete_course', 'offeringId: not completed, or not paid for')
  const { id: enrollmentId, ownerId, offeringTitle } = completed
  const course = { offeringId: offeringId!, enrollmentId, ownerId, trackId: null, title: offeringTitle }
  return issue(request, { kind: 'course_certificate', holderId, holderName, ...course })
}

/** At most one of a learner in an offering is not over. What was paid for it has not gone back. */
const completedBy = async (
  lookup: Lookup,
  enrollmentOf: { orgId: string; userId: string; offeringId: string },
): Promise<EnrollmentContext | undefined> => {
  const { found } = await lookup.search(enrollment, {
    scopes: [enrollmentOf],
    where: [{ column: 'status', is: '=', value: 'completed' }],
    limit: 1,
  })
  const context = found[0]?.snapshot.context
  if (!context || context.price.minor === 0) return context
  const paid = context.paymentId === null ? undefined : await lookup.actor(payment, context.paymentId)
  return paid && paid.context.charged > 0 && !isGone(paid.context) ? context : undefined
}

const issue = async (request: Request, subject: Subject): Promise<Creation<CertificateInput>> => {
  const { id, payload, principal, at, lookup, newId } = request
  const { orgId } = principal
  const { holderId, enrollmentId } = subject
  const { live, revoked } = await earlier(lookup, orgId, subject)
  if (live !== undefined && live !== id) return { ok: true, existing: live }
  // Otherwise whoever lost it would ask for the next one.
  if (!decidesFor(principal, holderId) && revoked.some((one) => one.enrollmentId === enrollmentId))
    return refused(
      'certificate_revoked',
      'the certificate was revoked; an administrator may issue another one',
    )

  const organisation = await lookup.organisation(orgId)
  if (!organisation) return refused('not_found', 'no such organisation')
  const { expiringWindowDays, reminderDays } = organisation.settings
  const policy = { expiringWindowDays, reminderDays }
  const { issuedAt = at, showName } = payload
  const isTrack = subject.kind === 'track_certificate'
  const expiresAt = payload.expiresAt ?? (isTrack ? yearsAfter(issuedAt, TRACK_YEARS) : null)
  // Of `issuedAt` in UTC, whenever it is made (C33).
  const year = new Date(issuedAt).getUTCFullYear()
  const notices = { issued: newId(), ...noticesUntil(id, expiresAt, reminderDays) }
  const parties = { id, at, orgId, ...subject }
  const series = { id: certificateSeriesId(year), year }
  const input = { ...parties, issuedAt, expiresAt, policy, showName, series, notices }
  const newest = revoked.at(-1)
  return { ok: true, input, ...(newest ? { after: newest.id } : {}) }
}

/** The ids of what the holder is told about one expiry: the same whenever somebody asks. */
export const noticesUntil = (
  id: string,
  expiresAt: string | null,
  reminderDays: readonly number[],
): Pick<Notices, 'reminders'> => {
  const due = (days: number) => derivedId('notification', 'reminderDue', id, expiresAt ?? '', String(days))
  const reminders = expiresAt === null ? [] : reminderDays.map((days) => [days, due(days)])
  return { reminders: Object.fromEntries(reminders) as Notices['reminders'] }
}

/** What was issued to the same holder for the same, the oldest first. */
const earlier = async (lookup: Lookup, orgId: string, { holderId, offeringId, trackId }: Subject) => {
  const scope: Scope<'orgId' | 'holderId' | 'offeringId' | 'trackId'> = {
    orgId,
    holderId,
    ...(offeringId === null ? {} : { offeringId }),
    ...(trackId === null ? {} : { trackId }),
  }
  const { found } = await lookup.search(CERTIFICATE, {
    scopes: [scope],
    order: 'issuedAt',
    limit: MOST_OF_ONE_SUBJECT,
  })
  const isRevoked = ({ snapshot }: (typeof found)[number]) => snapshot.context.status === 'revoked'
  const revoked = found.filter(isRevoked).map(({ snapshot }) => snapshot.context)
  return { live: found.find((one) => !isRevoked(one))?.id, revoked }
}

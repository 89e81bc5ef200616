import type { SnapshotFrom } from 'xstate'
import { enrollmentContract, type EnrollmentStatus } from '../contracts/enrollment.ts'
import { refused } from '../contracts/protocol.ts'
import { payBeforeOf, type EnrollmentContext } from '../machines/enrollment-steps.ts'
import { enrollmentMachine } from '../machines/enrollment.ts'
import { isOnSale } from '../machines/offering.ts'
import { defineActor, type CreationRequest, type Principal } from './actor.ts'
import { derivedId } from './derived-id.ts'
import { offering } from './offering.ts'
import { payment } from './payment.ts'
import { purchaseId } from './purchase.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { rosterId } from './roster.ts'

type Snapshot = SnapshotFrom<typeof enrollmentMachine>
type Owned = { context: { orgId: string; userId: string } }

/** How long a place is kept for somebody who has to pay (STATECHARTS 2.2). Milliseconds. */
const PAY_WITHIN_MS = 30 * 60_000

const has = ({ roles }: Principal, ...wanted: Principal['roles'][number][]) =>
  wanted.some((role) => roles.includes(role))

const isLearner = ({ orgId, userId }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && context.userId === userId

const runs = (principal: Principal, { context }: Owned): boolean =>
  context.orgId === principal.orgId && has(principal, 'admin', 'system')

/** Nobody decides on money for themselves. */
const decidesForOthers = (principal: Principal, snapshot: Owned): boolean =>
  runs(principal, snapshot) && !isLearner(principal, snapshot)

type Wish = { offeringId: string; paymentId?: string | undefined; userId?: string | undefined }

const enroll = async ({ id, payload, principal, at, lookup }: CreationRequest<Wish>) => {
  const { offeringId, paymentId, userId = principal.userId } = payload
  const { orgId } = principal
  if (userId !== principal.userId && !has(principal, 'admin', 'system'))
    return refused('forbidden', 'userId: you can enrol yourself only')
  if (userId !== principal.userId && (await lookup.userOrganisation(userId)) !== orgId)
    return refused('not_found', 'userId: no such user')
  const found = await lookup.actor(offering, offeringId)
  if (found?.context.orgId !== orgId || !isOnSale(found))
    return refused('not_found', 'offeringId: no such offering')
  const { ownerId, title: offeringTitle, price, terms } = found.context
  if (ownerId === userId) return refused('own_offering', 'nobody enrols in what they teach')
  if (paymentId !== undefined) {
    const paid = (await lookup.actor(payment, paymentId))?.context
    if (paid?.payerId !== userId || paid.offeringId !== offeringId)
      return refused('not_found', 'paymentId: no such payment for this offering')
  }
  const live = await lookup.search('enrollment', {
    scopes: [{ orgId, userId, offeringId }],
    where: [{ column: 'live', is: '=', value: true }],
    limit: 1,
  })
  const known = live.found[0]?.id
  if (known !== undefined && known !== id) return enrolled(known)

  const organisation = await lookup.organisation(orgId)
  const { refundWithinDays, keepsAccessAfterRefund = false } = organisation?.settings ?? {}
  const refund = refundWithinDays === undefined ? 'firstLesson@1' : `within${refundWithinDays}Days@1`
  const parties = { id, at, orgId, userId, offeringId, ownerId, offeringTitle, price }
  const others = {
    rosterId: rosterId(offeringId),
    purchaseId: purchaseId(userId, offeringId),
    welcomeId: derivedId('welcome', id),
  }
  const requiredLessons = terms.kind === 'course_pack' ? (terms.requiredClassesCount ?? NEVER) : null
  const policy = { payWithinMs: PAY_WITHIN_MS, refund, keepsAccess: keepsAccessAfterRefund }
  return { ok: true as const, input: { ...parties, ...others, requiredLessons, policy } }
}

const enrolled = (enrollmentId?: string) =>
  refused('already_exists', 'User already enrolled', enrollmentId && { enrollmentId })

/** A pack that names no number of lessons is never complete by itself. */
const NEVER = Number.MAX_SAFE_INTEGER

export const enrollment = defineActor({
  contract: enrollmentContract,
  machine: enrollmentMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    userId: { type: 'uuid', indexed: true, of: ({ context }) => context.userId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
    ownerId: { type: 'uuid', indexed: true, of: ({ context }) => context.ownerId },
    status: { type: 'text', of: (snapshot) => statusOf(snapshot) },
    live: { type: 'boolean', of: ({ context }) => context.endedAt === null },
    enrolledAt: { type: 'instant', of: ({ context }) => context.enrolledAt },
  },
  // At most one of a learner in an offering is not over (U3).
  unique: { enrollment_live: enrolled().error },
  topics: { enrollment: 'id', user: 'userId', course: 'offeringId', org: 'orgId' },
  scopes: ({ orgId, userId, roles }) =>
    roles.includes('admin') || roles.includes('csm') || roles.includes('system')
      ? [{ orgId }]
      : [
          { orgId, userId },
          { orgId, ownerId: userId },
        ],
  allow: {
    enroll: (principal, snapshot) => isLearner(principal, snapshot) || runs(principal, snapshot),
    drop: isLearner,
    recordProgress: isLearner,
    suspend: runs,
    resume: runs,
    requestRefund: isLearner,
    approveRefund: decidesForOthers,
    rejectRefund: decidesForOthers,
  },
  prepare: {
    // Which modules there are is the offering's to say, now.
    recordProgress: async ({ id, payload, lookup }) => {
      const { found: own } = await lookup.search('enrollment', { scopes: [{ id }], limit: 1 })
      const context = own[0]?.snapshot.context as EnrollmentContext | undefined
      const found = context && (await lookup.actor(offering, context.offeringId))
      const modules = found ? found.context.modules.map((module) => module.id) : []
      return { ok: true, payload: { ...payload, modules } }
    },
    requestRefund: async ({ payload, newId }) => ({ ok: true, payload: { ...payload, refundId: newId() } }),
  },
  create: { enroll },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  explain: {
    recordProgress: ({ context }, { moduleId, progress }) => {
      const known = context.modules[moduleId]?.progress ?? 0
      return progress < known
        ? {
            code: 'progress_backwards',
            message: `progress: is ${known} already`,
            details: [{ path: ['progress'], reason: `must be at least ${known}` }],
          }
        : {
            code: 'unknown_module',
            message: 'moduleId: this offering has no such module',
            details: [{ path: ['moduleId'], reason: 'this offering has no such module' }],
          }
    },
    requestRefund: ({ context }) =>
      context.refundRequest
        ? { code: 'already_requested', message: 'a refund can be requested once' }
        : { code: 'nothing_paid', message: 'nothing was paid for this enrollment' },
    approveRefund: ({ context: { refundRequest, paid } }) =>
      refundRequest?.status === 'pending'
        ? { code: 'not_refundable', message: `amountMinor: at most ${paid?.minor ?? 0} were paid` }
        : NOTHING_REQUESTED,
    rejectRefund: () => NOTHING_REQUESTED,
  },
  view: (snapshot, id) => {
    const { context } = snapshot
    const { userId, offeringId, offeringTitle, price, paid, paymentId, enrolledAt, activatedAt } = context
    const { endedAt, endReason, progress, resumeAt, modules, lessons, refundRequest } = context
    return {
      id,
      userId,
      offeringId,
      offeringTitle,
      status: statusOf(snapshot),
      price,
      paid,
      paymentId,
      enrolledAt,
      activatedAt,
      ...(snapshot.matches('pendingPayment') ? { payBefore: payBeforeOf(context) } : {}),
      endedAt,
      endReason,
      progress,
      resumeAt,
      // JSON in PostgreSQL keeps no order, so the view makes one: it is the same live and at rest.
      modules: sorted(modules).map(([moduleId, module]) => ({ moduleId, ...module })),
      lessons: sorted(lessons).map(([lessonId, { status }]) => ({ lessonId, status })),
      refundRequest,
    }
  },
})

const NOTHING_REQUESTED = { code: 'nothing_requested', message: 'no refund waits for a decision' }

const sorted = <Value>(entries: Readonly<Record<string, Value>>) =>
  Object.entries(entries).toSorted(([one], [other]) => (one < other ? -1 : 1))

const statusOf = ({ value }: Pick<Snapshot, 'value'>): EnrollmentStatus =>
  value === 'pendingPayment' ? 'pending_payment' : value

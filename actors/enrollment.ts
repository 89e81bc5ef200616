import type { SnapshotFrom } from 'xstate'
import { enrollmentContract, type EnrollmentStatus } from '../contracts/enrollment.ts'
import { refused } from '../contracts/protocol.ts'
import { payBeforeOf } from '../machines/enrollment-steps.ts'
import { enrollmentMachine } from '../machines/enrollment.ts'
import { isKept, isOnSale, moderationOf, type offeringMachine } from '../machines/offering.ts'
import { defineActor, type CreationRequest, type Lookup, type Principal } from './actor.ts'
import { listedFor, readBy } from './audience.ts'
import { coordinatorsOf } from './coordinated.ts'
import { derivedId } from './derived-id.ts'
import { offering } from './offering.ts'
import { payment } from './payment.ts'
import { purchase, purchaseId } from './purchase.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { rosterId } from './roster.ts'
import { administers, decides, isOperator } from './rules.ts'
import { usedBesides } from './used-besides.ts'

type Snapshot = SnapshotFrom<typeof enrollmentMachine>
const ENROLLMENT = { contract: enrollmentContract, machine: enrollmentMachine }

type Owned = { context: { orgId: string; userId: string } }

/** How long a place is kept for somebody who has to pay (STATECHARTS 2.2). Milliseconds. */
const PAY_WITHIN_MS = 30 * 60_000

const isLearner = ({ orgId, userId }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && context.userId === userId

/** Nobody decides on money for themselves. */
const decidesForOthers = (principal: Principal, snapshot: Owned): boolean =>
  decides(principal, snapshot) && !isLearner(principal, snapshot)

type Wish = { offeringId: string; paymentId?: string | undefined; userId?: string | undefined }

const enroll = async ({ id, payload, principal, at, lookup }: CreationRequest<Wish>) => {
  const { offeringId, paymentId, userId = principal.userId } = payload
  const { orgId } = principal
  if (userId !== principal.userId && !administers(principal))
    return refused('forbidden', 'userId: you can enrol yourself only')
  if (userId !== principal.userId && (await lookup.userOrganisation(userId)) !== orgId)
    return refused('not_found', 'userId: no such user')
  const found = await lookup.actor(offering, offeringId)
  if (found?.context.orgId !== orgId || !(isOnSale(found) || (await isOwed(lookup, userId, found))))
    return refused('not_found', 'offeringId: no such offering')
  const { ownerId, title: offeringTitle, price, terms } = found.context
  if (ownerId === userId) return refused('own_offering', 'nobody enrols in what they teach')
  if (paymentId !== undefined) {
    const paid = (await lookup.actor(payment, paymentId))?.context
    if (paid?.payerId !== userId || paid.offeringId !== offeringId)
      return refused('not_found', 'paymentId: no such payment for this offering')
  }
  const live = await lookup.search(ENROLLMENT, {
    scopes: [{ orgId, userId, offeringId }],
    where: [{ column: 'live', is: '=', value: true }],
    limit: 1,
  })
  const known = live.found[0]?.id
  if (known !== undefined && known !== id) return enrolled(known)

  const organisation = await lookup.organisation(orgId)
  const { refundWithinDays, keepsAccessAfterRefund = false } = organisation?.settings ?? {}
  const { remindAfterDays = REMIND_AFTER_DAYS } = organisation?.settings ?? {}
  const refund = refundWithinDays === undefined ? 'firstLesson@1' : `within${refundWithinDays}Days@1`
  const parties = { id, at, orgId, userId, offeringId, ownerId, offeringTitle, price }
  const others = {
    rosterId: rosterId(offeringId),
    purchaseId: purchaseId(userId, offeringId),
    welcomeId: derivedId('welcome', id),
  }
  const requiredLessons = terms.kind === 'course_pack' ? (terms.requiredClassesCount ?? NEVER) : null
  const policy = { payWithinMs: PAY_WITHIN_MS, refund, keepsAccess: keepsAccessAfterRefund, remindAfterDays }
  return { ok: true as const, input: { ...parties, ...others, requiredLessons, policy } }
}

/** Who has paid for it comes in although it is not on sale any more, as long as it is there (C27). */
const isOwed = async (lookup: Lookup, userId: string, about: SnapshotFrom<typeof offeringMachine>) => {
  if (!isKept(about)) return false
  const { holder, goesBack } =
    (await lookup.actor(purchase, purchaseId(userId, about.context.id)))?.context ?? {}
  return holder?.paid === true && !goesBack
}

const enrolled = (enrollmentId?: string) =>
  refused('already_exists', 'User already enrolled', enrollmentId && { enrollmentId })

const REMIND_AFTER_DAYS = 7

/** A pack that names no number of lessons is never complete by itself. */
const NEVER = Number.MAX_SAFE_INTEGER

const coordinators = coordinatorsOf('userId')

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
  scopes: (principal) => {
    const { orgId, userId } = principal
    return isOperator(principal)
      ? [{ orgId }]
      : [
          { orgId, userId },
          { orgId, ownerId: userId },
        ]
  },
  allow: {
    enroll: (principal, snapshot) => isLearner(principal, snapshot) || decides(principal, snapshot),
    drop: isLearner,
    recordProgress: isLearner,
    suspend: decides,
    resume: decides,
    requestRefund: isLearner,
    approveRefund: decidesForOthers,
    rejectRefund: decidesForOthers,
  },
  prepare: {
    // Which modules there are is the offering's to say, now.
    recordProgress: async ({ id, payload, principal: { orgId, userId }, lookup }) => {
      const { found: own } = await lookup.search(ENROLLMENT, { scopes: [{ orgId, userId, id }], limit: 1 })
      const offeringId = own[0]?.snapshot.context.offeringId
      const found = offeringId && (await lookup.actor(offering, offeringId))
      // Nothing completes what is about to be settled.
      if (found && moderationOf(found) === 'removed')
        return refused('not_allowed_in_state', 'the offering is removed')
      const modules = found ? found.context.modules.map((module) => module.id) : []
      return { ok: true, payload: { ...payload, modules } }
    },
    requestRefund: async ({ id, payload, principal: { orgId }, lookup, newId }) => {
      const { found } = await lookup.search(ENROLLMENT, { scopes: [{ orgId, id }], limit: 1 })
      const own = found.map(({ snapshot }) => ({ id, of: snapshot.context }))
      const besides = (await usedBesides(lookup.search, orgId, own)).get(id)
      const known = besides ? { usedBesides: besides } : {}
      return { ok: true, payload: { ...payload, refundId: newId(), ...known } }
    },
  },
  create: { enroll },
  queries: {
    get: readBy(coordinators, getActor),
    list: listedFor(coordinators, listActors),
    journal: readBy(coordinators, actorJournal),
  },
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
    const {
      completedAt = null,
      endedAt,
      endReason,
      progress,
      resumeAt,
      modules,
      lessons,
      refundRequest,
    } = context
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
      // One that was completed before this was kept has none.
      completedAt,
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

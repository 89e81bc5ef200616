import { certificateContract } from '../contracts/certificate.ts'
import { CERTIFICATION_STATUSES } from '../contracts/certification-status.ts'
import type { CertificateContext } from '../machines/certificate-steps.ts'
import { certificateMachine } from '../machines/certificate.ts'
import { renewalFault } from '../machines/certification-dates.ts'
import { defineActor, type CreationRequest, type Principal } from './actor.ts'
import { CERTIFICATE, issueCertificate, noticesUntil } from './certificate-issue.ts'
import { listedFor, readBy } from './audience.ts'
import { coordinatorsOf } from './coordinated.ts'
import { invalid } from './fields.ts'
import type { Condition } from './ports.ts'
import { actorJournal, getActor, pageOf, type QueryHandler } from './queries.ts'
import { decides, isOperator } from './rules.ts'

type Owned = { context: Pick<CertificateContext, 'orgId' | 'holderId'> }

const isHolder = ({ orgId, userId }: Principal, { context }: Owned): boolean =>
  context.orgId === orgId && context.holderId === userId

/** Nobody decides on a certificate of their own. */
const decidesForOthers = (principal: Principal, snapshot: Owned): boolean =>
  decides(principal, snapshot) && !isHolder(principal, snapshot)

type Filters = {
  holderId?: string | undefined
  offeringId?: string | undefined
  kind?: string | undefined
  status?: string | undefined
  number?: string | undefined
  limit?: number | undefined
  after?: string | undefined
}

const DEFAULT_LIMIT = 50

/** What has no number yet is in no list, unless somebody looks for just that. */
const list: QueryHandler<Filters> = async ({ scopes, input, read }) => {
  const { limit = DEFAULT_LIMIT, after, ...equal } = input
  const where = Object.entries(equal).flatMap(([column, value]): Condition[] =>
    value === undefined ? [] : [{ column, is: '=', value }],
  )
  if (equal.status === undefined) where.push({ column: 'status', is: 'in', value: CERTIFICATION_STATUSES })
  return { ok: true, data: pageOf(await read.search(certificate, { scopes, where, after, limit })) }
}

const coordinators = coordinatorsOf('holderId')

const TAKEN = { code: 'already_exists', message: 'this has been certified already' } as const

/** What the holder is told of it is made once, however often it is carried out. */
const announced = async <Payload>({ payload, newId }: CreationRequest<Payload>) => ({
  ok: true as const,
  payload: { ...payload, noticeId: newId() },
})

export const certificate = defineActor({
  contract: certificateContract,
  machine: certificateMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    holderId: { type: 'uuid', indexed: true, of: ({ context }) => context.holderId },
    ownerId: { type: 'uuid', indexed: true, of: ({ context }) => context.ownerId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
    enrollmentId: { type: 'uuid', indexed: true, of: ({ context }) => context.enrollmentId },
    trackId: { type: 'uuid', of: ({ context }) => context.trackId },
    kind: { type: 'text', of: ({ context }) => context.kind },
    number: { type: 'text', of: ({ context }) => context.number },
    status: { type: 'text', of: ({ context }) => context.status },
    live: { type: 'boolean', of: ({ context }) => context.status !== 'revoked' },
    revoked: { type: 'boolean', of: ({ context }) => context.status === 'revoked' },
    suspended: { type: 'boolean', of: ({ context }) => context.status === 'suspended' },
    issuedAt: { type: 'instant', of: ({ context }) => context.issuedAt },
    expiresAt: { type: 'instant', of: ({ context }) => context.expiresAt },
  },
  // Whoever loses a race for one of these asks once more, and finds what the other one has made.
  unique: { certificate_live: TAKEN, certificate_live_track: TAKEN },
  topics: { certificate: 'id', user: 'holderId', course: 'offeringId', org: 'orgId' },
  // C49: the holder, whoever teaches the course, and operators; coordinators read those of their mentors.
  scopes: (principal) => {
    const { orgId, userId } = principal
    return isOperator(principal)
      ? [{ orgId }]
      : [
          { orgId, holderId: userId },
          { orgId, ownerId: userId },
        ]
  },
  allow: {
    issue: (principal, snapshot) => isHolder(principal, snapshot) || decides(principal, snapshot),
    renew: decidesForOthers,
    suspend: decidesForOthers,
    reinstate: decidesForOthers,
    revoke: decidesForOthers,
    setShowName: isHolder,
  },
  prepare: {
    suspend: announced,
    reinstate: announced,
    revoke: announced,
    renew: async ({ id, payload, lookup, newId }) => {
      const { found } = await lookup.search(CERTIFICATE, { scopes: [{ id }], limit: 1 })
      const reminderDays = found[0]?.snapshot.context.policy.reminderDays ?? []
      const notices = noticesUntil(id, payload.expiresAt, reminderDays)
      return { ok: true, payload: { ...payload, noticeId: newId(), notices } }
    },
  },
  create: { issue: issueCertificate },
  queries: {
    get: readBy(coordinators, getActor),
    list: listedFor(coordinators, list),
    journal: readBy(coordinators, actorJournal),
  },
  explain: {
    renew: ({ context }, renewal) => {
      const fault = renewalFault(context, renewal)
      return fault && invalid(fault)
    },
  },
  view: ({ context }, id) => {
    const { kind, holderId, holderName, offeringId, enrollmentId, trackId, title, number, status } = context
    const { issuedAt, expiresAt, policy, renewals, showName, suspendedReason, revokedReason } = context
    return {
      id,
      kind,
      holderId,
      holderName,
      offeringId,
      enrollmentId,
      trackId,
      title,
      number,
      status,
      issuedAt,
      expiresAt,
      expiringWindowDays: policy.expiringWindowDays,
      renewals: [...renewals],
      showName,
      // It is told with the number.
      ...(suspendedReason === null || number === null ? {} : { suspendedReason }),
      ...(revokedReason === null ? {} : { revokedReason }),
    }
  },
})

import type { SnapshotFrom } from 'xstate'
import { certificationContract, mentorStatus } from '../contracts/certification.ts'
import { certificationStatus, daysBefore } from '../contracts/certification-status.ts'
import { refused } from '../contracts/protocol.ts'
import { correctionFault, renewalFault, type Fault } from '../machines/certification-dates.ts'
import { certificationMachine } from '../machines/certification.ts'
import { defineActor, type Principal } from './actor.ts'
import { invalid } from './fields.ts'
import { isInCharge, mentor } from './mentor.ts'
import type { Condition } from './ports.ts'
import { actorJournal, getActor, listActors, pageOf, type QueryHandler } from './queries.ts'
import { decides } from './rules.ts'

/** Nobody holds more certificates than one search returns. */
const MOST_OF_ONE_MENTOR = 200

const statusOfMentor: QueryHandler<{ mentorId: string }> = async ({ scopes, input, principal, at, read }) => {
  const { mentorId } = input
  const byId = { column: 'id', is: '=', value: mentorId } as const
  const { found: mentors } = await read.search(mentor, {
    scopes: mentor.scopes(principal),
    where: [byId],
    limit: 1,
  })
  if (mentors.length === 0) return refused('not_found', 'no such mentor')

  const { found } = await read.search(certification, {
    scopes,
    where: [{ ...byId, column: 'mentorId' }],
    limit: MOST_OF_ONE_MENTOR,
  })
  const certificates = found.map(({ id: certificationId, snapshot }) => {
    const { certType, expiresAt, policy } = snapshot.context
    const status = certificationStatus(snapshot.context, policy, at)
    return { certType, status, certificationId, expiresAt }
  })
  const organisation = await read.organisation(principal.orgId)
  const required = organisation?.settings.requiredCertTypes ?? []
  return { ok: true, data: { mentorId, ...mentorStatus(certificates, required) } }
}

type Expiring = {
  coordinatorId?: string | undefined
  withinDays: number
  limit?: number | undefined
  after?: string | undefined
}

const expiring: QueryHandler<Expiring> = async ({ scopes, input, at, read }) => {
  const { coordinatorId, withinDays, limit = 50, after } = input
  const page = await read.search(certification, {
    scopes,
    where: [
      ...expiringWithin(at, withinDays),
      ...(coordinatorId ? [{ column: 'coordinatorId', is: '=', value: coordinatorId } as const] : []),
    ],
    order: 'expiresAt',
    after,
    limit,
  })
  return { ok: true, data: pageOf(page) }
}

/** What the timers will do, without doing it. */
const forecast: QueryHandler<Pick<Expiring, 'coordinatorId' | 'withinDays'>> = async (request) => {
  const { scopes, input, at, read } = request
  const whose = input.coordinatorId
    ? [{ column: 'coordinatorId', is: '=', value: input.coordinatorId } as const]
    : []
  const [soon, expired] = await Promise.all([
    read.count(certification, { scopes, where: [...expiringWithin(at, input.withinDays), ...whose] }),
    read.count(certification, { scopes, where: [...expiredBy(at), ...whose] }),
  ])
  return { ok: true, data: { expiring: soon, expired } }
}

/** A timer may be late, so the dates decide here as well. */
const expiringWithin = (at: string, days: number): Condition[] => [
  { column: 'status', is: 'in', value: ['valid', 'expiring_soon'] },
  { column: 'expiresAt', is: '>=', value: at },
  { column: 'expiresAt', is: '<=', value: daysBefore(at, -days) },
]

const expiredBy = (at: string): Condition[] => [
  { column: 'status', is: 'in', value: ['valid', 'expiring_soon', 'expired'] },
  { column: 'expiresAt', is: '<=', value: at },
]

export const certification = defineActor({
  contract: certificationContract,
  machine: certificationMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    mentorId: { type: 'uuid', indexed: true, of: ({ context }) => context.mentorId },
    mentorUserId: { type: 'uuid', indexed: true, of: ({ context }) => context.mentorUserId },
    coordinatorId: { type: 'uuid', indexed: true, of: ({ context }) => context.coordinatorId },
    certType: { type: 'text', of: ({ context }) => context.certType },
    status: { type: 'text', of: ({ context }) => context.status },
    issuedAt: { type: 'instant', of: ({ context }) => context.issuedAt },
    expiresAt: { type: 'instant', indexed: true, of: ({ context }) => context.expiresAt },
  },
  topics: {
    certification: 'id',
    mentor: 'mentorId',
    user: 'mentorUserId',
    coordinator: 'coordinatorId',
    org: 'orgId',
  },
  // Whoever may know of a mentor may know of the mentor's certifications.
  scopes: (principal) =>
    mentor.scopes(principal).map(({ userId, ...scope }) => {
      return userId === undefined ? scope : { ...scope, mentorUserId: userId }
    }),
  allow: {
    issue: isInCharge,
    renew: isInCharge,
    suspend: isInCharge,
    reinstate: isInCharge,
    revoke: decides,
    correct: decides,
  },
  create: {
    issue: async ({ id, payload, principal, at, lookup }) => {
      const { mentorId, import: isImport = false } = payload
      if (payload.expiresAt <= at && !isImport) return { ok: false, error: invalid(PAST_EXPIRY) }

      const known = await lookup.actor(mentor, mentorId)
      const organisation = await lookup.organisation(principal.orgId)
      if (!known || !organisation || !maySee(principal, known))
        return { ok: false, error: { code: 'not_found', message: 'mentorId: no such mentor' } }

      const { orgId, userId: mentorUserId, coordinatorId } = known.context
      const { expiringWindowDays, reminderDays } = organisation.settings
      const policy = { expiringWindowDays, reminderDays }
      const input = { ...payload, id, at, orgId, mentorUserId, coordinatorId, policy, import: isImport }
      return { ok: true, input }
    },
  },
  queries: {
    get: getActor,
    list: listActors,
    status: statusOfMentor,
    expiring,
    forecast,
    journal: actorJournal,
  },
  explain: {
    renew: ({ context }, renewal) => {
      const fault = renewalFault(context, renewal)
      return fault && invalid(fault)
    },
    correct: ({ context }, correction) => {
      const fault = correctionFault(context, correction)
      return fault && invalid(fault)
    },
  },
  view: ({ context }, id) => ({
    id,
    mentorId: context.mentorId,
    coordinatorId: context.coordinatorId,
    certType: context.certType,
    status: context.status,
    issuedAt: context.issuedAt,
    expiresAt: context.expiresAt,
    expiringWindowDays: context.policy.expiringWindowDays,
    renewals: [...context.renewals],
    renewalCount: context.renewals.length,
    ...(context.suspendedReason === null ? {} : { suspendedReason: context.suspendedReason }),
    ...(context.revokedReason === null ? {} : { revokedReason: context.revokedReason }),
  }),
})

const PAST_EXPIRY: Fault = { path: ['expiresAt'], reason: 'must be in the future, except in an import' }

const maySee = (principal: Principal, { context }: SnapshotFrom<typeof mentor.machine>): boolean =>
  mentor
    .scopes(principal)
    .some(
      ({ orgId, coordinatorId = context.coordinatorId, userId = context.userId }) =>
        orgId === context.orgId && coordinatorId === context.coordinatorId && userId === context.userId,
    )

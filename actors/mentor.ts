import { mentorContract } from '../contracts/mentor.ts'
import { refused } from '../contracts/protocol.ts'
import { isHeldBy, lapsedTypes, mentorMachine, ownHold } from '../machines/mentor.ts'
import { defineActor, type Principal } from './actor.ts'
import { invalidField } from './fields.ts'
import { actorJournal, getActor, listActors } from './queries.ts'
import { administers, decides, has, isOperator } from './rules.ts'

type Managed = { context: { orgId: string; coordinatorId: string } }

/** An administrator, or the coordinator in charge of this mentor. */
export const isInCharge = (principal: Principal, snapshot: Managed): boolean =>
  decides(principal, snapshot) ||
  (snapshot.context.orgId === principal.orgId &&
    snapshot.context.coordinatorId === principal.userId &&
    has(principal, 'coordinator'))

const isSelf = (principal: Principal, { context }: { context: { orgId: string; userId: string } }) =>
  context.orgId === principal.orgId && context.userId === principal.userId && has(principal, 'peer_mentor')

export const mentor = defineActor({
  contract: mentorContract,
  machine: mentorMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    userId: { type: 'uuid', indexed: true, of: ({ context }) => context.userId },
    coordinatorId: { type: 'uuid', indexed: true, of: ({ context }) => context.coordinatorId },
    active: { type: 'boolean', of: ({ context }) => context.holds.length === 0 },
  },
  topics: { mentor: 'id', user: 'userId', coordinator: 'coordinatorId', org: 'orgId' },
  scopes: (principal) => [
    ...(isOperator(principal) ? [{ orgId: principal.orgId }] : []),
    ...(has(principal, 'coordinator') ? [{ orgId: principal.orgId, coordinatorId: principal.userId }] : []),
    ...(has(principal, 'peer_mentor') ? [{ orgId: principal.orgId, userId: principal.userId }] : []),
  ],
  allow: {
    register: decides,
    pause: (principal, snapshot) => isSelf(principal, snapshot) || isInCharge(principal, snapshot),
    resume: (principal, snapshot) => isSelf(principal, snapshot) || isInCharge(principal, snapshot),
    reassign: decides,
  },
  prepare: {
    // Otherwise one organisation's events would be published to another one's coordinator.
    reassign: async ({ payload, principal, lookup }) =>
      administers(principal) && (await lookup.userOrganisation(payload.coordinatorId)) !== principal.orgId
        ? refused('not_found', 'coordinatorId: no such user')
        : { ok: true, payload },
  },
  create: {
    register: async ({ id, payload, principal, at, lookup }) => {
      const { orgId } = principal
      // Before anything else, or the answers would tell who is here.
      if (!administers(principal))
        return { ok: false, error: { code: 'forbidden', message: 'you may not register a mentor' } }
      for (const name of ['userId', 'coordinatorId'] as const)
        if ((await lookup.userOrganisation(payload[name])) !== orgId)
          return { ok: false, error: { code: 'not_found', message: `${name}: no such user` } }
      const organisation = await lookup.organisation(orgId)
      if (!organisation) return { ok: false, error: { code: 'not_found', message: 'no such organisation' } }
      const { requiredCertTypes } = organisation.settings
      return { ok: true, input: { id, at, orgId, ...payload, policy: { requiredCertTypes } } }
    },
  },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  explain: {
    pause: ({ context }, { by }) => ({
      code: 'already_held',
      message: `the ${ownHold(context, by)} hold stands already`,
    }),
    resume: ({ context }) =>
      isHeldBy(context, 'certification')
        ? {
            code: 'certificate_invalid',
            message: 'a required certificate is not valid; renew it first',
            details: lapsedTypes(context).map((certType) => ({ certType })),
          }
        : { code: 'forbidden', message: 'this hold was put by administration, which alone can lift it' },
    reassign: () => invalidField('coordinatorId', 'is the coordinator already').error,
  },
  view: ({ context: { userId, coordinatorId, holds, certifications } }, id) => ({
    id,
    userId,
    coordinatorId,
    active: holds.length === 0,
    holds: [...holds],
    // JSON in PostgreSQL keeps no order, so the view makes one: it is the same live and at rest.
    certifications: Object.entries(certifications)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([certificationId, { certType, standing, expiresAt }]) => ({
        certificationId,
        certType,
        standing,
        expiresAt,
      })),
  }),
})

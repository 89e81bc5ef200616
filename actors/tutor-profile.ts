import type { SnapshotFrom } from 'xstate'
import { offeringContract } from '../contracts/offering.ts'
import { refused } from '../contracts/protocol.ts'
import { tutorProfileContract } from '../contracts/tutor-profile.ts'
import { tutorProfileMachine } from '../machines/tutor-profile.ts'
import { defineActor, type Principal } from './actor.ts'
import { searchProfiles } from './catalog-search.ts'
import { forbiddenField } from './fields.ts'
import { getActor, journalFor, listActors, type QueryHandler } from './queries.ts'
import { administers, decides, has, isOperator } from './rules.ts'

type Snapshot = SnapshotFrom<typeof tutorProfileMachine>

const isOwn = (principal: Principal, { context }: Snapshot) =>
  context.orgId === principal.orgId && context.tutorId === principal.userId && has(principal, 'instructor')

const isOwnOrDecides = (principal: Principal, snapshot: Snapshot) =>
  isOwn(principal, snapshot) || decides(principal, snapshot)

const managed = (principal: Principal) => {
  const { orgId, userId } = principal
  return isOperator(principal)
    ? [{ orgId, standing: 'active' }]
    : [{ orgId, tutorId: userId, standing: 'active' }]
}

type Filters = { profileStatus?: string | undefined; limit?: number | undefined; after?: string | undefined }

const listProfiles: QueryHandler<Filters> = ({ input: { profileStatus: status, ...input }, ...request }) =>
  listActors({ ...request, input: { ...input, status } as typeof input })

export const tutorProfile = defineActor({
  contract: tutorProfileContract,
  machine: tutorProfileMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    tutorId: { type: 'uuid', indexed: true, of: ({ context }) => context.tutorId },
    status: {
      type: 'text',
      indexed: true,
      of: ({ value }) => (value === 'deleted' ? null : value),
    },
    standing: { type: 'text', of: ({ value }) => (value === 'deleted' ? 'deleted' : 'active') },
    displayName: { type: 'text', of: ({ context }) => context.displayName },
  },
  topics: { tutorProfile: 'id', user: 'tutorId', org: 'orgId' },
  changesAudience: ['tutorProfile.approved', 'tutorProfile.rejected', 'tutorProfile.deleted'],
  scopes: (principal) => [
    { orgId: principal.orgId, status: 'approved', standing: 'active' },
    ...managed(principal),
  ],
  unique: {
    tutor_profile_unique_tutor: { code: 'already_exists', message: 'this tutor has a profile' },
  },
  allow: {
    create: isOwn,
    update: isOwnOrDecides,
    approve: decides,
    reject: decides,
    resubmit: isOwn,
    delete: isOwnOrDecides,
  },
  prepare: {
    update: async ({ payload, principal }) => {
      if (payload.tutorId !== undefined) return forbiddenField('tutorId', 'never changes')
      return payload.profileStatus !== undefined && !administers(principal)
        ? forbiddenField('profileStatus')
        : { ok: true, payload }
    },
    delete: async ({ id, principal, lookup }) => {
      if (administers(principal)) return { ok: true, payload: {} }
      const { orgId, userId: ownerId } = principal
      const count = await lookup.count(
        { contract: offeringContract },
        {
          scopes: ['public', 'private'].map((visibility) => ({
            orgId,
            ownerId,
            tutorProfileId: id,
            visibility,
          })),
          where: [{ column: 'moderation', is: 'in', value: ['approved', 'flagged'] }],
        },
      )
      return count > 0
        ? refused('has_offerings', 'delete the offerings first', { count })
        : { ok: true, payload: {} }
    },
  },
  create: {
    create: async ({ id, payload, principal, at, lookup }) => {
      const { orgId, userId } = principal
      // Before anything else, or the answers would tell who is here.
      if (!has(principal, 'instructor')) return refused('forbidden', 'you are no instructor')
      const { tutorId = userId, profileStatus = 'pending', ...about } = payload
      if (tutorId !== userId) return forbiddenField('tutorId', 'must be your own')
      if (profileStatus !== 'pending') return forbiddenField('profileStatus')
      const displayName = (await lookup.user(userId))?.name ?? null
      return { ok: true, input: { id, at, orgId, tutorId, displayName, ...about } }
    },
  },
  queries: { get: getActor, list: listProfiles, search: searchProfiles, journal: journalFor(managed) },
  explain: {
    update: ({ value }, { profileStatus }) => ({
      code: 'not_allowed_in_state',
      message: `it is ${value} and cannot become ${profileStatus}`,
    }),
  },
  view: ({ value, context }, id) => ({
    id,
    tutorId: context.tutorId,
    displayName: context.displayName,
    certifications: [...context.certifications],
    experience: context.experience,
    subjects: [...context.subjects],
    bio: context.bio,
    profilePhoto: context.profilePhoto,
    profileStatus: value === 'deleted' ? 'rejected' : value,
    note: context.note,
    createdAt: context.createdAt,
  }),
})

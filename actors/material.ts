import type { SnapshotFrom } from 'xstate'
import { materialContract } from '../contracts/material.ts'
import { refused } from '../contracts/protocol.ts'
import { leadsSomewhere, materialMachine } from '../machines/material.ts'
import { moderationOf } from '../machines/offering.ts'
import { defineActor, type Principal } from './actor.ts'
import { forbiddenField, invalidField } from './fields.ts'
import { getMaterial, listMaterials } from './material-queries.ts'
import { managedOfferings, offering } from './offering.ts'
import { journalFor } from './queries.ts'
import { administers, decides, has } from './rules.ts'

type Snapshot = SnapshotFrom<typeof materialMachine>

const isOwnerOrDecides = (principal: Principal, snapshot: Snapshot) => {
  const { orgId, ownerId } = snapshot.context
  const isOwner = orgId === principal.orgId && ownerId === principal.userId && has(principal, 'instructor')
  return isOwner || decides(principal, snapshot)
}

/** Learners find materials by asking; nobody but these may follow or change one. */
const managed = (principal: Principal) => {
  const { orgId, userId: ownerId } = principal
  if (administers(principal)) return [{ orgId, standing: 'active' }]
  return has(principal, 'instructor') ? [{ orgId, ownerId, standing: 'active' }] : []
}

const NO_LINK = 'an external link says where it leads'

export const material = defineActor({
  contract: materialContract,
  machine: materialMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    ownerId: { type: 'uuid', indexed: true, of: ({ context }) => context.ownerId },
    offeringId: { type: 'uuid', indexed: true, of: ({ context }) => context.offeringId },
    kind: { type: 'text', of: ({ context }) => context.kind },
    title: { type: 'text', indexed: true, of: ({ context }) => context.title },
    position: { type: 'integer', of: ({ context }) => context.position },
    standing: { type: 'text', of: ({ value }) => value },
  },
  // Not for everybody who operates the organisation: what one pays for is in them (S2.45).
  topics: { material: 'id', user: 'ownerId' },
  changesAudience: ['material.deleted'],
  scopes: managed,
  unique: {
    material_unique_title: { code: 'already_exists', message: 'title: a material of this title exists' },
  },
  allow: { create: isOwnerOrDecides, update: isOwnerOrDecides, delete: isOwnerOrDecides },
  prepare: {
    update: async ({ payload }) =>
      payload.offeringId === undefined
        ? { ok: true, payload }
        : forbiddenField('offeringId', 'never changes'),
  },
  create: {
    create: async ({ id, payload, principal, at, lookup }) => {
      const { orgId } = principal
      if (!has(principal, 'instructor', 'admin', 'system'))
        return refused('forbidden', 'you may not add materials')
      const scopes = managedOfferings(principal).map((scope) => ({ ...scope, id: payload.offeringId }))
      const [about] = (await lookup.search(offering, { scopes, limit: 1 })).found
      if (!about || moderationOf(about.snapshot) === 'removed')
        return refused('not_found', 'offeringId: you have no such offering')
      if (!leadsSomewhere(payload)) return invalidField('linkUrl', NO_LINK)
      const { ownerId } = about.snapshot.context
      return { ok: true, input: { id, at, orgId, ownerId, ...payload } }
    },
  },
  queries: { get: getMaterial, list: listMaterials, journal: journalFor(managed) },
  explain: { update: () => invalidField('linkUrl', NO_LINK).error },
  view: ({ context }, id) => {
    const { ownerId, offeringId, kind, title, description, fileUrl, linkUrl, position, uploadedAt } = context
    return { id, ownerId, offeringId, kind, title, description, fileUrl, linkUrl, position, uploadedAt }
  },
})

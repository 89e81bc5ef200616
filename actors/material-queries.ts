import { materialContract } from '../contracts/material.ts'
import { refused } from '../contracts/protocol.ts'
import { materialMachine } from '../machines/material.ts'
import type { Principal } from './actor.ts'
import { enrollment } from './enrollment.ts'
import { findAll } from './find.ts'
import { offering } from './offering.ts'
import type { Condition, Found, Read, Search } from './ports.ts'
import { getActor, pageOf, type QueryHandler } from './queries.ts'
import { administers, has } from './rules.ts'
import { tutorProfile } from './tutor-profile.ts'

const MATERIAL = { contract: materialContract, machine: materialMachine }

/** The profiles of a user that are not deleted; nobody has none (S2.50). */
export const tutorProfileIdsOf = async ({ search }: Read, { orgId, userId: tutorId }: Principal) =>
  idsOf(await findAll(search, tutorProfile, { scopes: [{ orgId, tutorId, standing: 'active' }] }))

/** The offerings of those profiles that are neither deleted nor removed (S2.51). */
export const offeringIdsOf = async (read: Read, principal: Principal) => {
  const { orgId, userId: ownerId } = principal
  const profiles = await tutorProfileIdsOf(read, principal)
  if (profiles.length === 0) return []
  const where: Condition[] = [{ column: 'tutorProfileId', is: 'in', value: profiles }]
  return idsOf(await findAll(read.search, offering, { scopes: activeOnes({ orgId, ownerId }), where }))
}

/** Whether somebody sees a material: S2.52, which denies whatever it does not allow. */
const isMaterialVisible = async (read: Read, principal: Principal, material: Found<typeof MATERIAL>) => {
  if (administers(principal)) return true
  const { orgId, userId } = principal
  const { offeringId } = material.snapshot.context
  const { found } = await read.search(offering, { scopes: activeOnes({ orgId, id: offeringId }), limit: 1 })
  const context = found[0]?.snapshot.context
  if (!context) return false
  if (context.ownerId === userId && has(principal, 'instructor')) return true
  return (await read.count(enrollment, { scopes: [{ orgId, userId, offeringId, status: 'active' }] })) > 0
}

export const getMaterial: QueryHandler<{ id: string }> = async (request) => {
  const { input, principal, read } = request
  const scopes = [{ orgId: principal.orgId, standing: 'active' }]
  const byId: Condition = { column: 'id', is: '=', value: input.id }
  const [one] = (await read.search(MATERIAL, { scopes, where: [byId], limit: 1 })).found
  if (!one || !(await isMaterialVisible(read, principal, one)))
    return refused('not_found', 'no such material')
  return getActor({ ...request, scopes })
}

type Filters = {
  offeringId?: string | undefined
  kind?: string | undefined
  text?: string | undefined
  limit?: number | undefined
  after?: string | undefined
}

/** In their order, of all offerings that the caller may learn from (S2.53). */
export const listMaterials: QueryHandler<Filters> = async ({ input, principal, read }) => {
  const { offeringId, kind, text, limit = 50, after } = input
  const offerings = await learnableOfferings(read, principal, offeringId)
  if (offerings?.length === 0) return { ok: true, data: { items: [] } }
  const what = {
    scopes: [{ orgId: principal.orgId, standing: 'active' }],
    where: [
      ...(offerings ? [{ column: 'offeringId', is: 'in', value: offerings } as const] : []),
      ...(offeringId ? [{ column: 'offeringId', is: '=', value: offeringId } as const] : []),
      ...(kind ? [{ column: 'kind', is: '=', value: kind } as const] : []),
    ],
    after,
    limit,
  }
  const page = await (text === undefined
    ? read.search(MATERIAL, { ...what, order: 'position' })
    : read.searchText(MATERIAL, { ...what, text }))
  return { ok: true, data: pageOf(page) }
}

/** Own offerings and those with an active enrollment, however many there are (C14); nothing means all of them. */
const learnableOfferings = async (
  read: Read,
  principal: Principal,
  only: string | undefined,
): Promise<readonly string[] | undefined> => {
  if (administers(principal)) return undefined
  const { orgId, userId } = principal
  const own = has(principal, 'instructor') ? await offeringIdsOf(read, principal) : []
  const narrowed = only === undefined ? {} : { offeringId: only }
  const enrollments = await findAll(read.search, enrollment, {
    scopes: [{ orgId, userId, status: 'active', ...narrowed }],
  })
  const learned = enrollments.map(({ snapshot }) => snapshot.context.offeringId)
  if (learned.length === 0) return own
  const where: Condition[] = [{ column: 'id', is: 'in', value: learned }]
  const there = await findAll(read.search, offering, { scopes: activeOnes({ orgId }), where })
  return [...own, ...idsOf(there)]
}

/** What is deleted or removed is taken away from everybody but administrators (S2.6). */
const activeOnes = (scope: Search['scopes'][number]) =>
  ['approved', 'flagged'].flatMap((moderation) =>
    ['public', 'private'].map((visibility) => ({ ...scope, visibility, moderation })),
  )

const idsOf = (found: readonly Found[]): string[] => found.map(({ id }) => id)

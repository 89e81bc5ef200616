import type { AnyActorDefinition, Principal } from '../../../actors/actor.ts'
import { has } from '../../../actors/catalog.ts'
import { category } from '../../../actors/category.ts'
import { material } from '../../../actors/material.ts'
import { offering } from '../../../actors/offering.ts'
import { tutorProfile } from '../../../actors/tutor-profile.ts'
import type { CommandContract, QueryContract } from '../../../contracts/contract.ts'
import type { OfferingView } from '../../../contracts/offering.ts'
import { refused, ReservedKeys, type Reply } from '../../../contracts/protocol.ts'
import { Id, Note } from '../../../contracts/scalars.ts'
import { invalid } from '../dispatcher.ts'
import type { Ask, OwnCall } from '../own-call.ts'

/** The kinds of actors that the catalogue consists of. */
export const catalogActors: readonly AnyActorDefinition[] = [tutorProfile, offering, material, category]

const summaryOf = ({ contract }: AnyActorDefinition, name: string): string => {
  const calls: Record<string, CommandContract | QueryContract> = { ...contract.commands, ...contract.queries }
  return calls[name]!.summary
}

/** The same as a command or query, under the name that the catalogue's interface has for it. */
const renamed = (name: string, definition: AnyActorDefinition, like: string): OwnCall => ({
  name,
  summary: summaryOf(definition, like),
  definition,
  like,
  answer: (ask, payload) => ask(like, payload),
})

const { delete: deletion } = offering.contract.commands
const ListPacks = offering.contract.queries.list.input.pick({
  ownerId: true,
  tutorProfileId: true,
  title: true,
  category: true,
  scheduling: true,
  published: true,
  moderation: true,
  limit: true,
  after: true,
})

/** One offering, if it is of this kind. */
const getKind =
  (kind: OfferingView['kind']): OwnCall['answer'] =>
  async (ask, payload) => {
    const found = await ask('get', payload)
    return found.ok && (found.data as OfferingView).kind !== kind ? noSuch(kind) : found
  }

const noSuch = (kind: OfferingView['kind']) => refused('not_found', `no such ${NOUN[kind]}`)

/** A command to one kind of offering only: one of the other kind is not there. */
const ofKind =
  (kind: OfferingView['kind'], send: Send): OwnCall['answer'] =>
  async (ask, payload, principal) => {
    const { id } = (payload ?? {}) as { id?: unknown }
    const found = await ask('get', { id })
    // What there is to say of one that is not there, the command says: it may have been carried out before.
    const view = found.ok ? (found.data as OfferingView) : undefined
    return view && view.kind !== kind ? noSuch(kind) : send(ask, payload, { view, principal })
  }

type Seen = { view: OfferingView | undefined; principal: Principal }
type Send = (ask: Ask, payload: unknown, seen: Seen) => Promise<Reply>

const NOUN = { course: 'course', course_pack: 'course pack' }

const update: Send = (ask, payload) => ask('update', payload)

/** Owners delete; administrators take it away from everybody, and say why. */
const removeOrDelete: Send = async (ask, payload, { view, principal }) => {
  if (Object.hasOwn(payload ?? {}, 'reason')) return ask('remove', payload)
  return view && view.ownerId !== principal.userId && has(principal, 'admin', 'system')
    ? refused('invalid_input', 'reason: administrators have to say why', [
        { path: ['reason'], reason: 'administrators have to say why' },
      ])
    : ask('delete', payload)
}

const deleting = (name: string, kind: OfferingView['kind']): OwnCall => ({
  name,
  summary: `Delete a ${NOUN[kind]} while nobody is enrolled; with a reason, administrators take it away from everybody, and what is due is given back`,
  definition: offering,
  like: 'delete',
  input: deletion.input.extend({
    ...ReservedKeys,
    id: Id,
    reason: Note.optional().describe('Administrators have to say why'),
  }),
  answer: ofKind(kind, removeOrDelete),
})

/** "20 Business APIs" (S2.66): four kinds of objects, five operations on each. */
export const businessCalls = {
  getTutorProfile: renamed('getTutorProfile', tutorProfile, 'get'),
  listTutorProfiles: renamed('listTutorProfiles', tutorProfile, 'list'),
  createTutorProfile: renamed('createTutorProfile', tutorProfile, 'create'),
  updateTutorProfile: renamed('updateTutorProfile', tutorProfile, 'update'),
  deleteTutorProfile: renamed('deleteTutorProfile', tutorProfile, 'delete'),
  getCoursePack: {
    ...renamed('getCoursePack', offering, 'get'),
    summary: 'One course pack',
    answer: getKind('course_pack'),
  },
  listCoursePacks: {
    ...renamed('listCoursePacks', offering, 'list'),
    summary: 'Course packs that the caller may see',
    input: ListPacks,
    answer: async (ask, payload) => {
      const parsed = ListPacks.safeParse(payload)
      return parsed.success ? ask('list', { ...parsed.data, kind: 'course_pack' }) : invalid(parsed.error)
    },
  },
  createCoursePack: renamed('createCoursePack', offering, 'createCoursePack'),
  updateCoursePack: {
    ...renamed('updateCoursePack', offering, 'update'),
    summary: 'Change what a course pack says and costs; what is published stays fit for that',
    answer: ofKind('course_pack', update),
  },
  deleteCoursePack: deleting('deleteCoursePack', 'course_pack'),
  getCourseMaterial: renamed('getCourseMaterial', material, 'get'),
  listCourseMaterials: renamed('listCourseMaterials', material, 'list'),
  createCourseMaterial: renamed('createCourseMaterial', material, 'create'),
  updateCourseMaterial: renamed('updateCourseMaterial', material, 'update'),
  deleteCourseMaterial: renamed('deleteCourseMaterial', material, 'delete'),
  getCourseCategory: renamed('getCourseCategory', category, 'get'),
  listCourseCategories: renamed('listCourseCategories', category, 'list'),
  createCourseCategory: renamed('createCourseCategory', category, 'create'),
  updateCourseCategory: renamed('updateCourseCategory', category, 'update'),
  deleteCourseCategory: renamed('deleteCourseCategory', category, 'delete'),
} as const satisfies Record<string, OwnCall>

/** The same for courses, which have no names of their own on sockets. */
export const courseCalls = {
  get: { ...businessCalls.getCoursePack, answer: getKind('course') },
  update: {
    ...businessCalls.updateCoursePack,
    answer: ofKind('course', update),
  },
  delete: deleting('deleteCourse', 'course'),
} as const satisfies Record<string, OwnCall>

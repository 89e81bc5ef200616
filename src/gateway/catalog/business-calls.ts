import type { AnyActorDefinition, Principal } from '../../../actors/actor.ts'
import { administers } from '../../../actors/rules.ts'
import { category } from '../../../actors/category.ts'
import { material } from '../../../actors/material.ts'
import { offering } from '../../../actors/offering.ts'
import { tutorProfile } from '../../../actors/tutor-profile.ts'
import { catalogCalls, type CatalogCall } from '../../../contracts/catalog-calls.ts'
import type { CommandContract, QueryContract } from '../../../contracts/contract.ts'
import type { OfferingView } from '../../../contracts/offering.ts'
import { refused, type Reply } from '../../../contracts/protocol.ts'
import { invalid } from '../dispatcher.ts'
import type { Ask, OwnCall } from '../own-call.ts'

/** The kinds of actors that the catalogue consists of. */
export const catalogActors: readonly AnyActorDefinition[] = [tutorProfile, offering, material, category]

/** The same as a command or query, under the name that the catalogue's interface has for it. */
const renamed = (name: keyof typeof catalogCalls): OwnCall => {
  const { contract, like, input }: CatalogCall = catalogCalls[name]
  const definition = catalogActors.find((one) => one.contract === contract)!
  const calls: Record<string, CommandContract | QueryContract> = { ...contract.commands, ...contract.queries }
  const { summary } = calls[like]!
  const answer: OwnCall['answer'] = (ask, payload) => ask(like, payload)
  return { name, summary, definition, like, ...(input ? { input } : {}), answer }
}

const { input: ListPacks } = catalogCalls.listCoursePacks

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
  return view && view.ownerId !== principal.userId && administers(principal)
    ? refused('invalid_input', 'reason: administrators have to say why', [
        { path: ['reason'], reason: 'administrators have to say why' },
      ])
    : ask('delete', payload)
}

const deleting = (name: string, kind: OfferingView['kind']): OwnCall => ({
  ...renamed('deleteCoursePack'),
  name,
  summary: `Delete a ${NOUN[kind]} while nobody is enrolled; with a reason, administrators take it away from everybody, and what is due is given back`,
  answer: ofKind(kind, removeOrDelete),
})

/** "20 Business APIs" (S2.66): four kinds of objects, five operations on each. */
export const businessCalls = {
  getTutorProfile: renamed('getTutorProfile'),
  listTutorProfiles: renamed('listTutorProfiles'),
  createTutorProfile: renamed('createTutorProfile'),
  updateTutorProfile: renamed('updateTutorProfile'),
  deleteTutorProfile: renamed('deleteTutorProfile'),
  getCoursePack: {
    ...renamed('getCoursePack'),
    summary: 'One course pack',
    answer: getKind('course_pack'),
  },
  listCoursePacks: {
    ...renamed('listCoursePacks'),
    summary: 'Course packs that the caller may see',
    answer: async (ask, payload) => {
      const parsed = ListPacks.safeParse(payload)
      return parsed.success ? ask('list', { ...parsed.data, kind: 'course_pack' }) : invalid(parsed.error)
    },
  },
  createCoursePack: renamed('createCoursePack'),
  updateCoursePack: {
    ...renamed('updateCoursePack'),
    summary: 'Change what a course pack says and costs; what is published stays fit for that',
    answer: ofKind('course_pack', update),
  },
  deleteCoursePack: deleting('deleteCoursePack', 'course_pack'),
  getCourseMaterial: renamed('getCourseMaterial'),
  listCourseMaterials: renamed('listCourseMaterials'),
  createCourseMaterial: renamed('createCourseMaterial'),
  updateCourseMaterial: renamed('updateCourseMaterial'),
  deleteCourseMaterial: renamed('deleteCourseMaterial'),
  getCourseCategory: renamed('getCourseCategory'),
  listCourseCategories: renamed('listCourseCategories'),
  createCourseCategory: renamed('createCourseCategory'),
  updateCourseCategory: renamed('updateCourseCategory'),
  deleteCourseCategory: renamed('deleteCourseCategory'),
} as const satisfies Record<keyof typeof catalogCalls, OwnCall>

/** The same for courses, which have no names of their own on sockets. */
export const courseCalls = {
  get: { ...businessCalls.getCoursePack, answer: getKind('course') },
  update: {
    ...businessCalls.updateCoursePack,
    answer: ofKind('course', update),
  },
  delete: deleting('deleteCourse', 'course'),
} as const satisfies Record<string, OwnCall>

import type { SnapshotFrom } from 'xstate'
import { enrollmentContract } from '../contracts/enrollment.ts'
import { offeringContract, type OfferingTerms } from '../contracts/offering.ts'
import { refused } from '../contracts/protocol.ts'
import { moderationOf, offeringMachine, publicationOf, visibilityOf } from '../machines/offering.ts'
import type { OfferingInput } from '../machines/offering-steps.ts'
import { isModeration, publishFault, updateFault, type Update } from '../machines/offering-terms.ts'
import { defineActor, type CreationRequest, type Principal, type Scope } from './actor.ts'
import { findCategory } from './catalog.ts'
import { searchOfferings } from './catalog-search.ts'
import { firstGiven, forbiddenField, invalidField } from './fields.ts'
import { getOffering, listOfferings } from './offering-queries.ts'
import { journalFor } from './queries.ts'
import { roster, rosterId } from './roster.ts'
import { administers, decides, has, isOperator } from './rules.ts'
import { tutorProfile } from './tutor-profile.ts'

type Snapshot = SnapshotFrom<typeof offeringMachine>

/** Whoever has completed it keeps what was learnt; the offering may go. */
const UNDER_WAY = ['requested', 'pending_payment', 'active', 'suspended', 'closing']

const isOwner = (principal: Principal, { context }: Snapshot) =>
  context.orgId === principal.orgId && context.ownerId === principal.userId && has(principal, 'instructor')

const isOwnerOrDecides = (principal: Principal, snapshot: Snapshot) =>
  isOwner(principal, snapshot) || decides(principal, snapshot)

/** Whatever is not deleted: operators know of everything in their organisation, tutors of what is their own. */
export const managedOfferings = (principal: Principal): Scope<'orgId' | 'ownerId' | 'visibility'>[] =>
  ['public', 'private'].map((visibility) => ({
    orgId: principal.orgId,
    ...(isOperator(principal) ? {} : { ownerId: principal.userId }),
    visibility,
  }))

type New = {
  title: string
  description: string | null
  price: { minor: number; currency?: OfferingInput['price']['currency'] | undefined }
  category?: string | undefined
  isPublished: boolean
}

/** Created even while the tutor is not approved: nobody sees it then (C16). */
const create = async (
  { id, payload, principal, at, lookup }: CreationRequest<New>,
  terms: OfferingTerms,
  tutorProfileId?: string,
) => {
  const { orgId, userId: ownerId } = principal
  // Before anything else, or the answers would tell what is here.
  if (!has(principal, 'instructor')) return refused('forbidden', 'you are no instructor')
  const ownProfile = { orgId, tutorId: ownerId, standing: 'active' }
  const scopes = [tutorProfileId ? { ...ownProfile, id: tutorProfileId } : ownProfile]
  const [profile] = (await lookup.search(tutorProfile, { scopes, limit: 1 })).found
  if (!profile)
    return tutorProfileId
      ? refused('not_found', 'tutorProfileId: you have no such profile')
      : refused('profile_required', 'introduce yourself as a tutor first')

  // A client chooses the id, and what is in the list of prices has another owner.
  if (await lookup.price(id)) return refused('already_exists', 'this id is taken')
  const { title, description, price, category: key, isPublished: published } = payload
  const category = key === undefined ? null : await findCategory(lookup.search, orgId, key)
  if (category === undefined) return refused('not_found', 'category: no such category')
  const currency = price.currency ?? (await lookup.organisation(orgId))?.settings.currency ?? DEFAULT_CURRENCY
  const described = { title, description, price: { minor: price.minor, currency }, category, terms }
  const fault = published ? publishFault(described) : undefined
  if (fault) return { ok: false as const, error: fault }
  const { displayName } = profile.snapshot.context
  const tutor = { approved: profile.state === 'approved', displayName, version: profile.version }
  const ownRoster = lookup.knows(roster) ? rosterId(id) : null
  const parties = { id, at, orgId, ownerId, tutorProfileId: profile.id, tutor, rosterId: ownRoster }
  return { ok: true as const, input: { ...parties, ...described, published } }
}

const DEFAULT_CURRENCY = 'NGN'

/** What may be said about moderation, by whom; `remove` wants a reason of its own. */
const moderationFault = (update: Update, principal: Principal) => {
  const field = firstGiven(update, 'moderationStatus', 'moderationNote')
  if (!field) return undefined
  if (!administers(principal)) return forbiddenField(field)
  const { moderationStatus } = update
  if (moderationStatus === undefined) return invalidField('moderationStatus', 'is missing')
  if (moderationStatus === 'removed')
    return invalidField('moderationStatus', '`remove` does that, with a reason')
  const other = Object.entries(update).find(
    ([name, value]) => value !== undefined && !name.startsWith('moderation'),
  )
  return other && invalidField(other[0], 'cannot change together with moderation')
}

export const offering = defineActor({
  contract: offeringContract,
  machine: offeringMachine,
  columns: {
    orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId },
    ownerId: { type: 'uuid', indexed: true, of: ({ context }) => context.ownerId },
    tutorProfileId: { type: 'uuid', indexed: true, of: ({ context }) => context.tutorProfileId },
    kind: { type: 'text', of: ({ context }) => context.terms.kind },
    title: { type: 'text', indexed: true, of: ({ context }) => context.title },
    categoryId: { type: 'uuid', indexed: true, of: ({ context }) => context.category?.id ?? null },
    scheduling: {
      type: 'text',
      of: ({ context: { terms } }) => (terms.kind === 'course' ? null : terms.schedulingType),
    },
    difficulty: {
      type: 'text',
      of: ({ context: { terms } }) => (terms.kind === 'course' ? terms.difficulty : null),
    },
    durationMinutes: {
      type: 'integer',
      of: ({ context: { terms } }) => (terms.kind === 'course' ? terms.durationMinutes : null),
    },
    priceMinor: { type: 'integer', of: ({ context }) => context.price.minor },
    published: { type: 'boolean', indexed: true, of: (snapshot) => publicationOf(snapshot) === 'published' },
    moderation: { type: 'text', indexed: true, of: moderationOf },
    visibility: { type: 'text', of: visibilityOf },
  },
  topics: { offering: 'id', user: 'ownerId', org: 'orgId' },
  changesAudience: [
    'offering.published',
    'offering.unpublished',
    'offering.archived',
    'offering.flagged',
    'offering.cleared',
    'offering.tutorChanged',
    'offering.deleting',
    'offering.kept',
    'offering.deleted',
    'offering.removed',
  ],
  scopes: (principal) => [
    { orgId: principal.orgId, visibility: 'public' },
    ...managedOfferings(principal).filter(({ visibility }) => visibility === 'private'),
  ],
  unique: {
    offering_unique_pack: { code: 'already_exists', message: 'title: a pack of this title exists' },
    offering_unique_course: { code: 'already_exists', message: 'title: a course of this title exists' },
  },
  allow: {
    createCourse: isOwner,
    createCoursePack: isOwner,
    update: isOwnerOrDecides,
    publish: isOwnerOrDecides,
    unpublish: isOwnerOrDecides,
    archive: isOwnerOrDecides,
    setModules: isOwnerOrDecides,
    flag: decides,
    clear: decides,
    delete: isOwnerOrDecides,
    remove: decides,
  },
  prepare: {
    update: async ({ payload, principal, lookup }) => {
      const immutable = firstGiven(payload, 'tutorProfileId', 'ownerId')
      if (immutable) return forbiddenField(immutable, 'never changes')
      const fault = moderationFault(payload as Update, principal)
      if (fault) return fault
      const { category: key } = payload
      if (key === undefined) return { ok: true, payload }
      const filed = key === null ? null : await findCategory(lookup.search, principal.orgId, key)
      return filed === undefined
        ? refused('not_found', 'category: no such category')
        : { ok: true, payload: { ...payload, filed } }
    },
    setModules: async ({ payload: { modules }, newId }) => {
      const known = modules.flatMap(({ id }) => id ?? [])
      if (new Set(known).size < known.length) return invalidField('modules', 'two have the same id')
      return { ok: true, payload: { modules: modules.map(({ id = newId(), title }) => ({ id, title })) } }
    },
    // Whoever enrolls at the same moment is found by the roster, which is asked next.
    delete: async ({ id, principal, lookup }) => {
      const scopes = managedOfferings(principal).map((scope) => ({ ...scope, id }))
      if ((await lookup.count({ contract: offeringContract }, { scopes })) === 0)
        return { ok: true, payload: {} }
      const count = await lookup.count(
        { contract: enrollmentContract },
        {
          scopes: [{ offeringId: id }],
          where: [{ column: 'status', is: 'in', value: UNDER_WAY }],
        },
      )
      return count > 0
        ? refused('has_enrollments', `${count} learner(s) are enrolled: unpublish instead`, { count })
        : { ok: true, payload: {} }
    },
    remove: async ({ payload, newId }) => ({ ok: true, payload: { ...payload, removalId: newId() } }),
  },
  create: {
    createCourse: (request) => {
      const { durationMinutes, difficulty, coverImageUrl } = request.payload
      return create(request, { kind: 'course', durationMinutes, difficulty, coverImageUrl })
    },
    createCoursePack: (request) => {
      const { payload } = request
      const { schedulingType, minWeeklyClasses, preliminaryMeetingRequired, maxDailyLessons } = payload
      const { requiredClassesCount, maxPeriodValue, maxPeriodUnit } = payload
      const period = { requiredClassesCount, maxPeriodValue, maxPeriodUnit }
      const lessons = { schedulingType, minWeeklyClasses, preliminaryMeetingRequired, maxDailyLessons }
      return create(request, { kind: 'course_pack', ...lessons, ...period }, payload.tutorProfileId)
    },
  },
  queries: {
    get: getOffering,
    list: listOfferings,
    search: searchOfferings,
    journal: journalFor(managedOfferings),
  },
  explain: {
    publish: ({ context }) => publishFault(context),
    update: (snapshot, command) => {
      const update = { ...command, type: 'update' } as Update
      if (isModeration(update)) {
        const message = `moderation is '${moderationOf(snapshot)}' already`
        return { code: 'not_allowed_in_state', message }
      }
      const { isPublished = publicationOf(snapshot) === 'published' } = command
      return updateFault(snapshot.context, update, isPublished)
    },
  },
  state: ({ value }) =>
    typeof value === 'string' ? value : `${value.offered.publication}.${value.offered.moderation}`,
  view: (snapshot, id) => {
    const { context } = snapshot
    const { ownerId, tutorProfileId, tutor, title, description, price, category, terms } = context
    return {
      id,
      ownerId,
      tutorProfileId,
      tutorName: tutor.displayName,
      title,
      description,
      price,
      categoryId: category?.id ?? null,
      category: category?.name ?? null,
      modules: [...context.modules],
      rating: null,
      publication: publicationOf(snapshot),
      moderation: moderationOf(snapshot),
      moderationNote: context.moderationNote,
      visibility: visibilityOf(snapshot),
      createdAt: context.createdAt,
      ...terms,
    }
  },
})

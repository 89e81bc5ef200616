import { linesOf, type Access, type Line } from './support/access-table.ts'

/** Who may do what in the catalogue: the test runs this table, and `docs/access.md` is made from it. */

export const PEOPLE = {
  anybody: 'without a sign-in, in the default organisation of the server',
  student: 'a student',
  tutor: 'an instructor, of whom the object is not',
  owner: 'the instructor of whom the object is',
  coordinator: 'a coordinator',
  csm: 'a customer success manager',
  admin: 'an administrator',
  outsider: 'an administrator of another organisation',
} as const

export type Somebody = keyof typeof PEOPLE

export const OBJECTS = {
  'tutor profile': {
    none: 'before there is one',
    pending: 'as it is made',
    approved: 'by an administrator',
    rejected: 'by an administrator',
    offering: 'approved, and its tutor has a course pack',
    deleted: 'by its tutor',
  },
  'course pack': {
    none: 'before there is one',
    draft: 'not published',
    published: 'published and approved, by an approved tutor',
    unapproved: 'published, by a tutor who is not approved yet',
    flagged: 'published, and flagged by an administrator',
    archived: 'offered never again',
    removed: 'by an administrator',
    deleted: 'by its tutor',
  },
  'course material': {
    none: 'before there is one',
    published: 'of a pack that everybody sees',
    draft: 'of a pack that its tutor sees',
    orphaned: 'of a pack that has been deleted',
    deleted: 'by its tutor',
  },
  'course category': {
    none: 'before there is one',
    unused: 'without a course pack',
    used: 'with a course pack',
    deleted: 'by an administrator',
  },
} as const

export type Thing = keyof typeof OBJECTS

const Y = 'allowed'
const U = 'unauthenticated'
const F = 'forbidden'
const N = 'not_found'
const FIELD = 'field_forbidden'
const STATE = 'not_allowed_in_state'

const states = linesOf(PEOPLE, OBJECTS)

// In the order of PEOPLE: anybody, student, tutor, owner, coordinator, csm, admin, outsider.
const profiles = states('tutor profile', {
  none: [['createTutorProfile', U, F, Y, Y, F, F, F, F]],
  pending: [
    ['getTutorProfile', N, N, N, Y, N, Y, Y, N],
    ['listTutorProfiles', N, N, N, Y, N, Y, Y, N],
    ['createTutorProfile', U, F, Y, 'already_exists', F, F, F, F],
    ['updateTutorProfile', U, N, N, Y, N, F, Y, N],
    ['updateTutorProfile: profileStatus', U, FIELD, FIELD, FIELD, FIELD, FIELD, Y, N],
    ['updateTutorProfile: tutorId', U, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD],
    ['deleteTutorProfile', U, N, N, Y, N, F, Y, N],
    ['tutorProfiles.approve', U, N, N, F, N, F, Y, N],
    ['tutorProfiles.search', N, N, N, Y, N, Y, Y, N],
    ['tutorProfiles.journal', U, N, N, Y, N, Y, Y, N],
  ],
  approved: [
    ['getTutorProfile', Y, Y, Y, Y, Y, Y, Y, N],
    ['listTutorProfiles', Y, Y, Y, Y, Y, Y, Y, N],
    ['updateTutorProfile', U, F, F, Y, F, F, Y, N],
    ['updateTutorProfile: profileStatus', U, FIELD, FIELD, FIELD, FIELD, FIELD, Y, N],
    ['updateTutorProfile: tutorId', U, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD],
    ['deleteTutorProfile', U, F, F, Y, F, F, Y, N],
    ['tutorProfiles.reject', U, F, F, F, F, F, Y, N],
    ['tutorProfiles.search', Y, Y, Y, Y, Y, Y, Y, N],
    ['tutorProfiles.journal', U, N, N, Y, N, Y, Y, N],
  ],
  rejected: [
    ['getTutorProfile', N, N, N, Y, N, Y, Y, N],
    ['listTutorProfiles', N, N, N, Y, N, Y, Y, N],
    ['updateTutorProfile', U, N, N, Y, N, F, Y, N],
    ['deleteTutorProfile', U, N, N, Y, N, F, Y, N],
    ['tutorProfiles.resubmit', U, N, N, Y, N, F, F, N],
  ],
  offering: [['deleteTutorProfile', U, F, F, 'has_offerings', F, F, Y, N]],
  deleted: [
    ['getTutorProfile', N, N, N, N, N, N, N, N],
    ['listTutorProfiles', N, N, N, N, N, N, N, N],
    ['updateTutorProfile', U, N, N, N, N, N, N, N],
    ['deleteTutorProfile', U, N, N, N, N, N, N, N],
  ],
})

/** Whoever sees more than everybody, and whoever may change it. */
const hidden = (changes: string): Line[] => [
  ['getCoursePack', N, N, N, Y, N, Y, Y, N],
  ['listCoursePacks', N, N, N, Y, N, Y, Y, N],
  ['updateCoursePack', U, N, N, changes, N, F, changes, N],
]
const moderated: Line[] = [
  ['updateCoursePack: moderationStatus', U, FIELD, FIELD, FIELD, FIELD, FIELD, Y, N],
  ['updateCoursePack: tutorProfileId', U, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD],
]
const hiddenAndDeletable: Line[] = [
  ...hidden(Y),
  ...moderated,
  ['deleteCoursePack', U, N, N, Y, N, F, 'invalid_input', N],
  ['deleteCoursePack: reason', U, N, N, F, N, F, Y, N],
]

const packs = states('course pack', {
  none: [
    ['createCoursePack', U, F, N, Y, F, F, F, F],
    ['offerings.createCourse', U, F, 'profile_required', Y, F, F, F, F],
  ],
  draft: [
    ...hiddenAndDeletable,
    ['offerings.publish', U, N, N, Y, N, F, Y, N],
    ['offerings.search', N, N, N, Y, N, Y, Y, N],
    ['offerings.journal', U, N, N, Y, N, Y, Y, N],
  ],
  published: [
    ['getCoursePack', Y, Y, Y, Y, Y, Y, Y, N],
    ['listCoursePacks', Y, Y, Y, Y, Y, Y, Y, N],
    ['updateCoursePack', U, F, F, Y, F, F, Y, N],
    ...moderated,
    ['deleteCoursePack', U, F, F, Y, F, F, 'invalid_input', N],
    ['deleteCoursePack: reason', U, F, F, F, F, F, Y, N],
    ['offerings.unpublish', U, F, F, Y, F, F, Y, N],
    ['offerings.archive', U, F, F, Y, F, F, Y, N],
    ['offerings.setModules', U, F, F, Y, F, F, Y, N],
    ['offerings.flag', U, F, F, F, F, F, Y, N],
    ['offerings.delete', U, F, F, Y, F, F, Y, N],
    ['offerings.remove', U, F, F, F, F, F, Y, N],
    ['offerings.search', Y, Y, Y, Y, Y, Y, Y, N],
    ['offerings.journal', U, N, N, Y, N, Y, Y, N],
  ],
  unapproved: hiddenAndDeletable,
  flagged: [...hiddenAndDeletable, ['offerings.clear', U, N, N, F, N, F, Y, N]],
  archived: [
    ...hidden(STATE),
    ['deleteCoursePack', U, N, N, Y, N, F, 'invalid_input', N],
    ['deleteCoursePack: reason', U, N, N, F, N, F, Y, N],
  ],
  removed: [
    ...hidden(STATE),
    ['deleteCoursePack', U, N, N, STATE, N, F, 'invalid_input', N],
    ['deleteCoursePack: reason', U, N, N, F, N, F, STATE, N],
  ],
  deleted: [
    ['getCoursePack', N, N, N, N, N, N, N, N],
    ['listCoursePacks', N, N, N, N, N, N, N, N],
    ['updateCoursePack', U, N, N, N, N, N, N, N],
    ['deleteCoursePack', U, N, N, N, N, N, N, N],
    ['deleteCoursePack: reason', U, N, N, N, N, N, N, N],
  ],
})

/** Materials are not for everybody who sees the pack, nor for everybody who operates the organisation (S2.45). */
const owned: Line[] = [
  ['getCourseMaterial', N, N, N, Y, N, N, Y, N],
  ['listCourseMaterials', N, N, N, Y, N, N, Y, N],
  ['updateCourseMaterial', U, N, N, Y, N, N, Y, N],
  ['updateCourseMaterial: coursePackId', U, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD, FIELD],
  ['deleteCourseMaterial', U, N, N, Y, N, N, Y, N],
  ['materials.journal', U, N, N, Y, N, N, Y, N],
]

const materials = states('course material', {
  none: [['createCourseMaterial', U, F, N, Y, F, F, Y, N]],
  published: owned,
  draft: owned,
  orphaned: [
    ['getCourseMaterial', N, N, N, N, N, N, Y, N],
    ['listCourseMaterials', N, N, N, N, N, N, Y, N],
  ],
  deleted: [
    ['getCourseMaterial', N, N, N, N, N, N, N, N],
    ['listCourseMaterials', N, N, N, N, N, N, N, N],
    ['updateCourseMaterial', U, N, N, N, N, N, N, N],
    ['deleteCourseMaterial', U, N, N, N, N, N, N, N],
  ],
})

const categories = states('course category', {
  none: [['createCourseCategory', U, F, F, F, F, F, Y, Y]],
  unused: [
    ['getCourseCategory', Y, Y, Y, Y, Y, Y, Y, N],
    ['listCourseCategories', Y, Y, Y, Y, Y, Y, Y, N],
    ['updateCourseCategory', U, F, F, F, F, F, Y, N],
    ['deleteCourseCategory', U, F, F, F, F, F, Y, N],
    ['categories.journal', U, N, N, N, N, Y, Y, N],
  ],
  used: [['deleteCourseCategory', U, F, F, F, F, F, 'category_in_use', N]],
  deleted: [
    ['getCourseCategory', N, N, N, N, N, N, N, N],
    ['listCourseCategories', N, N, N, N, N, N, N, N],
    ['updateCourseCategory', U, N, N, N, N, N, N, N],
    ['deleteCourseCategory', U, N, N, N, N, N, N, N],
  ],
})

export const catalogAccess: readonly Access<Somebody>[] = [...profiles, ...packs, ...materials, ...categories]

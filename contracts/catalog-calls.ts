import { z } from 'zod'
import { categoryContract } from './category.ts'
import type { ActorContract } from './contract.ts'
import { materialContract } from './material.ts'
import { offeringContract } from './offering.ts'
import { ReservedKeys } from './protocol.ts'
import { Id, Note } from './scalars.ts'
import { tutorProfileContract } from './tutor-profile.ts'

/** `like`: the command or query that a name stands for, which takes `input` unless this says another one. */
export type CatalogCall = { contract: ActorContract; like: string; input?: z.ZodObject }

/** "20 Business APIs" (S2.66), as `/catalog` has them: four kinds of objects, five operations on each. */
export const catalogCalls = {
  getTutorProfile: { contract: tutorProfileContract, like: 'get' },
  listTutorProfiles: { contract: tutorProfileContract, like: 'list' },
  createTutorProfile: { contract: tutorProfileContract, like: 'create' },
  updateTutorProfile: { contract: tutorProfileContract, like: 'update' },
  deleteTutorProfile: { contract: tutorProfileContract, like: 'delete' },
  getCoursePack: { contract: offeringContract, like: 'get' },
  listCoursePacks: {
    contract: offeringContract,
    like: 'list',
    input: offeringContract.queries.list.input.pick({
      ownerId: true,
      tutorProfileId: true,
      title: true,
      category: true,
      scheduling: true,
      published: true,
      moderation: true,
      limit: true,
      after: true,
    }),
  },
  createCoursePack: { contract: offeringContract, like: 'createCoursePack' },
  updateCoursePack: { contract: offeringContract, like: 'update' },
  deleteCoursePack: {
    contract: offeringContract,
    like: 'delete',
    input: z.strictObject({
      ...ReservedKeys,
      id: Id,
      reason: Note.optional().describe('Administrators have to say why'),
    }),
  },
  getCourseMaterial: { contract: materialContract, like: 'get' },
  listCourseMaterials: { contract: materialContract, like: 'list' },
  createCourseMaterial: { contract: materialContract, like: 'create' },
  updateCourseMaterial: { contract: materialContract, like: 'update' },
  deleteCourseMaterial: { contract: materialContract, like: 'delete' },
  getCourseCategory: { contract: categoryContract, like: 'get' },
  listCourseCategories: { contract: categoryContract, like: 'list' },
  createCourseCategory: { contract: categoryContract, like: 'create' },
  updateCourseCategory: { contract: categoryContract, like: 'update' },
  deleteCourseCategory: { contract: categoryContract, like: 'delete' },
} as const satisfies Record<string, CatalogCall>

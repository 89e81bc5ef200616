import { z } from 'zod'
import { tutorProfile } from '../../../actors/tutor-profile.ts'
import type { TutorProfileView } from '../../../contracts/tutor-profile.ts'
import type { Route } from '../route.ts'
import { businessCalls } from './business-calls.ts'
import { chosenId, isActive, businessRoutes } from './business-routes.ts'

const { commands, queries, view } = tutorProfile.contract

/** S2.66.1–5. */
export const tutorProfileRoutes: readonly Route[] = businessRoutes({
  group: 'tutor-catalog',
  base: '/v1/tutorprofiles',
  calls: {
    get: businessCalls.getTutorProfile,
    list: businessCalls.listTutorProfiles,
    create: businessCalls.createTutorProfile,
    update: businessCalls.updateTutorProfile,
    delete: businessCalls.deleteTutorProfile,
  },
  data: view.extend({ isActive: z.boolean() }),
  show: (profile: TutorProfileView, state) => ({ ...profile, isActive: isActive(state) }),
  filters: queries.list.input.pick({ tutorId: true, profileStatus: true }),
  create: commands.create.input.extend(chosenId),
  update: commands.update.input,
})

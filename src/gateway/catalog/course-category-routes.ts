import { z } from 'zod'
import { category } from '../../../actors/category.ts'
import type { CategoryView } from '../../../contracts/category.ts'
import type { Route } from '../route.ts'
import { businessCalls } from './business-calls.ts'
import { chosenId, isActive, businessRoutes } from './business-routes.ts'

const { commands, queries, view } = category.contract

/** S2.66.16–20. */
export const courseCategoryRoutes: readonly Route[] = businessRoutes({
  group: 'tutor-catalog',
  base: '/v1/coursecategories',
  calls: {
    get: businessCalls.getCourseCategory,
    list: businessCalls.listCourseCategories,
    create: businessCalls.createCourseCategory,
    update: businessCalls.updateCourseCategory,
    delete: businessCalls.deleteCourseCategory,
  },
  data: view.extend({ isActive: z.boolean() }),
  show: (one: CategoryView, state) => ({ ...one, isActive: isActive(state) }),
  filters: queries.list.input.pick({ name: true }),
  create: commands.create.input.extend(chosenId),
  update: commands.update.input,
})

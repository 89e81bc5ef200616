import { z } from 'zod'
import { material } from '../../../actors/material.ts'
import type { MaterialView } from '../../../contracts/material.ts'
import { Id } from '../../../contracts/scalars.ts'
import type { Route } from '../route.ts'
import { businessCalls } from './business-calls.ts'
import { chosenId, isActive, businessRoutes } from './business-routes.ts'

const { commands, queries, view } = material.contract
const { create, update } = commands
const { list } = queries

const renamed = { offeringId: true, kind: true } as const
const courseId = Id.describe('The course pack, or the course')

/** The source's words for what a material belongs to, and what it is. */
const meant = ({ coursePackId, fileType, ...others }: { coursePackId?: string; fileType?: string }) => ({
  ...others,
  offeringId: coursePackId,
  kind: fileType,
})

/** S2.66.11–15. */
export const courseMaterialRoutes: readonly Route[] = businessRoutes({
  group: 'tutor-catalog',
  base: '/v1/coursematerials',
  calls: {
    get: businessCalls.getCourseMaterial,
    list: businessCalls.listCourseMaterials,
    create: businessCalls.createCourseMaterial,
    update: businessCalls.updateCourseMaterial,
    delete: businessCalls.deleteCourseMaterial,
  },
  data: view
    .omit(renamed)
    .extend({ coursePackId: courseId, fileType: view.shape.kind, isActive: z.boolean() }),
  show: ({ offeringId: coursePackId, kind: fileType, ...others }: MaterialView, state) => ({
    ...others,
    coursePackId,
    fileType,
    isActive: isActive(state),
  }),
  filters: z.strictObject({ coursePackId: courseId.optional(), type: list.input.shape.kind }),
  create: create.input
    .omit(renamed)
    .extend({ coursePackId: courseId, fileType: create.input.shape.kind, ...chosenId }),
  update: z.strictObject(update.input.shape).omit(renamed).extend({
    coursePackId: update.input.shape.offeringId,
    fileType: update.input.shape.kind,
  }),
  meant: {
    filters: ({ coursePackId, type, ...page }: { coursePackId?: string; type?: string }) => ({
      ...page,
      offeringId: coursePackId,
      kind: type,
    }),
    create: meant,
    update: meant,
  },
})

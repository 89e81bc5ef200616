import type { AnyActorDefinition } from '../../actors/actor.ts'
import { catalogActors } from './catalog/business-calls.ts'
import { courseCategoryRoutes } from './catalog/course-category-routes.ts'
import { courseMaterialRoutes } from './catalog/course-material-routes.ts'
import { courseMediaRoutes } from './catalog/course-media-routes.ts'
import { coursePackRoutes } from './catalog/course-pack-routes.ts'
import { courseRoutes } from './catalog/course-routes.ts'
import { tutorProfileRoutes } from './catalog/tutor-profile-routes.ts'
import { certificateRoutes } from './certificate-routes.ts'
import { certificationRoutes } from './certification-routes.ts'
import { earnedBadgeRoutes } from './earned-badge-routes.ts'
import { enrollmentRoutes } from './enrollment-routes.ts'
import { generatedRoutes } from './generated-routes.ts'
import { notificationRoutes } from './notification-routes.ts'
import { paymentRoutes } from './payment-routes.ts'
import type { Route } from './route.ts'

/** The routes that a source document names; they stand before those that follow from contracts. */
const named: readonly Route[] = [
  ...certificationRoutes,
  ...paymentRoutes,
  ...tutorProfileRoutes,
  ...coursePackRoutes,
  ...courseMaterialRoutes,
  ...courseCategoryRoutes,
  ...courseRoutes,
  ...courseMediaRoutes,
  ...enrollmentRoutes,
  ...earnedBadgeRoutes,
  ...notificationRoutes,
  ...certificateRoutes,
]

/** Reading the catalogue needs no sign-in; whoever has none sees what everybody sees. */
const opened = (route: Route): Route =>
  catalogActors.includes(route.definition) && /\.(?:get|list|search)$/.test(route.operationId)
    ? { ...route, public: true }
    : route

/** Every route onto these actors, each once. */
export const routesOf = (definitions: readonly AnyActorDefinition[]): Route[] => {
  const routes = new Map<string, Route>()
  for (const route of [
    ...named.filter(({ definition }) => definitions.includes(definition)),
    ...definitions.flatMap(generatedRoutes).map(opened),
  ]) {
    const key = `${route.method} ${route.url}`
    if (!routes.has(key)) routes.set(key, route)
  }
  return [...routes.values()]
}

import type { AnyActorDefinition } from '../../actors/actor.ts'
import { certificationRoutes } from './certification-routes.ts'
import { generatedRoutes } from './generated-routes.ts'
import { paymentRoutes } from './payment-routes.ts'
import type { Route } from './route.ts'

/** The routes that a source document names; they stand before those that follow from contracts. */
const named: readonly Route[] = [...certificationRoutes, ...paymentRoutes]

/** Every route onto these actors, each once. */
export const routesOf = (definitions: readonly AnyActorDefinition[]): Route[] => {
  const routes = new Map<string, Route>()
  for (const route of [
    ...named.filter(({ definition }) => definitions.includes(definition)),
    ...definitions.flatMap(generatedRoutes),
  ]) {
    const key = `${route.method} ${route.url}`
    if (!routes.has(key)) routes.set(key, route)
  }
  return [...routes.values()]
}

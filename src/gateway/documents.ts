import type { FastifyPluginAsync } from 'fastify'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { asyncApi } from './async-api.ts'
import { documentsPage, pagePolicy } from './documents-page.ts'
import { openApi } from './open-api.ts'
import { otherRoutes } from './other-routes.ts'
import type { RouteDocument } from './route.ts'

/** Serves what describes this very server: a page for people and two documents for machines. */
export const documents =
  (definitions: readonly AnyActorDefinition[], routes: readonly RouteDocument[]): FastifyPluginAsync =>
  async (app) => {
    const all = [...routes, ...otherRoutes]
    const page = once(() => documentsPage(definitions, all))
    const rest = once(() => JSON.stringify(openApi(definitions, all)))
    const sockets = once(() => JSON.stringify(asyncApi(definitions)))

    app.get('/', (_request, reply) => reply.redirect('/docs'))
    app.get('/docs', (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy()).send(page()),
    )
    app.get('/docs/openapi.json', (_request, reply) => reply.type('application/json').send(rest()))
    app.get('/docs/asyncapi.json', (_request, reply) => reply.type('application/json').send(sockets()))
  }

/** Made when somebody looks: most servers start without a reader. */
const once = <Value>(make: () => Value): (() => Value) => {
  let made: { value: Value } | undefined
  return () => (made ??= { value: make() }).value
}

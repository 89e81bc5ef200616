import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { asyncApi } from './async-api.ts'
import type { BasePath } from './base-path.ts'
import { documentsPage, pagePolicy } from './documents-page.ts'
import { faceOf, facePage, facePolicy, isForPeople } from './face.ts'
import { favicon } from './favicon.ts'
import { success } from './http-envelope.ts'
import { openApi } from './open-api.ts'
import { otherRoutes } from './other-routes.ts'
import { postmanCollection } from './postman-collection.ts'
import type { RouteDocument } from './route.ts'

type Dependencies = {
  definitions: readonly AnyActorDefinition[]
  routes: readonly RouteDocument[]
  basePath: BasePath
  now: () => number
}

/** Serves what describes this very server: pages for people, and documents for machines (S2.3). */
export const documents =
  ({ definitions, routes, basePath, now }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    const all = [...routes, ...otherRoutes]
    const page = once(() => documentsPage(definitions, all))
    const rest = once(() => openApi(definitions, all))
    const sockets = once(() => JSON.stringify(asyncApi(definitions)))
    const icon = once(favicon)
    const addressOf = (request: FastifyRequest) =>
      `${request.protocol}://${request.host}${basePath.before(request)}`

    app.get('/', (request, reply) => {
      const before = basePath.before(request)
      reply.header('vary', 'accept').header('cache-control', 'no-store')
      if (!isForPeople(request.headers.accept)) return reply.send(success(faceOf(before), now()))
      return reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', facePolicy())
        .send(facePage(before))
    })
    app.get('/swagger', (request, reply) => reply.redirect(`${basePath.before(request)}/docs`))
    app.get('/docs', (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy()).send(page()),
    )
    app.get('/docs/openapi.json', (request) => ({
      ...rest(),
      servers: [{ url: basePath.before(request) || '/' }],
    }))
    app.get('/docs/asyncapi.json', (_request, reply) => reply.type('application/json').send(sockets()))
    app.get('/getPostmanCollection', (request, reply) =>
      reply
        .header('content-disposition', 'attachment; filename="laurel.postman_collection.json"')
        .header('cache-control', 'no-store')
        .send(postmanCollection(rest(), addressOf(request))),
    )
    app.get('/favicon.ico', (_request, reply) =>
      reply.type('image/x-icon').header('cache-control', 'public, max-age=86400').send(icon()),
    )
  }

/** Made when somebody looks: most servers start without a reader. */
const once = <Value>(make: () => Value): (() => Value) => {
  let made: { value: Value } | undefined
  return () => (made ??= { value: make() }).value
}

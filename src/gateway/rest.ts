import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../actors/actor.ts'
import type { Caller } from '../auth/authenticate.ts'
import type { Admission as Admitted } from '../auth/limits.ts'
import { HttpRefusal, success } from './http-envelope.ts'
import { tooManyRequests, type RequestLimits } from './request-limits.ts'
import { askedOf, refusalOf, type AskedDeps } from './rest-asked.ts'
import { refuseQuery } from './rest-payload.ts'
import type { Route } from './route.ts'

/** What decides whether a request is heard at all. */
export type Admission = {
  limits: RequestLimits
  callerOf: (request: FastifyRequest) => Promise<Caller>
}

type Dependencies = Admission &
  AskedDeps & {
    routes: readonly Route[]
    /** Who somebody is without a sign-in. */
    anonymous: Principal
  }

/** Serves contracts to clients without a socket. `answerErrors` makes the refusals. */
export const rest =
  (deps: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.decorateRequest('caller')
    acceptEmptyBodies(app)
    for (const route of deps.routes)
      app.route({
        method: route.method,
        url: route.url,
        onRequest: (request, reply) => admit(deps, request, reply, route.public ? deps.anonymous : undefined),
        handler: (request, reply) => serve(deps, route, request, reply),
      })
    refuseOtherMethods(app, deps)
  }

/** Nobody else reaches the routes of this plugin, whose requests have a `Caller` as `caller`. */
export const forSignedIn = (app: FastifyInstance, admission: Admission): void => {
  app.decorateRequest('caller')
  app.addHook('onRequest', (request, reply) => admit(admission, request, reply))
  acceptEmptyBodies(app)
}

/** @throws HttpRefusal when it was one request too many */
export const withinLimits = async (asked: Promise<Admitted>): Promise<void> => {
  const admitted = await asked
  if (!admitted.ok) throw refusalOf(tooManyRequests(admitted))
}

/** Before anything of the body is read. A token that is sent has to be good also where none is needed. */
const admit = async (
  { callerOf, limits }: Admission,
  request: FastifyRequest,
  reply: FastifyReply,
  anonymous?: Principal,
) => {
  reply.header('cache-control', 'no-store')
  const somebody = anonymous && request.headers.authorization === undefined ? anonymous : undefined
  const caller = somebody ? { principal: somebody } : await callerOf(request)
  await withinLimits(somebody ? limits.anonymous(request.ip) : limits.call(caller.principal.userId))
  request.setDecorator('caller', caller)
}

const serve = async (deps: Dependencies, route: Route, request: FastifyRequest, reply: FastifyReply) => {
  if (route.method !== 'GET' && !route.query) refuseQuery(request)
  const { principal } = request.getDecorator<Pick<Caller, 'principal'>>('caller')
  reply.code(route.status)
  const data = await route.answer(askedOf(deps, route, principal, request, reply))
  return reply.send(success(data, deps.now()))
}

/** Many clients name the type of a body that is not there: `reinstate` has nothing to say. */
const acceptEmptyBodies = (app: FastifyInstance) => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, body as string, done)
  })
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const refuseOtherMethods = (app: FastifyInstance, deps: Dependencies) => {
  for (const [url, known] of Map.groupBy(deps.routes, (route) => route.url)) {
    const allowed = known.map(({ method }) => method)
    app.route({
      method: METHODS.filter((method) => !allowed.some((one) => one === method)),
      url,
      onRequest: (request, reply) => admit(deps, request, reply),
      handler: ({ method }, reply) => {
        reply.header('allow', allowed.join(', '))
        throw new HttpRefusal(
          { code: 'unknown_command', message: `${method} is not possible here` },
          { httpStatus: 405 },
        )
      },
    })
  }
}

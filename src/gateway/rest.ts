import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { refused, type Accepted, type Refused, type Reply } from '../../contracts/protocol.ts'
import type { Caller } from '../auth/authenticate.ts'
import type { Arrivals } from './arrivals.ts'
import type { Dispatcher } from './dispatcher.ts'
import { HttpRefusal, statusOf, success } from './http-envelope.ts'
import type { RequestLimits } from './request-limits.ts'
import { commandPayload, queryPayload, refuseQuery } from './rest-payload.ts'
import type { Route } from './route.ts'

/** What decides whether a request is heard at all. */
export type Admission = {
  limits: RequestLimits
  callerOf: (request: FastifyRequest) => Promise<Caller>
}

type Dependencies = Admission & {
  routes: readonly Route[]
  dispatcher: Dispatcher
  arrivals: Arrivals
  /** How long a request may wait for what follows from it. */
  patienceMs: number
  now: () => number
}

/** Serves contracts to clients without a socket. `answerErrors` makes the refusals. */
export const rest =
  (deps: Dependencies): FastifyPluginAsync =>
  async (app) => {
    forSignedIn(app, deps)
    for (const route of deps.routes)
      app.route({
        method: route.method,
        url: route.url,
        handler: (request, reply) => serve(deps, route, request, reply),
      })
    refuseOtherMethods(app, deps.routes)
  }

/** Nobody else reaches the routes of this plugin, whose requests have a `Caller` as `caller`. */
export const forSignedIn = (app: FastifyInstance, admission: Admission): void => {
  app.decorateRequest('caller')
  app.addHook('onRequest', (request, reply) => admit(admission, request, reply))
  acceptEmptyBodies(app)
}

/** Before anything of the body is read. */
const admit = async ({ callerOf, limits }: Admission, request: FastifyRequest, reply: FastifyReply) => {
  reply.header('cache-control', 'no-store')
  const caller = await callerOf(request)
  const admission = await limits.call(caller.principal.userId)
  if (!admission.ok)
    throw refusalOf({ ...refused('rate_limited', 'too many requests'), retryAfterMs: admission.retryAfterMs })
  request.setDecorator('caller', caller)
}

const serve = async (
  { dispatcher, arrivals, patienceMs, now }: Dependencies,
  { definition, method, status, statuses, query, answer }: Route,
  request: FastifyRequest,
  reply: FastifyReply,
) => {
  if (method !== 'GET' && !query) refuseQuery(request)
  const { principal } = request.getDecorator<Caller>('caller')
  const call = async (name: string, payload: unknown) =>
    accepted(
      await dispatcher.call({ definition, name, payload, principal, correlationId: request.id }),
      request,
      statuses,
    )
  const data = await answer({
    request,
    principal,
    at: new Date(now()).toISOString(),
    query: async (name, fields) => {
      const found = await call(name, queryPayload(request, fields))
      if (found.version !== undefined) reply.header('etag', `"${found.version}"`)
      return found
    },
    command: async (name, fields) => {
      const { creates = false } = definition.contract.commands[name]!
      const done = (await call(name, commandPayload(request, fields, creates))) as Required<Accepted>
      const { id, version, state, allowed, position, data: view } = done
      reply.header('etag', `"${version}"`)
      if (creates) reply.header('location', `/api/v1/${definition.contract.namespace}/${id}`)
      return { id, version, state, allowed, position, view }
    },
    until: async (id, satisfies) => {
      const seen = await arrivals.until({
        definition,
        id,
        satisfies: ({ snapshot }) => satisfies(definition.view(snapshot, id)),
        timeoutMs: patienceMs,
      })
      return seen && definition.view(seen.snapshot, id)
    },
  })
  return reply.code(status).send(success(data, now()))
}

const accepted = (answer: Reply, { headers }: FastifyRequest, statuses: Route['statuses']): Accepted => {
  if (answer.ok) return answer
  const { code } = answer.error
  const ifMatch = headers['if-match'] !== undefined
  throw refusalOf(answer, statuses?.[code] ?? statusOf(code, { ifMatch }))
}

/** What a socket's acknowledgement says beside the error, the body says inside it. */
const refusalOf = ({ ok: _, error, ...present }: Refused, httpStatus = statusOf(error.code)) =>
  new HttpRefusal(error, { httpStatus, present, retryAfterMs: present.retryAfterMs })

/** Many clients name the type of a body that is not there: `reinstate` has nothing to say. */
const acceptEmptyBodies = (app: FastifyInstance) => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, body as string, done)
  })
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

const refuseOtherMethods = (app: FastifyInstance, routes: readonly Route[]) => {
  for (const [url, known] of Map.groupBy(routes, (route) => route.url)) {
    const allowed = known.map(({ method }) => method)
    app.route({
      method: METHODS.filter((method) => !allowed.some((one) => one === method)),
      url,
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

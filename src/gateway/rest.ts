import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { refused, type Accepted, type Refused, type Reply } from '../../contracts/protocol.ts'
import type { Caller } from '../auth/authenticate.ts'
import type { Dispatcher } from './dispatcher.ts'
import { HttpRefusal, statusOf, success } from './http-envelope.ts'
import type { RequestLimits } from './request-limits.ts'
import { commandPayload, queryPayload, refuseQuery } from './rest-payload.ts'
import type { Route } from './route.ts'

type Dependencies = {
  routes: readonly Route[]
  dispatcher: Dispatcher
  limits: RequestLimits
  callerOf: (request: FastifyRequest) => Promise<Caller>
  now: () => number
}

/** Serves contracts to clients without a socket. `answerErrors` makes the refusals. */
export const rest =
  (deps: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.decorateRequest('caller')
    app.addHook('onRequest', (request, reply) => admit(deps, request, reply))
    acceptEmptyBodies(app)
    for (const route of deps.routes)
      app.route({
        method: route.method,
        url: route.url,
        handler: (request, reply) => serve(deps, route, request, reply),
      })
    refuseOtherMethods(app, deps.routes)
  }

/** Before anything of the body is read. */
const admit = async ({ callerOf, limits }: Dependencies, request: FastifyRequest, reply: FastifyReply) => {
  reply.header('cache-control', 'no-store')
  const caller = await callerOf(request)
  const admission = await limits.call(caller.principal.userId)
  if (!admission.ok)
    throw refusalOf({ ...refused('rate_limited', 'too many requests'), retryAfterMs: admission.retryAfterMs })
  request.setDecorator('caller', caller)
}

const serve = async (
  { dispatcher, now }: Dependencies,
  { definition, method, url, status, query, answer }: Route,
  request: FastifyRequest,
  reply: FastifyReply,
) => {
  if (method !== 'GET' && !query) refuseQuery(request)
  const { principal } = request.getDecorator<Caller>('caller')
  const call = async (name: string, payload: unknown) =>
    accepted(
      await dispatcher.call({ definition, name, payload, principal, correlationId: request.id }),
      request,
    )
  const data = await answer({
    request,
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
      if (creates) reply.header('location', `${url.replace(/\/:.*/, '')}/${id}`)
      return { id, version, state, allowed, position, view }
    },
  })
  return reply.code(status).send(success(data, now()))
}

const accepted = (answer: Reply, { headers }: FastifyRequest): Accepted => {
  if (answer.ok) return answer
  throw refusalOf(answer, statusOf(answer.error.code, { ifMatch: headers['if-match'] !== undefined }))
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

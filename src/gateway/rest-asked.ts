import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../../actors/actor.ts'
import type { Active } from '../../actors/engine/turn.ts'
import type { Accepted, Refused, Reply } from '../../contracts/protocol.ts'
import { anonymousIn } from '../auth/anonymous.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import type { Arrivals } from './arrivals.ts'
import type { BasePath } from './base-path.ts'
import type { Dispatcher } from './dispatcher.ts'
import { HttpRefusal, statusOf } from './http-envelope.ts'
import type { Ask } from './own-call.ts'
import { commandPayload, queryPayload } from './rest-payload.ts'
import type { Asked, Route } from './route.ts'

export type AskedDeps = {
  dispatcher: Dispatcher
  arrivals: Arrivals
  basePath: BasePath
  links: VerificationLinks
  /** How long a request may wait for what follows from it. */
  patienceMs: number
  now: () => number
}

/** What a route has at hand for one request; what it learns about an actor goes into the answer's headers. */
export const askedOf = (
  { dispatcher, arrivals, basePath, links, patienceMs, now }: AskedDeps,
  route: Pick<Route, 'definition' | 'statuses' | 'location'>,
  principal: Principal,
  request: FastifyRequest,
  reply: FastifyReply,
): Asked => {
  const { definition, statuses, location } = route
  const { commands, namespace } = definition.contract
  const asking =
    (asker: Principal, about = definition): Ask =>
    (name, payload) =>
      dispatcher.call({ definition: about, name, payload, principal: asker, correlationId: request.id })
  const answered = async (answer: Promise<Reply>) => accepted(await answer, request, statuses)

  /** `name` is the command or query that has been answered. */
  const noted = (name: string, done: Accepted): Accepted => {
    const { id, version } = done
    if (version !== undefined) reply.header('etag', `"${version}"`)
    if (!commands[name]?.creates || !id) return done
    // It was there already.
    if (version !== undefined && version > 1 && reply.statusCode === 201) reply.code(200)
    reply.header('location', basePath.before(request) + (location?.(id) ?? `/api/v1/${namespace}/${id}`))
    return done
  }

  const own: Asked['own'] = async ({ like, answer }, fields) => {
    const command = commands[like]
    const payload = command
      ? commandPayload(request, fields, command.creates ?? false)
      : queryPayload(request, fields as object)
    return noted(like, await answered(answer(asking(principal), payload, principal)))
  }

  const arrive = (id: string, satisfies: (actor: Active) => boolean) =>
    arrivals.until({ definition, id, satisfies, timeoutMs: patienceMs })

  return {
    request,
    principal,
    at: new Date(now()).toISOString(),
    links,
    own,
    query: async (name, fields, about) => {
      const payload = queryPayload(request, fields)
      const found = await answered(asking(principal, about)(name, payload))
      return about ? found : noted(name, found)
    },
    everybody: (name, fields) =>
      answered(asking(anonymousIn(principal.orgId))(name, queryPayload(request, fields))),
    command: async (name, fields) => {
      const plain = { like: name, answer: (ask: Ask, payload: unknown) => ask(name, payload) }
      const { id, version, state, allowed, position, data: view } = await own(plain, fields)
      return { id: id!, version: version!, state: state!, allowed: allowed!, position: position!, view }
    },
    until: async (id, satisfies) => {
      const seen = await arrive(id, ({ snapshot }) => satisfies(definition.view(snapshot, id)))
      return seen && definition.view(seen.snapshot, id)
    },
    untilState: async (id, satisfies) => {
      const seen = await arrive(id, ({ state }) => satisfies(state))
      return seen && { view: definition.view(seen.snapshot, id), state: seen.state }
    },
  }
}

const accepted = (answer: Reply, { headers }: FastifyRequest, statuses: Route['statuses']): Accepted => {
  if (answer.ok) return answer
  const { code } = answer.error
  const ifMatch = headers['if-match'] !== undefined
  throw refusalOf(answer, statuses?.[code] ?? statusOf(code, { ifMatch }))
}

/** What a socket's acknowledgement says beside the error, the body says inside it. */
export const refusalOf = ({ ok: _, error, ...present }: Refused, httpStatus = statusOf(error.code)) =>
  new HttpRefusal(error, { httpStatus, present, retryAfterMs: present.retryAfterMs })

import { hash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Id } from '../../contracts/scalars.ts'
import { isKnown } from '../gateway/entity-tag.ts'
import { HttpRefusal } from '../gateway/http-envelope.ts'
import type { RequestLimits } from '../gateway/request-limits.ts'
import { withinLimits } from '../gateway/rest.ts'
import type { Issuing } from './issuing.ts'
import { LIST_TTL_MS } from './status-list.ts'

type Dependencies = { issuing: Issuing; limits: Pick<RequestLimits, 'anonymous'> }

const Kid = z.string().regex(/^[\w-]{43}$/)
const List = z.coerce.number().int().min(0).max(1_000_000)
const Purpose = z.enum(['revocation', 'suspension'])

/** Keys may be remembered for a while: a new one has a new name. Seconds. */
const KEY_AGE_S = 3600

/** What verifiers fetch, from wherever they are: keys, issuers and status lists. None of it says anything of a person. */
export const documentsRoutes =
  ({ issuing, limits }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      // Nothing here depends on who asks.
      reply.header('access-control-allow-origin', '*')
      await withinLimits(limits.anonymous(request.ip))
    })

    app.get('/.well-known/jwks.json', async (request, reply) =>
      send(request, reply, {
        type: 'application/jwk-set+json',
        body: JSON.stringify(await issuing.jwks()),
        maxAgeS: KEY_AGE_S,
      }),
    )

    app.get<{ Params: { kid: string } }>('/credentials/keys/:kid', async (request, reply) => {
      const kid = Kid.safeParse(request.params.kid)
      const key = kid.success ? await issuing.key(kid.data) : undefined
      if (!key) throw notThere()
      return send(request, reply, {
        type: 'application/jwk+json',
        body: JSON.stringify(key),
        maxAgeS: KEY_AGE_S,
      })
    })

    app.get<{ Params: { orgId: string } }>('/credentials/issuers/:orgId', async (request, reply) => {
      const orgId = Id.safeParse(request.params.orgId)
      const issuer = orgId.success ? await issuing.issuer(orgId.data) : undefined
      if (!issuer) throw notThere()
      const profile = { '@context': PROFILE_CONTEXT, ...issuer }
      return send(request, reply, {
        type: 'application/ld+json',
        body: JSON.stringify(profile),
        maxAgeS: 60,
      })
    })

    app.get<{ Params: { orgId: string; purpose: string; list: string } }>(
      '/credentials/status/:orgId/:purpose/:list',
      async (request, reply) => {
        const orgId = Id.safeParse(request.params.orgId)
        const purpose = Purpose.safeParse(request.params.purpose)
        const list = List.safeParse(request.params.list)
        const jws =
          orgId.success && purpose.success && list.success
            ? await issuing.statusList({ orgId: orgId.data, purpose: purpose.data, list: list.data })
            : undefined
        if (!jws) throw notThere()
        return send(request, reply, {
          type: 'application/vc+jwt',
          body: jws,
          maxAgeS: LIST_TTL_MS / 1000,
        })
      },
    )
  }

const PROFILE_CONTEXT = [
  'https://www.w3.org/ns/credentials/v2',
  'https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json',
]

type Document = { type: string; body: string; maxAgeS: number }

/** With a tag by which a verifier that has it already is told so. */
const send = (request: FastifyRequest, reply: FastifyReply, { type, body, maxAgeS }: Document) => {
  const etag = `"${hash('sha256', body, 'base64url')}"`
  reply.header('etag', etag).header('cache-control', `public, max-age=${maxAgeS}, must-revalidate`)
  if (isKnown(request, etag)) return reply.code(304).send()
  return reply.type(type).send(body)
}

const notThere = () => new HttpRefusal({ code: 'not_found', message: 'there is no such document' })

import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { BasePath } from '../gateway/base-path.ts'
import { isForPeople } from '../gateway/face.ts'
import { failure, success } from '../gateway/http-envelope.ts'
import type { RequestLimits } from '../gateway/request-limits.ts'
import { withinLimits } from '../gateway/rest.ts'
import { verificationOf } from './facts.ts'
import { fileOf, Format } from './files.ts'
import { refuseSuspended } from './handed-out.ts'
import type { Issuing } from './issuing.ts'
import type { PublicLookup, Seen } from './lookup.ts'
import { askPage, foundPage, notFoundPage, verifyPolicy } from './verify-page.ts'

type Dependencies = {
  lookup: PublicLookup
  issuing: Pick<Issuing, 'credential'>
  limits: Pick<RequestLimits, 'anonymous' | 'lookup'>
  basePath: BasePath
  now: () => number
}

/** The public verification: a page for people, JSON for machines, and no sign-in (S3.24, C42). */
export const verifyRoutes = (deps: Dependencies): FastifyPluginAsync => {
  const { lookup, issuing, limits, basePath, now } = deps

  const answer = async (asked: Asked, request: FastifyRequest, reply: FastifyReply) => {
    reply.header('vary', 'accept')
    const at = new Date(now()).toISOString()
    if (asked.seen) await lookup.disclose(asked.seen, asked.means, request.ip)
    const before = basePath.before(request)
    if (asked.wants === 'page') {
      const page = asked.seen
        ? foundPage({
            verification: verificationOf(asked.seen.facts, at, asked.seen.nameShown),
            link: asked.means === 'link' ? asked.reference : undefined,
            before,
          })
        : notFoundPage(before)
      return sendPage(reply.code(asked.seen ? 200 : 404), page)
    }
    reply.header('access-control-allow-origin', '*')
    if (!asked.seen) return reply.code(404).send(failure(404, NOT_FOUND, now()))
    return reply.send(success(verificationOf(asked.seen.facts, at, asked.seen.nameShown), now()))
  }

  const byNumber = (fallback: 'page' | 'json') => async (request: ByReference, reply: FastifyReply) => {
    await withinLimits(limits.lookup(request.ip))
    const { reference, wants } = readPath(request, fallback)
    return answer(
      { seen: await lookup.byNumber(reference), means: 'number', reference, wants },
      request,
      reply,
    )
  }

  return async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers(HEADERS)
    })

    app.get<{ Querystring: { number?: unknown } }>('/verify', async (request, reply) => {
      await withinLimits(limits.anonymous(request.ip))
      const { number } = request.query
      const before = basePath.before(request)
      const wanted = typeof number === 'string' ? number.trim().slice(0, 60).toWellFormed() : ''
      if (wanted !== '') return reply.redirect(`${before}/verify/${encodeURIComponent(wanted)}`, 303)
      return sendPage(reply, askPage(before))
    })

    app.get('/verify/:reference', byNumber('json'))
    app.get('/training/certificates/verify/:reference', byNumber('json'))

    app.get('/verify/l/:reference', async (request: ByReference, reply) => {
      await withinLimits(limits.anonymous(request.ip))
      const { reference, wants } = readPath(request, 'json')
      return answer({ seen: await lookup.byLink(reference), means: 'link', reference, wants }, request, reply)
    })

    app.get<{ Params: { reference: string; format: string } }>(
      '/verify/l/:reference/credential/:format',
      async (request, reply) => {
        await withinLimits(limits.anonymous(request.ip))
        const format = Format.safeParse(request.params.format)
        const seen = format.success ? await lookup.byLink(request.params.reference) : undefined
        if (!seen || !format.success) return reply.code(404).send(failure(404, NOT_FOUND, now()))
        refuseSuspended(seen.facts, 'ob3')
        await lookup.disclose(seen, 'link', request.ip)
        const { name, type, body } = fileOf(format.data, seen.facts, await issuing.credential(seen.facts))
        return reply
          .type(type)
          .header('content-disposition', `attachment; filename=${name}`)
          .header('access-control-allow-origin', '*')
          .send(body)
      },
    )
  }
}

type ByReference = FastifyRequest<{ Params: { reference: string } }>

type Asked = {
  seen: Seen | undefined
  means: 'number' | 'link'
  reference: string
  wants: 'page' | 'json'
}

/** `.json` at the end asks for JSON, whatever the client takes. */
const readPath = ({ params, headers }: ByReference, fallback: 'page' | 'json') => {
  const { reference } = params
  if (reference.endsWith('.json')) return { reference: reference.slice(0, -5), wants: 'json' as const }
  const wants = isForPeople(headers.accept) ? ('page' as const) : fallback
  return { reference, wants }
}

const sendPage = (reply: FastifyReply, page: string) =>
  reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', verifyPolicy())
    .header('cross-origin-opener-policy', 'same-origin')
    .header('permissions-policy', 'camera=(), microphone=(), geolocation=()')
    .send(page)

/** An answer of a moment ago may be wrong; a link is a secret that no other site is to see; and no list of all is wanted. */
const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow, noarchive',
} as const

const NOT_FOUND = { code: 'not_found', message: 'No credential has this number or this link' }

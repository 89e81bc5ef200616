import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../../actors/actor.ts'
import { Id, wholeNumber } from '../../contracts/scalars.ts'
import type { Disclosures } from '../../persistence/disclosures.ts'
import type { Caller } from '../auth/authenticate.ts'
import { HttpRefusal, parsed, success } from '../gateway/http-envelope.ts'
import { forSignedIn, type Admission } from '../gateway/rest.ts'
import { createDownloaded } from './downloaded.ts'
import { verificationOf, type CredentialFacts, type CredentialSource } from './facts.ts'
import { fileOf, Format } from './files.ts'
import { refuseSuspended } from './handed-out.ts'
import type { Issuing } from './issuing.ts'
import type { VerificationLinks } from './links.ts'

type Dependencies = Admission & {
  source: Pick<CredentialSource, 'byId'>
  issuing: Pick<Issuing, 'credential'>
  links: Pick<VerificationLinks, 'page'>
  disclosures: Disclosures
  emailOf: (userId: string) => Promise<string | undefined>
  now: () => number
}

const Params = z.object({ id: Id })

export const WishQuery = z.strictObject({
  identity: z
    .enum(['none', 'email'])
    .default('none')
    .describe('`email`: with a salted hash of the address, by which the holder can show that it is theirs'),
  profile: z
    .enum(['ob3', 'vc2'])
    .default('ob3')
    .describe('`vc2`: with both statuses, which the schema of Open Badges 3.0 does not allow'),
})

export const DownloadQuery = WishQuery.extend({ format: Format.default('jwt') })

export const DisclosuresQuery = z.strictObject({
  before: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional().describe('`next` of the page before'),
  limit: wholeNumber(1, 200).default(50),
})

/** A credential for its holder, and for administrators of the organisation that gave it. */
export const downloadRoutes =
  (deps: Dependencies): FastifyPluginAsync =>
  async (app) => {
    const { source, links, disclosures, now } = deps
    forSignedIn(app, deps)
    const theirs = askedOf(source)
    const issued = issuedTo(deps)

    app.get('/api/v1/credentials/:id', async (request) => {
      const wish = parsed(WishQuery, request.query)
      const asked = await theirs(request)
      const { facts } = asked
      const { credential, jws } = await issued(asked, wish)
      const verification = verificationOf(facts, new Date(now()).toISOString(), true)
      return success({ id: facts.id, link: links.page(facts.id), verification, credential, jwt: jws }, now())
    })

    app.get('/api/v1/credentials/:id/download', async (request, reply) => {
      const { format, ...wish } = parsed(DownloadQuery, request.query)
      const asked = await theirs(request)
      const { name, type, body } = fileOf(format, asked.facts, await issued(asked, wish))
      return reply.type(type).header('content-disposition', `attachment; filename=${name}`).send(body)
    })

    app.get('/api/v1/credentials/:id/disclosures', async (request) => {
      const { before, limit } = parsed(DisclosuresQuery, request.query)
      const { facts } = await theirs(request)
      const rows = await disclosures.of(facts.id, { before, limit: limit + 1 })
      const items = rows.slice(0, limit).map(({ means, nameShown, userId, viewer, at }) => ({
        means,
        nameShown,
        userId,
        viewer,
        at: at.toISOString(),
      }))
      const last = rows.length > limit ? rows[limit - 1] : undefined
      return success({ items, ...(last ? { next: last.id } : {}) }, now())
    })
  }

type AskedFor = { facts: CredentialFacts; principal: Principal }

const askedOf =
  (source: Dependencies['source']) =>
  async (request: FastifyRequest): Promise<AskedFor> => {
    const { principal } = request.getDecorator<Caller>('caller')
    const { id } = parsed(Params, request.params)
    const facts = await source.byId(id)
    // For everybody else it is not there.
    if (!facts || !(isHolder(principal, facts) || isAdminOf(principal, facts)))
      throw new HttpRefusal({ code: 'not_found', message: 'there is no such credential' })
    return { facts, principal }
  }

/** The signed credential, for whoever may have it in this form; that they had it is written down before. */
const issuedTo = ({ issuing, disclosures, emailOf, now }: Dependencies) => {
  const downloaded = createDownloaded(disclosures, now)
  return async ({ facts, principal }: AskedFor, { identity, profile }: z.output<typeof WishQuery>) => {
    const { actor: type, id, holder } = facts
    // With the hash in hand, guesses at the address can be tried.
    if (identity === 'email' && !isHolder(principal, facts))
      throw new HttpRefusal({ code: 'forbidden', message: 'identity: only for the holder' })
    refuseSuspended(facts, profile)
    await downloaded({ type, id, holderId: holder.userId }, principal.userId)
    const email = identity === 'email' ? await emailOf(holder.userId) : undefined
    return issuing.credential(facts, { email, profile })
  }
}

const isHolder = ({ userId }: Principal, { holder }: CredentialFacts) => userId === holder.userId

const isAdminOf = ({ orgId, roles }: Principal, facts: CredentialFacts) =>
  roles.includes('admin') && orgId === facts.orgId

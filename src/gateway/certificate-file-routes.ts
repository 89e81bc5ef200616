import { Readable } from 'node:stream'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { certificate } from '../../actors/certificate.ts'
import type { CertificateView } from '../../contracts/certificate.ts'
import { Id } from '../../contracts/scalars.ts'
import type { Caller } from '../auth/authenticate.ts'
import { PAGE_SIZES, type PageSize } from '../certificates/design.ts'
import type { Certified, CertificateFiles } from '../certificates/files.ts'
import { RendererBusy } from '../certificates/renderer.ts'
import type { createDownloaded } from '../credentials/downloaded.ts'
import type { Dispatcher } from './dispatcher.ts'
import { isKnown } from './entity-tag.ts'
import { HttpRefusal, parsed } from './http-envelope.ts'
import { forSignedIn, type Admission } from './rest.ts'
import { refusalOf } from './rest-asked.ts'

type Dependencies = Admission & {
  dispatcher: Dispatcher
  files: CertificateFiles
  /** Under which name an organisation issues. */
  organisationName: (orgId: string) => Promise<string | undefined>
  /** Writes down who has had the file, in which the holder's name stands, and the link. */
  downloaded: ReturnType<typeof createDownloaded>
}

const FileParams = z.strictObject({ id: Id })

const isSize = (text: string): text is PageSize => Object.hasOwn(PAGE_SIZES, text)

export const FileQuery = z.strictObject({
  size: z
    .string()
    .toLowerCase()
    .refine(isSize, 'must be A4 or Letter')
    .default('a4')
    .describe('Of the page: `A4` or `Letter`'),
})

/** `GET /api/certificates/:id/download`: the certificate as a PDF file, for those who may see it. */
export const certificateFileRoutes =
  ({ dispatcher, files, organisationName, downloaded, ...admission }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    forSignedIn(app, admission)

    app.get('/api/certificates/:id/download', async (request, reply) => {
      const { principal } = request.getDecorator<Caller>('caller')
      const { id } = parsed(FileParams, request.params)
      const { size } = parsed(FileQuery, request.query)
      const asked = { definition: certificate, name: 'get', payload: { id } }
      const answer = await dispatcher.call({ ...asked, principal, correlationId: request.id })
      if (!answer.ok) throw refusalOf(answer)
      const view = answer.data as CertificateView
      const certified = documentOf(view, answer.version!)
      const { holderId } = view
      await downloaded({ type: certificate.contract.actor, id, holderId }, principal.userId)
      const issuer = (await organisationName(principal.orgId)) ?? ''
      // It may be kept by whoever asked, and is asked for again each time: it may have been suspended.
      const known = { etag: files.tag(certified, issuer, size), 'cache-control': 'private, no-cache' }
      if (isKnown(request, known.etag)) return reply.code(304).headers(known).send()
      const file = await files.file(certified, issuer, size).catch((error: unknown) => {
        if (!(error instanceof RendererBusy)) throw error
        throw new HttpRefusal({ code: 'overloaded', message: error.message }, { retryAfterMs: 1_000 })
      })
      return reply
        .headers({ ...known, 'content-length': file.byteLength })
        .type('application/pdf')
        .header('content-disposition', 'attachment; filename=certificate.pdf')
        .send(Readable.from(piecesOf(file), { objectMode: false, highWaterMark: PIECE_BYTES }))
    })
  }

const PIECE_BYTES = 16 * 1024

/**
 * As fast as the client takes it, and no further once it has hung up. All askers read the one file that was drawn, and
 * nothing of it goes out before it is whole, so that whatever fails is answered as an error.
 */
const piecesOf = function* ({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Generator<Buffer> {
  for (let from = 0; from < byteLength; from += PIECE_BYTES)
    yield Buffer.from(buffer, byteOffset + from, Math.min(PIECE_BYTES, byteLength - from))
}

/** What is suspended or revoked is not handed out as if it were not. */
const documentOf = (view: CertificateView, version: number): Certified => {
  const { number, status } = view
  if (number === null || status === 'suspended' || status === 'revoked')
    throw new HttpRefusal({
      code: 'not_allowed_in_state',
      message: `There is no document while it is ${status}`,
    })
  return { version, view: { ...view, number } }
}

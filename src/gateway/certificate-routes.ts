import { z } from 'zod'
import type { Principal } from '../../actors/actor.ts'
import { certificate } from '../../actors/certificate.ts'
import { CertificateKind, CertificateStatus, type CertificateView } from '../../contracts/certificate.ts'
import { Id, StoredInstant } from '../../contracts/scalars.ts'
import { HttpRefusal, parsed } from './http-envelope.ts'
import type { Asked, Route } from './route.ts'

const common = { definition: certificate, group: 'certificates' } as const

const GenerateBody = z.strictObject({
  userId: Id.describe('The caller; administrators may ask for others'),
  courseId: Id.describe('The offering'),
})

/** The routes of S4 for certificates; the file has a route of its own, because it is no JSON. */
export const certificateRoutes: readonly Route[] = [
  {
    ...common,
    method: 'POST',
    url: '/api/certificates/generate',
    operationId: 'certificates.generate',
    summary: 'Certify a course that was completed and paid for; 200 when that has been done already',
    status: 201,
    command: true,
    body: GenerateBody,
    data: z.object({ certificateId: Id, certificateUrl: z.string(), message: z.string() }),
    errors: ['certificate_revoked'],
    statuses: { incomplete_course: 400 },
    location: (id) => `/api/certificates/${id}`,
    answer: (asked) => generate(asked),
  },
  {
    ...common,
    method: 'GET',
    url: '/api/certificates/:id',
    operationId: 'certificates.record',
    summary: 'One certificate, as a record',
    status: 200,
    data: z.object({
      certificateId: Id,
      userId: Id,
      courseId: Id.nullable(),
      kind: CertificateKind,
      title: z.string(),
      status: CertificateStatus,
      certificateUrl: z.string().describe('The file'),
      issueDate: StoredInstant,
      expiryDate: StoredInstant.nullable(),
      uniqueId: z.string().nullable().describe('The number'),
      verificationUrl: z.string().nullable().describe('For whoever knows the number'),
      shareUrl: z
        .string()
        .nullable()
        .describe(
          'For whoever is given it: nobody can guess it. Null for all but the holder and administrators',
        ),
    }),
    answer: async (asked) => recordOf((await asked.query('get', {})).data as CertificateView, asked),
  },
]

/** As S4.18 has it, whatever was wrong. */
const REFUSED = 'Invalid input data or incomplete course'

const generate = async ({ request, command, until, links }: Asked) => {
  try {
    const { userId, courseId: offeringId } = parsed(GenerateBody, request.body)
    const { id: certificateId, version } = await command('issue', { offeringId, userId })
    const view = (await until(certificateId, isNumbered)) as CertificateView
    return {
      certificateId,
      certificateUrl: links.file(certificateId),
      message: isNumbered(view) ? MESSAGES[version === 1 ? 'made' : 'found'] : MESSAGES.numbering,
    }
  } catch (error) {
    if (!(error instanceof HttpRefusal) || error.httpStatus !== 400) throw error
    const { refusal, httpStatus } = error
    throw new HttpRefusal({ ...refusal, message: REFUSED }, { httpStatus })
  }
}

const isNumbered = (view: unknown): boolean => (view as CertificateView | undefined)?.number != null

const MESSAGES = {
  made: 'Certificate generated successfully',
  found: 'Certificate has been generated already',
  numbering: 'Certificate requested; it is waiting for its number',
}

/** Whoever has the link has the credential, which only these may hand out. */
const mayShare = ({ userId, roles }: Principal, { holderId }: CertificateView) =>
  userId === holderId || roles.includes('admin')

const recordOf = (view: CertificateView, { links, principal }: Pick<Asked, 'links' | 'principal'>) => {
  const { id, holderId: userId, offeringId: courseId, kind, title, status, number } = view
  return {
    certificateId: id,
    userId,
    courseId,
    kind,
    title,
    status,
    certificateUrl: links.file(id),
    issueDate: view.issuedAt,
    expiryDate: view.expiresAt,
    uniqueId: number,
    verificationUrl: number === null ? null : links.byNumber(number),
    shareUrl: mayShare(principal, view) ? links.page(id) : null,
  }
}

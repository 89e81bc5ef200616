import { z } from 'zod'
import { certification } from '../../actors/certification.ts'
import type { CertificationView } from '../../contracts/certification.ts'
import { certificationStatus } from '../../contracts/certification-status.ts'
import { Id, Note, StoredInstant } from '../../contracts/scalars.ts'
import { commandData } from './generated-routes.ts'
import { HttpRefusal } from './http-envelope.ts'
import type { Asked, Route } from './route.ts'

const { commands, queries, view } = certification.contract
const BASE = '/api/v1/certifications'

const common = { definition: certification, group: 'certifications', status: 200 } as const
const changing = { ...common, command: true, data: commandData(view) } as const

/** The routes of S0 that do not follow from the contract. Statuses are written as there: `expiring-soon` (C4). */
export const certificationRoutes: readonly Route[] = [
  {
    ...common,
    method: 'GET',
    url: BASE,
    operationId: 'certifications.list',
    summary: 'Certifications that the caller may see; revoked ones only when the status asks for them',
    query: queries.list.input,
    data: queries.list.output,
    answer: (asked) => list(asked),
  },
  {
    ...common,
    method: 'GET',
    url: `${BASE}/:id/status`,
    operationId: 'certifications.statusOfOne',
    summary: 'Where one certification stands now, computed from its dates',
    data: z.object({
      id: Id,
      mentorId: Id,
      certType: z.string(),
      status: z.enum(['valid', 'expiring-soon', 'expired', 'suspended', 'revoked']),
      issuedAt: StoredInstant,
      expiresAt: StoredInstant,
    }),
    answer: (asked) => status(asked),
  },
  {
    ...changing,
    method: 'PUT',
    url: `${BASE}/:id`,
    operationId: 'certifications.update',
    summary: 'A renewal when both dates are new, otherwise a correction, which needs a reason',
    body: z.union([commands.renew.input, commands.correct.input]),
    answer: ({ request, command }) => command(meantBy(request.body), request.body),
  },
  {
    ...changing,
    method: 'POST',
    url: `${BASE}/:id/renewals`,
    operationId: 'certifications.recordRenewal',
    summary: commands.renew.summary,
    status: 201,
    body: commands.renew.input,
    answer: ({ request, command }) => command('renew', request.body),
  },
  {
    ...changing,
    method: 'DELETE',
    url: `${BASE}/:id`,
    operationId: 'certifications.delete',
    summary: 'Revoke for good; the record and its history stay',
    query: z.strictObject({
      reason: Note.optional().describe('Instead of the body; `deleted` without either'),
    }),
    body: z.strictObject({ reason: Note.optional() }).optional(),
    answer: ({ request: { query, body }, command }) =>
      command('revoke', { reason: 'deleted', ...(query as object), ...(body as object | undefined) }),
  },
]

/** New dates and notes make a renewal, anything else a correction (C43). */
const meantBy = (body: unknown): 'renew' | 'correct' => {
  const given = (name: string) => typeof body === 'object' && body !== null && Object.hasOwn(body, name)
  const renewal = given('notes') || (given('issuedAt') && given('expiresAt'))
  const foreign = ['certType', 'reason'].find(given)
  if (renewal && foreign)
    throw new HttpRefusal({
      code: 'invalid_input',
      message: 'a renewal and a correction cannot be made at once; POST …/correct corrects both dates',
      details: [{ path: [foreign], reason: 'does not belong to a renewal' }],
    })
  return renewal ? 'renew' : 'correct'
}

/** Searches of the same list until the page is full; a page among many revoked ones may still be short (C9). */
const MAX_SEARCHES = 10
const DEFAULT_LIMIT = 50

type Page = { items: { view: CertificationView }[]; next?: string }

const list = async ({ request, query }: Asked): Promise<unknown> => {
  const asked = { ...(request.query as Record<string, string>) }
  if (asked['status'] === 'expiring-soon') asked['status'] = 'expiring_soon'
  if (asked['status'] !== undefined) return (await query('list', asked)).data

  const { limit: given = DEFAULT_LIMIT, after: start } = asked
  const items: Page['items'] = []
  let after = start
  for (let searches = 1; ; searches++) {
    const limit = searches === 1 ? given : Number(given) - items.length
    const page = (await query('list', { ...asked, limit, ...(after && { after }) })).data as Page
    items.push(...page.items.filter((item) => item.view.status !== 'revoked'))
    after = page.next
    if (after === undefined) return { items }
    if (items.length >= Number(given) || searches === MAX_SEARCHES) return { items, next: after }
  }
}

const status = async ({ request, at, query }: Asked): Promise<unknown> => {
  const { data } = await query('get', request.query as object)
  const certificate = data as CertificationView
  const { id, mentorId, certType, issuedAt, expiresAt } = certificate
  const now = certificationStatus(certificate, certificate, at)
  return { id, mentorId, certType, status: now.replace('_', '-'), issuedAt, expiresAt }
}

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Refusal, Refused, SharedErrorCode } from '../../contracts/protocol.ts'
import { isUnavailable } from '../../persistence/sql.ts'
import { hasCardData } from '../redaction.ts'
import { CARD_DATA_REFUSED, isCardFault } from './guard.ts'

export type Success<Data> = { status: 'success'; data: Data; timestamp: string }

export type Failure = {
  status: 'error'
  data: null
  error: { errorCode: number; code: string; message: string; details?: unknown } & Present
  timestamp: string
}

/** How the actor stands that refused, and when to ask again. */
export type Present = Omit<Refused, 'ok' | 'error'>

/** The envelope of an answer. `now` is in milliseconds. */
export const success = <Data>(data: Data, now: number): Success<Data> => ({
  status: 'success',
  data,
  timestamp: new Date(now).toISOString(),
})

/** The envelope of a refusal; `httpStatus` is repeated in it as `errorCode`. */
export const failure = (
  httpStatus: number,
  { code, message, details }: Refusal,
  now: number,
  present: Present = {},
): Failure => ({
  status: 'error',
  data: null,
  error: { errorCode: httpStatus, code, message, ...(details !== undefined && { details }), ...present },
  timestamp: new Date(now).toISOString(),
})

const STATUS: Record<SharedErrorCode, number> = {
  invalid_input: 400,
  pan_not_accepted: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  unknown_command: 404,
  not_allowed_in_state: 409,
  version_conflict: 409,
  command_id_reused: 409,
  already_exists: 409,
  resync_required: 409,
  payload_too_large: 413,
  rate_limited: 429,
  internal: 500,
  overloaded: 503,
  shutting_down: 503,
}

const STATUSES = new Map<string, number>([
  ...Object.entries(STATUS),
  // A single field of an input that is otherwise the caller's to send.
  ['field_forbidden', 403],
])

/** The HTTP status of a refusal. Codes of single commands are about the state of things, hence 409. */
export const statusOf = (code: Refusal['code'], { ifMatch = false } = {}): number => {
  if (code === 'version_conflict' && ifMatch) return 412
  return STATUSES.get(code) ?? 409
}

/** Thrown by a route to answer with a refusal. */
export class HttpRefusal extends Error {
  override name = 'HttpRefusal'
  readonly refusal: Refusal
  readonly httpStatus: number
  /** Becomes the header Retry-After. */
  readonly retryAfterMs: number | undefined
  readonly present: Present | undefined

  constructor(
    refusal: Refusal,
    { httpStatus = statusOf(refusal.code), retryAfterMs, present }: RefusalOptions = {},
  ) {
    super(refusal.message)
    this.refusal = refusal
    this.httpStatus = httpStatus
    this.retryAfterMs = retryAfterMs
    this.present = present
  }
}
export type RefusalOptions = {
  httpStatus?: number
  retryAfterMs?: number | undefined
  present?: Present
}

/**
 * Reads what a client sent.
 * @throws HttpRefusal `invalid_input`, with the path and the reason of each mistake and never with the value
 */
export const parsed = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  if (isCardFault(result.error)) throw new HttpRefusal(CARD_DATA_REFUSED.error)
  throw new HttpRefusal({
    code: 'invalid_input',
    message: 'Invalid input data',
    details: result.error.issues
      .slice(0, 20)
      .map(({ path, message }) => ({ path: path.join('.'), reason: message })),
  })
}

/** Refuses card data in every body and query string, before any route looks at them. Raw bodies are left alone. */
export const refuseCardData = (app: FastifyInstance): void => {
  app.addHook('preValidation', async ({ body, query }) => {
    if (hasCardData(body) || hasCardData(query)) throw new HttpRefusal(CARD_DATA_REFUSED.error)
  })
}

/** Answers to an address that cannot be decoded; fastify's own answer would repeat it. */
export const refuseAddress =
  (now: () => number) =>
  (_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void =>
    void reply
      .code(400)
      .send(failure(400, { code: 'invalid_input', message: 'The address cannot be read' }, now()))

/** Makes every error of this fastify instance, and every unknown route, answer in the envelope. */
export const answerErrors = (app: FastifyInstance, now: () => number): void => {
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(failure(404, { code: 'not_found', message: 'Not found' }, now())),
  )
  app.setErrorHandler((error: FastifyError | HttpRefusal, request, reply) => {
    const refused = error instanceof HttpRefusal ? error : ofFastify(error)
    if (refused) {
      if (refused.httpStatus === 401) reply.header('www-authenticate', 'Bearer')
      if (refused.retryAfterMs !== undefined)
        reply.header('retry-after', Math.max(1, Math.ceil(refused.retryAfterMs / 1000)))
      const { httpStatus, refusal, present } = refused
      return reply.code(httpStatus).send(failure(httpStatus, refusal, now(), present))
    }
    // The cause is for the log; the client gets what finds it there.
    request.log.error({ err: error, correlationId: request.id }, 'request failed')
    if (isUnavailable(error))
      return reply
        .code(503)
        .header('retry-after', 1)
        .send(failure(503, DATABASE_AWAY, now()))
    return reply
      .code(500)
      .send(
        failure(
          500,
          { code: 'internal', message: 'Internal error', details: { correlationId: request.id } },
          now(),
        ),
      )
  })
}

const DATABASE_AWAY: Refusal = { code: 'overloaded', message: 'The database is not available' }

/** Fastify's own complaints about a request; anything else is our fault. */
const ofFastify = ({ code, statusCode = 500 }: FastifyError): HttpRefusal | undefined => {
  if (!code?.startsWith('FST_') || statusCode < 400 || statusCode > 499) return undefined
  return statusCode === 413
    ? new HttpRefusal({ code: 'payload_too_large', message: 'The request is too large' })
    : new HttpRefusal(
        { code: 'invalid_input', message: 'The request cannot be read' },
        { httpStatus: statusCode },
      )
}

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { derivedId } from '../../actors/derived-id.ts'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Database } from '../../persistence/database.ts'
import { isUnavailable } from '../../persistence/sql.ts'
import { createWebhookStore, type NewWebhook } from '../../persistence/webhooks.ts'
import { HttpRefusal } from '../gateway/http-envelope.ts'
import type { Vault } from '../vault.ts'
import { readWebhook, type ReadWebhook } from './webhook-body.ts'

type Dependencies = {
  database: Database
  vault: Pick<Vault, 'seal'>
  paystack: { secretKey: string; webhookSources?: readonly string[] }
  now: () => number
  /** Runs effects that have just been stored; what it does not run, a sweep finds. */
  push: (effects: readonly DueEffect[]) => void
  failed: (error: unknown, context?: object) => void
}

const MAX_BODY_BYTES = 1024 * 1024
const SIGNATURE = /^[\da-f]{128}$/
const CLEAN_UP_EVERY_MS = 3600 * 1000
/** They hold personal data. */
const KEEP_BODIES_MS = 30 * 24 * 3600 * 1000
const REPORT_EVERY_MS = 60 * 1000
/** Until then what cannot be told apart is taken for a repetition. */
const REPEATED_WITHIN_MS = 60 * 1000

/**
 * `POST /webhooks/paystack`: stores what Paystack has signed, and answers at once. What it means is an effect's business,
 * so the answer says nothing about any payment; without it Paystack comes again.
 */
export const webhooks =
  ({ database, vault, paystack, now, push, failed }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    const store = createWebhookStore(database)
    const isSigned = signatureCheck(paystack.secretKey)
    const isSource = sourceCheck(paystack.webhookSources ?? [])
    const refuse = createRefusal(now)

    const cleanUp = () => store.removeBodies(new Date(now() - KEEP_BODIES_MS)).catch(failed)
    const cleaning = setInterval(() => void cleanUp(), CLEAN_UP_EVERY_MS).unref()
    app.addHook('onReady', cleanUp)
    app.addHook('onClose', async () => clearInterval(cleaning))

    // The signature is over bytes: any other reading of them may differ by one.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.post('/webhooks/paystack', {
      bodyLimit: MAX_BODY_BYTES,
      // Before anything of the body is read.
      onRequest: async (request) => {
        if (!isSource(request.ip) || !SIGNATURE.test(signatureOf(request))) throw refuse(request)
        const { 'content-encoding': encoding = 'identity' } = request.headers
        if (encoding !== 'identity')
          throw new HttpRefusal(
            { code: 'invalid_input', message: 'The body must not be compressed' },
            { httpStatus: 415 },
          )
      },
      handler: async (request) => {
        const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        if (!isSigned(bytes, signatureOf(request))) throw refuse(request)
        const read = readWebhook(bytes)
        const webhook = webhookOf(bytes, read, vault, new Date(now()))
        const newsBefore = read.isNameless ? new Date(now() - REPEATED_WITHIN_MS) : undefined
        const due = await store.receive(webhook, effectOf(webhook, request.id), newsBefore).catch(rethrow)
        if (due) push([due])
        return {}
      },
    })
  }

const webhookOf = (
  bytes: Buffer,
  read: ReadWebhook,
  vault: Pick<Vault, 'seal'>,
  receivedAt: Date,
): NewWebhook => {
  const { dedupeKey } = read
  return {
    id: derivedId('paystack webhook', dedupeKey),
    provider: 'paystack',
    dedupeKey,
    event: read.ok ? read.body.event : null,
    reference: (read.ok && read.body.reference) || null,
    body: vault.seal(bytes.toString('base64')),
    receivedAt,
  }
}

const effectOf = ({ id }: NewWebhook, correlationId: string): DueEffect => ({
  id: `webhook:${id}`,
  actorType: 'webhook',
  actorId: id,
  version: 0,
  name: 'takeWebhook',
  params: { webhookId: id },
  correlationId,
  attempts: 0,
  taken: 0,
})

/** Two headers arrive here as one text with a comma in it, which is no signature. */
const signatureOf = ({ headers }: FastifyRequest): string => String(headers['x-paystack-signature'] ?? '')

const signatureCheck = (secretKey: string) => (bytes: Buffer, signature: string) => {
  const expected = createHmac('sha512', secretKey).update(bytes).digest()
  const given = Buffer.from(signature, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** No list means any address. Dual-stack sockets write IPv4 addresses as IPv6. */
const sourceCheck = (sources: readonly string[]) => (ip: string) =>
  sources.length === 0 || sources.includes(ip.replace(/^::ffff:/, ''))

/** One answer to every kind of forgery; the log counts them, and says so at most once a minute. */
const createRefusal = (now: () => number) => {
  let refused = 0
  let reportedAt = -Infinity
  return ({ log, ip }: FastifyRequest) => {
    refused++
    if (now() - reportedAt >= REPORT_EVERY_MS) {
      reportedAt = now()
      log.warn({ refused, ip }, 'webhooks refused since the start')
    }
    return new HttpRefusal({ code: 'unauthenticated', message: 'Not signed by Paystack' })
  }
}

const rethrow = (error: unknown): never => {
  if (isUnavailable(error))
    throw new HttpRefusal(
      { code: 'overloaded', message: 'The database is not available' },
      { retryAfterMs: 60_000 },
    )
  throw error
}

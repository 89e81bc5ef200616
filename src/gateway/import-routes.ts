import { hash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Principal } from '../../actors/actor.ts'
import { importActor, mayImport } from '../../actors/import.ts'
import type { Read } from '../../actors/ports.ts'
import type { Accepted } from '../../contracts/protocol.ts'
import { Id } from '../../contracts/scalars.ts'
import type { ImportStore } from '../../persistence/imports.ts'
import type { Caller } from '../auth/authenticate.ts'
import { derivedId } from '../../actors/derived-id.ts'
import type { Dispatcher } from './dispatcher.ts'
import { HttpRefusal, parsed, success } from './http-envelope.ts'
import { readImportFile } from './import-file.ts'
import type { RequestLimits } from './request-limits.ts'

type Dependencies = {
  dispatcher: Dispatcher
  read: Read
  store: ImportStore
  limits: RequestLimits
  callerOf: (request: FastifyRequest) => Promise<Caller>
  now: () => number
  newId: () => string
}

const MAX_FILE_BYTES = 10 * 1024 * 1024
/** Imports of one user that may run at once; each keeps its file until it has finished. */
const MAX_RUNNING = 5
const ABANDONED_AFTER_MS = 24 * 3600 * 1000

/** `POST /api/v1/certifications/import`: takes a CSV file and starts its import. Everything else follows from the contract. */
export const importRoutes =
  (deps: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.post('/api/v1/certifications/import', {
      bodyLimit: MAX_FILE_BYTES,
      // Before anything of the file is read.
      onRequest: async (request) => {
        const { principal } = await deps.callerOf(request)
        const admission = await deps.limits.call(principal.userId)
        if (!admission.ok) throw tooMany('too many requests', admission.retryAfterMs)
        if (!mayImport(principal))
          throw new HttpRefusal({ code: 'forbidden', message: 'you may not import certifications' })
      },
      handler: async (request, reply) => {
        const { id, version, state, data: view } = await importFile(deps, request)
        reply.code(202).header('location', `/api/v1/imports/${id}`).header('cache-control', 'no-store')
        return success({ id, version, state, view }, deps.now())
      },
    })
  }

const importFile = async (deps: Dependencies, request: FastifyRequest): Promise<Accepted> => {
  const { dispatcher, store, now, newId } = deps
  const { principal } = await deps.callerOf(request)
  const { orgId, userId } = principal
  const commandId = parsed(Id.optional(), request.headers['idempotency-key'])
  const content = request.body
  if (!Buffer.isBuffer(content))
    throw new HttpRefusal({ code: 'invalid_input', message: 'the request has no file' })

  // The same request names the same import; with another file it names another one, which the command id then refuses.
  const id = commandId ? derivedId('import', userId, commandId, hash('sha256', content)) : newId()
  if (!(await hasStarted(deps, principal, id))) {
    const rows = await readImportFile(content)
    await store.removeAbandoned(new Date(now() - ABANDONED_AFTER_MS))
    await store.save({ id, orgId, userId, createdAt: new Date(now()) }, rows)
  }
  const answer = await dispatcher.call({
    definition: importActor,
    trusted: true,
    name: 'start',
    payload: { id, ...(commandId ? { commandId } : {}) },
    principal,
    correlationId: request.id,
  })
  if (answer.ok) return answer
  if (answer.error.code === 'command_id_reused') await store.remove(id)
  throw new HttpRefusal(answer.error, { retryAfterMs: answer.retryAfterMs })
}

/** @throws HttpRefusal when it has not and too many others have */
const hasStarted = async ({ read }: Dependencies, { orgId, userId }: Principal, id: string) => {
  const mine = [{ orgId, startedBy: userId }]
  const byId = { scopes: mine, where: [{ column: 'id', is: '=', value: id } as const], limit: 1 }
  if ((await read.search(importActor, byId)).found.length > 0) return true
  const where = [{ column: 'state', is: '=', value: 'running' } as const]
  const { found } = await read.search(importActor, { scopes: mine, where, limit: MAX_RUNNING })
  if (found.length >= MAX_RUNNING)
    throw tooMany(`${MAX_RUNNING} imports of yours are running already`, 10_000)
  return false
}

const tooMany = (message: string, retryAfterMs: number) =>
  new HttpRefusal({ code: 'rate_limited', message }, { retryAfterMs })

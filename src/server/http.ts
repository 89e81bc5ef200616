import type { AddressInfo } from 'node:net'
import fastify, { LogController, type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import { mayWrite } from '../../persistence/sql.ts'
import { missingMigrations } from '../../persistence/start-checks.ts'
import type { BasePath } from '../gateway/base-path.ts'
import { health } from '../gateway/health.ts'
import { answerErrors, refuseAddress, refuseCardData } from '../gateway/http-envelope.ts'
import type { Metrics } from '../gateway/metrics.ts'
import type { Admission } from '../gateway/rest.ts'
import type { Ground } from './ground.ts'
import type { Nodes } from './nodes.ts'

export type Http = ReturnType<typeof createHttp>

/** Until a whole request has arrived; also a file of 10 MB over a slow line. */
const REQUEST_TIMEOUT_MS = 120_000

/** Every request and its answer have one id, which the log has too. */
export const createHttp = (
  { options, now, newId }: Ground,
  { basePath, stopping }: { basePath: BasePath; stopping: () => boolean },
) => {
  const app = fastify({
    rewriteUrl: ({ url = '/' }) => basePath.rewrite(url),
    loggerInstance: options.logger,
    genReqId: newId,
    trustProxy: [...(options.trustedProxies ?? [])],
    bodyLimit: 64 * 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    frameworkErrors: refuseAddress(now),
    logController: new LogController({ disableRequestLogging: true }),
  })
  answerErrors(app, now)
  refuseCardData(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-correlation-id': request.id, 'x-content-type-options': 'nosniff' })
  })
  // A client that keeps its connection would keep the server.
  app.addHook('onSend', async (_request, reply) => {
    if (stopping()) reply.header('connection', 'close')
  })
  const url = () => addressOf(app, options.host)
  return {
    app,
    /** How it is reached without anybody in between, once it listens. */
    url,
    /** How others reach it. */
    publicUrl: () => options.publicUrl ?? url(),
  }
}

const addressOf = ({ server }: FastifyInstance, host: string) => {
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

type HealthParts = {
  link: Nodes['link']
  metrics: Metrics
  callerOf: Admission['callerOf']
  stopping: () => boolean
}

/** On every node, whatever else it does. */
export const healthOf = (
  ground: Ground,
  { link, metrics, callerOf, stopping }: HealthParts,
): FastifyPluginAsync => {
  const { options, database, now, failed } = ground
  return health({
    checks: checksOf(ground),
    database: database.engine,
    draining: stopping,
    beside: () => (link ? { redis: link.isThere() ? 'there' : 'away' } : {}),
    metrics,
    metricsToken: options.metricsToken,
    callerOf,
    now,
    failed,
  })
}

/** What has to work before a request can. */
const checksOf = ({ database, migrations }: Ground) => ({
  // Where it has a connection of its own, a busy pool takes no node away from its clients.
  database: async () => {
    const writable = (await database.notices?.mayWrite()) ?? (await mayWrite(database.sql.query))
    return writable ? undefined : 'may only be read'
  },
  migrations: async () => {
    const missing = await missingMigrations(database, migrations)
    return missing.length > 0 ? `${missing.length} not applied` : undefined
  },
})

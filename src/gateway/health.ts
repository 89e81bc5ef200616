import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import packageJson from '../../package.json' with { type: 'json' }
import type { Caller } from '../auth/authenticate.ts'
import { failure, HttpRefusal, success } from './http-envelope.ts'
import { isLocal } from './is-local.ts'
import type { Metrics } from './metrics.ts'
import { PROTOCOL_VERSION } from './route.ts'

/** Something that has to work before requests make sense; `undefined` when it does, otherwise the reason. */
export type Check = () => Promise<string | undefined>

type Dependencies = {
  checks: Readonly<Record<string, Check>>
  /** Which database there is. */
  database: string
  /** The server has begun to shut down. */
  draining: () => boolean
  /** What a node can do without, and how it is; operators want to know. */
  beside: () => Readonly<Record<string, string>>
  metrics: Metrics
  /** For a Prometheus on another machine; nobody has it when there is none. */
  metricsToken: string | undefined
  callerOf: (request: FastifyRequest) => Promise<Caller>
  now: () => number
  failed: (error: unknown, context: object) => void
}

/** Beside the other metrics: only here it is known. */
const READY = '\n# HELP laurel_ready Whether it may have traffic\n# TYPE laurel_ready gauge\nlaurel_ready '

const CHECK_TIMEOUT_MS = 2_000
/** Anybody may ask, so the database is not asked each time. */
const REMEMBER_MS = 1_000

/** For orchestrators and monitoring: is the process alive, may it have traffic, how is it doing. */
export const health =
  (deps: Dependencies): FastifyPluginAsync =>
  async (app) => {
    const { draining, metrics, now } = deps
    const isScraper = bearerOf(deps.metricsToken)
    const isAdmin = async (request: FastifyRequest) =>
      (await deps.callerOf(request)).principal.roles.includes('admin')
    const check = remembered(() => checkAll(deps))
    const state = async () => {
      const checks = draining() ? { draining: 'is shutting down' } : await check()
      return { checks, isReady: Object.values(checks).every((reason) => reason === 'ok') }
    }
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })

    app.get('/health', async () => success({ alive: true, uptimeSeconds: process.uptime() }, now()))

    app.get('/ready', async (_request, reply) => {
      const { checks, isReady } = await state()
      if (isReady) return success({ checks, ...deps.beside() }, now())
      const code = draining() ? 'shutting_down' : 'overloaded'
      return reply.code(503).send(failure(503, { code, message: 'not ready', details: checks }, now()))
    })

    // The answer says whether it is ready, and 200 that there is an answer.
    app.get('/admin/health', async (request) => {
      if (!(await isAdmin(request))) throw new HttpRefusal(FOR_ADMINISTRATORS)
      const { checks, isReady } = await state()
      const versions = {
        laurel: packageJson.version,
        protocol: PROTOCOL_VERSION,
        node: process.versions.node,
      }
      const { database } = deps
      const uptimeSeconds = process.uptime()
      return success({ ready: isReady, checks, ...deps.beside(), database, versions, uptimeSeconds }, now())
    })

    app.get('/metrics', async (request, reply) => {
      const isKnown = isLocal(request) || isScraper(request)
      if (!isKnown && !(await isAdmin(request))) throw new HttpRefusal(FOR_ADMINISTRATORS)
      const [text, { isReady }] = await Promise.all([metrics.text(), state()])
      return reply.type(metrics.contentType).send(`${text}${READY}${Number(isReady)}\n`)
    })
  }

const FOR_ADMINISTRATORS = { code: 'forbidden', message: 'Only administrators may do this' }

const checkAll = async ({ checks, failed }: Dependencies): Promise<Record<string, string>> => {
  const results = Object.entries(checks).map(async ([name, check]) => {
    const reason = await inTime(check()).catch((error: unknown) => {
      // The cause may name hosts and tables; it is for the log.
      failed(error, { check: name })
      return 'does not answer'
    })
    return [name, reason ?? 'ok'] as const
  })
  return Object.fromEntries(await Promise.all(results))
}

const inTime = async <Result>(work: Promise<Result>): Promise<Result> => {
  let timeout: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timeout = setTimeout(() => reject(new Error('no answer in time')), CHECK_TIMEOUT_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timeout))
}

const remembered = <Result>(work: () => Promise<Result>): (() => Promise<Result>) => {
  let last: { at: number; result: Promise<Result> } | undefined
  return () => {
    const at = performance.now()
    if (!last || at - last.at > REMEMBER_MS) last = { at, result: work() }
    return last.result
  }
}

/** Compares digests, which have one length and tell nothing by the time that it takes. */
const bearerOf = (token: string | undefined): ((request: FastifyRequest) => boolean) => {
  if (token === undefined) return () => false
  const expected = digest(token)
  return ({ headers }) => {
    const [, given] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? []
    return given !== undefined && timingSafeEqual(digest(given), expected)
  }
}

const digest = (text: string) => createHash('sha256').update(text).digest()

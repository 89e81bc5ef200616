import { randomUUIDv7 } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { AnyActorDefinition, Lookup } from '../actors/actor.ts'
import type { Engine, EngineLimits } from '../actors/engine/engine.ts'
import { offering } from '../actors/offering.ts'
import type { Price } from '../actors/ports.ts'
import { actors } from '../actors/registry.ts'
import { topicRules } from '../actors/topics.ts'
import { isOnSale } from '../machines/offering.ts'
import {
  openDatabase,
  type Database,
  type DatabaseOptions,
  type Migrations,
} from '../persistence/database.ts'
import { createAuthorizations } from '../persistence/authorizations.ts'
import { readBacklog } from '../persistence/backlog.ts'
import { releaseClaims } from '../persistence/claims.ts'
import { createImportStore } from '../persistence/imports.ts'
import { createPrices, type Prices } from '../persistence/prices.ts'
import { createJournal, eventsOfWrite } from '../persistence/journal.ts'
import { migrations as allMigrations } from '../persistence/migrations/list.ts'
import { createRead } from '../persistence/read.ts'
import { createRetention, type Retention, type RetentionOptions } from '../persistence/retention.ts'
import { isUnavailable, mayWrite } from '../persistence/sql.ts'
import { checkActors, migrate, missingMigrations } from '../persistence/start-checks.ts'
import { createTopicSnapshots } from '../persistence/topic-snapshots.ts'
import type { Accounts } from './auth/accounts.ts'
import { anonymousIn } from './auth/anonymous.ts'
import { authenticate, createCallerOf } from './auth/authenticate.ts'
import type { LimitOptions } from './auth/limits.ts'
import type { PasswordCost } from './auth/passwords.ts'
import { createDirectory } from './auth/organisations.ts'
import { authRoutes } from './auth/routes.ts'
import type { Sessions } from './auth/sessions.ts'
import { createActivity, type Activity } from './activity.ts'
import { createBus, type Bus } from './bus.ts'
import { createDatabaseClock, type Clock } from './clock.ts'
import { createImportRows } from './effects/import-rows.ts'
import { createArrivals } from './gateway/arrivals.ts'
import { atMost } from './gateway/at-most.ts'
import { authorizationRoutes } from './gateway/authorization-routes.ts'
import { createBasePath, type BasePath } from './gateway/base-path.ts'
import { createDelivery, type Delivery } from './gateway/delivery.ts'
import { createDispatcher } from './gateway/dispatcher.ts'
import { documents } from './gateway/documents.ts'
import { health } from './gateway/health.ts'
import { answerErrors, refuseAddress, refuseCardData } from './gateway/http-envelope.ts'
import { importRoutes } from './gateway/import-routes.ts'
import { createMetrics } from './gateway/metrics.ts'
import { presenceRoutes } from './gateway/presence-routes.ts'
import { priceRoutes } from './gateway/price-routes.ts'
import type { Stats } from './gateway/readings.ts'
import { createRequestLimits } from './gateway/request-limits.ts'
import { rest } from './gateway/rest.ts'
import { routesOf } from './gateway/routes.ts'
import { createSockets } from './gateway/sockets.ts'
import { createPayments, type PaystackOptions } from './payments/payments.ts'
import { createPresence, type Presence } from './presence.ts'
import { createRedisLink } from './redis.ts'
import { removalEffects } from './removals/removals.ts'
import { ALL_ROLES, type NodeRole } from './roles.ts'
import { createRuntime, type Runtime } from './runtime.ts'
import { createSharedLimits } from './shared-limits.ts'
import { createSignIn } from './sign-in.ts'
import { createVault, type VaultKey } from './vault.ts'
import { whenThere } from './when-there.ts'

export type ServerOptions = {
  database: DatabaseOptions
  host: string
  port: number
  tokenSecret: string
  /** The first one seals; all of them open. */
  vaultKeys: readonly [VaultKey, ...VaultKey[]]
  /** Without it, payments are refused with `payments_unavailable`. */
  paystack?: PaystackOptions
  /** What several nodes share beside the database: the fast path of events, the queue of effects, limits, presence. */
  redisUrl?: string
  /** What this node does; everything by default. */
  roles?: ReadonlySet<NodeRole>
  /** How long the start waits for a database that is not there yet, in milliseconds; not at all by default. */
  startWaitMs?: number
  /** What becomes of old turns; the journal keeps them all by default. */
  retention?: RetentionOptions
  origins?: readonly string[]
  trustedProxies?: readonly string[]
  /** Every route answers below it, too; none by default. */
  basePath?: string
  /** Whoever brings it may read the metrics from another machine. */
  metricsToken?: string | undefined
  requestsPerMinute?: number
  /** Who has had so many payments fail within an hour has to wait; 10 by default. */
  failedPaymentsPerHour?: number
  loginLimits?: Partial<LimitOptions>
  /** What it takes to guess a password; by default what OWASP recommends. */
  passwordCost?: PasswordCost
  engineLimits?: Partial<EngineLimits>
  /** Migrations run at the start unless somebody wants to run them by hand. */
  migrate?: boolean
  /** By default the database's. */
  clock?: Clock
  /** By default all that are registered, with their tables. */
  definitions?: readonly AnyActorDefinition[]
  migrations?: Migrations
  /** The longest time between two looks at the timers, in milliseconds. */
  timerPollMs?: number
  /** The longest time that a request waits for what follows from it, in milliseconds. */
  patienceMs?: number
  logger: FastifyBaseLogger
}

export type LaurelServer = {
  url: string
  defaultOrgId: string
  accounts: Accounts
  engine: Engine
  database: Database
  now: () => number
  stats: () => Stats
  /** Takes turns that are old enough out of the journal now, as it happens once an hour; absent when they all stay. */
  trimJournal: Retention['sweep'] | undefined
  /** Lets commands in hand finish, tells clients when to come back, and gives everything back. */
  close: () => Promise<void>
}

/** Puts the parts together, starts them in the order in which they need each other, and stops them in the reverse order. */
export const startServer = async (options: ServerOptions): Promise<LaurelServer> => {
  const { logger, definitions = actors, migrations = allMigrations } = options
  const failed = (error: unknown, context: object = {}) => logger.error({ err: error, ...context }, 'failed')
  const newId = () => randomUUIDv7()
  const start = async (): Promise<LaurelServer> => {
    const database = await openDatabase(options.database, migrations, definitions)
    const undo: (() => unknown)[] = [() => database.close()]
    try {
      await migrate(database, migrations, { apply: options.migrate ?? true })
      await checkActors(database, definitions)
      if (database.engine === 'pglite') await releaseClaims(database.sql)
      const clock = options.clock ?? (await createDatabaseClock(database.sql, failed))
      undo.push(clock.stop)
      return await assemble({ options, database, definitions, migrations, clock, failed, newId, undo })
    } catch (error) {
      for (const step of undo.toReversed()) await step()
      throw error
    }
  }
  return whenThere(start, options.startWaitMs ?? 0, (text) => logger.warn(text))
}

/** An offering of the catalogue has its own price while it is on sale; all others are in the list of prices. */
const priceOf = async (
  { knows, actor }: Lookup,
  prices: Prices,
  offeringId: string,
): Promise<Price | undefined> => {
  const known = knows('offering') ? await actor(offering, offeringId) : undefined
  if (!known) return prices.price(offeringId)
  const { orgId, title, price: amount } = known.context
  return isOnSale(known) ? { offeringId, orgId, title, amount } : undefined
}

type Parts = {
  options: ServerOptions
  database: Database
  definitions: readonly AnyActorDefinition[]
  migrations: Migrations
  clock: Clock
  failed: (error: unknown, context?: object) => void
  newId: () => string
  undo: (() => unknown)[]
}

const assemble = async (parts: Parts): Promise<LaurelServer> => {
  const { options, database, definitions, clock, failed, newId, undo } = parts
  const { now } = clock
  const basePath = createBasePath(options.basePath ?? '')
  const app = createHttp(parts, basePath)

  const {
    tokenSecret,
    loginLimits,
    passwordCost,
    engineLimits,
    timerPollMs,
    redisUrl,
    roles = ALL_ROLES,
  } = options
  const link = redisUrl ? createRedisLink(redisUrl, (text) => options.logger.warn(text)) : undefined
  if (link) undo.push(link.close)
  const journal = createJournal(database.sql)
  const { epoch } = await journal.head()
  const place = link && { link, space: `${link.prefix}:${epoch}` }
  const sharedLimits = createSharedLimits(place)
  const { limiterOf } = sharedLimits
  const signIn = await createSignIn({
    database,
    tokenSecret,
    loginLimits,
    passwordCost,
    limiterOf,
    now,
    newId,
  })
  const fallbackOrgId = signIn.defaultOrgId
  const bus = createBus({ link, notices: database.notices, epoch })
  undo.push(bus.stop)
  const activity = createActivity(options.logger)
  const presence = createPresence(newId(), place)
  const stats = (): Stats => ({
    ...runtime.stats(),
    delivery: delivery.stats(),
    bus: bus.stats(),
    redis: link?.stats(),
    sockets: sockets?.stats() ?? NO_SOCKETS,
    limits: { ...limits.stats(), alone: sharedLimits.alone() },
    presence: presence.stats(),
    database: database.sql.connections(),
  })
  const metrics = createMetrics({
    stats,
    backlog: () => readBacklog(database.sql, new Date(now()).toISOString()),
    failed,
  })
  const watch = { ...metrics, attempted: activity.attempted }
  const feeding = { engineLimits, timerPollMs, fallbackOrgId, link, roles, now, failed, watch }
  const runtime = createRuntime({ database, definitions, ...feeding })
  const directory = createDirectory(database)
  const prices = createPrices(database)
  const lookup: Lookup = {
    ...directory,
    actor: async ({ contract }, id) => (await runtime.engine.peek(contract.actor, id))?.snapshot as never,
    search: (actorType, search) => read.search(actorType, search),
    count: (actorType, search) => read.count(actorType, search),
    knows: (actorType) => definitions.some(({ contract }) => contract.actor === actorType),
    upload: (importId) => imports.upload(importId),
    price: (offeringId) => priceOf(lookup, prices, offeringId),
    takesPayments: () => payments !== undefined,
    authorization: async (id, userId) => payments?.authorization(id, userId),
    failedPayments: (payerId, since) =>
      read.count('payment', {
        scopes: [{ payerId }],
        where: [
          { column: 'status', is: '=', value: 'failed' },
          { column: 'initiatedAt', is: '>=', value: since },
        ],
      }),
    failedPaymentsPerHour: options.failedPaymentsPerHour ?? 10,
  }
  const vault = createVault(options.vaultKeys)
  const payments =
    options.paystack &&
    createPayments({
      database,
      engine: runtime.engine,
      vault,
      paystack: options.paystack,
      push: runtime.push,
      now,
      newId,
      failed,
    })
  for (const [name, handler] of Object.entries(payments?.handlers ?? {})) runtime.handle(name, handler)
  const imports = createImportStore(database)
  const arrivals = createArrivals(runtime.engine)
  const delivery = createDelivery({
    journal,
    deliver: (events, position) => {
      sockets?.deliver(events, position)
      arrivals.deliver(events)
    },
    failed,
  })
  connectNodes({ bus, delivery, runtime, sessions: signIn.sessions })
  const read = createRead(database, journal, definitions, directory.organisation)
  const dispatcherOf = (asking: Lookup) =>
    createDispatcher({
      engine: runtime.engine,
      read,
      lookup: asking,
      vault,
      now,
      newId,
      unavailable: isUnavailable,
      failed: (error, { definition, name, correlationId }) =>
        failed(error, { call: `${definition.contract.namespace}.${name}`, correlationId }),
    })
  const dispatcher = activity.heard(metrics.measured(dispatcherOf(lookup)))
  runtime.handle(
    'importRows',
    createImportRows({
      engine: runtime.engine,
      store: imports,
      lookup,
      dispatcherOf,
      now,
      stopping: () => closing !== undefined,
      failed,
    }),
  )
  for (const [name, handler] of Object.entries(removalEffects({ engine: runtime.engine, read, now })))
    runtime.handle(name, handler)
  const limits = createRequestLimits(options.requestsPerMinute ?? 100, limiterOf)
  const isGateway = roles.has('gateway')
  const socketsOf = () =>
    createSockets({
      http: app.server,
      definitions,
      dispatcher,
      limits,
      callerOf: createCallerOf(signIn),
      sessions: signIn.sessions,
      subscriptions: {
        journal,
        snapshots: createTopicSnapshots(database.sql),
        rules: topicRules(definitions, { ...directory, active: runtime.engine.peek }),
        delivered: delivery.position,
        reached: delivery.reached,
        limited: atMost(32),
      },
      origins: options.origins ?? [],
      activity: bothOf(activity, presence),
      now,
      newId,
      failed,
      unavailable: isUnavailable,
    })
  const sockets = isGateway ? socketsOf() : undefined
  runtime.onCommitted(metrics.committed)
  runtime.onCommitted(activity.committed)

  const callerOf = authenticate(signIn)
  const routes = routesOf(definitions)
  let closing: Promise<void> | undefined
  // A client that keeps its connection would keep the server.
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
  const registerGateway = async () => {
    await app.register(authRoutes({ ...signIn, now }))
    const { patienceMs = 15_000 } = options
    await app.register(
      rest({
        routes,
        dispatcher,
        arrivals,
        anonymous: anonymousIn(fallbackOrgId),
        basePath,
        patienceMs,
        limits,
        callerOf,
        now,
      }),
    )
    await app.register(importRoutes({ dispatcher, read, store: imports, limits, callerOf, now, newId }))
    await app.register(priceRoutes({ prices, limits, callerOf, now }))
    await app.register(
      authorizationRoutes({ authorizations: createAuthorizations(database), limits, callerOf, now }),
    )
    await app.register(presenceRoutes({ presence, limits, callerOf, now }))
    if (payments) await app.register(payments.webhooks)
    await app.register(documents({ definitions, routes, basePath, now }))
  }
  if (isGateway) await registerGateway()
  await app.register(
    health({
      checks: checksOf(parts),
      database: database.engine,
      draining: () => closing !== undefined,
      beside: () => (link ? { redis: link.isThere() ? 'there' : 'away' } : {}),
      metrics,
      metricsToken: options.metricsToken,
      callerOf,
      now,
      failed,
    }),
  )

  link?.open()
  if (isGateway) {
    await delivery.start()
    undo.push(delivery.stop)
    presence.start()
    undo.push(presence.stop)
  }
  bus.start()
  runtime.start()
  undo.push(runtime.stop)
  const retention =
    options.retention && createRetention({ ...options.retention, sql: database.sql, now, failed })
  if (retention && roles.has('worker')) {
    retention.start()
    undo.push(retention.stop)
  }
  signIn.sessions.start(failed)
  undo.push(signIn.sessions.stop)
  await app.listen({ host: options.host, port: options.port })
  undo.push(
    () => app.close(),
    () => sockets?.close(),
    arrivals.stop,
  )

  const { port } = app.server.address() as AddressInfo
  const url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  activity.node('started', { url, roles: [...roles], database: database.engine })
  const close = async () => {
    activity.node('stopping')
    const finish = async () => {
      // What has been begun outside is told to its actor while there is somebody to hear it.
      await runtime.stop()
      await runtime.engine.drain()
    }
    await (sockets ? sockets.drain(finish) : inTime(finish, failed))
    for (const step of undo.toReversed()) await inTime(step, failed)
    activity.node('stopped')
  }
  return {
    url,
    defaultOrgId: signIn.defaultOrgId,
    accounts: signIn.accounts,
    engine: runtime.engine,
    database,
    now,
    stats,
    trimJournal: retention?.sweep,
    close: () => (closing ??= close()),
  }
}

/** Of a node that has no gateway. */
const NO_SOCKETS: Stats['sockets'] = {
  sockets: 0,
  connections: {},
  topics: 0,
  subscriptions: { each: 0, batch: 0 },
  delivered: 0,
  frames: 0,
  slowClients: 0,
  reads: 0,
  begun: { snapshot: 0, replayed: 0, resync_required: 0 },
}

/** Two that hear of the same connections. */
const bothOf = (activity: Activity, presence: Presence): Pick<Activity, 'opened' | 'closed'> => ({
  opened: (connection) => {
    activity.opened(connection)
    presence.opened(connection)
  },
  closed: (connection, reason) => {
    activity.closed(connection, reason)
    presence.closed(connection)
  },
})

type Nodes = {
  bus: Bus
  delivery: Delivery
  runtime: Runtime
  sessions: Pick<Sessions, 'onRecorded' | 'look'>
}

/** What this node commits goes to the others, and what they commit arrives here. */
const connectNodes = ({ bus, delivery, runtime, sessions }: Nodes) => {
  runtime.onCommitted(({ from, to, writes }) => {
    const events = writes.flatMap(({ write, from: first }) => eventsOfWrite(write, first))
    const [dueAt] = writes.flatMap(({ write }) => write.timersSet.map((timer) => timer.dueAt)).toSorted()
    const batch = { from, to, events, ...(dueAt ? { dueAt } : {}) }
    bus.publish(batch)
    delivery.take(batch)
  })
  bus.onBatch((batch) => {
    delivery.take(batch)
    if (batch.dueAt) runtime.expect(batch.dueAt)
  })
  sessions.onRecorded(() => bus.nudge('sessions'))
  bus.onNudge((what) => (what === 'journal' ? delivery.look() : sessions.look()))
}

/** Every request and its answer have one id, which the log has too. */
const createHttp = ({ options, clock: { now }, newId }: Parts, { rewrite }: BasePath): FastifyInstance => {
  const app = fastify({
    rewriteUrl: ({ url = '/' }) => rewrite(url),
    loggerInstance: options.logger,
    genReqId: newId,
    trustProxy: [...(options.trustedProxies ?? [])],
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
    frameworkErrors: refuseAddress(now),
    logController: new LogController({ disableRequestLogging: true }),
  })
  answerErrors(app, now)
  refuseCardData(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-correlation-id': request.id, 'x-content-type-options': 'nosniff' })
  })
  return app
}

/** Longer than any part waits by itself. Milliseconds. */
const STOP_MS = 10_000

/** A part that does not come to its end keeps no server from ending: what was acknowledged is committed. */
const inTime = async (step: () => unknown, failed: Parts['failed']) => {
  const late = Symbol('late')
  const patience = new AbortController()
  const ended = await Promise.race([
    Promise.resolve(step()),
    sleep(STOP_MS, late, { signal: patience.signal }).catch(() => undefined),
  ])
  patience.abort()
  if (ended === late)
    failed(new Error(`a part did not stop within ${STOP_MS} ms`), { step: String(step).slice(0, 80) })
}

/** What has to work before a request can. */
const checksOf = ({ database, migrations }: Parts) => ({
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

import { randomUUIDv7 } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { AnyActorDefinition, Lookup } from '../actors/actor.ts'
import { createEngine, type CommittedBatch, type Engine, type EngineLimits } from '../actors/engine/engine.ts'
import { createTimerScheduler } from '../actors/engine/timers.ts'
import { actors } from '../actors/registry.ts'
import { topicRules } from '../actors/topics.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import { openDatabase, type Database, type DatabaseOptions } from '../persistence/database.ts'
import { createEffectStore } from '../persistence/effects.ts'
import { createJournal } from '../persistence/journal.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { createRead } from '../persistence/read.ts'
import { checkActors, migrate } from '../persistence/start-checks.ts'
import { createTimerStore } from '../persistence/timers.ts'
import { createTopicSnapshots } from '../persistence/topic-snapshots.ts'
import { createAccounts, type Accounts } from './auth/accounts.ts'
import { authenticate, createCallerOf } from './auth/authenticate.ts'
import { createLoginLimits, type LimitOptions } from './auth/limits.ts'
import { createDirectory, ensureDefaultOrganisation } from './auth/organisations.ts'
import { createPasswords } from './auth/passwords.ts'
import { authRoutes } from './auth/routes.ts'
import { createSessions } from './auth/sessions.ts'
import { createTokens } from './auth/tokens.ts'
import { createDatabaseClock, type Clock } from './clock.ts'
import { createTell } from './effects/tell.ts'
import { createDelivery } from './gateway/delivery.ts'
import { createDispatcher } from './gateway/dispatcher.ts'
import { answerErrors } from './gateway/http-envelope.ts'
import { createRequestLimits } from './gateway/request-limits.ts'
import { createSockets } from './gateway/sockets.ts'
import { createInProcessQueue } from './queue/in-process.ts'

export type ServerOptions = {
  database: DatabaseOptions
  host: string
  port: number
  tokenSecret: string
  origins?: readonly string[]
  trustedProxies?: readonly string[]
  requestsPerMinute?: number
  loginLimits?: Partial<LimitOptions>
  engineLimits?: Partial<EngineLimits>
  /** Migrations run at the start unless somebody wants to run them by hand. */
  migrate?: boolean
  /** By default the database's. */
  clock?: Clock
  definitions?: readonly AnyActorDefinition[]
  /** The longest time between two looks at the timers, in milliseconds. */
  timerPollMs?: number
  logger: FastifyBaseLogger
}

export type LaurelServer = {
  url: string
  defaultOrgId: string
  accounts: Accounts
  engine: Engine
  database: Database
  now: () => number
  /** Lets commands in hand finish, tells clients when to come back, and gives everything back. */
  close: () => Promise<void>
}

/** Puts the parts together, starts them in the order in which they need each other, and stops them in the reverse order. */
export const startServer = async (options: ServerOptions): Promise<LaurelServer> => {
  const { logger, definitions = actors } = options
  const failed = (error: unknown, context: object = {}) => logger.error({ err: error, ...context }, 'failed')
  const newId = () => randomUUIDv7()
  const database = await openDatabase(options.database, migrations)
  const undo: (() => unknown)[] = [() => database.close()]
  try {
    await migrate(database, migrations, { apply: options.migrate ?? true })
    await checkActors(database, definitions)
    const clock = options.clock ?? (await createDatabaseClock(database.sql, failed))
    undo.push(clock.stop)
    return await assemble({ options, database, definitions, clock, failed, newId, undo })
  } catch (error) {
    for (const step of undo.toReversed()) await step()
    throw error
  }
}

type Parts = {
  options: ServerOptions
  database: Database
  definitions: readonly AnyActorDefinition[]
  clock: Clock
  failed: (error: unknown, context?: object) => void
  newId: () => string
  undo: (() => unknown)[]
}

const assemble = async (parts: Parts): Promise<LaurelServer> => {
  const { options, database, definitions, clock, failed, newId, undo } = parts
  const { now } = clock
  const app = fastify({
    loggerInstance: options.logger,
    genReqId: newId,
    trustProxy: [...(options.trustedProxies ?? [])],
    bodyLimit: 64 * 1024,
    forceCloseConnections: true,
    logController: new LogController({ disableRequestLogging: true }),
  })
  answerErrors(app, now)

  const signIn = await createSignIn(parts, app)
  const runtime = createRuntime(parts)
  const directory = createDirectory(database)
  const lookup: Lookup = {
    ...directory,
    actor: async ({ contract }, id) => (await runtime.engine.peek(contract.actor, id))?.snapshot as never,
  }
  const journal = createJournal(database.sql)
  const delivery = createDelivery({
    journal,
    deliver: (events, position) => sockets.deliver(events, position),
    failed,
  })
  const dispatcher = createDispatcher({
    engine: runtime.engine,
    read: createRead(database, journal, definitions, directory.organisation),
    lookup,
    now,
    newId,
    failed: (error, { definition, name, correlationId }) =>
      failed(error, { call: `${definition.contract.namespace}.${name}`, correlationId }),
  })
  const limits = createRequestLimits(options.requestsPerMinute ?? 100)
  const sockets = createSockets({
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
      limited: atMost(32),
    },
    origins: options.origins ?? [],
    now,
    newId,
    failed,
  })
  runtime.onCommitted(delivery.committed)

  await delivery.start()
  undo.push(delivery.stop)
  runtime.start()
  undo.push(runtime.stop)
  signIn.sessions.start(failed)
  undo.push(signIn.sessions.stop)
  await app.listen({ host: options.host, port: options.port })
  undo.push(() => app.close(), sockets.close)

  const { port } = app.server.address() as AddressInfo
  let closing: Promise<void> | undefined
  const close = async () => {
    await sockets.drain()
    await runtime.engine.drain()
    for (const step of undo.toReversed()) await step()
  }
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    defaultOrgId: signIn.defaultOrgId,
    accounts: signIn.accounts,
    engine: runtime.engine,
    database,
    now,
    close: () => (closing ??= close()),
  }
}

const createSignIn = async ({ options, database, clock: { now }, newId }: Parts, app: FastifyInstance) => {
  const tokens = createTokens({ secret: options.tokenSecret, now, newId })
  const sessions = createSessions({ database, tokens, now, newId })
  const defaultOrgId = await ensureDefaultOrganisation(database, {
    id: newId(),
    name: 'Laurel',
    createdAt: now(),
  })
  const accounts = createAccounts({
    database,
    sessions,
    passwords: createPasswords(),
    limits: createLoginLimits(options.loginLimits),
    now,
    newId,
    defaultOrgId,
  })
  await app.register(authRoutes({ tokens, sessions, accounts, now }))
  return { tokens, sessions, accounts, defaultOrgId, callerOfRequest: authenticate({ tokens, sessions }) }
}

/** The engine with what feeds it: timers and effects. */
const createRuntime = ({ options, database, definitions, clock: { now }, failed }: Parts) => {
  const listeners: ((batch: CommittedBatch) => void)[] = []
  const engine = createEngine({
    store: createActorStore(database),
    definitions,
    committed: (batch) => {
      for (const { write } of batch.writes) {
        for (const { dueAt } of write.timersSet) timers.expect(dueAt)
        if (write.effects.length > 0)
          effects.push(write.effects.map((effect) => ({ ...effect, attempts: 0 })))
      }
      for (const listener of listeners) listener(batch)
    },
    failed: (error, { actor, type, id, correlationId }) =>
      failed(error, { actor, messageType: type, messageId: id, correlationId }),
    ...(options.engineLimits ? { limits: options.engineLimits } : {}),
  })
  const timers = createTimerScheduler({
    store: createTimerStore(database.sql),
    engine,
    now,
    failed,
    ...(options.timerPollMs ? { pollMs: options.timerPollMs } : {}),
  })
  const effects = createInProcessQueue({
    store: createEffectStore(database.sql),
    handlers: { tell: createTell(engine, now) },
    now,
    failed: (error, effect) =>
      failed(error, effect ? { effect: effect.id, correlationId: effect.correlationId } : {}),
  })
  return {
    engine,
    onCommitted: (listener: (batch: CommittedBatch) => void) => void listeners.push(listener),
    start: () => {
      effects.start()
      timers.start()
    },
    stop: async () => {
      await timers.stop()
      await effects.stop()
    },
  }
}

/** At most `limit` pieces of work at once; the others wait in line. */
const atMost = (limit: number) => {
  let running = 0
  const line: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= limit) await new Promise<void>((resolve) => line.push(resolve))
    running++
    try {
      return await work()
    } finally {
      running--
      line.shift()?.()
    }
  }
}

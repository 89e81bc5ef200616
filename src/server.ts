import { randomUUIDv7 } from 'node:crypto'
import type { Engine } from '../actors/engine/engine.ts'
import { actors } from '../actors/registry.ts'
import { releaseClaims } from '../persistence/claims.ts'
import { openDatabase, type Database } from '../persistence/database.ts'
import { migrations as allMigrations } from '../persistence/migrations/list.ts'
import type { Retention } from '../persistence/retention.ts'
import { checkActors, migrate } from '../persistence/start-checks.ts'
import type { Activity } from './activity.ts'
import type { Accounts } from './auth/accounts.ts'
import { authenticate } from './auth/authenticate.ts'
import type { Sessions } from './auth/sessions.ts'
import { createDatabaseClock } from './clock.ts'
import { createVerificationLinks } from './credentials/links.ts'
import { createBasePath } from './gateway/base-path.ts'
import type { Stats } from './gateway/readings.ts'
import { createRequestLimits, type RequestLimits } from './gateway/request-limits.ts'
import { NO_SOCKETS } from './gateway/socket-stats.ts'
import { createMessageBox } from './notifications/message-box.ts'
import { ALL_ROLES } from './roles.ts'
import type { Runtime } from './runtime.ts'
import { followerOf, retentionOf } from './server/background.ts'
import { createLookup, dispatcherFrom } from './server/calls.ts'
import { handleEffects, notificationsOf, paymentsOf } from './server/effects.ts'
import { createWatchedEngine } from './server/engine.ts'
import { createGateway, type Gateway } from './server/gateway.ts'
import type { Ground } from './server/ground.ts'
import { createHttp, healthOf, type Http } from './server/http.ts'
import { createLifetime, type Lifetime, type Part } from './server/lifetime.ts'
import { createLive, type Deliver, type Live } from './server/live.ts'
import { createNodes, type Nodes } from './server/nodes.ts'
import type { ServerOptions } from './server/options.ts'
import { createStorage } from './server/storage.ts'
import { createSignIn } from './sign-in.ts'
import { whenThere } from './when-there.ts'

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
  const { logger, definitions = actors, migrations = allMigrations, roles = ALL_ROLES } = options
  const failed = (error: unknown, context: object = {}) => logger.error({ err: error, ...context }, 'failed')
  const start = async (): Promise<LaurelServer> => {
    const database = await openDatabase(options.database, migrations, definitions)
    const lifetime = createLifetime(failed)
    lifetime.owns('database', () => database.close())
    try {
      await migrate(database, migrations, { apply: options.migrate ?? true })
      await checkActors(database, definitions)
      if (database.engine === 'pglite') await releaseClaims(database.sql)
      const { now, stop } = options.clock ?? (await createDatabaseClock(database.sql, failed))
      lifetime.owns('clock', stop)
      const newId = () => randomUUIDv7()
      const ground = { options, roles, database, definitions, migrations, now, newId, failed }
      return await assemble(ground, lifetime)
    } catch (error) {
      await lifetime.end()
      throw error
    }
  }
  return whenThere(start, options.startWaitMs ?? 0, (text) => logger.warn(text))
}

/** What is made of what; in which order it starts and stops says `orderOf`. */
const assemble = async (ground: Ground, lifetime: Lifetime): Promise<LaurelServer> => {
  const { options, roles, database, now } = ground
  let closing: Promise<void> | undefined
  const stopping = () => closing !== undefined
  const basePath = createBasePath(options.basePath ?? '')
  const http = createHttp(ground, { basePath, stopping })
  const storage = createStorage(ground)
  const nodes = createNodes(ground, await storage.journal.head())
  if (nodes.link) lifetime.owns('link to Redis', nodes.link.close)
  lifetime.owns('bus', nodes.bus.stop)
  const signIn = await signInOf(ground, nodes)
  const { defaultOrgId, accounts, sessions } = signIn
  const limits = createRequestLimits(options.requestsPerMinute ?? 100, nodes.limits.limiterOf)
  const callerOf = authenticate(signIn)

  const stats = (): Stats => statsOf({ database, nodes, limits, runtime, live, gateway })
  const watching = { storage, link: nodes.link, fallbackOrgId: defaultOrgId, stats }
  const { runtime, activity, metrics } = createWatchedEngine(ground, watching)
  const { engine } = runtime
  const payments = paymentsOf(ground, { storage, runtime })
  const links = createVerificationLinks({ keys: options.vaultKeys, publicUrl: http.publicUrl })
  const box = options.showMessages && !options.mail ? createMessageBox(now) : undefined
  const notifications = notificationsOf(ground, { storage, runtime, links, box })
  lifetime.owns('notifications', notifications.close)
  const lookup = createLookup(ground, { storage, engine, payments })
  const dispatcherOf = dispatcherFrom(ground, { engine, storage })
  const dispatcher = activity.heard(metrics.measured(dispatcherOf(lookup)))
  handleEffects(ground, { storage, runtime, payments, notifications, lookup, dispatcherOf, stopping })

  const deliver: Deliver = (events, position) => gateway?.sockets.deliver(events, position)
  const startOver = () => gateway?.sockets.startOver()
  const live = createLive(ground, { storage, runtime, bus: nodes.bus, sessions, deliver, startOver })
  runtime.onCommitted(metrics.committed)
  runtime.onCommitted(activity.committed)
  const admission = { limits, callerOf, signIn }
  const reached = { storage, engine, live, dispatcher, payments, http, links, box, basePath }
  const gateway = roles.has('gateway')
    ? createGateway(ground, { ...reached, ...admission, presence: nodes.presence, activity })
    : undefined
  await gateway?.register(lifetime)
  await http.app.register(healthOf(ground, { link: nodes.link, metrics, callerOf, stopping }))

  const follower = followerOf(ground, { storage, runtime, bus: nodes.bus })
  const retention = retentionOf(ground)
  await lifetime.start(
    orderOf(ground, { nodes, live, runtime, follower, retention, sessions, http, gateway }),
  )
  const url = http.url()
  activity.node('started', { url, roles: [...roles], database: database.engine })

  return {
    url,
    defaultOrgId,
    accounts,
    engine,
    database,
    now,
    stats,
    trimJournal: retention?.sweep,
    close: () => (closing ??= endOf({ activity, follower, runtime, gateway, lifetime })),
  }
}

type Started = {
  nodes: Nodes
  live: Live
  runtime: Runtime
  follower: ReturnType<typeof followerOf>
  retention: Retention | undefined
  sessions: Sessions
  http: Http
  gateway: Gateway | undefined
}

/** In the order in which they start; they stop in the reverse one, and after them what was there before. */
const orderOf = ({ options, roles, failed }: Ground, parts: Started): Part[] => {
  const { nodes, live, runtime, follower, retention, sessions, http, gateway } = parts
  const { delivery, arrivals } = live
  const { host, port } = options
  return [
    { name: 'link to Redis', start: nodes.link?.open },
    ...(gateway
      ? [
          { name: 'delivery', start: delivery.start, stop: delivery.stop },
          { name: 'presence', start: nodes.presence.start, stop: nodes.presence.stop },
        ]
      : []),
    { name: 'bus', start: nodes.bus.start },
    { name: 'timers and effects', start: runtime.start, stop: runtime.stop },
    { name: 'follower of facts', start: follower?.start, stop: follower?.stop },
    ...(retention && roles.has('worker')
      ? [{ name: 'retention', start: retention.start, stop: retention.stop }]
      : []),
    { name: 'sessions', start: () => sessions.start(failed), stop: sessions.stop },
    { name: 'HTTP', start: () => http.app.listen({ host, port }), stop: () => http.app.close() },
    { name: 'sockets', stop: gateway?.sockets.close },
    { name: 'arrivals', stop: arrivals.stop },
  ]
}

/** Commands in hand finish first, then everything stops. */
const endOf = async ({
  activity,
  follower,
  runtime,
  gateway,
  lifetime,
}: Pick<Started, 'follower' | 'runtime' | 'gateway'> & { activity: Activity; lifetime: Lifetime }) => {
  activity.node('stopping')
  // What has been begun outside is told to its actor while there is somebody to hear it.
  const finish = async () => {
    await follower?.stop()
    await runtime.stop()
    await runtime.engine.drain()
  }
  await (gateway ? gateway.sockets.drain(finish) : lifetime.inTime('work in hand', finish))
  await lifetime.end()
  activity.node('stopped')
}

const signInOf = ({ options, database, now, newId }: Ground, { limits: { limiterOf } }: Nodes) => {
  const { tokenSecret, loginLimits, passwordCost, refusesSignIn } = options
  const wishes = { tokenSecret, loginLimits, passwordCost, refusesSignIn }
  return createSignIn({ ...wishes, database, limiterOf, now, newId })
}

const statsOf = ({
  database,
  nodes,
  limits,
  runtime,
  live,
  gateway,
}: Pick<Started, 'nodes' | 'runtime' | 'live' | 'gateway'> & {
  database: Database
  limits: RequestLimits
}): Stats => ({
  ...runtime.stats(),
  delivery: live.delivery.stats(),
  bus: nodes.bus.stats(),
  redis: nodes.link?.stats(),
  sockets: gateway?.sockets.stats() ?? NO_SOCKETS,
  limits: { ...limits.stats(), alone: nodes.limits.alone() },
  presence: nodes.presence.stats(),
  database: database.sql.connections(),
})

import type { Engine } from '../../actors/engine/engine.ts'
import { topicRules } from '../../actors/topics.ts'
import { isUnavailable } from '../../persistence/sql.ts'
import type { Activity } from '../activity.ts'
import { createCallerOf } from '../auth/authenticate.ts'
import { createCredentials, type Credentials } from '../credentials/credentials.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import { atMost } from '../gateway/at-most.ts'
import type { BasePath } from '../gateway/base-path.ts'
import type { Dispatcher } from '../gateway/dispatcher.ts'
import type { Admission } from '../gateway/rest.ts'
import { createSockets, type Sockets } from '../gateway/sockets.ts'
import type { MessageBox } from '../notifications/message-box.ts'
import type { Payments } from '../payments/payments.ts'
import type { Presence } from '../presence.ts'
import type { SignIn } from '../sign-in.ts'
import type { Ground } from './ground.ts'
import type { Http } from './http.ts'
import type { Lifetime } from './lifetime.ts'
import type { Live } from './live.ts'
import { registerRoutes } from './routes.ts'
import type { Storage } from './storage.ts'

/** What the gateway is made of. */
export type GatewayParts = Admission & {
  storage: Storage
  engine: Engine
  live: Live
  signIn: SignIn
  dispatcher: Dispatcher
  payments: Payments | undefined
  presence: Presence
  activity: Activity
  http: Http
  links: VerificationLinks
  box: MessageBox | undefined
  basePath: BasePath
}

/** What clients reach: sockets, and routes. */
export type Gateway = { sockets: Sockets; register: (lifetime: Lifetime) => Promise<void> }

export const createGateway = (ground: Ground, parts: GatewayParts): Gateway => {
  const credentials = credentialsOf(ground, parts)
  return {
    sockets: socketsOf(ground, parts, credentials),
    register: (lifetime) => registerRoutes(ground, { ...parts, credentials, lifetime }),
  }
}

/** What others verify; absent where nothing is that could be verified. */
const credentialsOf = (
  { database, definitions, now, failed }: Ground,
  { storage: { directory, vault }, http, links, limits, callerOf, basePath }: GatewayParts,
) =>
  createCredentials({
    database,
    definitions,
    vault,
    links,
    publicUrl: http.publicUrl,
    organisationName: directory.organisationName,
    emailOf: async (userId) => (await directory.user(userId))?.email,
    limits,
    callerOf,
    basePath,
    now,
    failed,
  })

const socketsOf = (
  { options, definitions, now, newId, failed }: Ground,
  parts: GatewayParts,
  credentials: Credentials | undefined,
) => {
  const { http, dispatcher, limits, signIn, storage, live, engine, activity, presence } = parts
  return createSockets({
    http: http.app.server,
    definitions,
    dispatcher,
    limits,
    callerOf: createCallerOf(signIn),
    sessions: signIn.sessions,
    subscriptions: {
      journal: storage.journal,
      snapshots: storage.snapshots,
      rules: topicRules(definitions, { ...storage.directory, active: engine.peek }),
      delivered: live.delivery.position,
      reached: live.delivery.reached,
      limited: atMost(32),
    },
    origins: options.origins ?? [],
    trustedProxies: options.trustedProxies ?? [],
    ...(credentials ? { beside: credentials.watch } : {}),
    activity: bothOf(activity, presence),
    now,
    newId,
    failed,
    unavailable: isUnavailable,
  })
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

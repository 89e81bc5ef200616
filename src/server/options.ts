import type { FastifyBaseLogger } from 'fastify'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { EngineLimits } from '../../actors/engine/engine.ts'
import type { DatabaseOptions, Migrations } from '../../persistence/database.ts'
import type { RetentionOptions } from '../../persistence/retention.ts'
import type { LimitOptions } from '../auth/limits.ts'
import type { PasswordCost } from '../auth/passwords.ts'
import type { Clock } from '../clock.ts'
import type { MailOptions } from '../notifications/mail.ts'
import type { PushOptions } from '../notifications/notifications.ts'
import type { PaystackOptions } from '../payments/payments.ts'
import type { NodeRole } from '../roles.ts'
import type { VaultKey } from '../vault.ts'

export type ServerOptions = {
  database: DatabaseOptions
  host: string
  port: number
  tokenSecret: string
  /** The first one seals; all of them open. */
  vaultKeys: readonly [VaultKey, ...VaultKey[]]
  /** Without it, payments are refused with `payments_unavailable`. */
  paystack?: PaystackOptions
  /** Without it, no e-mail is sent, and each delivery says so. */
  mail?: MailOptions
  /** For development: without a mail server, what would be sent is kept in memory and shown at `/dev/messages`. */
  showMessages?: boolean
  /** Without it, no push is sent, and each delivery says so. */
  push?: PushOptions
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
  /** How others reach this server, without a slash at its end; by default as it listens. */
  publicUrl?: string
  /** Whoever brings it may read the metrics from another machine. */
  metricsToken?: string | undefined
  requestsPerMinute?: number
  /** Who has had so many payments fail within an hour has to wait; 10 by default. */
  failedPaymentsPerHour?: number
  loginLimits?: Partial<LimitOptions>
  /** What it takes to guess a password; by default what OWASP recommends. */
  passwordCost?: PasswordCost
  engineLimits?: Partial<EngineLimits>
  /** Whose accounts are not let in, by their e-mail addresses; nobody's by default. */
  refusesSignIn?: (email: string) => boolean
  /** Migrations run at the start unless somebody wants to run them by hand. */
  migrate?: boolean
  /** By default the database's. */
  clock?: Clock
  /** Opens what the first certificate would have to wait for, as soon as it listens; not by default. */
  warm?: boolean
  /** By default all that are registered, with their tables. */
  definitions?: readonly AnyActorDefinition[]
  migrations?: Migrations
  /** The longest time between two looks at the timers, in milliseconds. */
  timerPollMs?: number
  /** The longest time that a request waits for what follows from it, in milliseconds. */
  patienceMs?: number
  logger: FastifyBaseLogger
}

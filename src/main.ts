import { parseArgs } from 'node:util'
import type { Logger } from 'pino'
import { actors } from '../actors/registry.ts'
import packageJson from '../package.json' with { type: 'json' }
import { openDatabase, type DatabaseOptions } from '../persistence/database.ts'
import { beginEpoch as renewEpoch } from '../persistence/epoch.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { checkActors, migrate } from '../persistence/start-checks.ts'
import { banner } from './banner.ts'
import { ConfigError, readConfig, type Config } from './config.ts'
import { DEMO_PASSWORD, isDemoEmail } from './demo/accounts.ts'
import { loadDemo } from './demo/load.ts'
import type { PaystackOptions } from './payments/payments.ts'
import { simulatorBeside, type SimulatorBeside } from './paystack-simulator/beside-server.ts'
import { readSecrets } from './secrets.ts'
import { NODE_ROLES, readRoles, type NodeRole } from './roles.ts'
import { startServer } from './server.ts'
import { startFailure } from './start-failure.ts'
import { exitOnBugs, stopOnSignals } from './stop.ts'
import { createLogger } from './terminal-log.ts'
import { whenThere } from './when-there.ts'

const main = async () => {
  const { migrateOnly, newEpoch, roles } = readFlags()
  const config = readConfig(process.env)
  const logger = createLogger(config.LOG_LEVEL, process.stdout)
  exitOnBugs(logger)
  if (migrateOnly) await runMigrations(config)
  else if (newEpoch) await beginEpoch(config)
  else await serve(config, logger, roles)
}

const serve = async (config: Config, logger: Logger, roles: ReadonlySet<NodeRole>) => {
  // Production keeps its output for the log collector: one object in place of the banner.
  const isQuiet = config.NODE_ENV === 'production' && !process.stdout.isTTY
  const tell = isQuiet ? () => {} : say
  tell('Laurel is starting…')
  const secrets = readSecrets(config)
  const simulator = await simulatorBeside(config, secrets.vaultKeys[0])
  const paystack = paystackOf(config, simulator)
  const server = await startServer({
    database: addressOf(config),
    host: config.HOST,
    port: config.PORT,
    ...secrets,
    ...(paystack ? { paystack } : {}),
    ...mailOf(config),
    ...pushOf(config),
    ...(config.REDIS_URL ? { redisUrl: config.REDIS_URL } : {}),
    origins: config.LAUREL_ORIGINS,
    trustedProxies: config.LAUREL_TRUSTED_PROXIES,
    basePath: config.LAUREL_BASE_PATH,
    ...(config.LAUREL_PUBLIC_URL ? { publicUrl: config.LAUREL_PUBLIC_URL } : {}),
    metricsToken: config.LAUREL_METRICS_TOKEN,
    requestsPerMinute: config.LAUREL_RATE_LIMIT,
    migrate: config.LAUREL_MIGRATE,
    showMessages: showsMessages(config),
    // A database may have them from when it was no production, and their password is known.
    ...(config.NODE_ENV === 'production' ? { refusesSignIn: isDemoEmail } : {}),
    // Who develops would wait for it at every start.
    warm: config.NODE_ENV === 'production',
    startWaitMs: config.LAUREL_START_WAIT_S * 1000,
    ...(config.LAUREL_JOURNAL_DAYS
      ? { retention: { days: config.LAUREL_JOURNAL_DAYS, archive: config.LAUREL_JOURNAL_PAST === 'archive' } }
      : {}),
    roles,
    logger,
  })
  const { version } = packageJson
  const { url } = server
  simulator?.control.setWebhookUrl(`${url}/webhooks/paystack`)
  const close = async () => {
    await server.close()
    await simulator?.close()
  }
  stopOnSignals({ close }, logger, tell)
  if (isQuiet) return logger.child({}, { level: 'info' }).info({ url, version }, 'Laurel is running')
  const demoPassword = config.demo ? (config.LAUREL_DEMO_PASSWORD ?? DEMO_PASSWORD) : undefined
  // Two nodes may start at once.
  if (demoPassword !== undefined)
    await server.database.sql.exclusively(DEMO_LOCK, () => loadDemo(server, demoPassword))
  const showMessages = showsMessages(config)
  say(banner({ version, url, config, roles, simulatorUrl: simulator?.url, showMessages, demoPassword }))
}

/** For those who set LAUREL_MIGRATE=off and change the database before they start the new version. */
const runMigrations = async (config: Config) => {
  const run = async () => {
    const database = await openDatabase(addressOf(config), migrations)
    try {
      const applied = await migrate(database, migrations, { apply: true })
      await checkActors(database, actors)
      say(applied === 0 ? 'The database is up to date.' : `Applied ${applied} migration(s).`)
    } finally {
      await database.close()
    }
  }
  await whenThere(run, config.LAUREL_START_WAIT_S * 1000, say)
}

/** After a restore: no client may go on from a position that now means something else. */
const beginEpoch = async (config: Config) => {
  const database = await openDatabase(addressOf(config), migrations)
  try {
    await renewEpoch(database.sql)
    say('The journal has a new epoch: clients that come back start from a fresh snapshot.')
  } finally {
    await database.close()
  }
}

/** Paystack itself with a key of one's own, else its simulator; in production nobody. */
const paystackOf = (
  { PAYSTACK_SECRET_KEY, PAYSTACK_URL, LAUREL_WEBHOOK_SOURCES }: Config,
  simulator: SimulatorBeside | undefined,
): PaystackOptions | undefined => {
  if (PAYSTACK_SECRET_KEY === undefined) return simulator
  return {
    secretKey: PAYSTACK_SECRET_KEY,
    url: PAYSTACK_URL.replace(/\/+$/, ''),
    webhookSources: LAUREL_WEBHOOK_SOURCES,
  }
}

const mailOf = ({ LAUREL_SMTP_URL: url, LAUREL_MAIL_FROM: from }: Config) =>
  url && from ? { mail: { url, from } } : {}

/**
 * Where there is a mail server, what was sent is with its recipients. Only where nobody else is served: a proxy that says
 * nothing of those for whom it asks would show them to the world.
 */
const showsMessages = (config: Config): boolean =>
  config.NODE_ENV === 'development' &&
  config.LAUREL_SMTP_URL === undefined &&
  config.LAUREL_PUBLIC_URL === undefined &&
  config.LAUREL_BASE_PATH === '' &&
  config.LAUREL_TRUSTED_PROXIES.length === 0 &&
  ['127.0.0.1', '::1', 'localhost'].includes(config.HOST)

const pushOf = (config: Config) => {
  const {
    LAUREL_VAPID_PUBLIC_KEY: publicKey,
    LAUREL_VAPID_PRIVATE_KEY: privateKey,
    LAUREL_VAPID_SUBJECT: subject,
  } = config
  return publicKey && privateKey && subject ? { push: { publicKey, privateKey, subject } } : {}
}

/** Of PostgreSQL's advisory locks. */
const DEMO_LOCK = 7_114_001

const addressOf = ({ DATABASE_URL, DATA_DIR }: Config): DatabaseOptions =>
  DATABASE_URL ? { url: DATABASE_URL } : { folder: DATA_DIR }

const readFlags = () => {
  const { values } = parseFlags()
  const roles = readRoles(values.roles ?? NODE_ROLES.join(','))
  if (!roles)
    throw new ConfigError(
      `--roles: must be some of ${NODE_ROLES.join(', ')}, for example --roles=gateway,worker`,
    )
  return { migrateOnly: values['migrate-only'] === true, newEpoch: values['new-epoch'] === true, roles }
}

const parseFlags = () => {
  try {
    return parseArgs({
      options: {
        'migrate-only': { type: 'boolean' },
        'new-epoch': { type: 'boolean' },
        roles: { type: 'string' },
      },
    })
  } catch (error) {
    throw new ConfigError(
      `${(error as Error).message.split('.')[0]}; the flags are --roles, --migrate-only and --new-epoch`,
    )
  }
}

const say = (text: string) => console.log(text)

main().catch((error: unknown) => {
  const line = startFailure(error)
  console.error(line === undefined ? error : `Laurel cannot start: ${line}`)
  process.exit(1)
})

import { z } from 'zod'
import type { VaultKey } from './vault.ts'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const MODES = ['development', 'production', 'test'] as const

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` })

const onOff = oneOf(['on', 'off']).transform((value) => value === 'on')

const wholeNumber = (least: number, most: number) => {
  const rule = `must be a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,9}$/, rule)
    .transform(Number)
    .refine((value) => value >= least && value <= most, rule)
}

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

/** First parts of this server's own paths: below them, a base path would hide what stands there already. */
export const TAKEN_PATHS: ReadonlySet<string> = new Set([
  '.well-known',
  'admin',
  'api',
  'credentials',
  'currentuser',
  'dev',
  'docs',
  'favicon.ico',
  'getPostmanCollection',
  'health',
  'metrics',
  'ready',
  'socket.io',
  'swagger',
  'training',
  'v1',
  'verify',
  'webhooks',
])

const BASE_PATH_RULE =
  'must be a path such as /tutorcatalog-api: no slash at its end, and none of the paths that Laurel has itself'

const PUBLIC_URL_RULE = 'must be an http or https URL without a slash at its end'

const KEY_RULE = 'must be <id>:<32 bytes in base64>, separated by commas, the newest first'

const encryptionKeys = list.transform((items, context): readonly [VaultKey, ...VaultKey[]] => {
  const keys = items.map((item): VaultKey => {
    const [, id = '', text = ''] = /^([\w-]{1,32}):([\w+/-]{43}=?)$/.exec(item) ?? []
    return { id, key: Buffer.from(text, 'base64') }
  })
  const [first, ...others] = keys
  const ids = new Set(keys.map(({ id }) => id))
  if (first && ids.size === keys.length && keys.every(({ key }) => key.length === 32))
    return [first, ...others]
  context.addIssue({ code: 'custom', message: KEY_RULE })
  return z.NEVER
})

const SMTP_RULE = 'must be smtp://user:password@host:port, or smtps://…, and nothing behind it'
const SENDER_RULE = 'must be an address, or a name and an address in angle brackets'

/** `Laurel <no-reply@example.org>`, or the address alone. */
const sender = z.string().transform((text, context) => {
  const [, name = '', inBrackets] = /^([^<>\p{Cc}]{0,100}?)\s*<([^<>]+)>$/u.exec(text) ?? []
  const address = z
    .email()
    .max(254)
    .safeParse(inBrackets ?? text)
  if (address.success) return { name: name.replaceAll('"', '').trim(), address: address.data }
  context.addIssue({ code: 'custom', message: SENDER_RULE })
  return z.NEVER
})

const Environment = z.object({
  NODE_ENV: oneOf(MODES).default('development'),
  HOST: z.string().default('127.0.0.1'),
  /** 0 takes any free port. */
  PORT: wholeNumber(0, 65_535).default(3000),
  DATA_DIR: z.string().default('./data'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).optional(),
  /** Effects are queued in Redis, so that the workers of all nodes share them. */
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// URL' }).optional(),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('warn'),
  LAUREL_DEMO: onOff.optional(),
  LAUREL_DEMO_PASSWORD: z
    .string()
    .min(8, 'must have 8 to 128 characters')
    .max(128, 'must have 8 to 128 characters')
    .optional(),
  /** Signs the tokens. Generated into the data folder outside production. */
  LAUREL_TOKEN_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  /** Web origins that may connect, separated by commas; the server's own is always allowed. */
  LAUREL_ORIGINS: list.default([]),
  /** Addresses of proxies whose X-Forwarded-For is believed, separated by commas. */
  LAUREL_TRUSTED_PROXIES: list.default([]),
  /** Reads /metrics from other machines, and nothing else. Its letters are those that the log's redaction knows. */
  LAUREL_METRICS_TOKEN: z
    .string()
    .regex(/^[\w.~+/=-]{32,128}$/, 'must have 32 to 128 letters, digits or any of .~+/=-')
    .optional(),
  /** Every route answers below this path, too, for proxies that pass paths on as they are (S2.4). */
  LAUREL_BASE_PATH: z
    .string()
    .max(100, BASE_PATH_RULE)
    .regex(/^(?:\/[A-Za-z0-9][\w.~-]*)+$/, BASE_PATH_RULE)
    .refine((path) => !TAKEN_PATHS.has(path.split('/')[1] ?? ''), BASE_PATH_RULE)
    .default(''),
  /** How others reach this server, where a proxy stands in front of it: printed and sent links begin with it. */
  LAUREL_PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: PUBLIC_URL_RULE })
    .max(200, PUBLIC_URL_RULE)
    .regex(/^[^?#@]*[^/?#@]$/, PUBLIC_URL_RULE)
    .optional(),
  /** Commands and queries that one user, or one address without a sign-in, may send in a minute (S4.45). */
  LAUREL_RATE_LIMIT: wholeNumber(1, 999_999_999).default(100),
  LAUREL_MIGRATE: onOff.default(true),
  /** How many seconds the start waits for a database that is not there yet; 0 not at all. */
  LAUREL_START_WAIT_S: wholeNumber(0, 86_400).default(60),
  /** Turns that are older, in days, leave the journal; none do when it is not set. */
  LAUREL_JOURNAL_DAYS: wholeNumber(1, 36_500).optional(),
  /** Where they go: nowhere, or to the table `journal_archive`. */
  LAUREL_JOURNAL_PAST: oneOf(['drop', 'archive']).default('archive'),
  /** Encrypt what is kept and not to be read, such as saved cards: `id:key`, separated by commas, the newest first. */
  LAUREL_ENCRYPTION_KEYS: encryptionKeys.optional(),
  /** The mail server; without one, no e-mail is sent. */
  LAUREL_SMTP_URL: z
    .url({ protocol: /^smtps?$/, error: SMTP_RULE })
    .max(500, SMTP_RULE)
    .regex(/^[^?#]*$/, SMTP_RULE)
    .optional(),
  /** Whom e-mail comes from. */
  LAUREL_MAIL_FROM: sender.optional(),
  /** Pushes are signed with it (VAPID); without the pair and the contact, none are sent. */
  LAUREL_VAPID_PUBLIC_KEY: z
    .string()
    .regex(/^B[\w-]{86}$/, 'must be a public key of P-256 in base64url, 87 letters')
    .optional(),
  LAUREL_VAPID_PRIVATE_KEY: z
    .string()
    .regex(/^[\w-]{43}$/, 'must be a private key of P-256 in base64url, 43 letters')
    .optional(),
  /** Whom push services write to when something is wrong with the pushes. */
  LAUREL_VAPID_SUBJECT: z
    .url({ protocol: /^(?:mailto|https)$/, error: 'must be a mailto: or https: URL' })
    .max(200, 'must be a mailto: or https: URL')
    .optional(),
  /** `sk_…`; without it, development uses the simulator and production refuses payments. */
  PAYSTACK_SECRET_KEY: z
    .string()
    .regex(/^sk_\w{8,}$/, 'must be a secret key of Paystack')
    .optional(),
  PAYSTACK_URL: z.url({ protocol: /^https?$/, error: 'must be a URL' }).default('https://api.paystack.co'),
  /** Addresses from which webhooks are taken, separated by commas; all when empty. */
  LAUREL_WEBHOOK_SOURCES: list.default([]),
})

type Name = keyof typeof Environment.shape

/** The names of all settings. */
export const settingNames = Object.keys(Environment.shape)

/** What a refusal shows; never what was given, which may be a secret. */
const EXAMPLES: Partial<Record<Name, string>> = {
  NODE_ENV: 'production',
  PORT: '3000',
  DATABASE_URL: 'postgres://laurel:password@localhost:5432/laurel',
  REDIS_URL: 'redis://localhost:6379',
  LOG_LEVEL: 'info',
  LAUREL_DEMO: 'off',
  LAUREL_DEMO_PASSWORD: '"a phrase of your own"',
  LAUREL_TOKEN_SECRET: '"$(openssl rand -base64 32)"',
  LAUREL_METRICS_TOKEN: '"$(openssl rand -hex 32)"',
  LAUREL_BASE_PATH: '/tutorcatalog-api',
  LAUREL_PUBLIC_URL: 'https://laurel.example.org',
  LAUREL_RATE_LIMIT: '100',
  LAUREL_MIGRATE: 'off',
  LAUREL_START_WAIT_S: '60',
  LAUREL_JOURNAL_DAYS: '365',
  LAUREL_JOURNAL_PAST: 'archive',
  LAUREL_ENCRYPTION_KEYS: '"k1:$(openssl rand -base64 32)"',
  LAUREL_SMTP_URL: '"smtps://user:password@mail.example.org:465"',
  LAUREL_MAIL_FROM: '"Laurel <no-reply@example.org>"',
  LAUREL_VAPID_SUBJECT: 'mailto:operations@example.org',
  PAYSTACK_SECRET_KEY: 'sk_test_…',
  PAYSTACK_URL: 'https://api.paystack.co',
}

export type Config = z.output<typeof Environment> & { demo: boolean }

/** The settings are wrong; the message names each variable, the rule and an example, in one line. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the settings, once; nothing else in the server reads the environment.
 * @throws ConfigError
 */
export const readConfig = (environment: NodeJS.ProcessEnv): Config => {
  const unknown = Object.keys(environment).filter((name) => name.startsWith('LAUREL_') && !isKnown(name))
  if (unknown.length > 0)
    throw new ConfigError(`${unknown.join(', ')}: unknown setting; README.md lists all of them`)

  const given = Object.fromEntries(
    settingNames
      .map((name) => [name, environment[name]])
      .filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = Environment.safeParse(given)
  if (!parsed.success) throw new ConfigError(faultsOf(parsed.error))

  const config = parsed.data
  const production = config.NODE_ENV === 'production'
  if (production && config.LAUREL_DEMO)
    throw new ConfigError(
      'LAUREL_DEMO: demo data and its known accounts are refused when NODE_ENV=production',
    )
  if (production && !config.LAUREL_TOKEN_SECRET)
    throw new ConfigError(
      fault('LAUREL_TOKEN_SECRET', 'is required when NODE_ENV=production, with at least 32 characters'),
    )
  // Without one that stays, what signs credentials could not be opened again, and printed links would lead nowhere.
  if (production && !config.LAUREL_ENCRYPTION_KEYS)
    throw new ConfigError(fault('LAUREL_ENCRYPTION_KEYS', 'is required when NODE_ENV=production'))
  refuseHalves(config)
  refuseCarelessness(config)
  return { ...config, demo: config.LAUREL_DEMO ?? !production }
}

/** What is of no use alone would look as if it were on. */
const refuseHalves = (config: z.output<typeof Environment>) => {
  for (const whole of [
    ['LAUREL_SMTP_URL', 'LAUREL_MAIL_FROM'],
    ['LAUREL_VAPID_PUBLIC_KEY', 'LAUREL_VAPID_PRIVATE_KEY', 'LAUREL_VAPID_SUBJECT'],
  ] as const) {
    const missing = whole.filter((name) => config[name] === undefined)
    const [first] = missing
    if (first && missing.length < whole.length)
      throw new ConfigError(
        fault(first, `belongs to ${whole.filter((name) => name !== first).join(' and ')}`),
      )
  }
}

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost']

/** The secret key goes out with each request, and a live one moves real money. */
const refuseCarelessness = ({
  NODE_ENV,
  PAYSTACK_URL,
  PAYSTACK_SECRET_KEY,
}: z.output<typeof Environment>) => {
  const isLive = PAYSTACK_SECRET_KEY?.startsWith('sk_live_') ?? false
  const { protocol, hostname } = new URL(PAYSTACK_URL)
  if (protocol !== 'https:' && isLive)
    throw new ConfigError(fault('PAYSTACK_URL', 'must be https with a live key'))
  if (protocol !== 'https:' && !LOOPBACK.includes(hostname))
    throw new ConfigError(fault('PAYSTACK_URL', 'must be https unless its host is this machine'))
  if (isLive && NODE_ENV !== 'production')
    throw new ConfigError(
      fault(
        'PAYSTACK_SECRET_KEY',
        'a live key is refused unless NODE_ENV=production: demo accounts have a known password',
      ),
    )
}

/** LAUREL_URL belongs to `npm run demo`, LAUREL_TEST_… to the tests; both may be exported in the same shell. */
const isKnown = (name: string) =>
  name in Environment.shape || name === 'LAUREL_URL' || name.startsWith('LAUREL_TEST_')

const faultsOf = ({ issues }: z.ZodError) => {
  const first = new Map(issues.toReversed().map(({ path, message }) => [path.join('.') as Name, message]))
  return [...first].map(([name, rule]) => fault(name, rule)).join('; ')
}

const fault = (name: Name, rule: string) => {
  const example = EXAMPLES[name]
  return example === undefined ? `${name}: ${rule}` : `${name}: ${rule}, for example ${name}=${example}`
}

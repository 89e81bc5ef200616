import { z } from 'zod'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const onOff = z.enum(['on', 'off']).transform((value) => value === 'on')

const Environment = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  DATA_DIR: z.string().min(1).default('./data'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).optional(),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// URL' }).optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  LAUREL_DEMO: onOff.optional(),
  LAUREL_DEMO_PASSWORD: z.string().min(8).max(128).optional(),
  /** Signs the tokens; at least 32 characters. Generated into the data folder outside production. */
  LAUREL_TOKEN_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  /** Web origins that may connect, separated by commas; the server's own is always allowed. */
  LAUREL_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter(Boolean),
    ),
  /** Addresses of proxies whose X-Forwarded-For is believed, separated by commas. */
  LAUREL_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((address) => address.trim())
        .filter(Boolean),
    ),
  /** Commands and queries that one user may send in a minute (S4.45). */
  LAUREL_RATE_LIMIT: z.coerce.number().int().min(1).default(100),
  LAUREL_MIGRATE: onOff.default(true),
})

export type Config = z.output<typeof Environment> & { demo: boolean }

/** The settings are wrong; the message names the variable and the rule, one line each. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the settings, once; nothing else reads the environment.
 * @throws ConfigError
 */
export const readConfig = (environment: NodeJS.ProcessEnv): Config => {
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith('LAUREL_') && !(name in Environment.shape) && !name.startsWith('LAUREL_TEST_'),
  )
  if (unknown.length > 0) throw new ConfigError(`${unknown.join(', ')}: unknown setting`)

  const given = Object.fromEntries(
    Object.keys(Environment.shape)
      .map((name) => [name, environment[name]])
      .filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = Environment.safeParse(given)
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
    )

  const config = parsed.data
  const production = config.NODE_ENV === 'production'
  if (production && config.LAUREL_DEMO)
    throw new ConfigError(
      'LAUREL_DEMO: demo data and its known accounts are refused when NODE_ENV=production',
    )
  if (production && !config.LAUREL_TOKEN_SECRET)
    throw new ConfigError(
      'LAUREL_TOKEN_SECRET: required when NODE_ENV=production (at least 32 random characters)',
    )
  return { ...config, demo: config.LAUREL_DEMO ?? !production }
}

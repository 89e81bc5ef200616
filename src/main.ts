import { pino } from 'pino'
import { ConfigError, readConfig } from './config.ts'
import { readSecrets } from './secrets.ts'
import { startServer } from './server.ts'

const main = async () => {
  const config = readConfig(process.env)
  const logger = pino({ level: config.LOG_LEVEL })
  const server = await startServer({
    database: config.DATABASE_URL ? { url: config.DATABASE_URL } : { folder: config.DATA_DIR },
    host: config.HOST,
    port: config.PORT,
    tokenSecret: readSecrets(config).tokenSecret,
    origins: config.LAUREL_ORIGINS,
    trustedProxies: config.LAUREL_TRUSTED_PROXIES,
    requestsPerMinute: config.LAUREL_RATE_LIMIT,
    migrate: config.LAUREL_MIGRATE,
    logger,
  })
  console.log(`Laurel is listening on ${server.url}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void server.close().then(() => process.exit(0)))
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? `Laurel cannot start: ${error.message}` : error)
  process.exit(1)
})

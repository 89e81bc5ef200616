import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { runMoneyCampaign } from './campaign.ts'

const USAGE =
  'npm run test:money -- [--seed N] [--payments N] [--database pglite|postgres] [--queue process|bull]'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    payments: { type: 'string', default: '2000' },
    database: { type: 'string', default: 'pglite' },
    queue: { type: 'string', default: 'process' },
  },
})
const seed = Number(values.seed)
const payments = Number(values.payments)
const { database, queue } = values
if (
  !Number.isSafeInteger(seed) ||
  !Number.isSafeInteger(payments) ||
  !['pglite', 'postgres'].includes(database) ||
  !['process', 'bull'].includes(queue)
) {
  console.error(USAGE)
  process.exit(2)
}

const cluster = database === 'postgres' ? await startPostgres({ fsync: true }) : undefined
const { url } = cluster ? await createDatabase(cluster.url) : {}
const redis = queue === 'bull' ? await startRedis() : undefined
const { violations, folder } = await runMoneyCampaign({
  seed,
  payments,
  ...(url === undefined ? {} : { postgresUrl: url }),
  ...(redis ? { redis } : {}),
  print: (line) => console.log(line),
})
for (const violation of violations) console.error(`VIOLATED: ${violation}`)
if (folder !== undefined) console.error(`The data are in ${folder}`)
await cluster?.stop()
await redis?.stop()
console.log(`${violations.length === 0 ? 'passed' : 'FAILED'} (seed ${seed}, ${database}, ${queue})`)
process.exit(violations.length > 0 ? 1 : 0)

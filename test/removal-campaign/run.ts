import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '../support/postgres.ts'
import { runRemovalCampaign } from './campaign.ts'

const USAGE = 'npm run test:removal -- [--seed N] [--enrollments N] [--kills N] [--database pglite|postgres]'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    enrollments: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '12' },
    database: { type: 'string', default: 'pglite' },
  },
})
const { database } = values
const [seed, enrollments, kills] = [values.seed, values.enrollments, values.kills].map(Number) as [
  number,
  number,
  number,
]
if (![seed, enrollments, kills].every(Number.isSafeInteger) || !['pglite', 'postgres'].includes(database)) {
  console.error(USAGE)
  process.exit(2)
}

const cluster = database === 'postgres' ? await startPostgres({ fsync: true }) : undefined
const { url } = cluster ? await createDatabase(cluster.url) : {}
const { violations, folder } = await runRemovalCampaign({
  seed,
  enrollments,
  kills,
  ...(url === undefined ? {} : { postgresUrl: url }),
  print: (line) => console.log(line),
})
for (const violation of violations) console.error(`VIOLATED: ${violation}`)
if (folder !== undefined) console.error(`The data are in ${folder}`)
await cluster?.stop()
console.log(
  `${violations.length === 0 ? 'passed' : 'FAILED'} (seed ${seed}, ${enrollments} enrollments, ${database})`,
)
process.exit(violations.length > 0 ? 1 : 0)

import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDatabase, startPostgres } from '../support/postgres.ts'
import { runCampaign } from './campaign.ts'
import { SABOTAGES } from './sabotage.ts'

const USAGE = `npm run test:kill -- [--seed N] [--rounds N] [--database pglite|postgres] [--sabotage ${SABOTAGES.join('|')}]`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    rounds: { type: 'string', default: '50' },
    database: { type: 'string', default: 'pglite' },
    sabotage: { type: 'string' },
  },
})
const seed = Number(values.seed)
const rounds = Number(values.rounds)
const { database } = values
const sabotage = SABOTAGES.find((name) => name === values.sabotage)
if (
  !Number.isSafeInteger(seed) ||
  !Number.isSafeInteger(rounds) ||
  !['pglite', 'postgres'].includes(database) ||
  sabotage !== values.sabotage
) {
  console.error(USAGE)
  process.exit(2)
}

const cluster = database === 'postgres' ? await startPostgres({ fsync: true }) : undefined
const { url } = cluster ? await createDatabase(cluster.url) : {}
const outcome = await runCampaign({
  seed,
  rounds,
  ...(url === undefined ? {} : { postgresUrl: url }),
  ...(sabotage === undefined ? {} : { sabotage }),
  print: (line) => console.log(line),
})
if (outcome.folder !== undefined) {
  for (const violation of outcome.violations) console.error(`VIOLATED: ${violation}`)
  await cluster?.kill()
  if (cluster) await cp(cluster.dataDir, join(outcome.folder, 'postgres'), { recursive: true })
  console.error(`The data and what everybody was told are in ${outcome.folder}`)
}
await cluster?.stop()
console.log(`${outcome.passed} of ${rounds} rounds passed (seed ${seed}, ${database})`)
process.exit(outcome.violations.length > 0 ? 1 : 0)

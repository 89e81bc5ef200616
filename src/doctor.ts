import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase, type DatabaseOptions } from '../persistence/database.ts'
import { verifyInvariants, type Finding } from '../persistence/doctor.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { missingMigrations } from '../persistence/start-checks.ts'
import { readConfig, type Config } from './config.ts'
import { startFailure } from './start-failure.ts'

/**
 * `npm run doctor`: looks whether the stored data contradict themselves, and says so invariant by invariant. It reads
 * DATABASE_URL and DATA_DIR as the server does, changes nothing, and ends with 1 when something is wrong.
 */
const main = async () => {
  const database = await openDatabase(addressOf(readConfig(process.env)), migrations)
  try {
    const missing = await missingMigrations(database, migrations)
    if (missing.length > 0)
      throw new Unexamined(`the database lacks ${missing.join(', ')}: run \`npm run migrate\` first`)
    const findings = await verifyInvariants(database, (finding) => say(lineOf(finding)))
    const broken = findings.filter(({ rows }) => rows.length > 0).length
    say(broken === 0 ? `All ${findings.length} invariants hold.` : `${broken} invariant(s) do not hold.`)
    if (broken > 0) process.exitCode = 1
  } finally {
    await database.close()
  }
}

/** There is nothing to look at; the message says why. */
class Unexamined extends Error {
  override name = 'Unexamined'
}

/** A folder without a database would get one by being opened. */
const addressOf = ({ DATABASE_URL, DATA_DIR }: Config): DatabaseOptions => {
  if (DATABASE_URL) return { url: DATABASE_URL }
  if (!existsSync(join(DATA_DIR, 'pglite'))) throw new Unexamined(`there is no database in ${DATA_DIR}`)
  return { folder: DATA_DIR }
}

/** One line, and one more for each of the first contradictions. */
const lineOf = ({ name, holds, rows }: Finding) =>
  [
    `${rows.length === 0 ? 'ok     ' : 'BROKEN '} ${name}: ${holds}`,
    ...rows.map((row) => `        ${JSON.stringify(row)}`),
  ].join('\n')

const say = (text: string) => console.log(text)

main().catch((error: unknown) => {
  const line = error instanceof Unexamined ? error.message : startFailure(error)
  console.error(line === undefined ? error : `The database cannot be examined: ${line}`)
  process.exit(1)
})

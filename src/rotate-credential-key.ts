import { openDatabase, type DatabaseOptions } from '../persistence/database.ts'
import { createCredentialKeyStore } from '../persistence/credential-keys.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { missingMigrations } from '../persistence/start-checks.ts'
import { readConfig, type Config } from './config.ts'
import { rotateCredentialKey } from './credentials/keys.ts'
import { readSecrets } from './secrets.ts'
import { startFailure } from './start-failure.ts'
import { createVault } from './vault.ts'

/**
 * `npm run rotate-credential-key`: from now on another key signs credentials. What was signed before stays good: the
 * public halves of all keys are kept. It also seals what is kept for credentials anew, under the first of
 * LAUREL_ENCRYPTION_KEYS. Nodes that run need not be told.
 */
const main = async () => {
  const config = readConfig(process.env)
  const vault = createVault(readSecrets(config).vaultKeys)
  const database = await openDatabase(addressOf(config), migrations)
  try {
    const missing = await missingMigrations(database, migrations)
    if (missing.length > 0)
      throw new Error(`the database lacks ${missing.join(', ')}: run \`npm run migrate\` first`)
    const store = createCredentialKeyStore(database)
    const kid = await rotateCredentialKey({ store, vault, sql: database.sql, now: Date.now })
    console.log(`From now on credentials are signed with the key ${kid}.`)
    await store
      .reseal((sealed) => vault.seal(vault.open(sealed)))
      .catch((error: unknown) => {
        throw new NotResealed(reasonOf(error), { cause: error })
      })
  } finally {
    await database.close()
  }
}

const addressOf = ({ DATABASE_URL, DATA_DIR }: Config): DatabaseOptions =>
  DATABASE_URL ? { url: DATABASE_URL } : { folder: DATA_DIR }

/** The new key signs already; only what was sealed before is as it was. */
class NotResealed extends Error {}

const reasonOf = (error: unknown): string => startFailure(error) ?? (error as Error).message

const failureOf = (error: unknown): string =>
  error instanceof NotResealed
    ? [
        `The key was replaced, but what is kept for credentials could not be sealed anew: ${error.message}.`,
        'It is sealed as before: LAUREL_ENCRYPTION_KEYS has to go on naming the keys that it is sealed with.',
        'Put that right and run this again: it makes one more key, and what was signed before stays good.',
      ].join('\n')
    : `The key was not replaced: ${reasonOf(error)}`

main().catch((error: unknown) => {
  console.error(failureOf(error))
  process.exit(1)
})

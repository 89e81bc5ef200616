import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { openDatabase, type Database, type DatabaseOptions } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'

/**
 * A fresh, migrated database of the kind that LAUREL_TEST_DATABASE names: `pglite` in memory, or `postgres`. Its
 * `close` leaves nothing behind.
 */
export const aDatabase = async (): Promise<Database> => {
  const { options, drop } = process.env.LAUREL_TEST_DATABASE === 'postgres' ? await inPostgres() : inMemory
  const database = await openDatabase(options, migrations)
  await database.migrator.up()
  return {
    ...database,
    close: async () => {
      await database.close()
      await drop()
    },
  }
}

type Place = { options: DatabaseOptions; drop: () => Promise<void> }

const inMemory: Place = { options: {}, drop: async () => {} }

const inPostgres = async (): Promise<Place> => {
  // Only this kind needs a server and its client.
  const { createDatabase } = await import('./postgres.ts')
  const server = inject('postgresUrl')
  if (server === undefined) throw new Error('LAUREL_TEST_DATABASE=postgres, but there is no PostgreSQL')
  const { url, drop } = await createDatabase(server)
  return { options: { url, poolSize: 5 }, drop }
}

/** Where a server may keep its data; it is there until `remove`, so that a second server finds what the first one left. */
export const aDatabaseAddress = async (): Promise<{
  database: DatabaseOptions
  remove: () => Promise<void>
}> => {
  if (process.env.LAUREL_TEST_DATABASE === 'postgres') {
    const { options, drop } = await inPostgres()
    return { database: options, remove: drop }
  }
  const folder = await mkdtemp(join(tmpdir(), 'laurel-test-'))
  return { database: { folder }, remove: () => rm(folder, { recursive: true, force: true }) }
}

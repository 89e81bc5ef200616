import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import { openDatabase, type Database, type DatabaseOptions } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'

type Address = { database: DatabaseOptions; remove: () => Promise<void> }

/**
 * A fresh, migrated database of the kind that LAUREL_TEST_DATABASE names: `pglite` or `postgres`. Its `close` leaves
 * nothing behind.
 */
export const aDatabase = async (): Promise<Database> => {
  const { database: options, remove } = await aDatabaseAddress()
  const database = await openDatabase(options, migrations)
  await database.migrator.up()
  return {
    ...database,
    close: async () => {
      await database.close()
      await remove()
    },
  }
}

/** Where a server may keep its data; it is there until `remove`, so that a second server finds what the first one left. */
export const aDatabaseAddress = async (): Promise<Address> =>
  process.env.LAUREL_TEST_DATABASE === 'postgres' ? inPostgres() : inFolder()

const inFolder = async (): Promise<Address> => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-test-'))
  const template = inject('pgliteTemplate')
  // A thousand files: twice as fast as Node's own copying.
  if (template) await promisify(execFile)('cp', ['-R', `${template}/.`, folder])
  return { database: { folder }, remove: () => rm(folder, { recursive: true, force: true }) }
}

const inPostgres = async (): Promise<Address> => {
  // Only this kind needs a server and its client.
  const { copyDatabase, createDatabase } = await import('./postgres.ts')
  const server = inject('postgresUrl')
  if (server === undefined) throw new Error('LAUREL_TEST_DATABASE=postgres, but there is no PostgreSQL')
  const template = inject('postgresTemplate')
  const { url, drop } = await (template ? copyDatabase(server, template) : createDatabase(server))
  return { database: { url, poolSize: 5 }, remove: drop }
}

import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import { createDatabase, startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser address of the cluster that all files of the project `postgres` share; absent in other projects. */
    postgresUrl?: string
    /** A migrated database in it that nobody is connected to. */
    postgresTemplate?: string
  }
}

/** Starts the one cluster of a test run; each file makes its own databases in it with `createDatabase`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ fsync: false })
  project.provide('postgresUrl', server.url)
  const { url, name } = await createDatabase(server.url)
  const database = await openDatabase({ url }, migrations)
  await database.migrator.up()
  await database.close()
  project.provide('postgresTemplate', name)
  return server.stop
}

import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser address of the cluster that all files of the project `postgres` share; absent in other projects. */
    postgresUrl?: string
  }
}

/** Starts the one cluster of a test run; each file makes its own database in it with `createDatabase`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres({ fsync: false })
  project.provide('postgresUrl', server.url)
  return server.stop
}

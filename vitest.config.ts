import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { findPostgres } from './test/support/postgres-process.ts'

const machines = ['test/**/*.machine.test.ts']
const unit = ['test/**/*.unit.test.ts', 'test/dependency-floors.test.ts']
/** Everything else runs twice: on PGlite and on PostgreSQL. */
const system = { include: ['test/**/*.test.ts'], exclude: [...machines, ...unit] }

/** CI never skips: there, a missing server fails the project `postgres` with a clear error. */
const withPostgres = findPostgres() !== undefined || process.env['CI'] === 'true'

const pglite = {
  test: {
    ...system,
    name: 'pglite',
    env: { LAUREL_TEST_DATABASE: 'pglite' },
    globalSetup: [
      'test/support/pglite.setup.ts',
      ...(withPostgres ? [] : ['test/support/postgres-missing.setup.ts']),
    ],
  },
}

const postgres = {
  test: {
    ...system,
    name: 'postgres',
    env: { LAUREL_TEST_DATABASE: 'postgres' },
    globalSetup: ['test/support/postgres.setup.ts'],
  },
}

export default defineConfig({
  test: {
    // Two on two cores, where the default would be one: a file waits for sockets and timers most of the time.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism() - 1)),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { test: { name: 'machines', include: machines, isolate: false } },
      { test: { name: 'unit', include: unit } },
      pglite,
      ...(withPostgres ? [postgres] : []),
    ],
  },
})

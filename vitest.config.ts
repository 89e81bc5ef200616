import { availableParallelism, tmpdir } from 'node:os'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'
import { memoryFolder } from './test/support/memory-folder.ts'
import { findPostgres } from './test/support/postgres-process.ts'

// Where the workers and what they start keep their files.
process.env['TMPDIR'] ??= memoryFolder() ?? tmpdir()

const machines = ['test/**/*.machine.test.ts']
const unit = ['test/**/*.unit.test.ts', 'test/dependency-floors.test.ts']
/** Everything else needs a database. */
const system = { include: ['test/**/*.test.ts'], exclude: [...machines, ...unit] }

/**
 * What these look at may differ from database to database, so that they run on both. The others run on PostgreSQL alone
 * where there is one; with LAUREL_TEST_ALL=true (`npm run test:all`) everything runs on both.
 */
const onBoth = [
  'auth',
  'badge-facts',
  'catalog-search',
  'catalog-unique',
  'certificate-numbers',
  'doctor',
  'effect-lease',
  'effect-taking',
  'effects',
  'engine',
  'faults/clock',
  'faults/recovery',
  'first-slice',
  'health',
  'kill',
  'live',
  'money',
  'removal-campaign',
  'retention',
  'round-trip',
  'shutdown',
  'start-checks',
  'tell-all',
].map((name) => `test/${name}.test.ts`)

/** CI never skips: there, a missing server fails the project `postgres` with a clear error. */
const withPostgres = findPostgres() !== undefined || process.env['CI'] === 'true'

const pglite = {
  test: {
    ...system,
    ...(withPostgres && process.env['LAUREL_TEST_ALL'] !== 'true' ? { include: onBoth } : {}),
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
    // Three on two cores, where the default would be one: a file waits for sockets, timers and processes half of the time.
    maxWorkers: Math.min(4, Math.max(3, availableParallelism() - 1)),
    sequence: { sequencer: LongestFirst },
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

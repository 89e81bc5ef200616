import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A migrated data folder that nobody has open; tests copy it, because making one takes a second. */
    pgliteTemplate?: string
  }
}

/** Makes the data folder that all tests of the project `pglite` start from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-template-'))
  const database = await openDatabase({ folder }, migrations)
  await database.migrator.up()
  await database.close()
  project.provide('pgliteTemplate', folder)
  return () => rm(folder, { recursive: true, force: true })
}

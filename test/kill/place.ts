import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase, type Database, type DatabaseOptions } from '../../persistence/database.ts'
import { migrations } from '../../persistence/migrations/list.ts'

export type DatabaseKind = 'pglite' | 'postgres'

/** Where the data are that outlive the server. */
export type Place = {
  kind: DatabaseKind
  options: DatabaseOptions
  /** What tells a server process the same. */
  environment: Readonly<Record<string, string>>
  /**
   * Looks at the data as the dead server left them, without touching them: PGlite is opened in a copy, so that the
   * next server has to recover by itself.
   */
  inspect: <Result>(look: (database: Database) => Promise<Result>) => Promise<Result>
  /** Makes a copy of the data, or goes back to it; a way to lose what was acknowledged. PGlite only. */
  save: () => Promise<void>
  rollBack: () => Promise<void>
}

export const inFolder = (folder: string): Place => {
  const data = join(folder, 'data')
  const copy = join(folder, 'copy')
  const saved = join(folder, 'saved')
  return {
    kind: 'pglite',
    options: { folder: data },
    environment: { DATA_DIR: data },
    inspect: async (look) => {
      await replace(join(data, 'pglite'), join(copy, 'pglite'))
      const database = await openDatabase({ folder: copy }, migrations)
      try {
        return await look(database)
      } finally {
        await database.close()
        await rm(copy, { recursive: true, force: true })
      }
    },
    save: () => replace(data, saved),
    rollBack: () => replace(saved, data),
  }
}

export const inPostgres = (folder: string, url: string): Place => {
  const impossible = () => Promise.reject(new Error('only a PGlite folder can be rolled back'))
  return {
    kind: 'postgres',
    options: { url, poolSize: 5 },
    environment: { DATABASE_URL: url, DATA_DIR: join(folder, 'data') },
    inspect: async (look) => {
      const database = await openDatabase({ url, poolSize: 2 }, migrations)
      try {
        return await look(database)
      } finally {
        await database.close()
      }
    },
    save: impossible,
    rollBack: impossible,
  }
}

const replace = async (from: string, to: string) => {
  await rm(to, { recursive: true, force: true })
  await mkdir(to, { recursive: true })
  await cp(from, to, { recursive: true })
}

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { Migrator } from '@mikro-orm/migrations'
import { PgliteDriver, MikroORM as PgliteORM } from '@mikro-orm/pglite'
import { MikroORM as PostgresORM, type EntityManager, type Options } from '@mikro-orm/postgresql'
import type { ClientBase } from 'pg'
import type { AnyActorDefinition } from '../actors/actor.ts'
import { actors } from '../actors/registry.ts'
import { actorEntity } from './actor-table.ts'
import { Authorization } from './authorizations.ts'
import { CredentialKey, CredentialSecret } from './credential-keys.ts'
import { Disclosure } from './disclosures.ts'
import { identityEntities } from './identity.ts'
import { importEntities } from './imports.ts'
import { OfferingPrice } from './prices.ts'
import { Webhook } from './webhooks.ts'
import { lockFolder } from './folder-lock.ts'
import { createNotices, type Notices } from './notices.ts'
import { limited, pgliteSql, postgresSql, QUERY_LIMIT_MS, sqlState, type Sql } from './sql.ts'

export type Database = {
  engine: 'pglite' | 'postgres'
  /** Hand-written statements: the commit, the journal, timers, effects. */
  sql: Sql
  /** Runs `work` on a fresh EntityManager, in one transaction that commits when it returns. */
  transaction: <Result>(work: (em: EntityManager) => Promise<Result>) => Promise<Result>
  /** Runs `work` on a fresh EntityManager without a transaction: reads, mostly. */
  read: <Result>(work: (em: EntityManager) => Promise<Result>) => Promise<Result>
  migrator: Migrator
  /** Where other processes may use the same database; opened only when somebody listens. */
  notices: Notices | undefined
  close: () => Promise<void>
}

export type DatabaseOptions =
  | { url: string; poolSize?: number }
  /** The data folder; without one the database lives in memory. */
  | { folder?: string }

/**
 * Opens PostgreSQL by URL, or PGlite in a folder.
 * @throws when the folder is in use by another living process, or PostgreSQL cannot be reached.
 */
export const openDatabase = async (
  options: DatabaseOptions,
  migrations: Migrations,
  definitions: readonly AnyActorDefinition[] = actors,
): Promise<Database> => {
  const settings = settingsOf(migrations, definitions)
  return 'url' in options ? openPostgres(options, settings) : openPglite(options, settings)
}

export type Migrations = NonNullable<NonNullable<Options['migrations']>['migrationsList']>

type Settings = ReturnType<typeof settingsOf>

const settingsOf = (migrations: Migrations, definitions: readonly AnyActorDefinition[]) => ({
  entities: [
    ...identityEntities,
    ...importEntities,
    OfferingPrice,
    Webhook,
    Authorization,
    CredentialKey,
    CredentialSecret,
    Disclosure,
    ...definitions.map(actorEntity),
  ],
  extensions: [Migrator],
  migrations: {
    migrationsList: migrations,
    tableName: 'migration',
    snapshot: false,
    allOrNothing: true,
    // `create index concurrently` is not used; a failed start leaves nothing half done.
    transactional: true,
  },
  // Client objects never reach a `where`; this refuses them a second time.
  validateRequired: true,
  forceUtcTimezone: true,
  debug: false,
  // The server's own log says what matters.
  logger: () => {},
})

const openPostgres = async (
  { url, poolSize = 10 }: { url: string; poolSize?: number },
  settings: Settings,
): Promise<Database> => {
  const open = (max: number, limits: object) =>
    new PostgresORM({
      ...settings,
      clientUrl: url,
      pool: { min: 0, max },
      driverOptions: { connectionTimeoutMillis: 5_000, application_name: 'laurel', onConnect, ...limits },
    })
  // As in sql.ts, for the queries of MikroORM.
  const orm = open(poolSize, { query_timeout: QUERY_LIMIT_MS })
  // A migration takes as long as it takes.
  const patient = open(1, {})
  const connection = orm.em.getDriver().getConnection()
  // Makes the pool; the first connection is made by the check, and no database is created on the way.
  await connection.connect({ skipOnConnect: true })
  const check = await connection.checkConnection()
  if (!check.ok) {
    await orm.close(true)
    throw new Error(`PostgreSQL cannot be reached: ${check.reason}`, { cause: check.error })
  }
  const sql = postgresSql(await connection.getNativeClient())
  const notices = createNotices(url)
  return {
    engine: 'postgres',
    sql,
    notices,
    transaction: (work) => orm.em.fork().transactional(work),
    read: (work) => work(orm.em.fork()),
    migrator: patient.migrator as Migrator,
    close: async () => {
      await notices.close()
      await sql.close()
      await patient.close(true)
      await orm.close(true)
    },
  }
}

/**
 * Not as parameters of the start: a pooler in between would refuse them. With the second one, a backend ends the query of
 * a node that is gone or has given it up; not every platform has it.
 */
const onConnect = async (client: ClientBase) => {
  const set = (text: string) => client.query(limited({ text }, QUERY_LIMIT_MS))
  await set(`${IDLE_LIMIT}; ${LIVENESS_CHECK}`).catch((error: unknown) => {
    if (sqlState(error) !== '22023') throw error
    return set(IDLE_LIMIT)
  })
}

const IDLE_LIMIT = `set idle_in_transaction_session_timeout = '30s'`
const LIVENESS_CHECK = `set client_connection_check_interval = '2s'`

/** It is filled with zeros at every start: the default of 128 MB takes most of a second, and as much more memory. */
const PGLITE_BUFFERS = 'shared_buffers=16MB'

const openPglite = async ({ folder }: { folder?: string }, settings: Settings): Promise<Database> => {
  if (folder) mkdirSync(folder, { recursive: true })
  const unlock = folder ? lockFolder(join(folder, 'laurel.lock')) : () => {}
  try {
    const orm = await PgliteORM.init({
      ...settings,
      driver: PgliteDriver,
      dbName: folder ? join(folder, 'pglite') : 'memory://',
      driverOptions: {
        startParams: [...PGlite.defaultStartParams, '-c', PGLITE_BUFFERS],
        extensions: { pg_trgm },
      },
    })
    const connection = orm.em.getDriver().getConnection()
    const pglite = await connection.getNativeClient()
    const sql = pgliteSql(pglite)
    // Kysely's PGlite driver keeps one connection for everybody: a query of another request would run inside
    // whatever transaction is open, and two transactions at once would hang. So one piece of work at a time.
    const serial = serialised()
    return {
      engine: 'pglite',
      sql,
      // Both drivers speak the same SQL dialect; only the type of the driver differs.
      transaction: (work) => serial(() => orm.em.fork().transactional((em) => work(em as never))),
      read: (work) => serial(() => work(orm.em.fork() as never)),
      migrator: orm.migrator as Migrator,
      notices: undefined,
      close: async () => {
        await serial(() => orm.close(true))
        // MikroORM closes it only when it has used it itself.
        if (!pglite.closed) await pglite.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Runs the tasks that it is given one after another. */
const serialised = () => {
  let tail: Promise<unknown> = Promise.resolve()
  return <Result>(task: () => Promise<Result>): Promise<Result> => {
    const result = tail.then(task, task)
    tail = result.catch(() => {})
    return result
  }
}

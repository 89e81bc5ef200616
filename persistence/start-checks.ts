import type { AnyActorDefinition } from '../actors/actor.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'
import type { Database, Migrations } from './database.ts'
import { sqlState, type Statement } from './sql.ts'

/** The database and this build do not fit; starting would do harm. The message says what to do. */
export class StartRefused extends Error {
  override name = 'StartRefused'
}

const MIGRATION_LOCK = 4_242_001

/**
 * Brings the schema up to date; with `apply: false` only looks whether it is.
 * @throws StartRefused when the database is newer than the code, or older and must not be changed, or behind the wrong pooler.
 */
export const migrate = async (database: Database, migrations: Migrations, { apply }: { apply: boolean }) => {
  const { migrator, sql, engine } = database
  if (!(await sql.keepsSessions()))
    throw new StartRefused(
      'DATABASE_URL leads through a pooler that hands out connections for single transactions; use session pooling, or the address of PostgreSQL itself',
    )
  const known = new Set(migrations.map((migration) => ('name' in migration ? migration.name : '')))
  const run = async () => {
    await migrator.getStorage().ensureTable()
    const executed = (await migrator.getExecuted()).map(({ name }) => name)
    const newer = executed.filter((name) => !known.has(name))
    if (newer.length > 0)
      throw new StartRefused(
        `the database is newer than this build (it has ${newer.join(', ')}): start a newer version`,
      )
    const pending = migrations.length - executed.length
    if (pending > 0 && !apply)
      throw new StartRefused(`the database lacks ${pending} migration(s): run \`npm run migrate\` first`)
    if (pending > 0) await migrator.up().catch(explained)
    return pending
  }
  // Several nodes may start at once; one migrates and the others wait for it.
  return engine === 'postgres' ? sql.exclusively(MIGRATION_LOCK, run) : run()
}

/** Search needs an extension that not every server has, and not every user may add. */
const explained = (error: unknown): never => {
  if (!(error instanceof Error) || !error.message.includes('create extension')) throw error
  const state = sqlState(error)
  if (state === '42501')
    throw new StartRefused(
      `this user may not add the extension pg_trgm: let the database's owner do it once, with \`create extension pg_trgm\``,
      { cause: error },
    )
  if (state === '0A000' || state === '58P01')
    throw new StartRefused(
      `this PostgreSQL server has no extension pg_trgm: install its package of additional modules (postgresql-contrib)`,
      { cause: error },
    )
  throw error
}

/** Migrations of this build that the database has not seen: none, unless somebody has turned it back. */
export const missingMigrations = async (
  { sql }: Pick<Database, 'sql'>,
  migrations: Migrations,
): Promise<string[]> => {
  const rows = await sql.query<{ name: string }>({ name: 'migrations', text: 'select name from migration' })
  const executed = new Set(rows.map(({ name }) => name))
  return migrations.flatMap((migration) =>
    'name' in migration && !executed.has(migration.name) ? [migration.name] : [],
  )
}

/** @throws StartRefused when rows are stored that no machine of this build understands, or columns differ. */
export const checkActors = async (
  { sql }: Database,
  definitions: readonly AnyActorDefinition[],
): Promise<void> => {
  for (const definition of definitions) {
    const { contract, machine, earlier = [] } = definition
    const table = tableName(contract.actor)
    const known = new Set([machine.id, ...earlier.map(({ id }) => id)])
    const stored = await sql.query<{ machine: string }>(storedMachines(table))
    const unknown = stored.map((row) => row.machine).filter((id) => !known.has(id))
    if (unknown.length > 0)
      throw new StartRefused(
        `'${contract.actor}' actors are stored as ${unknown.join(', ')}, which this build does not know (it has ${[...known].join(', ')})`,
      )
    await checkColumns(definition, sql.query)
  }
}

/** Jumps from one value of the index to the next: as many steps as there are values, however many rows. */
const storedMachines = (table: string): Statement => ({
  name: `machines_${table}`,
  text: `with recursive found as (
    (select machine from "${table}" order by machine limit 1)
    union all
    select (select machine from "${table}" where machine > found.machine order by machine limit 1)
    from found where found.machine is not null
  ) select machine from found where machine is not null`,
})

const checkColumns = async ({ contract, columns }: AnyActorDefinition, query: Database['sql']['query']) => {
  const table = tableName(contract.actor)
  const rows = await query<{ name: string; type: string }>(
    {
      name: 'columns_of',
      text: `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
    },
    [`"${table}"`],
  )
  const present = new Map(rows.map(({ name, type }) => [name, type]))
  for (const [property, { type }] of Object.entries(columns)) {
    const wanted = SQL_TYPES[type].replace('timestamptz(3)', 'timestamp(3) with time zone')
    const found = present.get(columnName(property))
    if (found !== wanted)
      throw new StartRefused(
        `table "${table}" has ${found ? `"${columnName(property)}" as ${found}` : `no column "${columnName(property)}"`}; actor '${contract.actor}' needs ${wanted}: add a migration`,
      )
  }
}

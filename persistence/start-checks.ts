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
 * @throws StartRefused when the database is newer than the code, or older and must not be changed, behind the wrong pooler, or
 * when its user lacks a privilege.
 * @returns how many migrations have been applied
 */
export const migrate = async (database: Database, migrations: Migrations, { apply }: { apply: boolean }) => {
  const { migrator, sql, engine } = database
  if (!(await sql.keepsSessions()))
    throw new StartRefused(
      'DATABASE_URL leads through a pooler that hands out connections for single transactions; use session pooling, or the address of PostgreSQL itself',
    )
  if (!(await mayMakeRoutines(sql)))
    throw new StartRefused(
      `this user may not make temporary objects: let the database's owner \`grant temporary on database … to …\``,
    )
  // Most starts find nothing to do, and need neither the lock nor the connection of the migrator.
  const pending = pendingOf(await executedIn(database).catch(noneIfEmpty), migrations)
  if (pending === 0) return 0
  if (!apply)
    throw new StartRefused(`the database lacks ${pending} migration(s): run \`npm run migrate\` first`)
  const run = async () => {
    // Somebody else may have been here meanwhile.
    const left = pendingOf(await executedIn(database).catch(noneIfEmpty), migrations)
    if (left > 0) await migrator.up().catch(explained)
    return left
  }
  // Several nodes may start at once; one migrates and the others wait for it.
  return engine === 'postgres' ? sql.exclusively(MIGRATION_LOCK, run) : run()
}

/** The names of all migrations that the database has seen. */
const executedIn = async ({ sql }: Pick<Database, 'sql'>): Promise<Set<string>> => {
  const rows = await sql.query<{ name: string }>({ name: 'migrations', text: 'select name from migration' })
  return new Set(rows.map(({ name }) => name))
}

/** An empty database has seen none, and has no table of them. */
const noneIfEmpty = (error: unknown): Set<string> => {
  if (sqlState(error) !== UNDEFINED_TABLE) throw error
  return new Set()
}

const UNDEFINED_TABLE = '42P01'

const namesOf = (migrations: Migrations): string[] =>
  migrations.flatMap((migration) => ('name' in migration ? [migration.name] : []))

/** How many of them the database lacks. @throws StartRefused when it has others */
const pendingOf = (executed: ReadonlySet<string>, migrations: Migrations): number => {
  const known = new Set(namesOf(migrations))
  const newer = [...executed].filter((name) => !known.has(name))
  if (newer.length > 0)
    throw new StartRefused(
      `the database is newer than this build (it has ${newer.join(', ')}): start a newer version`,
    )
  return [...known].filter((name) => !executed.has(name)).length
}

/** Commits call functions in `pg_temp`. Everybody may make those, unless it was taken from them. */
const mayMakeRoutines = async ({ query }: Database['sql']) => {
  const [row] = await query<{ may: boolean }>({
    name: 'may_make_routines',
    text: `select has_database_privilege(current_database(), 'temporary') as may`,
  })
  return row!.may
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
  database: Pick<Database, 'sql'>,
  migrations: Migrations,
): Promise<string[]> => {
  const executed = await executedIn(database)
  return namesOf(migrations).filter((name) => !executed.has(name))
}

/** @throws StartRefused when rows are stored that no machine of this build understands, or columns differ. */
export const checkActors = async (
  { sql: { query } }: Database,
  definitions: readonly AnyActorDefinition[],
): Promise<void> => {
  if (definitions.length === 0) return
  const columns = Map.groupBy(
    await query<StoredColumn>(COLUMNS, [definitions.map(({ contract }) => `"${tableName(contract.actor)}"`)]),
    ({ table }) => table,
  )
  for (const definition of definitions)
    checkColumns(definition, columns.get(`"${tableName(definition.contract.actor)}"`) ?? [])
  const ends = await query<{ actor: string; first: string | null; last: string | null }>(
    firstAndLast(definitions),
  )
  for (const { actor, first, last } of ends) {
    const { machine, earlier = [] } = definitions.find(({ contract }) => contract.actor === actor)!
    const known = new Set([machine.id, ...earlier.map(({ id }) => id)])
    const stored =
      first === last
        ? [first]
        : (await query<{ machine: string }>(storedMachines(actor))).map((row) => row.machine)
    const unknown = stored.filter((id) => id !== null && !known.has(id))
    if (unknown.length > 0)
      throw new StartRefused(
        `'${actor}' actors are stored as ${unknown.join(', ')}, which this build does not know (it has ${[...known].join(', ')})`,
      )
  }
}

/** Of all actor types in one question, which is all it takes unless a type is stored in two versions. */
const firstAndLast = (definitions: readonly AnyActorDefinition[]): Statement => ({
  // Asked once, so nobody keeps a plan of it.
  name: '',
  text: definitions
    .map(({ contract: { actor } }) => {
      const end = (order: string) =>
        `(select machine from "${tableName(actor)}" order by machine ${order} limit 1)`
      return `select '${actor}' as actor, ${end('asc')} as first, ${end('desc')} as last`
    })
    .join('\nunion all\n'),
})

/** Jumps from one value of the index to the next: as many steps as there are values, however many rows. */
const storedMachines = (actor: string): Statement => {
  const table = tableName(actor)
  return {
    name: `machines_${table}`,
    text: `with recursive found as (
      (select machine from "${table}" order by machine limit 1)
      union all
      select (select machine from "${table}" where machine > found.machine order by machine limit 1)
      from found where found.machine is not null
    ) select machine from found where machine is not null`,
  }
}

type StoredColumn = { table: string; name: string; type: string }

const COLUMNS: Statement = {
  name: 'columns_of',
  text: `select wanted.name as "table", attname as name, format_type(atttypid, atttypmod) as type
    from unnest($1::text[]) as wanted (name) join pg_attribute on attrelid = to_regclass(wanted.name)
    where attnum > 0 and not attisdropped`,
}

const checkColumns = ({ contract, columns }: AnyActorDefinition, stored: readonly StoredColumn[]) => {
  const table = tableName(contract.actor)
  const present = new Map(stored.map(({ name, type }) => [name, type]))
  for (const [property, { type }] of Object.entries(columns)) {
    const wanted = SQL_TYPES[type].replace('timestamptz(3)', 'timestamp(3) with time zone')
    const found = present.get(columnName(property))
    if (found !== wanted)
      throw new StartRefused(
        `table "${table}" has ${found ? `"${columnName(property)}" as ${found}` : `no column "${columnName(property)}"`}; actor '${contract.actor}' needs ${wanted}: add a migration`,
      )
  }
}

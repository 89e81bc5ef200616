import type { Pool, PoolClient, QueryConfig } from 'pg'

/** The part of PGlite's own client that is used. */
type Pglite = {
  query: (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>
  transaction: <Result>(work: (tx: Pick<Pglite, 'query'>) => Promise<Result>) => Promise<Result>
}

export type Query = <Row>(statement: Statement, values?: readonly unknown[]) => Promise<Row[]>

/** SQL text with the name under which PostgreSQL keeps its plan. */
export type Statement = { name: string; text: string }

/** A function in `pg_temp`: it is there as long as the connection that made it, and for that one only. */
export type Routine = { name: string; text: string }

/** A statement that calls such functions; an empty name keeps no plan of the statement itself. */
export type Calling = Statement & { routines: readonly Routine[] }

/** Hand-written SQL on MikroORM's own connections, the same for both engines. */
export type Sql = {
  /** One statement in a transaction of its own, on any free connection. */
  query: Query
  /** One statement on the connection of a flight, and what it calls; flights never wait for the pool. */
  fly: (flight: number, statement: Calling, values: readonly unknown[]) => Promise<unknown[]>
  /** How many batches may be in flight at once. */
  flights: number
  /** Connections of this process, and who waits for one; PGlite has none. */
  connections: () => Connections | undefined
  /** Several statements that see one snapshot of the database, and change nothing; each may take so long. Milliseconds. */
  consistently: <Result>(work: (query: Query) => Promise<Result>, limitMs?: number) => Promise<Result>
  /** Runs `work` while no other process does the same under this lock. PostgreSQL only; PGlite has one process. */
  exclusively: <Result>(lock: number, work: () => Promise<Result>) => Promise<Result>
  /**
   * Whether a connection is a session: plans, settings and locks stay with it. They do not behind a pooler that hands out
   * connections for single transactions.
   */
  keepsSessions: () => Promise<boolean>
  close: () => Promise<void>
}

export type Connections = { total: number; idle: number; waiting: number }

const SNAPSHOT: Statement = {
  name: 'snapshot',
  text: 'set transaction isolation level repeatable read, read only',
}

export const pgliteSql = (pglite: Pglite): Sql => {
  const query: Query = async <Row>({ text }: Statement, values: readonly unknown[] = []) =>
    (await pglite.query(text, [...values])).rows as Row[]
  const made = new Set<string>()
  return {
    query,
    fly: async (_, { routines, ...statement }, values) => {
      for (const { name, text } of routines) {
        if (made.has(name)) continue
        await pglite.query(text)
        made.add(name)
      }
      return query(statement, values)
    },
    flights: 1,
    connections: () => undefined,
    consistently: (work) =>
      pglite.transaction(async (tx) => {
        await tx.query(SNAPSHOT.text)
        return work(async ({ text }, values = []) => (await tx.query(text, [...values])).rows as never)
      }),
    exclusively: (_, work) => work(),
    keepsSessions: async () => true,
    close: async () => {},
  }
}

/**
 * Flight connections are kept: their plans stay prepared, and their planner is told to walk the batch in its own order
 * (nested loops over the sorted input), so that the batches of several nodes lock rows in one order and cannot deadlock.
 */
const FLIGHT_SETTINGS = `set plan_cache_mode = force_generic_plan; set enable_hashjoin = off; set enable_mergejoin = off;
set enable_seqscan = off; set jit = off; set statement_timeout = '12s'; set lock_timeout = '10s'`

/**
 * A connection on which nothing comes back for so long is given up: the network may have lost it without a word, and
 * TCP would wait for a quarter of an hour. A commit ends before that if there is somebody to end it. Milliseconds.
 */
export const QUERY_LIMIT_MS = 10_000
const COMMIT_LIMIT_MS = 15_000
/** Another node may have a large table to change. Milliseconds. */
const LOCK_LIMIT_MS = 60 * 60_000

export const postgresSql = (pool: Pool, flights = 2): Sql => {
  const held: (Promise<PoolClient> | undefined)[] = Array.from({ length: flights })
  const take = (flight: number) =>
    (held[flight] ??= equipped(pool).catch((error: unknown) => {
      held[flight] = undefined
      throw error
    }))
  return {
    query: async (statement, values) => (await run(pool, statement, values)) as never,
    fly: async (flight, statement, values) => {
      const client = await take(flight).catch((error: unknown) => {
        throw new NotSent('no connection', { cause: error })
      })
      try {
        await equip(client, statement.routines)
        return await run(client, statement, values, COMMIT_LIMIT_MS)
      } catch (error) {
        // An error without SQLSTATE, or of the classes "connection" and "shutdown", leaves a connection that nobody can trust.
        const isStale = STALE_SESSION.has(sqlState(error) ?? '')
        if (isStale || isConnectionLoss(error)) {
          held[flight] = undefined
          client.release(true)
        }
        if (isStale) throw new NotSent('the session has been changed', { cause: error })
        throw isUnsent(error) ? new NotSent('the connection had been lost', { cause: error }) : error
      }
    },
    flights,
    connections: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    consistently: consistentlyOn(pool),
    exclusively: async (lock, work) => {
      const client = await pool.connect()
      try {
        await client.query(limited({ text: 'select pg_advisory_lock($1)', values: [lock] }, LOCK_LIMIT_MS))
        return await work()
      } finally {
        client.release(true) // Closing the connection is what gives the lock back, whatever happened.
      }
    },
    keepsSessions: () => keepsSessions(pool),
    close: async () => {
      for (const client of held) (await client?.catch(() => undefined))?.release(true)
    },
  }
}

/**
 * Somebody in between has changed the session under the connection: a function, a prepared statement, or the schema of
 * both is gone, and nothing has been applied.
 */
const STALE_SESSION: ReadonlySet<string> = new Set(['42883', '26000', '3F000'])

/** The driver knows that a connection was lost while nobody used it, and sends nothing on it. */
const isUnsent = (error: unknown) => error instanceof Error && error.message.endsWith('is not queryable')

const run = async (
  client: Pick<PoolClient, 'query'>,
  { name, text }: Statement,
  values: readonly unknown[] = [],
  limitMs = QUERY_LIMIT_MS,
) => (await client.query(limited({ name, text, values: [...values] }, limitMs))).rows

const consistentlyOn =
  (pool: Pool): Sql['consistently'] =>
  async (work, limitMs = QUERY_LIMIT_MS) => {
    const client = await pool.connect()
    let broken = false
    try {
      await client.query(limited({ text: `begin; ${SNAPSHOT.text}` }, limitMs))
      const result = await work(
        async (statement, values) => (await run(client, statement, values, limitMs)) as never,
      )
      await client.query(limited({ text: 'commit' }, limitMs))
      return result
    } catch (error) {
      broken = isConnectionLoss(error)
      if (!broken) await client.query(limited({ text: 'rollback' }, limitMs))
      throw error
    } finally {
      client.release(broken)
    }
  }

const keepsSessions = async (pool: Pool): Promise<boolean> => {
  const connecting = [pool.connect(), pool.connect()] as const
  let keeps = false
  try {
    const [one, other] = await Promise.all(connecting)
    const before = await backendOf(one)
    // Takes what `one` has just given back, if it has.
    await other.query(limited({ text: 'begin' }, QUERY_LIMIT_MS))
    const after = await backendOf(one)
    await other.query(limited({ text: 'rollback' }, QUERY_LIMIT_MS))
    keeps = before === after
    return keeps
  } finally {
    for (const client of await Promise.allSettled(connecting))
      if (client.status === 'fulfilled') client.value.release(!keeps)
  }
}

/** A connection with the settings of a flight. One that is lost on the way goes back: the pool waits for it at the end. */
const equipped = async (pool: Pool): Promise<PoolClient> => {
  const client = await pool.connect()
  try {
    await client.query(limited({ text: FLIGHT_SETTINGS }, QUERY_LIMIT_MS))
    return client
  } catch (error) {
    client.release(true)
    throw error
  }
}

const equipment = new WeakMap<PoolClient, Set<string>>()

/** Makes those functions that the connection does not have yet. */
const equip = async (client: PoolClient, routines: readonly Routine[]) => {
  let made = equipment.get(client)
  if (!made) equipment.set(client, (made = new Set()))
  for (const { name, text } of routines) {
    if (made.has(name)) continue
    await client.query(limited({ text }, QUERY_LIMIT_MS)).catch((error: unknown) => {
      throw isConnectionLoss(error) ? new NotSent('the connection was lost', { cause: error }) : error
    })
    made.add(name)
  }
}

const backendOf = async (client: PoolClient) => {
  const { rows } = await client.query<{ pid: number }>(
    limited({ text: 'select pg_backend_pid() as pid' }, QUERY_LIMIT_MS),
  )
  return rows[0]?.pid
}

/** A query that is given up after so long; pg knows this setting for single queries, too, only its types do not. */
export const limited = (query: QueryConfig, limitMs: number): QueryConfig & { query_timeout: number } => ({
  ...query,
  query_timeout: limitMs,
})

/** @returns false when the connection only reads: of a standby, or where the database or the role says so */
export const mayWrite = async (query: Query): Promise<boolean> => {
  const [row] = await query<{ writable: boolean }>({
    name: 'may_write',
    // On a standby it is on, whatever anybody has set.
    text: `select current_setting('transaction_read_only') = 'off' as writable`,
  })
  return row!.writable
}

/** The statement never left this process, so it has certainly not been applied. */
export class NotSent extends Error {
  override name = 'NotSent'
}

/** The outcome of the statement is unknown: it may have been committed. */
export const isConnectionLoss = (error: unknown): boolean => {
  const code = sqlState(error)
  return code === undefined || /^(08|57P0|25006|58)/.test(code)
}

/** The database cannot be reached, or cannot take work now: no fault of the question, which may be asked again. */
export const isUnavailable = (error: unknown): boolean => {
  const state = sqlState(error)
  if (state !== undefined) return /^(08|57P0|57014|53|55P03|25006|40)/.test(state)
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : ''
    if (/^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_)/.test(code)) return true
    if (
      /connection (terminated|error|timeout)|trying to connect|read timeout|not queryable/i.test(
        cause.message,
      )
    )
      return true
  }
  return error instanceof NotSent
}

/** The five characters by which PostgreSQL tells its errors apart, through whatever wrapped them. */
export const sqlState = (error: unknown): string | undefined =>
  said(error, 'code', (code) => /^[0-9A-Z]{5}$/.test(code))

/** The constraint or unique index that the rows of a statement break. */
export const sqlConstraint = (error: unknown): string | undefined => said(error, 'constraint')

const said = (error: unknown, field: string, satisfies = (_text: string) => true): string | undefined => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const text: unknown = field in cause ? cause[field as keyof Error] : undefined
    if (typeof text === 'string' && satisfies(text)) return text
  }
  return undefined
}

/** PostgreSQL prints `2026-11-23 15:23:21.59+00`; everything else here says ISO-8601 with milliseconds. */
export const instant = (text: string | Date): string => new Date(text).toISOString()

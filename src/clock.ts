import type { Sql, Statement } from '../persistence/sql.ts'

/** The one source of "now", in milliseconds since the epoch. */
export type Clock = { now: () => number; stop: () => void }

const NOW: Statement = { name: 'clock', text: `select extract(epoch from clock_timestamp()) * 1000 as ms` }

/**
 * The database's clock, as seen from here: measured at the start and every `everyMs`, carried on by the monotonic clock
 * in between. A node whose own clock is wrong, or jumps, fires no timer early.
 */
export const createDatabaseClock = async (
  sql: Sql,
  failed: (error: unknown) => void,
  everyMs = 30_000,
): Promise<Clock> => {
  let offset = 0
  const measure = async () => {
    const before = performance.now()
    const [row] = await sql.query<{ ms: string | number }>(NOW)
    offset = Number(row!.ms) - (before + performance.now()) / 2
  }
  await measure()
  const timer = setInterval(() => void measure().catch(failed), everyMs)
  timer.unref()
  return { now: () => Math.floor(performance.now() + offset), stop: () => clearInterval(timer) }
}

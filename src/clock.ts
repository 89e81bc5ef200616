import type { Sql, Statement } from '../persistence/sql.ts'

/** The one source of "now", in milliseconds since the epoch. */
export type Clock = { now: () => number; stop: () => void }

const NOW: Statement = { name: 'clock', text: `select extract(epoch from clock_timestamp()) * 1000 as ms` }

/** The best of so many measurements counts: a slow answer must not spoil a good one, an old one must not stay for ever. */
const REMEMBERED = 4

/**
 * The database's clock, as seen from here: measured at the start and every `everyMs`, carried on by the monotonic clock
 * in between. A node whose own clock is wrong, or jumps, fires no timer early.
 *
 * An answer says what time it was at some moment before it arrived. So what is known here is never ahead of the
 * database, and behind it by no more than the quickest of the last questions took. A clock that is set back is known from
 * an answer that would have had to arrive before its question: what was measured before then counts no longer.
 */
export const createDatabaseClock = async (
  sql: Sql,
  failed: (error: unknown) => void,
  everyMs = 10_000,
): Promise<Clock> => {
  let offsets: number[] = []
  let offset = 0
  const measure = async () => {
    const askedAt = performance.now()
    const [row] = await sql.query<{ ms: string | number }>(NOW)
    const ms = Number(row!.ms)
    const most = ms - askedAt
    offsets = [...offsets.filter((known) => known <= most), ms - performance.now()].slice(-REMEMBERED)
    offset = Math.max(...offsets)
  }
  await measure()
  const timer = setInterval(() => void measure().catch(failed), everyMs)
  timer.unref()
  return { now: () => Math.floor(performance.now() + offset), stop: () => clearInterval(timer) }
}

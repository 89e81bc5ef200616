import type { Sql, Statement } from './sql.ts'

export type RetentionOptions = {
  /** Turns that are older may leave the journal. */
  days: number
  /** Whether they go to `journal_archive`, which has a partition for each month, or nowhere. */
  archive: boolean
  /** Positions that stay however old they are, so that a client that was away for a while can go on; 10,000 by default. */
  least?: number
}

export type Retention = {
  /** @returns how many turns have left the journal */
  sweep: () => Promise<number>
  start: () => void
  stop: () => Promise<void>
}

type Dependencies = RetentionOptions & {
  sql: Pick<Sql, 'query'>
  now: () => number
  failed: (error: unknown) => void
}

const DAY_MS = 86_400_000
const EVERY_MS = 3_600_000
/** Turns in one transaction: few enough that nobody waits for it. */
const STEP = 1_000
/** Between two of them, in milliseconds. */
const PAUSE_MS = 50

/**
 * Takes old turns out of the journal, oldest first, and moves the floor with them: who asks for something below it is told
 * `resync_required`. What has not been followed yet stays, however old it is. Any number of nodes may do it at once; they find less to do.
 */
export const createRetention = ({
  sql,
  now,
  failed,
  days,
  archive,
  least = 10_000,
}: Dependencies): Retention => {
  let timer: NodeJS.Timeout | undefined
  let current: Promise<number> = Promise.resolve(0)
  let stopped = false

  const step = async (): Promise<number> => {
    const values = [new Date(now() - days * DAY_MS).toISOString(), STEP, least]
    if (archive) await makePartitions(values)
    const [row] = await sql.query<{ turns: number }>(archive ? ARCHIVE : DROP, values)
    return row!.turns
  }

  const makePartitions = async (values: readonly unknown[]) => {
    const months = await sql.query<{ month: string; next: string }>(MONTHS, values)
    for (const { month, next } of months)
      await sql.query({
        name: `journal_archive_${month}`,
        text: `create table if not exists "journal_archive_${month}" partition of journal_archive
for values from (${firstOf(month)}) to (${firstOf(next)})`,
      })
  }

  const sweep = async () => {
    let all = 0
    for (let turns = STEP; turns === STEP && !stopped; all += turns) {
      turns = await step()
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    return all
  }

  return {
    sweep,
    start: () => {
      timer = setInterval(() => {
        current = sweep().catch((error: unknown) => {
          failed(error)
          return 0
        })
      }, EVERY_MS).unref()
    },
    stop: async () => {
      stopped = true
      clearInterval(timer)
      await current
    },
  }
}

/** Of a month like `2026_03`. */
const firstOf = (month: string) => `'${month.replace('_', '-')}-01 00:00:00+00'`

/** The oldest turns up to the first one that is too young, or that somebody who follows the journal has not read. */
const OLD = `oldest as materialized (
  select position, recorded_at from journal
  where position <= (select position from journal_head) - $3::bigint
    and position <= coalesce((select min(position) from journal_cursor), 9223372036854775807)
  order by position limit $2::integer
),
old as materialized (
  select position, recorded_at from oldest
  where position < coalesce((select min(position) from oldest where recorded_at >= $1::timestamptz), 9223372036854775807)
)`

const trimText = (inBetween: string) => `with ${OLD},
gone as (delete from journal using old where journal.position = old.position returning journal.*),
${inBetween}moved as (
  update journal_head set floor = greatest(floor, last.position)
  from (select max(position) as position from gone) as last where last.position is not null
)
select count(*)::integer as turns from gone`

const DROP: Statement = { name: 'journal_drop', text: trimText('') }

const ARCHIVE: Statement = {
  name: 'journal_archive',
  text: trimText('kept as (insert into journal_archive select * from gone),\n'),
}

const MONTHS: Statement = {
  name: 'journal_archive_months',
  text: `with ${OLD}
select distinct to_char(recorded_at at time zone 'UTC', 'YYYY_MM') as month,
  to_char(recorded_at at time zone 'UTC' + interval '1 month', 'YYYY_MM') as next from old`,
}

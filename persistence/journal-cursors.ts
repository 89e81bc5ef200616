import type { Sql, Statement } from './sql.ts'

/** How far somebody has followed the journal, kept in the database; one process at a time may move it. */
export type JournalCursors = {
  /** Whether there is anything behind the cursor. */
  isBehind: (name: string) => Promise<boolean>
  /** How much there is behind the cursor; nothing before somebody has begun to follow. */
  behind: (name: string) => Promise<Behind | undefined>
  /** @returns where to go on, or `undefined` while somebody else follows */
  take: (name: string, lease: Lease) => Promise<number | undefined>
  /** @returns whether it was still ours to move */
  move: (name: string, position: number, lease: Lease) => Promise<boolean>
  /** Somebody else may go on at once. */
  release: (name: string, holder: string) => Promise<void>
}

/** How many positions of the journal there are behind a cursor, and since when: in seconds, by the clock of the database. */
export type Behind = { positions: number; seconds: number }

/** Whose it is, and for how long without another word. Milliseconds, by the clock of the database. */
export type Lease = { holder: string; leaseMs: number }

export const createJournalCursors = ({ query }: Pick<Sql, 'query'>): JournalCursors => ({
  isBehind: async (name) => {
    const [row] = await query<{ behind: boolean }>(IS_BEHIND, [name])
    return row!.behind
  },
  behind: async (name) => (await query<Behind>(BEHIND, [name]))[0],
  take: async (name, { holder, leaseMs }) => {
    const [row] = await query<{ position: string | number }>(TAKE, [name, holder, leaseMs])
    return row && Number(row.position)
  },
  move: async (name, position, { holder, leaseMs }) =>
    (await query(MOVE, [name, holder, leaseMs, position])).length > 0,
  release: async (name, holder) => {
    await query(RELEASE, [name, holder])
  },
})

const IS_BEHIND: Statement = {
  name: 'journal_cursor_is_behind',
  text: `select coalesce(cursor.position, 0) < head.position as behind
    from journal_head as head left join journal_cursor as cursor on cursor.name = $1`,
}

/** One index tells the oldest turn that has not been looked at. */
const BEHIND: Statement = {
  name: 'journal_cursor_behind',
  text: `select (head.position - cursor.position)::float8 as positions,
      greatest(coalesce(extract(epoch from clock_timestamp() - (
        select recorded_at from journal where journal.position > cursor.position order by journal.position limit 1
      )), 0), 0)::float8 as seconds
    from journal_cursor as cursor, journal_head as head where cursor.name = $1`,
}

const UNTIL = `clock_timestamp() + $3::integer * interval '1 millisecond'`

const TAKE: Statement = {
  name: 'journal_cursor_take',
  text: `insert into journal_cursor as cursor (name, position, holder, held_until) values ($1, 0, $2::uuid, ${UNTIL})
    on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
    where cursor.holder = excluded.holder or cursor.held_until < clock_timestamp()
    returning position`,
}

const MOVE: Statement = {
  name: 'journal_cursor_move',
  text: `update journal_cursor set position = $4::bigint, held_until = ${UNTIL}
    where name = $1 and holder = $2::uuid and position <= $4::bigint returning position`,
}

const RELEASE: Statement = {
  name: 'journal_cursor_release',
  text: `update journal_cursor set held_until = clock_timestamp() where name = $1 and holder = $2::uuid`,
}

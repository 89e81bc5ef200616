import type { Sql, Statement } from './sql.ts'

/** What the tables hold for all nodes together. Each number is counted no further than a hundred thousand. */
export type Backlog = {
  /** Effects that are promised and not settled, those that somebody is carrying out among them. */
  pending: number
  /** Of these, those whose time has come and which nobody has. */
  due: number
  /** Effects that have failed for good. */
  dead: number
  /** Timers whose instant has passed. */
  overdue: number
}

export const readBacklog = async ({ query }: Sql, now: string): Promise<Backlog> => {
  const [backlog] = await query<Backlog>(BACKLOG, [now])
  return backlog!
}

/** Every one of the four walks an index; the limit bounds what a long outage may make of that. */
const counted = (rows: string) =>
  `(select count(*)::integer from (select 1 from ${rows} limit 100000) as found)`

const BACKLOG: Statement = {
  name: 'backlog',
  text: `select
  ${counted(`effect where status = 'pending'`)} as pending,
  ${counted(`effect where status = 'pending' and next_at <= $1::timestamptz`)} as due,
  ${counted(`effect where status = 'dead'`)} as dead,
  ${counted(`timer where due_at <= $1::timestamptz`)} as overdue`,
}

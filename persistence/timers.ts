import type { DueTimer, TimerStore } from '../actors/engine/timers.ts'
import { instant, type Sql, type Statement } from './sql.ts'

/** How long a fired timer belongs to the node that claimed it. Milliseconds. */
const CLAIM_MS = 10_000

export const createTimerStore = (sql: Sql): TimerStore => ({
  claim: async (now, limit) => {
    const rows = await sql.query<DueTimer>(CLAIM, [now, limit, CLAIM_MS])
    return rows
      .map((row) => ({ ...row, dueAt: instant(row.dueAt) }))
      .toSorted((one, other) => (one.dueAt < other.dueAt ? -1 : one.dueAt > other.dueAt ? 1 : 0))
  },
  nextDueAt: async () => {
    const [row] = await sql.query<{ dueAt: string }>(NEXT)
    return row && instant(row.dueAt)
  },
})

const CLAIM: Statement = {
  name: 'timer_claim',
  text: `
with due as (
  select actor_id, name from timer
  where due_at <= $1::timestamptz and (claimed_until is null or claimed_until < $1::timestamptz)
  order by due_at, actor_id, name limit $2 for update skip locked
)
update timer set claimed_until = $1::timestamptz + $3 * interval '1 millisecond'
from due where timer.actor_id = due.actor_id and timer.name = due.name
returning actor_type as "actorType", timer.actor_id as "actorId", timer.name, generation, due_at as "dueAt", event`,
}

const NEXT: Statement = {
  name: 'timer_next',
  text: `select due_at as "dueAt" from timer where claimed_until is null order by due_at limit 1`,
}

import type { DueEffect, EffectStore } from '../actors/engine/effects.ts'
import type { Sql, Statement } from './sql.ts'

/** How long a claimed effect belongs to the node that runs it, unless `keep` says otherwise. Milliseconds. */
const CLAIM_MS = 20_000

export const createEffectStore = (sql: Sql): EffectStore => ({
  claim: (now, limit) => sql.query<DueEffect>(CLAIM, [now, limit, CLAIM_MS]),
  postpone: async (id, nextAt, error) => {
    await sql.query(POSTPONE, [id, nextAt, error])
  },
  keep: async (ids, until) => {
    await sql.query(KEEP, [ids, until])
  },
  bury: async (id, error) => {
    await sql.query(BURY, [id, error])
  },
})

const CLAIM: Statement = {
  name: 'effect_claim',
  text: `
with due as (
  select id from effect where status = 'pending' and next_at <= $1::timestamptz order by next_at limit $2
  for update skip locked
)
update effect set next_at = $1::timestamptz + $3 * interval '1 millisecond'
from due where effect.id = due.id
returning effect.id, actor_type as "actorType", actor_id as "actorId", version, name, params,
  correlation_id as "correlationId", attempts`,
}

const POSTPONE: Statement = {
  name: 'effect_postpone',
  text: `update effect set attempts = attempts + 1, next_at = $2, last_error = $3 where id = $1 and status = 'pending'`,
}

const KEEP: Statement = {
  name: 'effect_keep',
  text: `update effect set next_at = $2 where id = any($1::text[]) and status = 'pending'`,
}

const BURY: Statement = {
  name: 'effect_bury',
  text: `update effect set attempts = attempts + 1, status = 'dead', last_error = $2 where id = $1 and status = 'pending'`,
}

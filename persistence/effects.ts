import type {
  DeadEffect,
  DueEffect,
  EffectStore,
  HeldEffect,
  Rooms,
  TakenEffect,
} from '../actors/engine/effects.ts'
import type { Sql, Statement } from './sql.ts'

export const createEffectStore = ({ query }: Sql): EffectStore => ({
  claim: ({ now, until }, rooms, takenLater) =>
    query<DueEffect>(CLAIM, [...lanesOf(rooms), now, until, takenLater]),
  offer: (now, rooms) => query<Pick<DueEffect, 'id' | 'name'>>(OFFER, [...lanesOf(rooms), now]),
  take: async (id, { now, until }, claim) => {
    const [taken] = await query<TakenEffect>(TAKE, [
      id,
      now,
      until,
      claim?.taken ?? null,
      claim?.until ?? null,
    ])
    return taken
  },
  postpone: async (effect, { nextAt, error, begun }) => {
    await query(POSTPONE, [...valuesOf(effect), nextAt, error, begun ? 0 : 1])
  },
  keep: async (effects, until) => {
    const held = effects.map(valuesOf)
    await query(KEEP, [...[0, 1, 2].map((column) => held.map((values) => values[column])), until])
  },
  bury: async (effect, error, until) =>
    (await query<DeadEffect>(BURY, [...valuesOf(effect), error, until]))[0],
  unannounced: (now, until, limit) => query<DeadEffect>(UNANNOUNCED, [now, until, limit]),
  announced: async ({ id, deaths }) => {
    await query(ANNOUNCED, [id, deaths])
  },
  revive: async (id, now) => {
    await query(REVIVE, [id, now])
  },
  discard: async (id) => {
    await query(DISCARD, [id])
  },
  exists: async (id) => (await query(EXISTS, [id])).length > 0,
})

const valuesOf = ({ id, attempts, taken }: HeldEffect) => [id, attempts, taken] as const

const lanesOf = (rooms: Rooms) => [Object.keys(rooms), Object.values(rooms)]

const EFFECT = `effect.id, actor_type as "actorType", actor_id as "actorId", version, effect.name, params,
  correlation_id as "correlationId", attempts, taken`

const DEAD = `${EFFECT}, deaths, coalesce(last_error, '') as reason`

/** Rows that somebody is settling right now are passed over: nobody waits here while others wait for what it locked. */
const DUE = `due as materialized (
  select found.id, lane.name from unnest($1::text[], $2::integer[]) as lane(name, room) cross join lateral (
    select id from effect
    where status = 'pending' and effect.name = lane.name and next_at <= $3::timestamptz
    order by next_at limit lane.room for update skip locked
  ) as found
)`

const CLAIM: Statement = {
  name: 'effect_claim',
  text: `with ${DUE}
update effect set taken = taken + (effect.name <> all($5::text[]))::integer, next_at = $4::timestamptz
from due where effect.id = due.id
returning ${EFFECT}`,
}

const OFFER: Statement = { name: 'effect_offer', text: `with ${DUE} select id, name from due` }

/**
 * What is looked up before it is repeated begins here and nowhere else, and while the lease of one who has begun runs,
 * nobody else begins: whichever of the three conditions held is false for everybody as soon as one has taken it. Nobody
 * has begun or failed yet, whoever reminds and whoever has claimed it; or its time has come and nobody has it; or it is
 * exactly as the caller's claim left it. So `taken` counts those who have begun, without those who have said that they did
 * nothing, and the first is the one who counts one.
 */
const TAKE: Statement = {
  name: 'effect_take',
  text: `update effect set taken = taken + 1, next_at = $3::timestamptz
where id = $1 and status = 'pending' and (
  (taken = 0 and attempts = 0) or next_at <= $2::timestamptz
  or (taken = $4::integer and next_at = $5::timestamptz)
)
returning ${EFFECT}, (taken = 1) as first`,
}

/** As long as nobody else has taken it: whoever was cut off for longer than its lease may still hold it. */
const HELD = `id = $1 and attempts = $2 and taken = $3 and status = 'pending'`

const POSTPONE: Statement = {
  name: 'effect_postpone',
  text: `update effect set attempts = attempts + 1, taken = greatest(taken - $6::integer, 0), next_at = $4, last_error = $5
where ${HELD}`,
}

const KEEP: Statement = {
  name: 'effect_keep',
  text: `with mine as materialized (
  select effect.id from unnest($1::text[], $2::integer[], $3::integer[]) as held(id, attempts, taken)
  join effect using (id, attempts, taken) where status = 'pending' for update of effect skip locked
)
update effect set next_at = $4::timestamptz from mine where effect.id = mine.id`,
}

const BURY: Statement = {
  name: 'effect_bury',
  text: `update effect set attempts = attempts + 1, status = 'dead', last_error = $4, next_at = $5::timestamptz,
  deaths = deaths + 1, announced = false
where ${HELD} returning ${DEAD}`,
}

const UNANNOUNCED: Statement = {
  name: 'effect_unannounced',
  text: `with found as materialized (
  select id from effect where status = 'dead' and not announced and next_at <= $1::timestamptz
  order by next_at limit $3 for update skip locked
)
update effect set next_at = $2::timestamptz from found where effect.id = found.id returning ${DEAD}`,
}

const ANNOUNCED: Statement = {
  name: 'effect_announced',
  text: `update effect set announced = true where id = $1 and deaths = $2 and status = 'dead'`,
}

const REVIVE: Statement = {
  name: 'effect_revive',
  text: `update effect set status = 'pending', attempts = 0, next_at = $2 where id = $1 and status = 'dead'`,
}

const EXISTS: Statement = { name: 'effect_exists', text: `select 1 from effect where id = $1` }

const DISCARD: Statement = {
  name: 'effect_discard',
  text: `delete from effect where id = $1 and status = 'dead'`,
}

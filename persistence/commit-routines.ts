import type { AnyActorDefinition } from '../actors/actor.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'
import type { Batch } from './batch.ts'
import { unnestOf, type Fields } from './parameter-lists.ts'
import type { Routine } from './sql.ts'

/** A function over rows, given as one array for each field; it answers with the ids of the rows that it wrote. */
export type RowRoutine = Routine & { fields: Fields }

const fieldsOf = ({ columns }: AnyActorDefinition) => [
  { column: 'version', key: 'version', type: 'integer' },
  { column: 'machine', key: 'machine', type: 'text' },
  { column: 'state', key: 'state', type: 'text' },
  { column: 'snapshot', key: 'snapshot', type: 'jsonb' },
  { column: 'timers', key: 'timers', type: 'jsonb' },
  ...Object.entries(columns).map(([key, { type }]) => ({
    column: columnName(key),
    key,
    type: SQL_TYPES[type],
  })),
]

const rowFields = (definition: AnyActorDefinition): Fields => [
  ['id', 'uuid'],
  ['base', 'integer'],
  ...fieldsOf(definition).map(({ key, type }) => [key, type] as const),
]

const routine = (name: string, takes: string, gives: string, body: string): Routine => ({
  name,
  text: `create or replace function pg_temp.${name}(${takes}) returns ${gives} language plpgsql as $routine$
#variable_conflict use_column
${body}
$routine$`,
})

const arrays = (fields: Fields): string =>
  fields.map(([, type]) => `${type === 'list' ? 'text' : type}[]`).join(', ')

const rowRoutine = (name: string, fields: Fields, written: string): RowRoutine => ({
  fields,
  ...routine(
    name,
    arrays(fields),
    'uuid[]',
    `declare won uuid[];
begin
  -- In id order: all nodes lock rows in the same order.
  with given as materialized (select * from ${unnestOf(fields, 1)} order by id),
  written as (${written} returning row.id)
  select coalesce(array_agg(id), '{}') into won from written;
  return won;
end`,
  ),
})

/** Moves actors on whose version is still the one that their turns began with. */
export const changeRoutine = (definition: AnyActorDefinition): RowRoutine => {
  const table = tableName(definition.contract.actor)
  const sets = fieldsOf(definition).map(({ column, key }) => `"${column}" = given."${key}"`)
  return rowRoutine(
    `change_${table}`,
    rowFields(definition),
    `update "${table}" as row set ${sets.join(', ')} from given where row.id = given.id and row.version = given.base`,
  )
}

/** Makes actors that are not there yet. */
export const makeRoutine = (definition: AnyActorDefinition): RowRoutine => {
  const table = tableName(definition.contract.actor)
  const fields = fieldsOf(definition)
  return rowRoutine(
    `make_${table}`,
    rowFields(definition),
    `insert into "${table}" as row (id, ${fields.map(({ column }) => `"${column}"`).join(', ')})
  select id, ${fields.map(({ key }) => `"${key}"`).join(', ')} from given on conflict (id) do nothing`,
  )
}

/** What is written beside the rows of actors, in the order of the parameters of `commit_turns`; the first one is who won. */
export const TURN_LISTS = [
  {
    list: 'turns',
    fields: [
      ['ord', 'integer'],
      ['write', 'integer'],
      ['actor', 'text'],
      ['id', 'uuid'],
      ['n', 'integer'],
      ['version', 'integer'],
      ['messageId', 'text'],
      ['messageHash', 'text'],
      ['cause', 'text'],
      ['type', 'text'],
      ['message', 'jsonb'],
      ['at', 'timestamptz'],
      ['by', 'uuid'],
      ['correlationId', 'text'],
      ['from', 'text'],
      ['to', 'text'],
      ['events', 'jsonb'],
      ['view', 'jsonb'],
      ['allowed', 'jsonb'],
      ['topics', 'list'],
    ],
  },
  {
    list: 'effects',
    fields: [
      ['id', 'text'],
      ['actorType', 'text'],
      ['actorId', 'uuid'],
      ['version', 'integer'],
      ['name', 'text'],
      ['params', 'jsonb'],
      ['correlationId', 'text'],
      ['leaseMs', 'integer'],
    ],
  },
  {
    list: 'settled',
    fields: [
      ['id', 'uuid'],
      ['effect', 'text'],
    ],
  },
  {
    list: 'cleared',
    fields: [
      ['id', 'uuid'],
      ['name', 'text'],
    ],
  },
  {
    list: 'timers',
    fields: [
      ['actor', 'text'],
      ['id', 'uuid'],
      ['name', 'text'],
      ['generation', 'integer'],
      ['dueAt', 'timestamptz'],
      ['event', 'jsonb'],
    ],
  },
] satisfies readonly { list: Exclude<keyof Batch, 'actors'>; fields: Fields }[]

/** Each list as rows `r`. */
const given = Object.fromEntries(
  TURN_LISTS.map(({ list, fields }, index) => {
    const before = TURN_LISTS.slice(0, index).reduce((sum, other) => sum + other.fields.length, 0)
    return [list, { rows: unnestOf(fields, before + 2), isGiven: `cardinality($${before + 2}) > 0` }]
  }),
) as Record<(typeof TURN_LISTS)[number]['list'], { rows: string; isGiven: string }>

/** Only what belongs to an actor whose version held. Hashed once, whatever the planner has been told about joins. */
const WON = (id: string) => `(${id} in (select unnest($1))) is true`

/** The head row is the last one that is locked: every other node waits for it. */
const commitTurnsBody = `begin
  if ${given.settled.isGiven} then
    delete from effect using ${given.settled.rows} where effect.id = r.effect and ${WON('r.id')};
  end if;
  if ${given.effects.isGiven} then
    insert into effect (id, actor_type, actor_id, version, name, params, correlation_id, next_at)
    select r.id, r."actorType", r."actorId", r.version, r.name, r.params, r."correlationId",
      clock_timestamp() + r."leaseMs" * interval '1 millisecond'
    from ${given.effects.rows} where ${WON('r."actorId"')};
  end if;
  if ${given.cleared.isGiven} then
    delete from timer using ${given.cleared.rows}
    where timer.actor_id = r.id and timer.name = r.name and ${WON('r.id')};
  end if;
  if ${given.timers.isGiven} then
    insert into timer (actor_type, actor_id, name, generation, due_at, event)
    select r.actor, r.id, r.name, r.generation, r."dueAt", r.event from ${given.timers.rows} where ${WON('r.id')}
    on conflict (actor_id, name) do update
    set generation = excluded.generation, due_at = excluded.due_at, event = excluded.event, claimed_until = null;
  end if;
  return query
  with turn as materialized (
    select r.*, sum(r.n) over (order by r.ord) as upto from ${given.turns.rows} where ${WON('r.id')}
  ),
  total as materialized (select sum(n) as n from turn),
  head as (
    update journal_head set position = position + total.n from total where total.n > 0
    returning journal_head.position - total.n as base
  ),
  written as (
    insert into journal (position, actor_type, actor_id, version, message_id, message_hash, cause, type, message, at, by,
      correlation_id, from_state, to_state, events, view, allowed, topics)
    select head.base + t.upto, t.actor, t.id, t.version, t."messageId", t."messageHash", t.cause, t.type, t.message, t.at,
      t.by, t."correlationId", t."from", t."to", t.events, t.view, t.allowed, t.topics::text[]
    from head, turn t
  )
  select t.write, (head.base + t.upto - t.n + 1)::bigint from turn t, head;
end`

/** Everything but the rows of actors: who won, then one array for each field of each list. */
export const COMMIT_TURNS: Routine = routine(
  'commit_turns',
  ['uuid[]', ...TURN_LISTS.map(({ fields }) => arrays(fields))].join(', '),
  'table (write integer, "position" bigint)',
  commitTurnsBody,
)

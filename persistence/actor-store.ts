import type { AnyActorDefinition, ColumnType } from '../actors/actor.ts'
import type { ActorStore, Question, StoredActor, StoredAnswer, Write } from '../actors/engine/store.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'
import type { Database } from './database.ts'
import { isConnectionLoss, sqlState, type Statement } from './sql.ts'

/** How long an effect belongs to the node that committed it; after that any node may take it over. Milliseconds. */
export const EFFECT_LEASE_MS = 5_000

export const createActorStore = ({ sql, engine }: Database): ActorStore => ({
  flights: sql.flights,
  shared: engine === 'postgres',

  load: async (definition, ids) => {
    const rows = await sql.query<StoredActor>(loadStatement(definition), [ids])
    return rows
  },

  commit: async (flight, writes) => {
    const types = [
      ...new Map(writes.map(({ definition }) => [definition.contract.actor, definition])).values(),
    ]
    types.sort((one, other) => (one.contract.actor < other.contract.actor ? -1 : 1))
    const rows = (await sql.fly(flight, commitStatement(types), [
      JSON.stringify(batchOf(types, writes)),
    ])) as {
      write: number
      position: number | string
    }[]
    const positions: (number | undefined)[] = writes.map(() => undefined)
    for (const { write, position } of rows) positions[write] = Number(position)
    return positions
  },

  answers: async (questions) => {
    const rows = await sql.query<StoredAnswer & { question: number; position: string | number }>(ANSWERS, [
      JSON.stringify(questions.map(questionRow)),
    ])
    const answers: (StoredAnswer | undefined)[] = questions.map(() => undefined)
    for (const { question, ...answer } of rows)
      answers[question] = { ...answer, position: Number(answer.position) }
    return answers
  },

  classify: (error) => {
    if (isConnectionLoss(error)) return 'unknown_outcome'
    const state = sqlState(error) ?? ''
    if (state === '23505') return 'duplicate'
    // Serialization failure, deadlock, lock timeout, cancelled, out of memory or disk or connections.
    return /^(40|55P03|57014|53)/.test(state) ? 'try_again' : 'poison'
  },
})

const questionRow = ({ actorId, messageId, creation }: Question, question: number) => ({
  question,
  actor_id: actorId,
  message_id: messageId,
  by: creation?.by ?? null,
})

const ANSWERS: Statement = {
  name: 'answers',
  text: `
with q as (
  select * from jsonb_to_recordset($1::jsonb) as q(question integer, actor_id uuid, message_id text, by uuid)
)
select q.question, j.actor_id as "actorId", j.message_hash as "messageHash", j.type, j.version, j.to_state as state,
  j.view, j.allowed, j.position
from q join journal j on j.actor_id = q.actor_id and j.message_id = q.message_id
union all
select q.question, j.actor_id, j.message_hash, j.type, j.version, j.to_state, j.view, j.allowed, j.position
from q join journal j on q.by is not null and j.by = q.by and j.message_id = q.message_id
  and j.version = 1 and j.cause = 'command' and j.actor_id <> q.actor_id`,
}

const loads = new Map<string, Statement>()

const loadStatement = ({ contract }: AnyActorDefinition): Statement => {
  let statement = loads.get(contract.actor)
  if (!statement) {
    statement = {
      name: `load_${contract.actor}`,
      text: `select id, version, machine, snapshot, timers from "${tableName(contract.actor)}" where id = any($1::uuid[])`,
    }
    loads.set(contract.actor, statement)
  }
  return statement
}

/** The one parameter of the commit: all rows of the batch, by table. */
const batchOf = (types: readonly AnyActorDefinition[], writes: readonly Write[]) => {
  const actors = types.map(() => [] as object[])
  const turns: object[] = []
  const effects: object[] = []
  const timers: object[] = []
  const cleared: object[] = []
  const settled: object[] = []
  writes.forEach((write, index) => {
    const { definition, id } = write
    actors[types.indexOf(definition)]!.push({
      id,
      base: write.base,
      version: write.version,
      machine: write.machine,
      state: write.state,
      snapshot: write.snapshot,
      timers: write.timers,
      ...write.columns,
    })
    for (const turn of write.turns)
      turns.push({
        ...turn,
        write: index,
        id,
        actor: definition.contract.actor,
        n: Math.max(turn.events.length, 1),
      })
    for (const effect of write.effects) effects.push(effect)
    for (const timer of write.timersSet) timers.push({ ...timer, id, actor: definition.contract.actor })
    for (const name of write.timersCleared) cleared.push({ id, name })
    for (const effect of write.settles) settled.push({ id, effect })
  })
  return { actors, turns, effects, timers, cleared, settled }
}

const commits = new Map<string, Statement>()

/**
 * The whole commit as one statement, so that it is one round trip and one transaction. Data dependencies give it its
 * order: actor rows (type by type, in id order), then the head row that gives out positions, then everything else for
 * the actors whose version still held.
 */
const commitStatement = (types: readonly AnyActorDefinition[]): Statement => {
  const name = `commit_${types.map(({ contract }) => contract.actor).join('_')}`
  let statement = commits.get(name)
  if (!statement) {
    statement = { name, text: commitText(types) }
    commits.set(name, statement)
  }
  return statement
}

const commitText = (types: readonly AnyActorDefinition[]) => `
with p as materialized (select $1::jsonb as batch),
${types.map(actorParts).join(',\n')},
won as materialized (${types.map((_, i) => `select id from updated_${i} union all select id from made_${i}`).join(' union all ')}),
turn as materialized (
  select t.*, sum(t.n) over (order by t.ord) as upto
  from (
    select r.*, t.ordinality as ord from p, jsonb_array_elements(p.batch->'turns') with ordinality as t(turn, ordinality),
    jsonb_to_record(t.turn) as r(write integer, actor text, id uuid, n integer, version integer, "messageId" text,
      "messageHash" text, cause text, type text, message jsonb, at timestamptz, by uuid, "correlationId" text,
      "from" text, "to" text, events jsonb, view jsonb, allowed jsonb, topics text[])
  ) t
  where (t.id in (select id from won)) is true
),
total as materialized (select coalesce(sum(n), 0) as n from turn),
head as (
  update journal_head set position = position + total.n from total where total.n > 0
  returning journal_head.position - total.n as base
),
written as (
  insert into journal (position, actor_type, actor_id, version, message_id, message_hash, cause, type, message, at, by,
    correlation_id, from_state, to_state, events, view, allowed, topics)
  select head.base + t.upto, t.actor, t.id, t.version, t."messageId", t."messageHash", t.cause, t.type, t.message, t.at,
    t.by, t."correlationId", t."from", t."to", t.events, t.view, t.allowed, t.topics
  from head, turn t
),
promised as (
  insert into effect (id, actor_type, actor_id, version, name, params, correlation_id, next_at)
  select e.id, e."actorType", e."actorId", e.version, e.name, e.params, e."correlationId",
    clock_timestamp() + interval '${EFFECT_LEASE_MS} milliseconds'
  from p, jsonb_to_recordset(p.batch->'effects') as e(id text, "actorType" text, "actorId" uuid, version integer, name text,
    params jsonb, "correlationId" text)
  where (e."actorId" in (select id from won)) is true
),
settled as (
  delete from effect using p, jsonb_to_recordset(p.batch->'settled') as s(id uuid, effect text)
  where effect.id = s.effect and (s.id in (select id from won)) is true
),
cleared as (
  delete from timer using p, jsonb_to_recordset(p.batch->'cleared') as c(id uuid, name text)
  where timer.actor_id = c.id and timer.name = c.name and (c.id in (select id from won)) is true
),
waiting as (
  insert into timer (actor_type, actor_id, name, generation, due_at, event)
  select t.actor, t.id, t.name, t.generation, t."dueAt", t.event
  from p, jsonb_to_recordset(p.batch->'timers') as t(actor text, id uuid, name text, generation integer,
    "dueAt" timestamptz, event jsonb)
  where (t.id in (select id from won)) is true
  on conflict (actor_id, name) do update
  set generation = excluded.generation, due_at = excluded.due_at, event = excluded.event, claimed_until = null
)
select t.write, min(head.base + t.upto - t.n + 1) as position from turn t, head group by t.write`

/** Update what exists with the expected version; insert what is new; leave the rest alone. */
const actorParts = ({ contract, columns }: AnyActorDefinition, index: number) => {
  const table = `"${tableName(contract.actor)}"`
  const fields = [
    { column: 'version', key: 'version', type: 'integer' },
    { column: 'machine', key: 'machine', type: 'text' },
    { column: 'state', key: 'state', type: 'text' },
    { column: 'snapshot', key: 'snapshot', type: 'jsonb' },
    { column: 'timers', key: 'timers', type: 'jsonb' },
    ...Object.entries(columns as AnyActorDefinition['columns']).map(([key, { type }]) => ({
      column: columnName(key),
      key,
      type: SQL_TYPES[type as ColumnType],
    })),
  ]
  return `actor_${index} as materialized (
  select r.* from p, jsonb_to_recordset(p.batch->'actors'->${index}) as r(id uuid, base integer,
    ${fields.map(({ key, type }) => `"${key}" ${type}`).join(', ')})
  order by r.id
),
updated_${index} as (
  update ${table} as row set ${fields.map(({ column, key }) => `"${column}" = a."${key}"`).join(', ')}
  from actor_${index} a where row.id = a.id and row.version = a.base and a.base > 0
  returning row.id
),
made_${index} as (
  insert into ${table} (id, ${fields.map(({ column }) => `"${column}"`).join(', ')})
  select id, ${fields.map(({ key }) => `"${key}"`).join(', ')} from actor_${index} where base = 0
  on conflict (id) do nothing
  returning id
)`
}

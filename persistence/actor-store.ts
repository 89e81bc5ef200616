import type { AnyActorDefinition } from '../actors/actor.ts'
import type { ActorStore, Question, StoredActor, StoredAnswer, Write } from '../actors/engine/store.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'
import type { Database } from './database.ts'
import { arraysOf, unnestOf, type Fields } from './parameter-lists.ts'
import { isConnectionLoss, NotSent, sqlConstraint, sqlState, type Statement } from './sql.ts'

/**
 * How long an effect belongs to the node that committed it, when that one carries out effects; after that any node may
 * take it over. Milliseconds.
 */
const EFFECT_LEASE_MS = 5_000

/** `works`: whether this node carries out effects itself. */
export const createActorStore = ({ sql, engine }: Database, works = true): ActorStore => ({
  flights: sql.flights,
  shared: engine === 'postgres',

  load: async (definition, ids) => {
    const rows = await sql.query<StoredActor>(loadStatement(definition), [ids])
    return rows
  },

  commit: async (flight, writes) => {
    const batch = batchOf(writes, works ? EFFECT_LEASE_MS : 0)
    const lists = listsOf(batch)
    const rows = (await sql.fly(flight, commitStatement(batch, lists), parametersOf(lists))) as {
      write: number
      position: number | string
    }[]
    const positions: (number | undefined)[] = writes.map(() => undefined)
    for (const row of rows) {
      const position = Number(row.position)
      const known = positions[row.write]
      if (known === undefined || position < known) positions[row.write] = position
    }
    return positions
  },

  answers: async (questions) => {
    const rows = await sql.query<
      Omit<StoredAnswer, 'position'> & { question: number; position: string | number }
    >(ANSWERS, [JSON.stringify(questions.map(questionRow))])
    const answers: (StoredAnswer | undefined)[] = questions.map(() => undefined)
    for (const { question, ...answer } of rows)
      answers[question] = { ...answer, position: Number(answer.position) }
    return answers
  },

  classify: (error) => {
    // One that may only be read has applied nothing; a standby is about to take over, or somebody looks after it.
    if (error instanceof NotSent || sqlState(error) === '25006') return 'try_again'
    if (isConnectionLoss(error)) return 'unknown_outcome'
    const state = sqlState(error) ?? ''
    if (state === '23505') return 'duplicate'
    // Serialization failure, deadlock, lock timeout, cancelled, out of memory or disk or connections.
    return /^(40|55P03|57014|53)/.test(state) ? 'try_again' : 'poison'
  },

  violated: sqlConstraint,
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

type Row = Readonly<Record<string, unknown>>

/** The rows of a batch, by table; actors by type. */
type Batch = {
  types: readonly AnyActorDefinition[]
  updated: Row[][]
  made: Row[][]
  turns: Row[]
  effects: Row[]
  timers: Row[]
  cleared: Row[]
  settled: Row[]
}

const batchOf = (writes: readonly Write[], leaseMs: number): Batch => {
  const types = [...new Set(writes.map(({ definition }) => definition))].toSorted((one, other) =>
    one.contract.actor < other.contract.actor ? -1 : 1,
  )
  const batch: Batch = {
    types,
    updated: types.map(() => []),
    made: types.map(() => []),
    turns: [],
    effects: [],
    timers: [],
    cleared: [],
    settled: [],
  }
  writes.forEach((write, index) => {
    const { definition, id, base, version, machine, state, snapshot, timers, columns } = write
    const { actor } = definition.contract
    const rows = base === 0 ? batch.made : batch.updated
    rows[types.indexOf(definition)]!.push({ id, base, version, machine, state, snapshot, timers, ...columns })
    for (const turn of write.turns)
      batch.turns.push({
        ...turn,
        ord: batch.turns.length,
        write: index,
        id,
        actor,
        n: Math.max(turn.events.length, 1),
      })
    for (const effect of write.effects) batch.effects.push({ ...effect, leaseMs })
    for (const timer of write.timersSet) batch.timers.push({ ...timer, id, actor })
    for (const name of write.timersCleared) batch.cleared.push({ id, name })
    for (const effect of write.settles) batch.settled.push({ id, effect })
  })
  return batch
}

/** What a list is called in the statement's text, with `$rows` for the list itself, as `r`. */
type Input = { fields: Fields; text: string }

type List = Input & { name: string; rows: readonly Row[] }

/** Every list that is not empty, in the order in which the statement's text numbers their parameters. */
const listsOf = ({ types, updated, made, turns, effects, settled, cleared, timers }: Batch): List[] =>
  [
    ...types.flatMap((definition, index) => {
      const { update, insert } = inputsOf(definition, index)
      return [
        { name: `updated_${index}`, rows: updated[index]!, ...update },
        { name: `made_${index}`, rows: made[index]!, ...insert },
      ]
    }),
    { name: 'turn', rows: turns, ...TURNS },
    { name: 'promised', rows: effects, ...EFFECTS },
    { name: 'settled', rows: settled, ...SETTLED },
    { name: 'cleared', rows: cleared, ...CLEARED },
    { name: 'waiting', rows: timers, ...TIMERS },
  ].filter(({ rows }) => rows.length > 0)

const inputs = new Map<string, Record<'update' | 'insert', Input>>()

/** The rows of an actor type that is the so-manieth of its batch. */
const inputsOf = (definition: AnyActorDefinition, index: number) => {
  const key = `${definition.contract.actor} ${index}`
  let known = inputs.get(key)
  if (!known) {
    const fields = rowFields(definition)
    known = {
      update: { fields, text: updateText(definition, index) },
      insert: { fields, text: insertText(definition, index) },
    }
    inputs.set(key, known)
  }
  return known
}

const parametersOf = (lists: readonly List[]) => lists.flatMap(({ fields, rows }) => arraysOf(fields, rows))

const commits = new Map<string, Statement>()

/**
 * The whole commit as one statement, so that it is one round trip and one transaction. Data dependencies give it its
 * order: actor rows (type by type, in id order), then the head row that gives out positions, then everything else, for
 * the actors whose version still held. What a batch does not need is not in its statement.
 */
const commitStatement = ({ types }: Batch, lists: readonly List[]): Statement => {
  const name = `commit ${types.map(({ contract }) => contract.actor).join(' ')} ${lists.map((list) => list.name).join(' ')}`
  let statement = commits.get(name)
  if (!statement) {
    statement = { name: `commit_${commits.size}`, text: commitText(lists) }
    commits.set(name, statement)
  }
  return statement
}

const commitText = (lists: readonly List[]) => {
  const actors = lists.filter(({ name }) => /^(updated|made)_/.test(name))
  let next = 1
  const parts = lists.map(({ text, fields }) => {
    const from = next
    next += fields.length
    return text.replaceAll('$rows', unnestOf(fields, from))
  })
  return `
with ${parts.slice(0, actors.length).join(',\n')},
won as materialized (${actors.map(({ name }) => `select id from ${name}`).join(' union all ')}),
${parts.slice(actors.length).join(',\n')},
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
select t.write, head.base + t.upto - t.n + 1 as position from turn t, head`
}

/** Only what belongs to an actor whose version held. Hashed once, whatever the planner has been told about joins. */
const WON = (id: string) => `(${id} in (select id from won)) is true`

const TURNS = {
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
  text: `turn as materialized (
  select r.*, sum(r.n) over (order by r.ord) as upto from $rows where ${WON('r.id')}
)`,
} satisfies Input

const EFFECTS = {
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
  text: `promised as (
  insert into effect (id, actor_type, actor_id, version, name, params, correlation_id, next_at)
  select r.id, r."actorType", r."actorId", r.version, r.name, r.params, r."correlationId",
    clock_timestamp() + r."leaseMs" * interval '1 millisecond'
  from $rows where ${WON('r."actorId"')}
)`,
} satisfies Input

const SETTLED = {
  fields: [
    ['id', 'uuid'],
    ['effect', 'text'],
  ],
  text: `settled as (
  delete from effect using $rows where effect.id = r.effect and ${WON('r.id')}
)`,
} satisfies Input

const CLEARED = {
  fields: [
    ['id', 'uuid'],
    ['name', 'text'],
  ],
  text: `cleared as (
  delete from timer using $rows where timer.actor_id = r.id and timer.name = r.name and ${WON('r.id')}
)`,
} satisfies Input

const TIMERS = {
  fields: [
    ['actor', 'text'],
    ['id', 'uuid'],
    ['name', 'text'],
    ['generation', 'integer'],
    ['dueAt', 'timestamptz'],
    ['event', 'jsonb'],
  ],
  text: `waiting as (
  insert into timer (actor_type, actor_id, name, generation, due_at, event)
  select r.actor, r.id, r.name, r.generation, r."dueAt", r.event from $rows where ${WON('r.id')}
  on conflict (actor_id, name) do update
  set generation = excluded.generation, due_at = excluded.due_at, event = excluded.event, claimed_until = null
)`,
} satisfies Input

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

/** The rows of one type, in id order: all nodes lock them in the same order. */
const inputText = (name: string) => `${name} as materialized (select * from $rows order by id)`

const updateText = (definition: AnyActorDefinition, index: number) => `${inputText(`change_${index}`)},
updated_${index} as (
  update "${tableName(definition.contract.actor)}" as row
  set ${fieldsOf(definition)
    .map(({ column, key }) => `"${column}" = change."${key}"`)
    .join(', ')}
  from change_${index} as change where row.id = change.id and row.version = change.base
  returning row.id
)`

const insertText = (definition: AnyActorDefinition, index: number) => `${inputText(`new_${index}`)},
made_${index} as (
  insert into "${tableName(definition.contract.actor)}" (id, ${fieldsOf(definition)
    .map(({ column }) => `"${column}"`)
    .join(', ')})
  select id, ${fieldsOf(definition)
    .map(({ key }) => `"${key}"`)
    .join(', ')} from new_${index}
  on conflict (id) do nothing
  returning id
)`

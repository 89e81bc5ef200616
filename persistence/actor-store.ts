import type { AnyActorDefinition } from '../actors/actor.ts'
import type { ActorStore, Question, StoredActor, StoredAnswer } from '../actors/engine/store.ts'
import { tableName } from './actor-table.ts'
import { batchOf } from './batch.ts'
import { commitOf } from './commit.ts'
import type { Database } from './database.ts'
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
    const { statement, parameters } = commitOf(batchOf(writes, works ? EFFECT_LEASE_MS : 0))
    const rows = (await sql.fly(flight, statement, parameters)) as {
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

const questionRow = ({ actorType, actorId, messageId, creation }: Question, question: number) => ({
  question,
  actor_type: actorType,
  actor_id: actorId,
  message_id: messageId,
  by: creation?.by ?? null,
})

const ANSWERS: Statement = {
  name: 'answers',
  text: `
with q as (
  select * from jsonb_to_recordset($1::jsonb) as q(question integer, actor_type text, actor_id uuid, message_id text, by uuid)
)
select q.question, j.actor_id as "actorId", j.message_hash as "messageHash", j.type, j.version, j.to_state as state,
  j.view, j.allowed, j.position
from q join journal j on j.actor_id = q.actor_id and j.message_id = q.message_id and j.actor_type = q.actor_type
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

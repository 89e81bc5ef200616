import type { AnyActorDefinition } from '../actors/actor.ts'
import type { Batch, Row } from './batch.ts'
import { changeRoutine, COMMIT_TURNS, makeRoutine, TURN_LISTS, type RowRoutine } from './commit-routines.ts'
import { arraysOf } from './parameter-lists.ts'
import type { Routine, Statement } from './sql.ts'

/**
 * The whole commit as one statement, so that it is one round trip and one transaction. It calls one function for each
 * kind of change, in an order that is the same on every node: actor rows (type by type, in id order), then everything
 * that belongs to the actors whose version still held, and the journal last.
 *
 * What batches hold together differs from one to the next, and PostgreSQL would have to plan a statement with all of it
 * for nearly every batch. Functions keep the plans of what they do; the statement around them is next to nothing.
 */
export const commitOf = (
  batch: Batch,
): { statement: Statement & { routines: readonly Routine[] }; parameters: string[] } => {
  const calls = batch.actors.flatMap(({ definition, updated, made }): Call[] => [
    ...(updated.length > 0 ? [{ routine: changing(definition), rows: updated }] : []),
    ...(made.length > 0 ? [{ routine: making(definition), rows: made }] : []),
  ])
  const parameters = [
    ...calls.flatMap(({ routine, rows }) => arraysOf(routine.fields, rows)),
    ...TURN_LISTS.flatMap(({ list, fields }) => arraysOf(fields, batch[list])),
  ]
  return { statement: statementOf(calls), parameters }
}

type Call = { routine: RowRoutine; rows: readonly Row[] }

/** Batches of one kind come again and again; of mixtures there are too many to be kept. */
const kept = new WeakMap<RowRoutine, ReturnType<typeof build>>()

const statementOf = (calls: readonly Call[]) => {
  if (calls.length > 1) return build('', calls)
  const { routine } = calls[0]!
  let statement = kept.get(routine)
  if (!statement) {
    statement = build(`commit_${routine.name}`, calls)
    kept.set(routine, statement)
  }
  return statement
}

const build = (name: string, calls: readonly Call[]) => {
  let next = 1
  const called = (routine: string, count: number, first = '') => {
    const numbers = Array.from({ length: count }, () => `$${next++}`)
    return `pg_temp.${routine}(${[...(first ? [first] : []), ...numbers].join(', ')})`
  }
  const won = calls.map(({ routine }) => called(routine.name, routine.fields.length)).join(' || ')
  const count = TURN_LISTS.reduce((sum, { fields }) => sum + fields.length, 0)
  const text = `select write, position from ${called(COMMIT_TURNS.name, count, won)}`
  return { name, text, routines: [...calls.map(({ routine }) => routine), COMMIT_TURNS] }
}

const routines = new WeakMap<AnyActorDefinition, { change: RowRoutine; make: RowRoutine }>()

const routinesOf = (definition: AnyActorDefinition) => {
  let known = routines.get(definition)
  if (!known) {
    known = { change: changeRoutine(definition), make: makeRoutine(definition) }
    routines.set(definition, known)
  }
  return known
}

const changing = (definition: AnyActorDefinition) => routinesOf(definition).change

const making = (definition: AnyActorDefinition) => routinesOf(definition).make

import type { AnyActorDefinition } from '../actors/actor.ts'
import type { Read } from '../actors/ports.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'
import { readHead } from './journal.ts'
import type { Sql, Statement } from './sql.ts'

/** Counts, and says as of which position of the journal: whoever hears the events behind it can count on. */
export const createCountAt = (
  sql: Pick<Sql, 'consistently'>,
  definitions: readonly AnyActorDefinition[],
): Read['countAt'] => {
  const known = new Map(definitions.map((definition) => [definition.contract.actor, definition]))
  return ({ contract }, where) =>
    sql.consistently(async (query) => {
      const { position } = await readHead(query)
      const definition = known.get(contract.actor)
      if (!definition) return { count: 0, position }
      const [row] = await query<{ count: number }>(
        statementOf(definition, Object.keys(where)),
        Object.values(where),
      )
      return { count: row!.count, position }
    })
}

const statementOf = ({ contract, columns }: AnyActorDefinition, names: readonly string[]): Statement => {
  const conditions = names.map((name, index) => {
    const column = columns[name]
    if (!column) throw new Error(`there is no column '${name}' to count by`)
    return `"${columnName(name)}" = $${index + 1}::${SQL_TYPES[column.type]}`
  })
  return {
    name: `count_${contract.actor}_${names.join('_')}`,
    text: `select count(*)::int as count from "${tableName(contract.actor)}" where ${conditions.join(' and ')}`,
  }
}

import type { AnyActorDefinition, ColumnType } from '../actors/actor.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'
import type { Sql, Statement } from './sql.ts'

type IdPage = {
  actor: string
  where: Readonly<Record<string, string>>
  /** The last id of the page before. */
  after: string | undefined
  limit: number
}

/**
 * The ids of the actors that have these values in their columns, page by page in their order.
 * @throws when there is no such type or column, which is a bug of whoever asks
 */
export const createActorIds = ({ query }: Pick<Sql, 'query'>, definitions: readonly AnyActorDefinition[]) => {
  const known = new Map(definitions.map((definition) => [definition.contract.actor, definition]))
  const statements = new Map<string, Statement>()

  const statementOf = (actor: string, names: readonly string[]): Statement => {
    const name = `ids_${actor}_${names.join('_')}`
    let statement = statements.get(name)
    if (!statement) statements.set(name, (statement = { name, text: textOf(known.get(actor), names) }))
    return statement
  }

  return async ({ actor, where, after, limit }: IdPage): Promise<string[]> => {
    const names = Object.keys(where).toSorted()
    const values = names.map((name) => where[name])
    const rows = await query<{ id: string }>(statementOf(actor, names), [after ?? FIRST, limit, ...values])
    return rows.map(({ id }) => id)
  }
}

/**
 * Whether an id belongs to an actor of another type. The journal knows each id once only as long as the first turn is in it.
 */
export const createIsTaken = ({ query }: Pick<Sql, 'query'>, definitions: readonly AnyActorDefinition[]) => {
  const holders = definitions.map(({ contract: { actor } }) => {
    return `select '${actor}' as actor from "${tableName(actor)}" where id = $1::uuid`
  })
  const statement: Statement = { name: 'id_holders', text: holders.join(' union all ') }

  return async (id: string, actor: string): Promise<boolean> =>
    (await query<{ actor: string }>(statement, [id])).some((holder) => holder.actor !== actor)
}

/** Before all ids. */
const FIRST = '00000000-0000-0000-0000-000000000000'

const textOf = (definition: AnyActorDefinition | undefined, names: readonly string[]): string => {
  const conditions = names.map((name, index) => {
    const column = definition?.columns[name] as { type: ColumnType } | undefined
    if (!column) throw new Error(`there is no column '${name}' to find actors by`)
    return `"${columnName(name)}" = $${index + 3}::${SQL_TYPES[column.type]}`
  })
  if (!definition) throw new Error('there is no such type of actors')
  return `select id from "${tableName(definition.contract.actor)}"
    where ${['id > $1::uuid', ...conditions].join(' and ')} order by id limit $2`
}

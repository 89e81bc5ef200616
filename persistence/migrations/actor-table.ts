import { Migration } from '@mikro-orm/migrations'
import type { ColumnType } from '../../actors/actor.ts'
import { columnName, SQL_TYPES, tableName } from '../actor-table.ts'

type MigrationClass = new (...deps: ConstructorParameters<typeof Migration>) => Migration

type ColumnSpec = ColumnType | `${ColumnType}, indexed`

/**
 * A migration that makes the table of one actor type. It spells the columns out instead of reading them from the
 * definition, because the definition will move on and this migration will not.
 */
export const actorTable = (actor: string, columns: Record<string, ColumnSpec>): MigrationClass => {
  const table = tableName(actor)
  const specs = Object.entries(columns).map(([name, spec]) => {
    const [type, indexed] = spec.split(', ') as [ColumnType, 'indexed'?]
    return { column: columnName(name), type: SQL_TYPES[type], indexed: indexed !== undefined }
  })
  return class extends Migration {
    override up() {
      this.addSql(`create table "${table}" (
        id uuid primary key,
        version integer not null,
        machine text not null,
        state text not null,
        snapshot jsonb not null,
        timers jsonb not null,
        ${specs.map(({ column, type }) => `"${column}" ${type}`).join(',\n        ')}
      ) with (fillfactor = 80)`)
      // The start asks which machine versions are stored; with this index the answer does not depend on the number of rows.
      this.addSql(`create index "${table}_machine" on "${table}" (machine)`)
      for (const { column, indexed } of specs)
        if (indexed) this.addSql(`create index "${table}_${column}" on "${table}" ("${column}", id)`)
    }

    override down() {
      this.addSql(`drop table "${table}"`)
    }
  }
}

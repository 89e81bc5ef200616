import { Migration } from '@mikro-orm/migrations'
import type { ColumnType } from '../../actors/actor.ts'
import { columnName, SQL_TYPES, tableName } from '../actor-table.ts'

type MigrationClass = new (...deps: ConstructorParameters<typeof Migration>) => Migration

type ColumnSpec = ColumnType | `${ColumnType}, indexed`

/** What queries and rules need beside the columns; the engine and the entity do not know of it. */
type Extras = {
  /** Columns of enumerations, with their values in order: `<name>_idx` counts from 0. */
  ordinals?: Record<string, readonly string[]>
  /** What a column refers to: `user_account (id) on delete restrict`. */
  references?: Record<string, string>
  /** By the name of the index, what must be unique where: `(tutor_id) where standing = 'active'`. */
  unique?: Record<string, string>
  /** By the name of the index, further ones. */
  indexes?: Record<string, string>
  /** Its rows are credentials: the database gives each a place in the status lists, in the commit that makes it. */
  hasStatusEntry?: boolean
}

/**
 * A migration that makes the table of one actor type. It spells the columns out instead of reading them from the
 * definition, because the definition will move on and this migration will not.
 */
export const actorTable = (
  actor: string,
  columns: Record<string, ColumnSpec>,
  extras: Extras = {},
): MigrationClass => {
  const table = tableName(actor)
  const specs = Object.entries(columns).map(([name, spec]) => {
    const [type, indexed] = spec.split(', ') as [ColumnType, 'indexed'?]
    return { column: columnName(name), type: SQL_TYPES[type], indexed: indexed !== undefined }
  })
  const { ordinals = {}, references = {}, unique = {}, indexes = {}, hasStatusEntry = false } = extras
  return class extends Migration {
    override up() {
      this.addSql(`create table "${table}" (
        id uuid primary key,
        version integer not null,
        machine text not null,
        state text not null,
        snapshot jsonb not null,
        timers jsonb not null,
        ${[
          ...specs.map(({ column, type }) => `"${column}" ${type}`),
          ...Object.entries(ordinals).map(([name, values]) => ordinalOf(columnName(name), values)),
        ].join(',\n        ')}
      ) with (fillfactor = 80)`)
      // The start asks which machine versions are stored; with this index the answer does not depend on the number of rows.
      this.addSql(`create index "${table}_machine" on "${table}" (machine)`)
      for (const { column, indexed } of specs)
        if (indexed) this.addSql(`create index "${table}_${column}" on "${table}" ("${column}", id)`)
      for (const [name, target] of Object.entries(references))
        this.addSql(`alter table "${table}" add foreign key ("${columnName(name)}") references ${target}`)
      for (const [name, text] of Object.entries(indexes))
        this.addSql(`create index ${name} on "${table}" ${text}`)
      for (const [name, text] of Object.entries(unique))
        this.addSql(`create unique index ${name} on "${table}" ${text}`)
      if (hasStatusEntry) for (const text of statusEntryOf(table)) this.addSql(text)
    }

    override down() {
      this.addSql(`drop table "${table}"`)
    }
  }
}

/** One sequence for all kinds of credentials; the engine does not know of the column. */
const statusEntryOf = (table: string): string[] => [
  `create sequence if not exists status_entry as bigint minvalue 0`,
  `alter table "${table}" add column status_entry bigint not null default nextval('status_entry')`,
  `create unique index "${table}_status_entry" on "${table}" (status_entry)`,
]

const ordinalOf = (column: string, values: readonly string[]): string => {
  const list = values.map((value) => `'${value}'`).join(', ')
  return `"${column}_idx" smallint generated always as ((array_position(array[${list}], "${column}") - 1)::smallint) stored`
}

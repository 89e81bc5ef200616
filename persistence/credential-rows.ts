import type { AnyActorDefinition } from '../actors/actor.ts'
import type { Found } from '../actors/ports.ts'
import { tableName, type ActorRow } from './actor-table.ts'
import { foundOf } from './found.ts'
import type { Sql, Statement } from './sql.ts'

/** A kind of actor that is a credential, and the columns by which its rows are found. */
export type CredentialTable = {
  definition: AnyActorDefinition
  /** Of the user who holds it. */
  holderColumn: string
  numberColumn?: string
  /** What marks a row in the list for this purpose. */
  marks: Partial<Record<'revocation' | 'suspension', string>>
}

export type CredentialRow = Found & {
  actor: string
  statusEntry: number
  /** The organisation's name, and the holder's, as they are now. */
  issuer: string
  holderName: string
}

/** Reads credentials straight from their tables, each time with one statement: the row, its bit and whose they are, at one instant. */
export type CredentialRows = {
  byNumber: (number: string) => Promise<CredentialRow | undefined>
  byId: (id: string) => Promise<CredentialRow | undefined>
  marked: (marked: {
    orgId: string
    purpose: 'revocation' | 'suspension'
    from: number
    to: number
  }) => Promise<number[]>
  /** -1 when none has been given out. */
  lastEntry: () => Promise<number>
}

type Row = ActorRow & { statusEntry: string | number; issuer: string; holderName: string | null }

export const createCredentialRows = (
  sql: Pick<Sql, 'query'>,
  tables: readonly CredentialTable[],
): CredentialRows => {
  const statements = tables.map((table) => ({ table, ...statementsOf(table) }))
  const rowOf = ({ definition }: CredentialTable, row: Row): CredentialRow => ({
    ...foundOf(definition, row),
    actor: definition.contract.actor,
    statusEntry: Number(row.statusEntry),
    issuer: row.issuer,
    holderName: row.holderName ?? '',
  })
  const marking = {
    revocation: markedStatement(tables, 'revocation'),
    suspension: markedStatement(tables, 'suspension'),
  }
  return {
    byNumber: async (number) => {
      for (const { table, byNumber } of statements) {
        const [row] = byNumber ? await sql.query<Row>(byNumber, [number]) : []
        if (row) return rowOf(table, row)
      }
      return undefined
    },
    byId: async (id) => {
      for (const { table, byId } of statements) {
        const [row] = await sql.query<Row>(byId, [id])
        if (row) return rowOf(table, row)
      }
      return undefined
    },
    marked: async ({ orgId, purpose, from, to }) => {
      const statement = marking[purpose]
      if (!statement) return []
      const rows = await sql.query<{ entry: string | number }>(statement, [orgId, from, to])
      return rows.map(({ entry }) => Number(entry))
    },
    lastEntry: async () => {
      const [row] = await sql.query<{ last: string | number }>(LAST_ENTRY)
      return Number(row!.last)
    },
  }
}

const statementsOf = ({ definition, holderColumn, numberColumn }: CredentialTable) => {
  const table = tableName(definition.contract.actor)
  const text = (condition: string) => `select credential.id, credential.version, credential.machine,
    credential.state, credential.snapshot, credential.timers, credential.status_entry as "statusEntry",
    organisation.name as issuer, holder.name as "holderName"
  from "${table}" as credential
  join organisation on organisation.id = credential.org_id
  left join user_account as holder on holder.id = credential."${holderColumn}"
  where ${condition}`
  const statement = (by: string, condition: string): Statement => ({
    name: `credential_${table}_by_${by}`,
    text: text(condition),
  })
  return {
    byId: statement('id', `credential.id = $1`),
    byNumber: numberColumn ? statement('number', `credential."${numberColumn}" = $1`) : undefined,
  }
}

const markedStatement = (
  tables: readonly CredentialTable[],
  purpose: 'revocation' | 'suspension',
): Statement | undefined => {
  const parts = tables.flatMap(({ definition, marks }) => {
    const column = marks[purpose]
    return column === undefined
      ? []
      : [
          `select status_entry as entry from "${tableName(definition.contract.actor)}"
          where status_entry >= $2 and status_entry < $3 and org_id = $1 and "${column}"`,
        ]
  })
  if (parts.length === 0) return undefined
  return { name: `credentials_marked_${purpose}`, text: parts.join('\nunion all ') }
}

const LAST_ENTRY: Statement = {
  name: 'credentials_last_entry',
  text: `select case when is_called then last_value else -1 end as last from status_entry`,
}

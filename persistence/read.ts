import type { FilterQuery, QueryOrderMap } from '@mikro-orm/core'
import type { AnyActorDefinition, ColumnType } from '../actors/actor.ts'
import type { ActorType, Condition, FoundPage, Organisation, Read, Search } from '../actors/ports.ts'
import { actorEntity, type ActorRow } from './actor-table.ts'
import { createCountAt } from './count-at.ts'
import type { Database } from './database.ts'
import { foundOf } from './found.ts'
import { importRefusals } from './imports.ts'
import type { Journal } from './journal.ts'
import { searchText } from './text-search.ts'

/** Queries over the actor tables, for those whose scopes match. */
export const createRead = (
  database: Database,
  journal: Journal,
  definitions: readonly AnyActorDefinition[],
  organisation: (id: string) => Promise<Organisation | undefined>,
  pushKey: Read['pushKey'] = () => null,
): Read => {
  const known = new Map(definitions.map((definition) => [definition.contract.actor, definition]))
  const definitionOf = ({ contract }: Pick<ActorType, 'contract'>) => known.get(contract.actor)
  return {
    organisation,
    search: async (type, search) => {
      const definition = definitionOf(type)
      return definition ? findActors(database, definition, search) : { found: [] }
    },
    searchText: async (type, search) => {
      const definition = definitionOf(type)
      return definition ? searchText(database, definition, search) : { found: [] }
    },
    count: async (type, { scopes, where = [] }) => {
      const definition = definitionOf(type)
      return definition && scopes.length > 0
        ? database.read((em) =>
            em.count(actorEntity(definition), whereOf({ scopes, where, limit: 0 }, definition)),
          )
        : 0
    },
    countAt: createCountAt(database.sql, definitions),
    pushKey,
    history: journal.history,
    importRefusals: (importId, afterLine, limit) => importRefusals(database, importId, afterLine, limit),
  }
}

const findActors = async (
  database: Database,
  definition: AnyActorDefinition,
  search: Search,
): Promise<FoundPage> => {
  const { scopes, limit, order, newestFirst = false } = search
  if (scopes.length === 0) return { found: [] }
  const direction = newestFirst ? 'desc' : 'asc'
  const orderBy = { ...(order ? { [order]: direction } : {}), id: direction } as QueryOrderMap<ActorRow>
  const rows = await database.read((em) =>
    em.find(actorEntity(definition), whereOf(search, definition), {
      orderBy,
      limit: limit + 1,
      disableIdentityMap: true,
    }),
  )
  const found = rows.slice(0, limit).map((row) => foundOf(definition, row))
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return last ? { found, next: cursorOf(last, order) } : { found }
}

const OPERATORS = { '=': '$eq', '<=': '$lte', '>=': '$gte', in: '$in' } as const

/** All values come from schemas and are put under an operator of ours, so no client can bring one of its own. */
const whereOf = (
  { scopes, where = [], after, order, newestFirst = false }: Search,
  { columns }: AnyActorDefinition,
): FilterQuery<ActorRow> => {
  const conditions: object[] = where.map(({ column, is, value }: Condition) => ({
    [column]: { [OPERATORS[is]]: value },
  }))
  conditions.push({
    $or: scopes.map((scope) => ({
      $and: Object.entries(scope).map(([column, value]) => ({ [column]: { $eq: value } })),
    })),
  })
  if (after) conditions.push(behind(after, order, columns[order ?? '']?.type, newestFirst ? '$lt' : '$gt'))
  return { $and: conditions }
}

const cursorOf = (row: ActorRow, order: string | undefined) => {
  if (!order) return row.id
  const value = (row as unknown as Record<string, unknown>)[order]
  return `${value instanceof Date ? value.toISOString() : String(value)}_${row.id}`
}

/** Rows behind the cursor. A cursor that nobody gave out finds nothing, and that is all it does. */
const behind = (
  cursor: string,
  order: string | undefined,
  type: ColumnType | undefined,
  further: '$gt' | '$lt',
): object => {
  const [, text = '', id] = CURSOR.exec(cursor) ?? []
  if (!id) return NOTHING
  if (!order) return { id: { [further]: id } }
  const value = type === 'integer' ? integerOf(text) : instantOf(text)
  if (value === undefined) return NOTHING
  return { $or: [{ [order]: { [further]: value } }, { [order]: { $eq: value }, id: { [further]: id } }] }
}

const NOTHING = { id: { $eq: null } }

/** What `cursorOf` makes: what the row is ordered by, if anything, and its id. */
const CURSOR = /^(?:(.{1,64})_)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** All orders that there are go by an instant or by a number. */
const instantOf = (text: string): string | undefined =>
  !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text ? text : undefined

const integerOf = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined)

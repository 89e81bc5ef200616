import type { AnyActorDefinition } from '../actors/actor.ts'
import type { Condition, TextSearch } from '../actors/ports.ts'
import { columnName, SQL_TYPES, tableName } from './actor-table.ts'

/** What a text asks for, as queries of PostgreSQL's full text search. */
type Asked = {
  /** What may match at all, and only where the index knows that the caller may see it. */
  narrowed: string
  /** The same, asked of titles. */
  narrowedTitle: string
  meant: string
  /** Without the words that were not said, but are similar. */
  asked: string
  /** Whole words, no beginnings. */
  whole: string
  /** How many titles, and how many documents, the planner expects to match; zero unless they are many. */
  titled: number
  told: number
}

/** So many matches of the title, and so many of the rest, are compared with each other; a common word has many more. */
const COMPARED = 200

/**
 * One statement that compares a bounded number of matches and reads one page of them, best first. Those whose title matches
 * come first; the rest of the document is looked at only when they are few.
 */
export const rankedText = (
  definition: AnyActorDefinition,
  search: TextSearch,
  title: string,
  { narrowed, narrowedTitle, meant, asked, whole, titled, told }: Asked,
): { text: string; parameters: unknown[] } => {
  const parameters: unknown[] = []
  const bind: Bind = (value, type) => `$${parameters.push(value)}::${type}`
  const table = `"${tableName(definition.contract.actor)}"`
  const titleText = `lower("${columnName(title)}")`
  const columns = `id, ${titleText} as title, search_title, search`
  const query = bind(narrowed, 'tsquery')
  const titleQuery = bind(narrowedTitle, 'tsquery')
  const sameTitle = `lower(${bind(search.text, 'text')})`
  const conditions = conditionsOf(definition, search, bind)
  const near = (expected: number) =>
    `(select * from ${table} where ctid < ${blocks(table, bind(expected, 'float8'))} offset 0) as near`
  const found = (from: string, where: string) =>
    `select ${columns} from ${from} where ${where} and ${conditions}`
  // The planner is not told which words these are: it takes the index, and never a scan that may find nothing.
  const hidden = (wanted: string) => `(select ${wanted})`
  const isElsewhere = `not search_title @@ ${titleQuery}`
  const sources = [
    ...(titled > 0 ? [found(near(titled), `search_title @@ ${titleQuery}`)] : []),
    found(table, `search_title @@ ${hidden(titleQuery)}`),
    ...(told > 0 ? [found(near(told), `search @@ ${query} and ${isElsewhere}`)] : []),
    found(table, `search @@ ${hidden(query)} and ${isElsewhere}`),
  ]
  const text = `
with ${sources.map((source, index) => `source_${index} as materialized (${source} and ${isWanted(index)} limit ${COMPARED})`).join(',\n')},
candidate as materialized (
  select distinct on (id) * from (
    ${sources.map((_, index) => `select * from source_${index} union all`).join(' ')}
    (${found(table, `${titleText} = ${sameTitle}`)} limit ${COMPARED})
  ) as source order by id
), ranked as (
  select id, (
    case when search @@ ${bind(asked, 'tsquery')} then 8000000 else 0 end
    + case when title = ${sameTitle} then 4000000 else 0 end
    + case when search_title @@ ${bind(whole, 'tsquery')} then 2000000 else 0 end
    + case when search_title @@ ${bind(meant, 'tsquery')} then 1000000 else 0 end
    + least(999999, 1000000 * ts_rank(search, ${bind(meant, 'tsquery')}, 1))
  )::integer as score from candidate
), page as (
  select id, score from ranked where ${behind(search.after, bind)}
  order by score desc, id limit ${bind(search.limit + 1, 'integer')}
)
select (select count(*) from candidate) as total, page.score, row.id, row.version, row.machine, row.state, row.snapshot,
  row.timers
from (select) as one left join page on true left join ${table} as row on row.id = page.id
order by page.score desc, page.id`
  return { text, parameters }
}

/** A source is read only while those before it have found too little. */
const isWanted = (index: number) => {
  const counts = Array.from({ length: index }, (_, before) => `(select count(*) from source_${before})`)
  return `${['0', ...counts].join(' + ')} < ${COMPARED}`
}

/**
 * The first blocks of the table, with twice as many matches as are compared, if there are as many as expected; none for
 * zero. In the order of the index's own answer, so that both find the same.
 */
const blocks = (table: string, expected: string) => `(
        select ('(' || ceil(${2 * COMPARED} * relpages / nullif(${expected}, 0)) || ',0)')::tid
        from pg_class where oid = '${table}'::regclass)`

type Bind = (value: unknown, type: string) => string

/** Scopes and conditions as everywhere: values are parameters, and columns are those of the definition. */
const conditionsOf = (definition: AnyActorDefinition, { scopes, where = [] }: TextSearch, bind: Bind) => {
  const typeOf = (column: string) => (column === 'id' ? 'uuid' : SQL_TYPES[definition.columns[column]!.type])
  const equal = (column: string, value: unknown) => `"${columnName(column)}" = ${bind(value, typeOf(column))}`
  const condition = ({ column, is, value }: Condition) =>
    is === 'in'
      ? `"${columnName(column)}" = any(${bind(value, `${typeOf(column)}[]`)})`
      : `"${columnName(column)}" ${is} ${bind(value, typeOf(column))}`
  const visible = scopes.map((scope) =>
    ['true', ...Object.entries(scope).map(([column, value]) => equal(column, value))].join(' and '),
  )
  return [`(${visible.join(' or ')})`, ...where.map(condition)].join(' and ')
}

const CURSOR = /^(\d{1,8})_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** Rows behind the cursor. A cursor that nobody gave out finds nothing, and that is all it does. */
const behind = (cursor: string | undefined, bind: Bind) => {
  if (cursor === undefined) return 'true'
  const [, score, id] = CURSOR.exec(cursor) ?? []
  if (score === undefined) return 'false'
  const scored = bind(Number(score), 'integer')
  return `(score < ${scored} or (score = ${scored} and id > ${bind(id, 'uuid')}))`
}

import type { AnyActorDefinition } from '../actors/actor.ts'
import type { FoundPage, TextSearch } from '../actors/ports.ts'
import { columnName, tableName, type ActorRow } from './actor-table.ts'
import type { Database } from './database.ts'
import { editDistance } from './edit-distance.ts'
import { foundOf } from './found.ts'
import type { Statement } from './sql.ts'
import { rankedText } from './text-search-sql.ts'

/** Which column is the title of what is searched, and which values are lexemes of its documents (m0019-catalog-search.ts). */
const SEARCHED: Readonly<Record<string, { title: string; narrowing: readonly string[] }>> = {
  offering: {
    title: 'title',
    narrowing: [
      'orgId',
      'ownerId',
      'tutorProfileId',
      'visibility',
      'kind',
      'categoryId',
      'scheduling',
      'difficulty',
    ],
  },
  tutorProfile: { title: 'displayName', narrowing: ['orgId', 'tutorId', 'status', 'standing'] },
  material: { title: 'title', narrowing: ['orgId', 'ownerId', 'offeringId', 'kind', 'standing'] },
}

/** Whoever finds fewer than this may have misspelt something. */
const FEW = 5
/** Words behind the tenth are not looked at. */
const WORDS = 10
/** Of one filter; a longer list is asked of the rows alone. */
const MOST_VALUES = 50
/** A scope and filters are asked of the index when no more than one match in so many satisfies them. */
const KEPT_AWAY = 4
/** Of so many matches, reading rows until enough have been seen takes less time than the index does. */
const COMMON = 40_000
/** How long the beginnings are that titles have as lexemes, in letters; of longer ones there are few words. */
const BEGINNINGS = [3, 4]

/**
 * What matches a text, best first: all its words, each of which may be the beginning of one. When that is little, what
 * matches similar words follows. How much work it is does not depend on how many match.
 */
export const searchText = async (
  database: Database,
  definition: AnyActorDefinition,
  search: TextSearch,
): Promise<FoundPage> => {
  if (search.scopes.length === 0) return { found: [] }
  const words = await wordsOf(database, search.text)
  if (words.length === 0) return { found: [] }
  const last = words.at(-1)!
  const whole = words.map((word) => [wholly(word)])
  // Somebody may still be typing the last word.
  const asked = [...whole.slice(0, -1), [begun(last)]]
  const terms = { whole, asked, meant: words.length === 1 ? asked : whole }
  const found = await find(database, definition, search, terms)
  if (found.total >= FEW) return found.page
  const similar = await similarWords(database, words)
  const ends = words.length === 1 || (await isRare(database, definition, begun(last))) ? [begun(last)] : []
  const meant = words.flatMap((word, index) => {
    const others = [...(word === last ? ends : []), ...(similar.get(word) ?? []).map(wholly)]
    // A letter or two begin too much to be anything yet.
    return word === last && words.length > 1 && !isPrefix(word) ? [] : [[...whole[index]!, ...others]]
  })
  return (await find(database, definition, search, { ...terms, meant })).page
}

/** A list of all that begins like this is made before anything else is looked at. */
const isRare = async (database: Database, { contract }: AnyActorDefinition, term: Term) =>
  (await expected(database, contract.actor, 'search', anywhere(term))) < COMMON

/** Pictures are words here, as they are in the index. */
const PICTURES = /[\u2600-\u27bf\u2b00-\u2bff\u{1f000}-\u{1faff}]/gu

/** In the order of the text, as PostgreSQL understands words. */
const wordsOf = async ({ sql }: Database, text: string) => {
  const rows = await sql.query<{ word: string }>(
    {
      name: 'words_of_text',
      text: `select lexeme as word from unnest(to_tsvector('simple', $1)) order by positions[1] limit ${WORDS}`,
    },
    [text.replaceAll(/[-./:@_&<>=+"'[\]]/g, ' ')],
  )
  const pictures = text.match(PICTURES) ?? []
  return [...new Set([...rows.map(({ word }) => word), ...pictures])].slice(0, WORDS)
}

const quoted = (word: string) => `'${word.replaceAll(/['\\]/g, (sign) => sign + sign)}'`

/** One or two Latin letters begin too much; in scripts that write a word in one sign they do not. */
const isPrefix = (word: string) => word.length > 2 || word > '\u2fff'

/** A word as it is, or all that it begins. */
type Term = { word: string; begins: boolean }

const wholly = (word: string): Term => ({ word, begins: false })

const begun = (word: string): Term => ({ word, begins: isPrefix(word) })

const anywhere = ({ word, begins }: Term) => (begins ? `${quoted(word)}:*` : quoted(word))

/** Short beginnings are lexemes of titles (m0036-title-beginnings.ts): one list of the index in place of hundreds. */
const inTitle = (term: Term) => {
  const { word, begins } = term
  const isLexeme = begins && BEGINNINGS.includes(Array.from(word).length)
  return isLexeme ? anyOf([quoted(word), quoted(`begins=${word}`)]) : anywhere(term)
}

const anyOf = (terms: readonly string[]) => `(${terms.join(' | ')})`

/** Word by word; any of a word's terms is enough. */
const allOf = (terms: readonly (readonly Term[])[], written = anywhere) =>
  terms.map((alternatives) => anyOf(alternatives.map(written))).join(' & ')

/**
 * Words of titles that each of these may have been meant to be: those that it begins, and those in which two letters are
 * wrong at most, or one of a short word.
 */
const similarWords = async ({ sql }: Database, words: readonly string[]) => {
  const rows = await sql.query<{ word: string; similar: string }>(SIMILAR, [words])
  const similar = new Map<string, string[]>()
  for (const { word, similar: known } of rows)
    if (known.startsWith(word) || editDistance(word, known) <= (word.length < 8 ? 1 : 2))
      similar.set(word, [...(similar.get(word) ?? []), known])
  return similar
}

/**
 * The setting holds for this statement only. The usual threshold is above what two letters in the wrong order leave; so low
 * a one leaves many words, most of which nobody would call similar.
 */
const SIMILAR: Statement = {
  name: 'similar_words',
  text: `select asked.word, known.word as similar
from unnest($1::text[]) as asked(word) cross join lateral (
  (select word from search_word where word % asked.word order by similarity(word, asked.word) desc, word limit 30)
  union
  (select word from search_word where word > asked.word and word < asked.word || chr(1114111)
    and length(asked.word) > 2 order by length(word), word limit 10)
) as known
where known.word <> asked.word
  and (select set_config('pg_trgm.similarity_threshold', '0.15', true)) is not null`,
}

type Terms = {
  whole: readonly (readonly Term[])[]
  /** What the text says. */
  asked: readonly (readonly Term[])[]
  /** What is looked for. */
  meant: readonly (readonly Term[])[]
}

type Ranked = ActorRow & { score: number | null; total: string | number }

const find = async (
  database: Database,
  definition: AnyActorDefinition,
  search: TextSearch,
  { whole, asked, meant }: Terms,
): Promise<{ page: FoundPage; total: number }> => {
  const { actor } = definition.contract
  const searched = SEARCHED[actor]!
  const { text, parameters } = rankedText(definition, search, searched.title, {
    meant: allOf(meant),
    asked: allOf(asked),
    whole: allOf(whole),
    ...(await asIndexed(database, actor, meant, narrowing(searched.narrowing, search))),
  })
  // Without a name: there are too many kinds of it for PostgreSQL to keep the plans of all.
  const rows = await database.sql.query<Ranked>({ name: '', text }, parameters)
  const ranked = rows.filter(({ score }) => score !== null)
  const found = ranked.slice(0, search.limit).map((row) => foundOf(definition, row))
  const last = ranked.length > search.limit ? ranked[search.limit - 1] : undefined
  const page = last ? { found, next: `${last.score}_${last.id}` } : { found }
  return { page, total: Number(rows[0]?.total ?? 0) }
}

/**
 * What the index is asked. Lexemes that most matches have cost more than they keep away: reading their lists takes longer
 * than reading the rows.
 */
const asIndexed = async (
  database: Database,
  actor: string,
  meant: Terms['meant'],
  narrowing: readonly string[],
) => {
  const ofWords = allOf(meant)
  const [some, narrow] = await Promise.all([
    expected(database, actor, 'search', ofWords),
    expected(database, actor, 'search', [ofWords, ...narrowing].join(' & ')),
  ])
  const further = narrow < some / KEPT_AWAY ? narrowing : []
  const narrowed = [ofWords, ...further].join(' & ')
  const narrowedTitle = [allOf(meant, inTitle), ...further].join(' & ')
  const titled = await expected(database, actor, 'search_title', narrowedTitle)
  const told = Math.min(some, narrow)
  return {
    narrowed,
    narrowedTitle,
    titled: titled < COMMON ? 0 : titled,
    told: told < COMMON ? 0 : told,
  }
}

/** How many rows the planner expects to match. */
const expected = async (
  { sql }: Database,
  actor: string,
  column: 'search_title' | 'search',
  query: string,
): Promise<number> => {
  const table = tableName(actor)
  const [row] = await sql.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
    {
      name: `expected_${table}_${column}`,
      text: `explain (format json) select from "${table}" where ${column} @@ $1::tsquery`,
    },
    [query],
  )
  return row?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0
}

/** The part of the scopes and conditions that the index knows; all of them are asked again of each row. */
const narrowing = (known: readonly string[], { scopes, where = [] }: TextSearch): string[] => {
  const valueOf = (column: string, value: unknown) => quoted(`${columnName(column)}=${String(value)}`)
  const filters = where.flatMap(({ column, is, value }) =>
    known.includes(column) && (is === '=' || (is === 'in' && [value].flat().length <= MOST_VALUES))
      ? [anyOf([value].flat().map((each) => valueOf(column, each)))]
      : [],
  )
  const visible = scopes.map((scope) =>
    Object.entries(scope).flatMap(([column, value]) =>
      known.includes(column) ? [valueOf(column, value)] : [],
    ),
  )
  // A scope that the index knows nothing of may be any row.
  if (visible.some((values) => values.length === 0)) return filters
  return [anyOf(visible.map((values) => `(${values.join(' & ')})`)), ...filters]
}

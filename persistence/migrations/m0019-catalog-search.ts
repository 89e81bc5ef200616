import { Migration } from '@mikro-orm/migrations'

type Searched = {
  table: string
  /** The column that is the title. */
  title: string
  /** Texts by weight, as paths into the context; the first of A is the title itself. */
  A: readonly string[]
  B?: readonly string[]
  C?: readonly string[]
  D?: readonly string[]
  /** Columns whose values are lexemes, too: the index then finds those that match the text and a filter at once. */
  narrowing: readonly string[]
}

/** A note of moderation is in none of them. */
export const SEARCHED: readonly Searched[] = [
  {
    table: 'offering',
    title: 'title',
    A: ['title'],
    B: ['tutor,displayName', 'category,name'],
    C: ['description'],
    D: ['terms,schedulingType', 'terms,difficulty', 'terms,maxPeriodUnit'],
    narrowing: [
      'org_id',
      'owner_id',
      'tutor_profile_id',
      'visibility',
      'kind',
      'category_id',
      'scheduling',
      'difficulty',
    ],
  },
  {
    table: 'tutor_profile',
    title: 'display_name',
    A: ['displayName'],
    B: ['subjects'],
    C: ['bio', 'experience', 'certifications'],
    narrowing: ['org_id', 'tutor_id', 'status', 'standing'],
  },
  {
    table: 'material',
    title: 'title',
    A: ['title'],
    C: ['description'],
    D: ['kind'],
    narrowing: ['org_id', 'owner_id', 'offering_id', 'kind', 'standing'],
  },
]

/** Beside the indexes of single columns: whatever filters a list has, one of them leads to its rows in the order of the list. */
const LISTED = {
  offering_visible: 'org_id, visibility',
  offering_scheduling: 'org_id, scheduling, visibility',
  offering_difficulty: 'org_id, difficulty, visibility',
  offering_kind: 'org_id, kind, visibility',
  offering_org_published: 'org_id, published, visibility',
  offering_org_moderation: 'org_id, moderation, visibility',
  offering_duration: 'org_id, duration_minutes',
  offering_price: 'org_id, price_minor',
}

/**
 * Full text over the catalogue, and the words of its titles for whoever misspells them. Both are kept by the database in the
 * statement that commits an actor, so that they are never behind it.
 */
export class CatalogSearch extends Migration {
  override up() {
    // Trusted since PostgreSQL 13: whoever owns the database may do it.
    this.addSql(`create extension if not exists pg_trgm`)
    this.addSql(`create table search_word (word text collate "C" primary key)`)
    this.addSql(`create index search_word_similar on search_word using gin (word gin_trgm_ops)`)
    this.addSql(REMEMBER)
    for (const searched of SEARCHED) {
      const { table, title } = searched
      this.addSql(`alter table "${table}"
        add column search_title tsvector generated always as (${titleVector(searched)}) stored,
        add column search tsvector generated always as (${wholeVector(searched)}) stored`)
      // A list of what is not yet in the index would be read by every search.
      for (const column of ['search_title', 'search'])
        this.addSql(
          `create index "${table}_${column}" on "${table}" using gin (${column}) with (fastupdate = off)`,
        )
      this.addSql(`create index "${table}_lower_${title}" on "${table}" (lower("${title}"))`)
      this.addSql(`insert into search_word (word) select distinct lexeme from "${table}", unnest(search_title)
        where ${IS_WORD} on conflict do nothing`)
      for (const [event, when] of [
        ['insert', ''],
        ['update', 'when (old.search_title is distinct from new.search_title)'],
      ])
        this.addSql(`create trigger "${table}_words_${event}" after ${event} on "${table}"
          for each row ${when} execute function remember_search_words()`)
    }
    for (const [name, columns] of Object.entries(LISTED))
      this.addSql(`create index "${name}" on offering (${columns}, id)`)
  }

  override down() {
    for (const name of Object.keys(LISTED)) this.addSql(`drop index "${name}"`)
    for (const { table, title } of SEARCHED) {
      for (const event of ['insert', 'update'])
        this.addSql(`drop trigger "${table}_words_${event}" on "${table}"`)
      this.addSql(`drop index "${table}_lower_${title}"`)
      this.addSql(`alter table "${table}" drop column search_title, drop column search`)
    }
    this.addSql(`drop function remember_search_words()`)
    this.addSql(`drop table search_word`)
    // The extension stays: it may have been there before.
  }
}

/** What somebody may have meant: short words are found by trying, and numbers and values of columns are no words. */
const IS_WORD = String.raw`lexeme !~ '[=\d]' and length(lexeme) between 4 and 40`

/**
 * Runs at the end of the statement, when that one has the head of the journal: two commits never wait for each other's words.
 * Its search path is kept, because a restored backup has none. It only adds: a word that nothing contains any more leads to nothing.
 */
const REMEMBER = `create function remember_search_words() returns trigger language plpgsql
set search_path from current as $$
begin
  insert into search_word (word) select lexeme from unnest(new.search_title) where ${IS_WORD}
  on conflict do nothing;
  return null;
end $$`

export const titleVector = ({ A, narrowing }: Searched) =>
  [...A.map(vectorOf), ...A.map(signsOf), valuesOf(narrowing)].join(' || ')

const wholeVector = ({ A, B = [], C = [], D = [], narrowing }: Searched) =>
  [
    ...Object.entries({ A, B, C, D }).flatMap(([weight, paths]) =>
      paths.map((path) => `setweight(${vectorOf(path)}, '${weight}')`),
    ),
    ...A.map(signsOf),
    valuesOf(narrowing),
  ].join(' || ')

const textAt = (path: string) => `coalesce(snapshot #>> '{context,${path}}', '')`

/** Without these signs there are only words: no addresses, paths, tags or hyphenated ones, which are lexemes as a whole. */
const vectorOf = (path: string) =>
  `to_tsvector('simple', translate(${textAt(path)}, '-./:@_&<>=+"''[]', '               '))`

/** Emoji and other pictures are no words to the parser, so each is made a lexeme of its own. */
const PICTURES = String.raw`\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff`

const signsOf = (path: string) =>
  String.raw`array_to_tsvector(array_remove(string_to_array(regexp_replace(
    regexp_replace(${textAt(path)}, '[^${PICTURES}]+', '', 'g'), '(.)', '\1 ', 'g'), ' '), ''))`

/** `org_id=…`: the parser makes no word with this sign, so no text can be taken for a value. */
const valuesOf = (columns: readonly string[]) =>
  `array_to_tsvector(array_remove(array[${columns.map((column) => `'${column}=' || "${column}"::text`).join(', ')}], null))`

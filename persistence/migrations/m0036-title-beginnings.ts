import { Migration } from '@mikro-orm/migrations'
import { SEARCHED, titleVector } from './m0019-catalog-search.ts'

/**
 * The first three and four letters of each word of a title become lexemes, so that who has typed so much is answered from
 * one list of the index: the lists of all words that begin like this are hundreds. `begins=…`: the parser makes no word
 * with this sign, so no text can be taken for a beginning, and none of them is a word to `search_word`.
 */
export class TitleBeginnings extends Migration {
  override up() {
    this.addSql(BEGINNINGS)
    this.replaceTitles((searched) => `with_beginnings(${titleVector(searched)})`)
  }

  override down() {
    this.replaceTitles(titleVector)
    this.addSql(`drop function with_beginnings(tsvector)`)
  }

  /** What depends on the column goes with it and comes back. */
  private replaceTitles(vector: (searched: (typeof SEARCHED)[number]) => string) {
    for (const searched of SEARCHED) {
      const { table } = searched
      this.addSql(`drop trigger "${table}_words_update" on "${table}"`)
      this.addSql(`alter table "${table}" drop column search_title`)
      this.addSql(`alter table "${table}"
        add column search_title tsvector generated always as (${vector(searched)}) stored`)
      this.addSql(
        `create index "${table}_search_title" on "${table}" using gin (search_title) with (fastupdate = off)`,
      )
      this.addSql(`create trigger "${table}_words_update" after update on "${table}" for each row
        when (old.search_title is distinct from new.search_title) execute function remember_search_words()`)
    }
  }
}

/** Only what every search path has: a restored backup begins with an empty one. */
const BEGINNINGS = `create function with_beginnings(words tsvector) returns tsvector
language sql immutable strict parallel safe as $$
  select words || array_to_tsvector(array(
    select distinct 'begins=' || left(lexeme, letters)
    from unnest(words), unnest(array[3, 4]) as letters
    where length(lexeme) > letters and strpos(lexeme, '=') = 0
  ))
$$`

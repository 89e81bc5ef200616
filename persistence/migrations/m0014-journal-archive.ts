import { Migration } from '@mikro-orm/migrations'

/** Where turns go that have become too old for the journal, when they are to be kept: a partition for each month. */
export class JournalArchive extends Migration {
  override up() {
    // Nothing looks anything up here: no index, and a month can be detached, dumped and dropped.
    this.addSql(
      `create table journal_archive (like journal including defaults) partition by range (recorded_at)`,
    )
  }

  override down() {
    this.addSql(`drop table journal_archive`)
  }
}

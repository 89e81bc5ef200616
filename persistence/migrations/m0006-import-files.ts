import { Migration } from '@mikro-orm/migrations'

/** Files that wait to be imported, and the rows that were refused. */
export class ImportFiles extends Migration {
  override up() {
    // Stored before the import is made and removed when it has finished, so no key points at the import.
    this.addSql(`create table import_file (
      id uuid primary key,
      org_id uuid not null references organisation (id),
      user_id uuid not null,
      rows integer not null,
      created_at timestamptz(3) not null
    )`)
    this.addSql(`create index import_file_created_at on import_file (created_at)`)
    // "first" counts the rows of the file before this part.
    this.addSql(`create table import_part (
      import_id uuid not null references import_file (id) on delete cascade,
      first integer not null,
      rows jsonb not null,
      primary key (import_id, first)
    )`)
    this.addSql(`create table import_refusal (
      import_id uuid not null references "import" (id) on delete cascade,
      line integer not null,
      code text not null,
      message text not null,
      "column" text,
      primary key (import_id, line)
    )`)
  }

  override down() {
    for (const table of ['import_refusal', 'import_part', 'import_file']) this.addSql(`drop table ${table}`)
  }
}

import { Migration } from '@mikro-orm/migrations'

/** To whom credentials were shown, and whether with the name (34 CFR 99.32). Rows are added, and never changed. */
export class Disclosures extends Migration {
  override up() {
    this.addSql(`create table disclosure (
      id bigint generated always as identity primary key,
      credential_type text not null,
      credential_id uuid not null,
      means text not null,
      name_shown boolean not null,
      user_id uuid,
      viewer text,
      at timestamptz(3) not null,
      check ((user_id is null) <> (viewer is null))
    )`)
    this.addSql(`create index disclosure_of on disclosure (credential_id, id)`)
    this.addSql(`create function disclosure_is_kept() returns trigger language plpgsql as
      $$ begin raise exception 'disclosures are only added'; end $$`)
    this.addSql(`create trigger disclosure_is_kept before update or delete on disclosure
      for each row execute function disclosure_is_kept()`)
  }

  override down() {
    this.addSql(`drop table disclosure`)
    this.addSql(`drop function disclosure_is_kept`)
  }
}

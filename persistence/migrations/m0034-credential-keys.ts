import { Migration } from '@mikro-orm/migrations'

/** What credentials are signed with, and what their status entries and holders are derived from. */
export class CredentialKeys extends Migration {
  override up() {
    // The public keys stay for ever: what was signed years ago has to be verified.
    this.addSql(`create table credential_key (
      kid text primary key,
      public_jwk jsonb not null,
      private_key text,
      created_at timestamptz(3) not null,
      retired_at timestamptz(3),
      check ((private_key is null) = (retired_at is not null))
    )`)
    this.addSql(
      `create unique index credential_key_current on credential_key ((true)) where retired_at is null`,
    )
    this.addSql(`create table credential_secret (
      name text primary key,
      sealed text not null,
      created_at timestamptz(3) not null
    )`)
  }

  override down() {
    this.addSql(`drop table credential_secret`)
    this.addSql(`drop table credential_key`)
  }
}

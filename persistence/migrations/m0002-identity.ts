import { Migration } from '@mikro-orm/migrations'

/** Who may sign in, in which organisation and as what, and the sign-ins themselves. */
export class IdentityTables extends Migration {
  override up() {
    this.addSql(`create table organisation (
      id uuid primary key,
      name text not null,
      settings jsonb not null,
      is_default boolean not null default false,
      created_at timestamptz(3) not null
    )`)
    this.addSql(`create unique index organisation_default on organisation (is_default) where is_default`)

    this.addSql(`create table user_account (
      id uuid primary key,
      public_id integer not null generated always as identity,
      org_id uuid not null references organisation (id),
      username text not null check (length(username) <= 50),
      email text not null check (email = lower(email) and length(email) <= 100),
      phone text check (length(phone) <= 20),
      password_hash text not null check (length(password_hash) <= 255),
      name text not null check (length(name) <= 100),
      avatar_url text check (length(avatar_url) <= 255),
      blocked_at timestamptz(3),
      created_at timestamptz(3) not null,
      updated_at timestamptz(3) not null
    )`)
    this.addSql(`create unique index user_account_public_id on user_account (public_id)`)
    this.addSql(`create unique index user_account_email on user_account (email)`)
    this.addSql(`create unique index user_account_username on user_account (username)`)
    this.addSql(`create index user_account_org_id on user_account (org_id, id)`)

    this.addSql(`create table user_role (
      user_id uuid not null references user_account (id) on delete cascade,
      role text not null,
      primary key (user_id, role)
    )`)

    this.addSql(`create table session (
      id uuid primary key,
      user_id uuid not null references user_account (id) on delete cascade,
      created_at timestamptz(3) not null,
      ended_at timestamptz(3),
      end_reason text,
      check ((ended_at is null) = (end_reason is null))
    )`)
    this.addSql(`create index session_user_id on session (user_id)`)

    this.addSql(`create table refresh_token (
      hash text collate "C" primary key,
      session_id uuid not null references session (id) on delete cascade,
      parent text collate "C",
      created_at timestamptz(3) not null,
      used_at timestamptz(3),
      expires_at timestamptz(3) not null
    )`)
    this.addSql(`create index refresh_token_session_id on refresh_token (session_id)`)
    this.addSql(`create index refresh_token_expires_at on refresh_token (expires_at)`)

    // How the other nodes hear of it: each reads the last minute or so of this table once a second. "at" is the
    // database's clock, so that nodes whose own clocks differ still look at the same minute. A row either names the
    // session that ended or carries the user's new roles.
    this.addSql(`create table session_change (
      seq bigint generated always as identity primary key,
      user_id uuid not null,
      session_id uuid,
      reason text,
      roles jsonb,
      at timestamptz(3) not null default clock_timestamp(),
      check ((session_id is null) = (reason is null) and (session_id is null) = (roles is not null))
    )`)
    this.addSql(`create index session_change_at on session_change (at)`)
  }

  override down() {
    for (const table of [
      'session_change',
      'refresh_token',
      'session',
      'user_role',
      'user_account',
      'organisation',
    ])
      this.addSql(`drop table ${table}`)
  }
}

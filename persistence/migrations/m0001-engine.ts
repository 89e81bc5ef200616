import { Migration } from '@mikro-orm/migrations'

/** What the engine needs whatever the actors are: journal, timers, effects. */
export class EngineTables extends Migration {
  override up() {
    // One row: the last position that was given out, and the epoch in which positions count. A restored backup
    // gets a new epoch, so that no client goes on from a position that now means something else. Rows at or below
    // "floor" may have been deleted by retention.
    this.addSql(`create table journal_head (
      singleton boolean primary key default true check (singleton),
      position bigint not null,
      floor bigint not null default 0,
      epoch uuid not null
    ) with (fillfactor = 10)`)
    this.addSql(`insert into journal_head (position, epoch) values (0, gen_random_uuid())`)

    // One row for each turn. "position" is that of its last event; an event takes one position, a silent turn as well.
    this.addSql(`create table journal (
      position bigint primary key,
      actor_type text not null,
      actor_id uuid not null,
      version integer not null,
      message_id text collate "C" not null,
      message_hash text,
      cause text not null,
      type text not null,
      message jsonb not null,
      at timestamptz(3) not null,
      recorded_at timestamptz(3) not null default clock_timestamp(),
      by uuid,
      correlation_id text,
      from_state text,
      to_state text not null,
      events jsonb not null,
      view jsonb not null,
      allowed jsonb not null,
      topics text[] not null
    )`)
    this.addSql(`create unique index journal_message on journal (actor_id, message_id)`)
    this.addSql(`create unique index journal_version on journal (actor_id, version)`)
    // A creating command names no actor, so its sender and its id find what it made.
    this.addSql(
      `create unique index journal_creation on journal (message_id, by) where version = 1 and cause = 'command'`,
    )
    this.addSql(
      `create index journal_topics on journal using gin (topics) with (gin_pending_list_limit = 512)`,
    )
    // Append-only, also for those who hold a connection.
    this.addSql(`create function journal_is_append_only() returns trigger language plpgsql as
      $$ begin raise exception 'the journal is append-only' using errcode = '42501'; end $$`)
    this.addSql(`create trigger journal_append_only before update on journal
      for each statement execute function journal_is_append_only()`)

    this.addSql(`create table timer (
      actor_type text not null,
      actor_id uuid not null,
      name text not null,
      generation integer not null,
      due_at timestamptz(3) not null,
      event jsonb,
      claimed_until timestamptz(3),
      primary key (actor_id, name)
    ) with (fillfactor = 80)`)
    this.addSql(`create index timer_due on timer (due_at, actor_id, name)`)

    this.addSql(`create table effect (
      id text collate "C" primary key,
      actor_type text not null,
      actor_id uuid not null,
      version integer not null,
      name text not null,
      params jsonb not null,
      correlation_id text,
      status text not null default 'pending',
      attempts integer not null default 0,
      next_at timestamptz(3) not null,
      last_error text
    ) with (fillfactor = 80)`)
    this.addSql(`create index effect_pending on effect (next_at) where status = 'pending'`)
    this.addSql(`create index effect_dead on effect (actor_id) where status = 'dead'`)
  }

  override down() {
    for (const table of ['effect', 'timer', 'journal', 'journal_head']) this.addSql(`drop table ${table}`)
    this.addSql(`drop function journal_is_append_only()`)
  }
}

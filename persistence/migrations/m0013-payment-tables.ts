import { Migration } from '@mikro-orm/migrations'

/** Prices, saved cards, and what the payment provider has posted. */
export class PaymentTables extends Migration {
  override up() {
    this.addSql(`create table price (
      offering_id uuid primary key,
      org_id uuid not null references organisation (id),
      title text not null check (length(title) <= 100),
      amount_minor bigint not null check (amount_minor >= 0),
      currency text not null check (length(currency) = 3),
      active boolean not null,
      updated_by uuid not null,
      updated_at timestamptz(3) not null
    )`)
    this.addSql(`create index price_org_id on price (org_id, offering_id)`)

    // Append-only: each time that a price was set, to what and by whom. The database writes it with the price, so that
    // there is no other way to change one.
    this.addSql(`create table price_change (
      id bigint generated always as identity primary key,
      offering_id uuid not null,
      org_id uuid not null references organisation (id),
      title text not null,
      amount_minor bigint not null,
      currency text not null,
      active boolean not null,
      changed_by uuid not null,
      changed_at timestamptz(3) not null
    )`)
    this.addSql(`create index price_change_offering_id on price_change (offering_id, id)`)
    this.addSql(`create function record_price_change() returns trigger language plpgsql as $$ begin
      insert into price_change (offering_id, org_id, title, amount_minor, currency, active, changed_by, changed_at)
      values (new.offering_id, new.org_id, new.title, new.amount_minor, new.currency, new.active,
        new.updated_by, new.updated_at);
      return null;
    end $$`)
    this.addSql(`create trigger price_is_recorded after insert or update on price
      for each row execute function record_price_change()`)
    this.addSql(`create function price_changes_are_append_only() returns trigger language plpgsql as
      $$ begin raise exception 'price changes are append-only' using errcode = '42501'; end $$`)
    this.addSql(`create trigger price_change_append_only before update or delete or truncate on price_change
      for each statement execute function price_changes_are_append_only()`)

    // "code" and "email" are sealed; "key_id" says with which key, so that a key can be retired when no row names it.
    // The signature is the provider's name for the card: one row for each card of a user.
    this.addSql(`create table saved_authorization (
      id uuid primary key,
      user_id uuid not null references user_account (id) on delete cascade,
      signature text not null,
      code text not null,
      email text not null,
      key_id text not null,
      card jsonb not null,
      created_at timestamptz(3) not null,
      removed_at timestamptz(3)
    )`)
    this.addSql(`create unique index saved_authorization_card on saved_authorization (user_id, signature)
      where removed_at is null`)

    // The body is sealed, because it holds personal data, and removed after 30 days; the key stays, so that what comes
    // again later is still known.
    this.addSql(`create table webhook (
      id uuid primary key,
      provider text not null,
      dedupe_key text collate "C" not null,
      event text,
      reference text,
      body text,
      received_at timestamptz(3) not null,
      times integer not null default 1
    )`)
    this.addSql(`create unique index webhook_dedupe_key on webhook (provider, dedupe_key)`)
    this.addSql(`create index webhook_received_at on webhook (received_at) where body is not null`)
  }

  override down() {
    for (const table of ['webhook', 'saved_authorization', 'price', 'price_change'])
      this.addSql(`drop table ${table}`)
    for (const name of ['record_price_change', 'price_changes_are_append_only'])
      this.addSql(`drop function ${name}()`)
  }
}

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
      updated_at timestamptz(3) not null
    )`)
    this.addSql(`create index price_org_id on price (org_id, offering_id)`)

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
    for (const table of ['webhook', 'saved_authorization', 'price']) this.addSql(`drop table ${table}`)
  }
}

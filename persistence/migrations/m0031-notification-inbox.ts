import { Migration } from '@mikro-orm/migrations'

/**
 * What the inbox is listed and counted by. Nodes of the version before know none of these columns: what they store
 * meanwhile stands in the inbox as of now, and nobody has sent it.
 */
export class NotificationInbox extends Migration {
  override up() {
    this.addSql(`alter table notification
      add column in_app boolean not null default true,
      add column created_at timestamptz(3) not null default now(),
      add column sender_id uuid,
      add column dedupe_key text`)
    this.addSql(`update notification set created_at = (snapshot #>> '{context,createdAt}')::timestamptz`)
    this.addSql(`create index notification_newest on notification (recipient_id, created_at, id)`)
    this.addSql(`create index notification_unread on notification (recipient_id, status, id)`)
    this.addSql(`create index notification_sender_id on notification (sender_id, id)`)
    this.addSql(`create unique index notification_once
      on notification (sender_id, recipient_id, topic, dedupe_key) where dedupe_key is not null`)
  }

  override down() {
    // The other indexes go with their columns.
    this.addSql(`drop index notification_unread`)
    this.addSql(`alter table notification
      drop column in_app, drop column created_at, drop column sender_id, drop column dedupe_key`)
  }
}

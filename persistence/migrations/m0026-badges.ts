import { Migration } from '@mikro-orm/migrations'
import { actorTable } from './actor-table.ts'
import { together } from './together.ts'

/** What badges there are. */
export const BadgeDefinitionTable = actorTable(
  'badgeDefinition',
  {
    orgId: 'uuid, indexed',
    name: 'text',
    status: 'text',
    predecessorId: 'uuid, indexed',
    holdsName: 'boolean',
  },
  {
    ordinals: { status: ['draft', 'superseding', 'active', 'locked', 'archived'] },
    indexes: { badge_definition_status: `(org_id, status, id)` },
    unique: {
      badge_definition_unique_name: `(org_id, name) where holds_name`,
      badge_definition_next_edition: `(predecessor_id) where status <> 'archived'`,
    },
  },
)

/** Badges that were earned. The database gives each its place in the status lists, in the commit that makes it. */
export const BadgeTable = actorTable(
  'badge',
  {
    orgId: 'uuid, indexed',
    definitionId: 'uuid, indexed',
    recipientId: 'uuid, indexed',
    recipientUserId: 'uuid, indexed',
    mentorId: 'uuid, indexed',
    coordinatorId: 'uuid, indexed',
    period: 'text',
    ordinal: 'integer',
    awardedBy: 'text',
    earnedAt: 'instant',
    revoked: 'boolean',
  },
  {
    ordinals: { awardedBy: ['system', 'admin'] },
    indexes: { badge_earned_at: `(org_id, earned_at, id)` },
    unique: {
      badge_live: `(definition_id, recipient_id, period) where not revoked`,
      // Whichever id of a person it was awarded to.
      badge_ordinal: `(definition_id, recipient_user_id, period, ordinal)`,
    },
    hasStatusEntry: true,
  },
)

const AchievementTable = actorTable('achievement', { orgId: 'uuid, indexed', userId: 'uuid, indexed' })
const FactTable = actorTable('badgeFact', { orgId: 'uuid, indexed', userId: 'uuid, indexed', kind: 'text' })

class JournalCursor extends Migration {
  override up() {
    this.addSql(`create table journal_cursor (
      name text primary key,
      position bigint not null,
      holder uuid not null,
      held_until timestamptz(3) not null
    )`)
  }

  override down() {
    this.addSql(`drop table journal_cursor`)
  }
}

/** What people have done, and how far the journal has been followed for that. */
export const AchievementTables = together(AchievementTable, FactTable, JournalCursor)

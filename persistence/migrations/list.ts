import type { Migrations } from '../database.ts'
import { actorTable } from './actor-table.ts'
import { EngineTables } from './m0001-engine.ts'
import { IdentityTables } from './m0002-identity.ts'
import { ImportFiles } from './m0006-import-files.ts'
import { EffectLanes } from './m0007-effect-lanes.ts'
import { PaymentTables } from './m0013-payment-tables.ts'
import { JournalArchive } from './m0014-journal-archive.ts'
import { CatalogSearch } from './m0019-catalog-search.ts'
import { AchievementTables, BadgeDefinitionTable, BadgeTable } from './m0026-badges.ts'
import { NotificationInbox } from './m0031-notification-inbox.ts'
import { CredentialKeys } from './m0034-credential-keys.ts'
import { Disclosures } from './m0035-disclosures.ts'
import { TitleBeginnings } from './m0036-title-beginnings.ts'
import { together } from './together.ts'

/** All migrations, oldest first. A name that has been released is never changed, and neither is what it did. */
export const migrations: Migrations = [
  { name: '0001-engine', class: EngineTables },
  { name: '0002-identity', class: IdentityTables },
  {
    name: '0003-certification',
    class: actorTable('certification', {
      orgId: 'uuid, indexed',
      mentorId: 'uuid, indexed',
      mentorUserId: 'uuid, indexed',
      coordinatorId: 'uuid, indexed',
      certType: 'text',
      status: 'text',
      issuedAt: 'instant',
      expiresAt: 'instant, indexed',
    }),
  },
  {
    name: '0004-mentor',
    class: actorTable('mentor', {
      orgId: 'uuid, indexed',
      userId: 'uuid, indexed',
      coordinatorId: 'uuid, indexed',
      active: 'boolean',
    }),
  },
  {
    name: '0005-import',
    class: actorTable('import', { orgId: 'uuid, indexed', startedBy: 'uuid, indexed' }),
  },
  { name: '0006-import-files', class: ImportFiles },
  { name: '0007-effect-lanes', class: EffectLanes },
  {
    name: '0008-payment',
    class: actorTable('payment', {
      orgId: 'uuid, indexed',
      payerId: 'uuid, indexed',
      offeringId: 'uuid, indexed',
      status: 'text, indexed',
      initiatedAt: 'instant, indexed',
    }),
  },
  {
    name: '0009-purchase',
    class: actorTable('purchase', {
      orgId: 'uuid, indexed',
      payerId: 'uuid, indexed',
      offeringId: 'uuid, indexed',
    }),
  },
  {
    name: '0010-refund',
    class: actorTable('refund', {
      orgId: 'uuid, indexed',
      paymentId: 'uuid, indexed',
      payerId: 'uuid, indexed',
      status: 'text, indexed',
    }),
  },
  {
    name: '0011-dispute',
    class: actorTable('dispute', {
      orgId: 'uuid, indexed',
      paymentId: 'uuid, indexed',
      payerId: 'uuid, indexed',
      status: 'text, indexed',
    }),
  },
  {
    name: '0012-dead-letter',
    class: actorTable('deadLetter', { orgId: 'uuid, indexed', effect: 'text, indexed', status: 'text' }),
  },
  { name: '0013-payment-tables', class: PaymentTables },
  { name: '0014-journal-archive', class: JournalArchive },
  {
    name: '0015-tutor-profile',
    class: actorTable(
      'tutorProfile',
      {
        orgId: 'uuid, indexed',
        tutorId: 'uuid, indexed',
        status: 'text, indexed',
        standing: 'text',
        displayName: 'text',
      },
      {
        ordinals: { status: ['pending', 'approved', 'rejected'], standing: ['active', 'deleted'] },
        // An account is never removed while it has a profile; it is blocked.
        references: { tutorId: 'user_account (id) on delete restrict' },
        unique: { tutor_profile_unique_tutor: `(tutor_id) where standing = 'active'` },
      },
    ),
  },
  {
    name: '0016-category',
    class: actorTable(
      'category',
      { orgId: 'uuid, indexed', name: 'text, indexed', icon: 'text, indexed', standing: 'text' },
      {
        ordinals: { standing: ['active', 'deleted'] },
        unique: { category_unique_name: `(org_id, name) where standing = 'active'` },
      },
    ),
  },
  {
    name: '0017-offering',
    class: actorTable(
      'offering',
      {
        orgId: 'uuid, indexed',
        ownerId: 'uuid, indexed',
        tutorProfileId: 'uuid, indexed',
        kind: 'text',
        title: 'text, indexed',
        categoryId: 'uuid, indexed',
        scheduling: 'text',
        difficulty: 'text',
        durationMinutes: 'integer',
        priceMinor: 'integer',
        published: 'boolean, indexed',
        moderation: 'text, indexed',
        visibility: 'text',
      },
      {
        ordinals: {
          kind: ['course', 'course_pack'],
          scheduling: ['flexible', 'strict'],
          difficulty: ['beginner', 'intermediate', 'advanced'],
          moderation: ['approved', 'flagged', 'removed'],
          visibility: ['public', 'private', 'deleted'],
        },
        // What is deleted or removed does not stand in the way of what comes after it.
        unique: {
          offering_unique_pack: `(tutor_profile_id, title)
            where kind = 'course_pack' and visibility <> 'deleted' and moderation <> 'removed'`,
          offering_unique_course: `(owner_id, title)
            where kind = 'course' and visibility <> 'deleted' and moderation <> 'removed'`,
        },
      },
    ),
  },
  {
    name: '0018-material',
    class: actorTable(
      'material',
      {
        orgId: 'uuid, indexed',
        ownerId: 'uuid, indexed',
        offeringId: 'uuid, indexed',
        kind: 'text',
        title: 'text, indexed',
        position: 'integer',
        standing: 'text',
      },
      {
        ordinals: {
          kind: ['file', 'video', 'image', 'document', 'externalLink'],
          standing: ['active', 'deleted'],
        },
        indexes: { material_in_order: `(offering_id, position, id)` },
        unique: { material_unique_title: `(offering_id, title) where standing = 'active'` },
      },
    ),
  },
  { name: '0019-catalog-search', class: CatalogSearch },
  {
    name: '0020-roster',
    class: actorTable('roster', { orgId: 'uuid, indexed', offeringId: 'uuid, indexed' }),
  },
  {
    name: '0021-enrollment',
    class: actorTable(
      'enrollment',
      {
        orgId: 'uuid, indexed',
        userId: 'uuid, indexed',
        offeringId: 'uuid, indexed',
        ownerId: 'uuid, indexed',
        status: 'text',
        live: 'boolean',
        enrolledAt: 'instant',
      },
      {
        ordinals: {
          status: [
            'requested',
            'pending_payment',
            'active',
            'suspended',
            'completed',
            'closing',
            'dropped',
            'cancelled',
            'refunded',
          ],
        },
        unique: { enrollment_live: `(user_id, offering_id) where live` },
      },
    ),
  },
  {
    name: '0022-lesson',
    class: actorTable(
      'lesson',
      {
        orgId: 'uuid, indexed',
        tutorId: 'uuid, indexed',
        studentId: 'uuid, indexed',
        enrollmentId: 'uuid, indexed',
        offeringId: 'uuid, indexed',
        status: 'text',
        startsAt: 'instant',
      },
      { ordinals: { status: ['scheduled', 'completed', 'cancelled', 'missed'] } },
    ),
  },
  {
    name: '0023-removal',
    class: actorTable('removal', { orgId: 'uuid, indexed', offeringId: 'uuid, indexed', status: 'text' }),
  },
  {
    name: '0024-settlement',
    class: actorTable(
      'settlement',
      {
        orgId: 'uuid, indexed',
        removalId: 'uuid, indexed',
        enrollmentId: 'uuid, indexed',
        studentId: 'uuid',
        status: 'text',
        heardBy: 'uuid, indexed',
      },
      { indexes: { settlement_by_status: `(removal_id, status, id)` } },
    ),
  },
  {
    name: '0025-notification',
    class: actorTable('notification', {
      orgId: 'uuid',
      recipientId: 'uuid, indexed',
      topic: 'text',
      status: 'text',
    }),
  },
  { name: '0026-badge-definition', class: BadgeDefinitionTable },
  { name: '0027-badge', class: BadgeTable },
  { name: '0028-achievement', class: AchievementTables },
  {
    name: '0029-certificate-series',
    class: actorTable('certificateSeries', { year: 'integer', last: 'integer' }),
  },
  {
    name: '0030-certificate',
    class: actorTable(
      'certificate',
      {
        orgId: 'uuid, indexed',
        holderId: 'uuid, indexed',
        ownerId: 'uuid, indexed',
        offeringId: 'uuid, indexed',
        enrollmentId: 'uuid, indexed',
        trackId: 'uuid',
        kind: 'text',
        number: 'text',
        status: 'text',
        live: 'boolean',
        revoked: 'boolean',
        suspended: 'boolean',
        issuedAt: 'instant',
        expiresAt: 'instant',
      },
      {
        unique: {
          certificate_number: `(number)`,
          // What has been revoked does not stand in the way of what comes after it (C32).
          certificate_live: `(holder_id, offering_id) where live`,
          certificate_live_track: `(holder_id, track_id) where live`,
        },
        hasStatusEntry: true,
      },
    ),
  },
  {
    name: '0031-notification-inbox',
    class: together(
      NotificationInbox,
      actorTable('inbox', { orgId: 'uuid', userId: 'uuid' }, { unique: { inbox_of_one: `(user_id)` } }),
    ),
  },
  {
    name: '0032-delivery',
    class: actorTable(
      'delivery',
      {
        orgId: 'uuid, indexed',
        recipientId: 'uuid, indexed',
        notificationId: 'uuid, indexed',
        channel: 'text',
        topic: 'text',
        status: 'text',
      },
      {
        ordinals: {
          channel: ['in_app', 'email', 'push'],
          status: ['queued', 'sending', 'sent', 'delivered', 'failed', 'suppressed'],
        },
        unique: { delivery_once: `(notification_id, channel)` },
      },
    ),
  },
  {
    name: '0033-preference',
    class: together(
      actorTable(
        'preference',
        { orgId: 'uuid', userId: 'uuid' },
        { unique: { preference_of_one: `(user_id)` } },
      ),
      actorTable(
        'pushSubscription',
        { orgId: 'uuid', userId: 'uuid, indexed', status: 'text', mark: 'text, indexed' },
        { unique: { push_subscription_of_one: `(user_id, mark) where status = 'active'` } },
      ),
    ),
  },
  { name: '0034-credential-keys', class: CredentialKeys },
  { name: '0035-disclosures', class: Disclosures },
  { name: '0036-title-beginnings', class: TitleBeginnings },
]

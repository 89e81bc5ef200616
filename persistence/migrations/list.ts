import type { Migrations } from '../database.ts'
import { actorTable } from './actor-table.ts'
import { EngineTables } from './m0001-engine.ts'
import { IdentityTables } from './m0002-identity.ts'
import { ImportFiles } from './m0006-import-files.ts'
import { EffectLanes } from './m0007-effect-lanes.ts'
import { PaymentTables } from './m0013-payment-tables.ts'
import { JournalArchive } from './m0014-journal-archive.ts'

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
]

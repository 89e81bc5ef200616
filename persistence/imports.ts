import { defineEntity, p } from '@mikro-orm/core'
import type { Principal } from '../actors/actor.ts'
import type { Upload } from '../actors/ports.ts'
import type { RefusedRow } from '../contracts/import.ts'
import type { Database } from './database.ts'
import { instant, type Statement } from './sql.ts'

/** A row as it stood in the file; without fields when their number is not that of the header. */
export type FileRow = { line: number; fields: readonly string[] | null }

const ImportFileSchema = defineEntity({
  name: 'ImportFile',
  tableName: 'import_file',
  properties: {
    /** That of the import. */
    id: p.uuid().primary(),
    orgId: p.uuid(),
    userId: p.uuid(),
    rows: p.integer(),
    createdAt: p.datetime(3),
  },
})
class ImportFile extends ImportFileSchema.class {}
ImportFileSchema.setClass(ImportFile)

const ImportPartSchema = defineEntity({
  name: 'ImportPart',
  tableName: 'import_part',
  properties: {
    importId: p.uuid().primary(),
    /** How many rows of the file stand before it. */
    first: p.integer().primary(),
    rows: p.json<readonly FileRow[]>(),
  },
})
class ImportPart extends ImportPartSchema.class {}
ImportPartSchema.setClass(ImportPart)

const ImportRefusalSchema = defineEntity({
  name: 'ImportRefusal',
  tableName: 'import_refusal',
  properties: {
    importId: p.uuid().primary(),
    line: p.integer().primary(),
    code: p.text(),
    message: p.text(),
    column: p.text().nullable(),
  },
})
class ImportRefusal extends ImportRefusalSchema.class {}
ImportRefusalSchema.setClass(ImportRefusal)

export const importEntities = [ImportFile, ImportPart, ImportRefusal]

/** Rows in one part of a file: what is imported between two reports of progress. */
const PART_ROWS = 500

/** A mentor whom rows may name by id or by e-mail address. */
export type NamedMentor = { id: string; orgId: string; userId: string; coordinatorId: string; email: string }

export type KnownCertificate = {
  id: string
  mentorId: string
  certType: string
  issuedAt: string
  expiresAt: string
  /** The message that made it, as far as the journal still tells. */
  madeBy: string | null
}

export type ImportStore = ReturnType<typeof createImportStore>

export const createImportStore = (database: Database) => ({
  /** Keeps the rows until the import has finished. The same id again changes nothing: it names the same content. */
  save: (
    { id, orgId, userId, createdAt }: { id: string; orgId: string; userId: string; createdAt: Date },
    rows: readonly FileRow[],
  ): Promise<void> =>
    database.transaction(async (em) => {
      if (await em.findOne(ImportFile, { id })) return
      await em.insert(ImportFile, { id, orgId, userId, createdAt, rows: rows.length })
      for (let first = 0; first < rows.length; first += PART_ROWS)
        await em.insert(ImportPart, { importId: id, first, rows: rows.slice(first, first + PART_ROWS) })
    }),

  upload: async (id: string): Promise<Upload | undefined> => {
    const file = await database.read((em) => em.findOne(ImportFile, { id }))
    return file ? { orgId: file.orgId, userId: file.userId, rows: file.rows } : undefined
  },

  /** The rows from the one on that `first` rows stand before; `undefined` when there are none. */
  rowsFrom: async (importId: string, first: number): Promise<readonly FileRow[] | undefined> =>
    (await database.read((em) => em.findOne(ImportPart, { importId, first })))?.rows,

  /** Those of one organisation. */
  mentors: (orgId: string, ids: readonly string[], emails: readonly string[]): Promise<NamedMentor[]> =>
    database.sql.query<NamedMentor>(MENTORS, [orgId, ids, emails]),

  certificates: async (mentorIds: readonly string[]): Promise<KnownCertificate[]> => {
    const rows = await database.sql.query<KnownCertificate>(CERTIFICATES, [mentorIds])
    return rows.map((row) => {
      return { ...row, issuedAt: instant(row.issuedAt), expiresAt: instant(row.expiresAt) }
    })
  },

  /** Who the user is now; `undefined` when blocked or gone. */
  principal: async (userId: string): Promise<Principal | undefined> =>
    (await database.sql.query<Principal>(PRINCIPAL, [userId]))[0],

  /** A repetition changes nothing. */
  refuse: (importId: string, refusals: readonly RefusedRow[]): Promise<void> =>
    database.transaction(async (em) => {
      if (refusals.length === 0) return
      await em.upsertMany(
        ImportRefusal,
        refusals.map(({ column = null, ...refusal }) => ({ importId, column, ...refusal })),
        { onConflictFields: ['importId', 'line'], onConflictAction: 'ignore' },
      )
    }),

  remove: (id: string): Promise<void> =>
    database.transaction(async (em) => {
      await em.nativeDelete(ImportFile, { id })
    }),

  /** Files whose import was never made, and those that a crash left behind when it had finished. */
  removeAbandoned: async (before: Date): Promise<void> => {
    await database.sql.query(REMOVE_ABANDONED, [before.toISOString()])
  },
})

/** The report of one import, by line. */
export const importRefusals = async (
  database: Database,
  importId: string,
  afterLine: number,
  limit: number,
): Promise<RefusedRow[]> => {
  const rows = await database.read((em) =>
    em.find(
      ImportRefusal,
      { importId, line: { $gt: afterLine } },
      { orderBy: { line: 'asc' }, limit, disableIdentityMap: true },
    ),
  )
  return rows.map(({ line, code, message, column }) => {
    return { line, code, message, ...(column ? { column } : {}) }
  })
}

const MENTORS: Statement = {
  name: 'import_mentors',
  text: `
with named as (
  select id from mentor where id = any($2::uuid[])
  union
  select m.id from user_account u join mentor m on m.user_id = u.id where u.email = any($3::text[])
)
select m.id, m.org_id as "orgId", m.user_id as "userId", m.coordinator_id as "coordinatorId", u.email
from named join mentor m using (id) join user_account u on u.id = m.user_id where m.org_id = $1`,
}

const CERTIFICATES: Statement = {
  name: 'import_certificates',
  text: `select id, mentor_id as "mentorId", cert_type as "certType", issued_at as "issuedAt", expires_at as "expiresAt",
    (select message_id from journal where actor_id = certification.id and version = 1) as "madeBy"
  from certification where mentor_id = any($1::uuid[])`,
}

const PRINCIPAL: Statement = {
  name: 'import_principal',
  text: `select u.id as "userId", u.org_id as "orgId",
    coalesce((select jsonb_agg(r.role order by r.role) from user_role r where r.user_id = u.id), '[]'::jsonb) as roles
  from user_account u where u.id = $1 and u.blocked_at is null`,
}

const REMOVE_ABANDONED: Statement = {
  name: 'import_remove_abandoned',
  text: `delete from import_file f where created_at < $1::timestamptz
    and not exists (select 1 from "import" i where i.id = f.id and i.state = 'running')`,
}

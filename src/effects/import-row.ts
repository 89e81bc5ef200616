import { z } from 'zod'
import { CertType } from '../../contracts/certification.ts'
import type { RefusedRow } from '../../contracts/import.ts'
import { Id, Instant } from '../../contracts/scalars.ts'
import type { FileRow } from '../../persistence/imports.ts'

/** The columns of a file, in the order in which rows are kept; each name may also be written in camelCase. */
export const IMPORT_COLUMNS = ['mentor', 'cert_type', 'issued_at', 'expires_at'] as const
export type ImportColumn = (typeof IMPORT_COLUMNS)[number]

/** A row that makes sense by itself. Instants are UTC with milliseconds. */
export type ReadRow = {
  line: number
  mentor: { id: string } | { email: string }
  certType: string
  issuedAt: string
  expiresAt: string
}

/** Reads a row. No reason ever quotes what stands in it. */
export const readRow = ({ line, fields }: FileRow): { row: ReadRow } | { refused: RefusedRow } => {
  const refuse = (message: string, column?: ImportColumn) => {
    return { refused: { line, code: 'invalid_input', message, ...(column ? { column } : {}) } }
  }
  if (!fields) return refuse('has another number of fields than the header')
  const [name = '', type = '', from = '', until = ''] = fields.map((field) => field.trim())

  const mentor = mentorOf(name.toLowerCase())
  if (!mentor) return refuse("must be a mentor's id or e-mail address", 'mentor')
  const certType = CertType.safeParse(type)
  if (!certType.success) return refuse(firstMessage(certType.error), 'cert_type')
  const issuedAt = instantOf(from, START_OF_DAY)
  if (!issuedAt.success) return refuse(NO_INSTANT, 'issued_at')
  const expiresAt = instantOf(until, END_OF_DAY)
  if (!expiresAt.success) return refuse(NO_INSTANT, 'expires_at')
  if (expiresAt.data <= issuedAt.data) return refuse('must be after issued_at', 'expires_at')
  return {
    row: { line, mentor, certType: certType.data, issuedAt: issuedAt.data, expiresAt: expiresAt.data },
  }
}

const Email = z.email().max(100)

const mentorOf = (name: string): ReadRow['mentor'] | undefined => {
  if (Id.safeParse(name).success) return { id: name }
  return Email.safeParse(name).success ? { email: name } : undefined
}

const START_OF_DAY = 'T00:00:00.000Z'
/** A certificate is good throughout the day on which it ends. */
const END_OF_DAY = 'T23:59:59.999Z'
const NO_INSTANT =
  'must be a date such as 2026-03-31, or an instant such as 2026-03-31T12:00:00Z, from 1900 to 2199'

const day = z.iso.date()

const instantOf = (text: string, timeOfDay: string) =>
  Instant.safeParse(day.safeParse(text).success ? text + timeOfDay : text)

const firstMessage = (error: z.ZodError) => error.issues[0]!.message

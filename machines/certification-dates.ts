import type { CertificationView } from '../contracts/certification.ts'
// oxlint-disable-next-line no-restricted-imports -- pure, and a second copy of the rule for expiry would drift from the first
import { daysBefore } from '../contracts/certification-status.ts'

/** What dates of issue and of expiry say. Instants are ISO-8601 UTC with milliseconds, so text compares as time. */

/** The settings of an organisation that decide when something is announced; days before expiry. */
export type Policy = { expiringWindowDays: number; reminderDays: readonly number[] }

export type Facts = Pick<CertificationView, 'certType' | 'issuedAt' | 'expiresAt'>

/** What is wrong with a message, for the guard and for the refusal. */
export type Fault = { path: string[]; reason: string }

/** The reminders that are still to come at `at`, the next one first; those already past are skipped. */
export const remindersAfter = (at: string, expiresAt: string | null, { reminderDays }: Policy): number[] =>
  expiresAt === null
    ? []
    : [...new Set(reminderDays)]
        .filter((days) => days > 0 && daysBefore(expiresAt, days) >= at)
        .toSorted((a, b) => b - a)

export const renewalFault = (
  current: { issuedAt: string; expiresAt: string | null },
  renewal: { issuedAt: string; expiresAt: string; at: string },
): Fault | undefined => {
  if (current.expiresAt === null) return { path: ['expiresAt'], reason: 'this one does not expire' }
  if (renewal.expiresAt <= renewal.at) return { path: ['expiresAt'], reason: 'must be in the future' }
  if (renewal.issuedAt < current.issuedAt)
    return { path: ['issuedAt'], reason: 'must not be before the present issue date' }
  return undefined
}

/** The same day so many years later, in UTC; of 29 February, the 28th where there is none. */
export const yearsAfter = (instant: string, years: number): string => {
  const date = new Date(instant)
  const month = date.getUTCMonth()
  date.setUTCFullYear(date.getUTCFullYear() + years)
  if (date.getUTCMonth() !== month) date.setUTCDate(0)
  return date.toISOString()
}

export const correctionFault = (current: Facts, correction: Correction): Fault | undefined => {
  const { issuedAt, expiresAt } = correctionOf(current, correction)
  if (issuedAt < expiresAt) return undefined
  return correction.expiresAt === undefined
    ? { path: ['issuedAt'], reason: 'must be before expiresAt' }
    : { path: ['expiresAt'], reason: 'must be after issuedAt' }
}

type Correction = { [Name in keyof Facts]?: Facts[Name] | undefined }

/** The facts after a correction, which names only what was wrong. */
export const correctionOf = (current: Facts, { certType, issuedAt, expiresAt }: Correction): Facts => ({
  certType: certType ?? current.certType,
  issuedAt: issuedAt ?? current.issuedAt,
  expiresAt: expiresAt ?? current.expiresAt,
})

import { z } from 'zod'
import { CARD_REFUSED, isFreeOfCards, maskCardNumbers } from './card-numbers.ts'

/** A UUID of any version; kept in lower case, as the database prints it, so that equal ids are equal texts. */
export const Id = z.uuid().toLowerCase().meta({ description: 'UUID' })

/** An instant in UTC. Any ISO-8601 offset is accepted; it is kept as `…Z` with milliseconds. */
export const Instant = z.iso
  .datetime({ offset: true })
  .transform((text, context) => {
    const ms = Date.parse(text)
    if (!Number.isNaN(ms) && ms >= EARLIEST_MS && ms < LATEST_MS) return new Date(ms).toISOString()
    context.addIssue({ code: 'custom', message: 'must be an instant between 1900 and 2200' })
    return z.NEVER
  })
  .meta({ description: 'ISO-8601 instant, UTC, milliseconds' })

const EARLIEST_MS = Date.parse('1900-01-01T00:00:00Z')
const LATEST_MS = Date.parse('2200-01-01T00:00:00Z')

/** An instant that the server wrote; printed as it is stored. */
export const StoredInstant = z.string().meta({ format: 'date-time', description: 'ISO-8601 instant, UTC' })

/** Human text: trimmed, 1 to 500 characters; numbers of cards do not get any further than here. */
export const Note = z.string().trim().min(1).max(500).overwrite(maskCardNumbers)

/** One line with something to see in it, in the one spelling that Unicode has for equal texts; it holds no card number. */
export const titleOf = (most: number) =>
  z
    .string()
    .normalize()
    .trim()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u, 'must be one line')
    .regex(/[\p{L}\p{N}\p{P}\p{S}]/u, 'must have something to see')
    .refine(isFreeOfCards, CARD_REFUSED)

/** Human text of several paragraphs: trimmed, with card numbers masked. */
export const textOf = (most: number) => z.string().trim().min(1).max(most).overwrite(maskCardNumbers)

/** An address that a browser may follow. */
export const WebAddress = z
  .url({ protocol: /^https?$/, hostname: z.regexes.hostname })
  .max(2_000)
  .refine(isFreeOfCards, CARD_REFUSED)

/** A whole number, as JSON or as the text of a query string. */
export const wholeNumber = (least: number, most: number) =>
  z.union([
    z.int().min(least).max(most),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number)
      .pipe(z.int().min(least).max(most)),
  ])

/** A page size for `list` queries. */
export const Limit = wholeNumber(1, 200)

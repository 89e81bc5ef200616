import { z } from 'zod'
import { Id, Limit, StoredInstant, titleOf, wholeNumber } from './scalars.ts'

/** Yes or no, as JSON or as the text of a query string. */
export const Flag = z
  .union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })])
  .meta({ description: 'true or false' })

/** A number of days. */
export const Days = wholeNumber(0, 3650)

/** Asks for one actor. */
export const GetInput = z.strictObject({ id: Id })

/** The fields of every query that answers in pages; `after` is the `next` of the page before. */
export const PageFields = { limit: Limit.optional(), after: z.string().min(1).max(200).optional() }

/** What somebody types into a search box. */
export const SearchText = titleOf(200).describe(
  'Words, the last of which may be unfinished; when they match little, similar words are found, too',
)

/** One page of actors; `next` is absent on the last one. */
export const pageOf = <View extends z.ZodType>(view: View) =>
  z.strictObject({
    items: z.array(z.strictObject({ id: Id, version: z.int().min(1), state: z.string(), view })),
    next: z.string().optional(),
  })

/** Asks for the history of one actor, oldest first. */
export const JournalInput = z.strictObject({
  id: Id,
  afterVersion: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
})

/** The history of one actor, one item for each turn; `next` is passed back as `afterVersion`. */
export const JournalPage = z.strictObject({
  items: z.array(
    z.strictObject({
      version: z.int().min(1),
      /** The message that was taken: a command, a signal or a timer. */
      type: z.string(),
      cause: z.enum(['command', 'timer', 'signal']),
      at: StoredInstant,
      /** The user who sent it; null for the system. */
      by: Id.nullable(),
      /** The state before it; null when it created the actor. */
      from: z.string().nullable(),
      to: z.string(),
      events: z.array(z.strictObject({ type: z.string(), data: z.unknown() })),
      /** Of the turn's last event. */
      position: z.int().min(1),
    }),
  ),
  next: z.int().optional(),
})

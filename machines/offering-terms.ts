// oxlint-disable-next-line no-restricted-imports -- a plain table, and a second copy of it would drift from the first
import { LEAST_MINOR } from '../contracts/least-minor.ts'
import type { Money } from '../contracts/money.ts'
import type { OfferingCommand, OfferingTerms } from '../contracts/offering.ts'
import type { Refusal } from '../contracts/protocol.ts'
import { givenOf } from './given-fields.ts'

/** What an offering says and costs, and what must be true of that. */
export type Described = {
  title: string
  description: string | null
  price: Money
  /** `version` is the category's own, of the newest that it told. */
  category: { id: string; name: string; version: number } | null
  terms: OfferingTerms
}

type CourseTerms = Omit<Extract<OfferingTerms, { kind: 'course' }>, 'kind'>
type PackTerms = Omit<Extract<OfferingTerms, { kind: 'course_pack' }>, 'kind'>

/** Clients say the id or the name of a category; which one it is has been found out before. */
export type Update = Extract<OfferingCommand, { type: 'update' }> & { filed?: Described['category'] }

const COURSE_FIELDS = ['durationMinutes', 'difficulty', 'coverImageUrl'] as const
const PACK_FIELDS = [
  'schedulingType',
  'minWeeklyClasses',
  'preliminaryMeetingRequired',
  'maxDailyLessons',
  'requiredClassesCount',
  'maxPeriodValue',
  'maxPeriodUnit',
] as const

export const describedOf = ({ title, description, price, category, terms }: Described): Described => {
  return { title, description, price, category, terms }
}

/** An update that is a decision about moderation says nothing else. */
export const isModeration = ({ moderationStatus, moderationNote }: Update): boolean =>
  moderationStatus !== undefined || moderationNote !== undefined

/** Why what is offered must not be as it would be after this update. */
export const updateFault = (
  current: Described,
  update: Update,
  willBePublished: boolean,
): Refusal | undefined => {
  const { kind } = current.terms
  const foreign = (kind === 'course' ? PACK_FIELDS : COURSE_FIELDS).find((name) => update[name] !== undefined)
  if (foreign) {
    const reason = `is no field of a ${kind}`
    return {
      code: 'invalid_input',
      message: `${foreign}: ${reason}`,
      details: [{ path: [foreign], reason }],
    }
  }
  return willBePublished ? publishFault(updated(current, update)) : undefined
}

/** Why it must not be published. The provider would refuse too small a price when somebody pays (C18). */
export const publishFault = ({ price, terms }: Pick<Described, 'price' | 'terms'>): Refusal | undefined => {
  const leastMinor = LEAST_MINOR[price.currency]
  if (price.minor > 0 && price.minor < leastMinor)
    return {
      code: 'price_below_minimum',
      message: `the least price is ${leastMinor} minor units of ${price.currency}, or nothing`,
      details: { leastMinor, currency: price.currency },
    }
  if (terms.kind === 'course') return undefined
  const { schedulingType, maxPeriodValue, maxPeriodUnit, minWeeklyClasses, maxDailyLessons } = terms
  if (schedulingType === 'strict' && (maxPeriodValue === null || maxPeriodUnit === null))
    return inconsistent('strict scheduling says how long it may take: maxPeriodValue and maxPeriodUnit')
  if (minWeeklyClasses !== null && maxDailyLessons !== null && minWeeklyClasses > 7 * maxDailyLessons)
    return inconsistent('minWeeklyClasses is more than seven days of maxDailyLessons')
  return undefined
}

const inconsistent = (message: string): Refusal => ({ code: 'scheduling_inconsistent', message })

/** After an update, which names only what changes. */
export const updated = ({ terms, ...current }: Described, update: Update): Described => ({
  title: update.title ?? current.title,
  description: update.description === undefined ? current.description : update.description,
  price: update.price
    ? { minor: update.price.minor, currency: update.price.currency ?? current.price.currency }
    : current.price,
  category: update.filed === undefined ? current.category : update.filed,
  terms:
    terms.kind === 'course'
      ? { ...terms, ...givenOf<CourseTerms>(update, COURSE_FIELDS) }
      : { ...terms, ...givenOf<PackTerms>(update, PACK_FIELDS) },
})

/** What an update gave, for its event. */
export const givenFields = ({
  type: _,
  at: _at,
  by: _by,
  source: _source,
  filed: _filed,
  ...fields
}: Update) => Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name]))

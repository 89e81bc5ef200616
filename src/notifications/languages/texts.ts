import { decimalOf, exponentOf } from '../../../contracts/minor-units.ts'
import type { Currency } from '../../../contracts/money.ts'
import type { NotificationData } from '../../../contracts/notification.ts'

/** What one language says. Another language is one more file like these, and its name in contracts/preference.ts. */
export type Texts = {
  direction: 'ltr' | 'rtl'
  greeting: (name: string) => string
  /** Over what has no title of its own. */
  news: string
  /** Under everything. */
  reason: string
  /** `when` is written out already. */
  at: (when: string) => string
  /** What is said of the addresses of a credential. */
  links: Record<LinkKind, string>
  /** By topic. Without the facts that it needs, a template has nothing to say. */
  topics: Readonly<Record<string, Template>>
}

export type LinkKind = 'verify' | 'download'

type Template = (facts: Facts) => Message | undefined

export type Message = { title: string; lines: readonly string[] }

/** The facts of one notification, as the recipient writes them. */
export type Facts = {
  text: (name: string) => string | undefined
  /** Day and time in the recipient's time zone. */
  instant: (name: string) => string | undefined
  /** Of `amountMinor` and `currency`. */
  money: () => string | undefined
}

/** A template that needs one name. */
export const about =
  (name: string, say: (value: string, facts: Facts) => Message | undefined): Template =>
  (facts) => {
    const value = facts.text(name)
    return value === undefined ? undefined : say(value, facts)
  }

/** A template that needs a name and an instant. */
export const dated = (
  name: string,
  instant: string,
  say: (value: string, when: string) => Message,
): Template =>
  about(name, (value, facts) => {
    const when = facts.instant(instant)
    return when === undefined ? undefined : say(value, when)
  })

/** What is said alike of certificates and of certifications, by what has happened to them. */
export const ofCredentials = (templates: Readonly<Record<string, Template>>): Texts['topics'] =>
  Object.fromEntries(
    Object.entries(templates).flatMap(([name, template]) =>
      ['certificate', 'certification'].map((noun) => [`${noun}.${name}`, template]),
    ),
  )

/** A template that needs an amount; what it was for is not known of everything. */
export const paid =
  (say: (money: string, title: string | undefined) => Message): Template =>
  ({ money, text }) => {
    const amount = money()
    return amount === undefined ? undefined : say(amount, text('offeringTitle'))
  }

export type Place = { language: string; timeZone: string; direction: Texts['direction'] }

export const factsOf = (data: NotificationData, place: Place): Facts => ({
  text: (name) => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    if (typeof value === 'number') return new Intl.NumberFormat(place.language).format(value)
    return typeof value === 'string' && value !== '' ? isolated(value, place) : undefined
  },
  instant: (name) => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
    return Number.isNaN(ms) ? undefined : instantIn(ms, place)
  },
  money: () => moneyIn(data, place),
})

/** From whole numbers, digit by digit: what passes through a binary fraction may come out as another amount. */
const moneyIn = ({ amountMinor, currency }: NotificationData, place: Place): string | undefined => {
  if (typeof amountMinor !== 'number' || !Number.isSafeInteger(amountMinor) || amountMinor < 0)
    return undefined
  const exponent = typeof currency === 'string' ? exponentOf(currency) : undefined
  if (exponent === undefined) return undefined
  const money = { minor: amountMinor, currency: currency as Currency }
  // What a language leaves out of a currency is left out, as long as it is nothing.
  const hasFraction = amountMinor % 10 ** exponent !== 0
  const format = new Intl.NumberFormat(place.language, {
    style: 'currency',
    currency: money.currency,
    ...(hasFraction ? { minimumFractionDigits: exponent } : {}),
  })
  return isolated(format.format(decimalOf(money) as `${number}`), place)
}

export const instantIn = (ms: number, { language, timeZone }: Omit<Place, 'direction'>): string =>
  new Intl.DateTimeFormat(language, { timeZone, dateStyle: 'full', timeStyle: 'short' }).format(ms)

/** A name in Latin letters must not turn a sentence around that is written from the right (Unicode, annex 9). */
const isolated = (value: string, { direction }: Place) =>
  direction === 'rtl' ? `\u2068${value}\u2069` : value

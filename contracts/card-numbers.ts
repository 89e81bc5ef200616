/**
 * The numbers of payment cards in texts that people write (PCI DSS 3.3.1, 3.4.1): nobody asks for them, and nobody may
 * keep them. Each becomes `[card …1234]`; a security code, PIN or one-time password that is called so becomes `…`.
 */
export const maskCardNumbers = (text: string): string => maskNumbers(text).replaceAll(CODE, '$1…')

export const hasCardNumber = (text: string): boolean => maskNumbers(text) !== text

/** For `refine`: names and types hold no card numbers; whoever sends one is told so instead of finding it masked. */
export const isFreeOfCards = (text: string): boolean => !hasCardNumber(text)
export const CARD_REFUSED = {
  error: 'must not hold the number of a card',
  params: { refusal: 'pan_not_accepted' },
}

/** A PIN has four digits here: with six it is a postal code. */
const CODE =
  /(?<![a-z\d])((?:cvv2?|cvc2?|cvn|csc|security[\s_-]?code|otp|pin(?=\D{0,20}\d{4}(?!\d)))(?:\s{1,3}(?:code|number|is))*[\s:=#.,()[\]"'\p{Pd}]{0,5})\d{3,8}(?!\d)/giu

const maskNumbers = (text: string): string => {
  // Characters that nobody sees may stand anywhere in a number; a text without a card keeps them.
  const visible = text.replaceAll(/\p{Cf}+/gu, '')
  let masked = ''
  let from = 0
  for (const { 0: token, index, groups } of visible.matchAll(OTHER)) {
    if (groups?.['iban'] && !isIban(token)) continue
    masked += maskDigits(visible.slice(from, index)) + token
    from = index + token.length
  }
  masked += maskDigits(visible.slice(from))
  return masked === visible ? text : masked
}

/** Digits that are a part of something else: a UUID, the id of a transaction, a hash in hexadecimal, an IBAN. */
const OTHER =
  /(?<![A-Za-z\d])(?:[A-Fa-f\d]{8}(?:-[A-Fa-f\d]{4}){3}-[A-Fa-f\d]{12}|tx_[A-Fa-f\d]{32}|(?=\d{0,63}[A-Fa-f])(?:[A-Fa-f\d]{32}|[A-Fa-f\d]{40}|[A-Fa-f\d]{64})|(?<iban>[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){2,7}(?: ?[A-Z\d]{1,3})?))(?![A-Za-z\d])/g

/** ISO 13616: letters count from 10, and the rest of a division by 97 is 1. */
const isIban = (text: string): boolean => {
  const compact = text.replaceAll(' ', '')
  let rest = 0
  for (const letter of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(letter, 36)
    rest = (rest * (value < 10 ? 10 : 100) + value) % 97
  }
  return rest === 1
}

/** Digits in one piece, and what stands between them and those before. */
type Group = { digits: string; at: number; between: string }

const maskDigits = (text: string): string => {
  let masked = ''
  let from = 0
  for (const run of runsOf(text)) {
    const afterPlus = text[run[0]!.at - 1] === '+'
    for (let place = 0; place < run.length; place++) {
      const card = cardAt(run, place, afterPlus && place === 0)
      if (!card) continue
      masked += `${text.slice(from, run[place]!.at)}[card …${card.number.slice(-4)}]`
      const { digits, at } = run[card.last]!
      from = at + digits.length - card.rest.length
      if (card.rest.length > MOST_DIGITS_BEHIND) {
        run[card.last] = { digits: card.rest, at: from, between: '' }
        place = card.last - 1
        continue
      }
      place = card.last + groupsBehind(run, card.last + 1)
      from = run[place]!.at + run[place]!.digits.length
    }
  }
  return masked + text.slice(from)
}

/** Groups of digits with so little between them that they may be one number. */
const runsOf = (text: string): Group[][] => {
  const runs: Group[][] = []
  let end = 0
  for (const { 0: digits, index: at } of text.matchAll(/\d+/g)) {
    const between = text.slice(end, at)
    const group = { digits, at, between }
    if (end > 0 && SEPARATOR.test(between)) runs.at(-1)!.push(group)
    else runs.push([group])
    end = at + digits.length
  }
  return runs
}

const SEPARATOR = /^[\s\p{Pd}.,/_]{1,3}$/u

/** The card that starts with a group: its number, its last group, and the digits of that group which are not its. */
const cardAt = (run: readonly Group[], place: number, afterPlus = false) => {
  if (!/^[2-6]/.test(run[place]!.digits)) return undefined
  let number = ''
  let lengths = ''
  let isEven = true
  for (let last = place; last < run.length; last++) {
    const { digits, between } = run[last]!
    if (number.length + digits.length > MOST_DIGITS) break
    number += digits
    lengths += digits.length
    if (last > place) isEven &&= SPACE.test(between) && between === run[place + 1]!.between
    if (!isEven && !lengths.startsWith('4')) break
    if (!isEven && !GROUPS.test(lengths)) continue
    if (number.length < FEWEST_DIGITS) continue
    if (passesLuhn(number) && SERIES.test(number) && !(afterPlus && isTelephone(number)))
      return { number, last, rest: '' }
  }
  return runTogether(run[place]!.digits, place)
}

const FEWEST_DIGITS = 13
const MOST_DIGITS = 19

/** ISO/IEC 7812: cards of the series 2 have at least 16 digits, and do not start like a year or a telephone number. */
const SERIES = /^(?:[3-6]\d{12,18}|2[2-7]\d{14,17})$/

/** Between the groups of what is a card whatever their lengths, where it is always the same: two dates are no card. */
const SPACE = /^[\s\p{Pd}]+$/u

/** The lengths of groups on cards, whatever stands between them: dates and amounts have others. */
const GROUPS = /^(?:444[1-4]|4444[1-3]|46[45])$/

/** What follows "+" is a telephone number (E.164), unless there is no such country: 34, 37… have shorter numbers. */
const isTelephone = (number: string): boolean =>
  number.length <= 15 && !/^(?:3[47]\d{13}|3[068]\d{12})$/.test(number)

/** A card with its expiry date and security code in one piece. Only what a series really has counts: ids are long, too. */
const runTogether = (digits: string, last: number) => {
  if (digits.length < MOST_DIGITS) return undefined
  for (const start of STARTS) {
    const number = start.exec(digits)?.[0]
    if (number && passesLuhn(number)) return { number, last, rest: digits.slice(number.length) }
  }
  return undefined
}

const STARTS = [
  /^3[47]\d{13}/,
  /^3[0689]\d{12}/,
  /^(?:2[2-7]|35|[456]\d)\d{14}/,
  /^(?:50|6\d)\d{16}/,
  /^(?:50|6\d)\d{17}/,
]

/** MMYYYY and four digits of a code. */
const MOST_DIGITS_BEHIND = 10

/** How many groups are the security code that often follows at once, or the expiry date and the code. */
const groupsBehind = (run: readonly Group[], place: number): number => {
  const behind = run.slice(place, place + 3).map(({ digits }) => digits)
  const found = /^(?:(?:0?[1-9]|1[0-2])-?(?:20)?[2-4]\d-)?\d{3,4}(?=-|$)/.exec(behind.join('-'))
  if (!found) return 0
  const count = found[0].split('-').length
  return cardAt(run, place) || cardAt(run, place + count - 1) ? 0 : count
}

const ZERO = 48

const passesLuhn = (number: string): boolean => {
  let sum = 0
  for (let place = 0; place < number.length; place++) {
    const digit = number.charCodeAt(number.length - 1 - place) - ZERO
    const isDoubled = place % 2 === 1
    sum += isDoubled && digit > 4 ? digit * 2 - 9 : isDoubled ? digit * 2 : digit
  }
  return sum % 10 === 0
}

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

const maskNumbers = (text: string): string =>
  text.replaceAll(RUN, (run, longer: string | undefined, at: number) =>
    longer === undefined && run.length >= LEAST_DIGITS ? maskRun(run, text[at - 1] === '+') : run,
  )

const LEAST_DIGITS = 13
const MOST_DIGITS = 19
/** What follows "+" and has no more digits is a telephone number (E.164). */
const MOST_TELEPHONE_DIGITS = 15

/** Digits in groups, or what they would only be a part of: a UUID, or the hexadecimal text of a hash. */
const RUN =
  /((?<![a-z\d])[a-f\d]{8}(?:-[a-f\d]{4}){3}-[a-f\d]{12}(?![a-z\d])|[a-f\d]{20,})|\d+(?:[\s\p{Pd}]\d+)*/giu
const SEPARATOR = /([\s\p{Pd}])/u

/** A PIN has four digits here: with six it is a postal code. */
const CODE =
  /\b((?:cvv2?|cvc2?|cvn|otp|pin(?=\D{0,20}\d{4}(?!\d)))(?:\s+(?:code|number|is))*[\s:=#-]{0,3})\d{3,8}(?!\d)/gi

const maskRun = (run: string, afterPlus: boolean): string => {
  /** Groups of digits at the even places, what stands between them at the odd ones. */
  const parts = run.split(SEPARATOR)
  const digits = parts.filter((_, place) => place % 2 === 0).join('')
  const passesLuhn = luhnOf(digits)

  /** Where the card ends that starts with a group: whole groups, with one and the same separator between them. */
  const endOfCard = (place: number, start: number) => {
    for (let end = place, upto = start; end < parts.length && upto - start < MOST_DIGITS; end += 2) {
      // Two dates are no card.
      if (end > place && parts[end - 1] !== parts[place + 1]) return undefined
      upto += parts[end]!.length
      const isTelephone = afterPlus && place === 0 && upto <= MOST_TELEPHONE_DIGITS
      if (!isTelephone && SERIES.test(digits.slice(start, upto)) && passesLuhn(start, upto))
        return { end, upto }
    }
    return undefined
  }

  let masked = ''
  for (let place = 0, start = 0; place < parts.length; place++) {
    const isGroup = place % 2 === 0
    const card = isGroup ? endOfCard(place, start) : undefined
    if (!card) {
      masked += parts[place]
      if (isGroup) start += parts[place]!.length
      continue
    }
    masked += `[card …${digits.slice(card.upto - 4, card.upto)}]`
    place = card.end
    start = card.upto
    // The security code often follows at once.
    const next = parts[place + 2] ?? ''
    if (/^\d{3,4}$/.test(next) && !endOfCard(place + 2, start)) {
      place += 2
      start += next.length
    }
  }
  return masked
}

/** ISO/IEC 7812: cards of the series 2 have at least 16 digits, which tells them from African telephone numbers. */
const SERIES = /^(?:[3-6]\d{12,18}|2\d{15,18})$/

/** Whether the check digit of any part is right, from running sums: long runs have many parts. */
const luhnOf = (digits: string) => {
  /** With the digits at even places doubled, and with those at odd ones. */
  const sums: [number[], number[]] = [[0], [0]]
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[place])
    const doubled = digit > 4 ? digit * 2 - 9 : digit * 2
    sums[0].push(sums[0][place]! + (place % 2 === 0 ? doubled : digit))
    sums[1].push(sums[1][place]! + (place % 2 === 1 ? doubled : digit))
  }
  return (from: number, upto: number): boolean => {
    const running = sums[upto % 2 === 0 ? 0 : 1]
    return (running[upto]! - running[from]!) % 10 === 0
  }
}

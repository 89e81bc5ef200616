import { hasCardNumber, maskCardNumbers } from '../contracts/card-numbers.ts'

/** What must not be taken from anybody (card data), and what must not be written to a log (that, and secrets). */

/**
 * Whether a payload brings card data, at any depth: by the name of a key, or in a key. Values are no concern of this:
 * texts are masked where they are read. Walks without recursion: nesting may be hostile.
 */
export const hasCardData = (payload: unknown): boolean => {
  const stack: unknown[] = [payload]
  let looked = 0
  while (stack.length > 0) {
    const value = stack.pop()
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue
    const keys = Array.isArray(value) ? [] : Object.keys(value)
    if (keys.some((key) => CARD_KEY.test(key))) return true
    for (const key of keys) {
      if (!MANY_DIGITS.test(key)) continue
      looked += key.length
      if (looked > MOST_LOOKED_AT || hasCardNumber(key)) return true
    }
    if (keys.some((key) => NUMBER_KEY.test(key)) && keys.some((key) => EXPIRY_KEY.test(key))) return true
    for (const child of Object.values(value)) stack.push(child)
  }
  return false
}

/** As many as a card has at least; of names there are none. */
const MANY_DIGITS = /^(?:\D*\d){12}/
/** Characters of such keys in one payload: looking for cards takes its time, and nobody sends so many. */
const MOST_LOOKED_AT = 4_096

const CARD_KEY =
  /^(?:card[_-]?(?:details|data|number|no|pan|cvv2?|cvc2?|cvn|pin|security[_-]?code)|pan|primary[_-]?account[_-]?number|cvv2?|cvc2?|cvn|csc|security[_-]?code|pin|pin[_-]?block|otp|track[_-]?(?:1|2|data))$/i

/** A number is a card's where it stands beside an expiry date; a security code gives itself away. */
const NUMBER_KEY = /^(?:number|account[_-]?number)$/i
const EXPIRY_KEY = /^(?:expiry|expires|exp|(?:exp|expiry|expiration)[_-]?(?:date|month|year))$/i

const REMOVED = '[removed]'

/** A line of the log, as pino writes it, without card data and secrets, however deep they are. */
export const redactLine = (line: string): string => {
  try {
    const { time, ...entry } = JSON.parse(line) as Record<string, unknown>
    return `${JSON.stringify({ time, ...(redacted(entry) as object) })}\n`
  } catch {
    // Logging must not fail; whoever reads the line will see that it is no JSON.
    return redactText(line)
  }
}

const redacted = (value: unknown): unknown => {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'number') return hasCardNumber(String(value)) ? REMOVED : value
  if (Array.isArray(value)) return value.map(redacted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      redactText(key),
      SECRET_KEY.test(key) || CARD_KEY.test(key) ? REMOVED : redacted(child),
    ]),
  )
}

/** Parts of names: `newPassword`, `x-paystack-signature`, `authorization_code`. */
const SECRET_KEY = /passw|secret|token|authorization|cookie|signature|credential|api[_-]?key/i

/**
 * Text without card numbers, access tokens, keys and authorization codes of the provider, passwords in URLs, and e-mail
 * addresses.
 */
const redactText = (text: string): string => {
  // Most of a log is names and our own ids, and looking for all of this costs more than the rest of a line.
  if (OWN_ID.test(text)) return text
  const masked = /\d/.test(text) ? maskCardNumbers(text) : text
  if (!SIGN_OF_SECRETS.test(masked)) return masked
  return SECRETS.reduce((rest, secret) => rest.replaceAll(secret, REMOVED), masked)
}

/** `payment:<uuid>@7.0` */
const OWN_ID = /^(?:[a-z]+:){0,2}[a-f\d]{8}(?:-[a-f\d]{4}){3}-[a-f\d]{12}(?:@\d{1,6}(?:\.\d{1,3})?)?$/i

/** Where none of these is, none of the secrets is. */
const SIGN_OF_SECRETS = /bearer |eyj|sk_|auth_|@/i

const SECRETS = [
  /(?<=\bBearer )[\w.~+/=-]+/gi,
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}/g,
  /\bsk_\w{8,}/g,
  /\bAUTH_\w{4,}/g,
  /(?<=:\/\/[^\s:@/]{0,100}:)[^\s@/]+(?=@)/g,
  // E-mail addresses, and not the versions of machines: `payment@1.open`.
  /[\w.%+-]{1,64}@(?!\d{1,2}\.)(?:[a-z\d-]{1,63}\.){1,8}[a-z]{2,24}\b/gi,
]

// oxlint-disable-next-line no-restricted-imports -- pure, and a second copy of what a card number is would drift from the first
import { hasCardNumber, maskCardNumbers } from '../contracts/card-numbers.ts'

export const HIDDEN = '[hidden]'

/** A copy of JSON without what must not be shown, not even to those who operate the server. */
export const redact = (value: unknown): unknown => {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'number') return hasCardNumber(String(value)) ? HIDDEN : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(redact)
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, isSecret(name, child) ? HIDDEN : redact(child)]),
  )
}

/** Without card numbers (PCI DSS 3.4.1), what the vault has sealed, the provider's keys, and e-mail addresses. */
export const redactText = (text: string): string =>
  SECRETS.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), maskCardNumbers(text))

const SECRETS = [
  /\bv1\.[^\s."']+\.[\w-]+/g,
  /\bAUTH_\w{4,}/g,
  /\bsk_\w{8,}/g,
  // Only where a word starts: from each of its letters, a long one would be read to its end.
  /(?<![^\s@<>"',:;])[^\s@<>"',:;]{1,255}@[^\s@<>"',:;]{1,255}\.[a-z]{2,}/gi,
]

/** That there is no value is no secret. */
const isSecret = (name: string, value: unknown): boolean => {
  if (value === null || typeof value === 'boolean') return false
  const snake = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z\d]+/g, '_')
    .toLowerCase()
  if (HARMLESS_NAME.test(snake)) return false
  return SECRET_NAME.test(snake) || snake.split('_').some((word) => SECRET_WORDS.has(word))
}

/** Which of the saved cards: our own id, of which the provider knows nothing. */
const HARMLESS_NAME = /(?:^|_)authorization_id$/

/** `authorizationCode` has two of them. */
const SECRET_WORDS = new Set([
  'authorization',
  'code',
  'token',
  'secret',
  'password',
  'email',
  'phone',
  'cvv',
  'cvc',
  'pin',
  'otp',
  'pan',
])

/** Harmless words that together are not. */
const SECRET_NAME = /(?:^|_)(?:account|card)_number$/

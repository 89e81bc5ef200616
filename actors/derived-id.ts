import { hash } from 'node:crypto'

/** The same id for the same parts, on every node and in every run: UUID version 8 (RFC 9562) over their SHA-256. */
export const derivedId = (...parts: readonly string[]): string => {
  const digest = hash('sha256', JSON.stringify(parts), 'hex')
  const variant = ((Number.parseInt(digest[16]!, 16) & 0x3) | 0x8).toString(16)
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}

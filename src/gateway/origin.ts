import type { IncomingMessage } from 'node:http'

/** Browsers say where a page came from, and CORS does not guard WebSockets. Others say nothing. */
export const isOwnOrigin = ({ headers }: IncomingMessage, allowed: readonly string[]): boolean => {
  const { origin, host } = headers
  if (origin === undefined) return true
  return allowed.includes(origin) || origin === `http://${host}` || origin === `https://${host}`
}

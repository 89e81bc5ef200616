import { isIP, type LookupFunction } from 'node:net'
import { createPublicLookup, isLoopback, isPublic } from '../public-address.ts'

/** Where pushes may go: a browser says so, and whoever lies must not make this server speak to its own network. */
export type PushAddresses = {
  /** The address in its one spelling; nothing when this server would not send there. */
  allowed: (endpoint: string) => string | undefined
  /** Resolves names to public addresses only, at the moment of each connection. */
  lookup: LookupFunction
}

/** @param loopback this machine is allowed, too: for tests and development */
export const createPushAddresses = (loopback: boolean): PushAddresses => {
  const allowed = (endpoint: string): string | undefined => {
    const url = URL.parse(endpoint)
    if (!url || url.username !== '' || url.password !== '') return undefined
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isHere = loopback && (isIP(host) ? isLoopback(host) : host === 'localhost')
    if (isHere) return url.href
    if (url.protocol !== 'https:' || url.port !== '') return undefined
    // A name that has no dot, or ends like this, is never that of a push service.
    if (isIP(host) ? !isPublic(host) : !/^[^.].*\.[a-z][a-z\d-]*$/.test(host) || INNER.test(host))
      return undefined
    return url.href
  }
  return { allowed, lookup: createPublicLookup(loopback) }
}

const INNER = /\.(?:localhost|local|internal|lan|home|corp|test|invalid|example|onion|arpa)$/

import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import { createPublicLookup, isLoopback, isPublic } from '../public-address.ts'

/** Fetches what a stranger's document points at, and lets it point at nothing inside this network. */
export type FetchDocument = (address: string) => Promise<Fetched>

/** `reason` says what went wrong, for people. */
export type Fetched =
  /** `from`: where it was found, behind all redirects. */
  { ok: true; body: Buffer; type: string; from: string } | { ok: false; reason: string }

export type FetchOptions = {
  /** For tests and development: this machine may be asked, and without TLS. */
  allowLoopback?: boolean
  timeoutMs?: number
  mostBytes?: number
}

const TIMEOUT_MS = 10_000
const MOST_BYTES = 2 * 1024 * 1024
const MOST_REDIRECTS = 3

export const createFetch =
  (options: FetchOptions = {}): FetchDocument =>
  async (address) => {
    let next = address
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      const url = URL.parse(next)
      const fault = url ? faultOf(url, options) : 'not an address'
      if (!url || fault) return { ok: false, reason: `${next.slice(0, 200)}: ${fault}` }
      const answer = await ask(url, options)
      if ('location' in answer) next = URL.parse(answer.location, url)?.href ?? 'a redirect to nowhere'
      else return answer
    }
    return { ok: false, reason: `${address.slice(0, 200)}: too many redirects` }
  }

const faultOf = ({ protocol, hostname, username }: URL, { allowLoopback = false }: FetchOptions) => {
  const host = hostname.replace(/^\[|\]$/g, '')
  const isOwn = allowLoopback && (host === 'localhost' || isLoopback(host))
  if (protocol !== 'https:' && !(protocol === 'http:' && isOwn)) return 'only https is fetched'
  if (username !== '') return 'an address with a name and a password is not fetched'
  // An address that is a number is not looked up, so `lookup` would not see it.
  if (isIP(host) !== 0 && !isPublic(host) && !isOwn) return 'is not a public address'
  return undefined
}

type Answer = Fetched | { location: string }

const ask = (url: URL, options: FetchOptions): Promise<Answer> => {
  const { timeoutMs = TIMEOUT_MS, mostBytes = MOST_BYTES } = options
  const refused = (reason: string): Fetched => ({ ok: false, reason: `${url.href.slice(0, 200)}: ${reason}` })
  return new Promise((answer) => {
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      headers: {
        accept:
          'application/vc+jwt, application/jwt, application/jwk+json, application/json;q=0.9, */*;q=0.1',
        // What is counted is what arrives.
        'accept-encoding': 'identity',
        'user-agent': 'laurel-credential-verifier',
      },
      lookup: createPublicLookup(options.allowLoopback ?? false),
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    })
    request.on('error', (error) => answer(refused(reasonOf(error))))
    let isAnswered = false
    request.on('response', (response) => {
      isAnswered = true
      const { statusCode = 0, headers } = response
      if (statusCode >= 300 && statusCode < 400 && headers.location) {
        response.destroy()
        return answer({ location: headers.location })
      }
      if (statusCode !== 200) {
        response.destroy()
        return answer(refused(`answered ${statusCode}`))
      }
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        parts.push(part)
        if (bytes <= mostBytes) return
        answer(refused(`is larger than ${mostBytes} bytes`))
        response.destroy()
      })
      response.on('error', (error) => answer(refused(reasonOf(error))))
      response.on('end', () =>
        answer({
          ok: true,
          body: Buffer.concat(parts),
          type: headers['content-type'] ?? '',
          from: url.href,
        }),
      )
    })
    // An upgrade that nobody asked for is neither an answer nor an error.
    request.on('close', () => isAnswered || answer(refused('hung up')))
    request.end()
  })
}

const reasonOf = (error: Error) => (error.name === 'TimeoutError' ? 'did not answer in time' : error.message)

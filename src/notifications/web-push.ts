import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import webPush from 'web-push'
import { NOT_PUBLIC } from '../public-address.ts'
import type { PushAddresses } from './push-address.ts'
import type { Push, PushAnswer, PushDevice, PushProvider } from './push-provider.ts'

export type VapidOptions = {
  publicKey: string
  privateKey: string
  /** `mailto:` or `https:`; whom a push service writes to when something is wrong. */
  subject: string
}

type Options = VapidOptions & {
  addresses: PushAddresses
  now: () => number
  /** How long one request may take. Milliseconds. */
  timeoutMs?: number
}

const LONGEST_MS = 15_000
/** Push services want to be asked again some time. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000

/** Web Push (RFC 8030) with VAPID (RFC 8292): encrypted for the browser, and for nobody on the way. */
export const createWebPush = ({
  addresses,
  now,
  timeoutMs = LONGEST_MS,
  ...vapid
}: Options): PushProvider => ({
  publicKey: vapid.publicKey,
  send: async (device, push, signal) => {
    const url = addresses.allowed(device.endpoint)
    if (url === undefined) return failure('gone', 'address_refused')
    const prepared = prepare({ ...device, endpoint: url }, push, vapid)
    if (!prepared) return failure('gone', 'keys_refused')
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      const { status, retryAfter } = await post(url, prepared, addresses, limit)
      return answerOf(status, retryAfter, now())
    } catch (error) {
      return lostIn(error)
    }
  },
})

type Prepared = { headers: Record<string, string | number>; body: Buffer }

/** Nothing when the keys of the device are no keys. */
const prepare = (device: PushDevice, push: Push, vapidDetails: VapidOptions): Prepared | undefined => {
  const { endpoint, p256dh, auth } = device
  const { payload, ttlSeconds: TTL, topic, urgency } = push
  try {
    const { headers, body } = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      TTL,
      topic,
      urgency,
      vapidDetails,
      contentEncoding: 'aes128gcm',
    })
    return { headers, body }
  } catch {
    // What the library says may repeat the keys.
    return undefined
  }
}

const post = (
  url: string,
  { headers, body }: Prepared,
  { lookup }: PushAddresses,
  signal: AbortSignal,
): Promise<{ status: number; retryAfter: string | undefined }> =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp
    // It follows no redirection: that would be another address.
    const request = send(url, { method: 'POST', headers, lookup, signal, agent: false })
    request.once('error', reject)
    // An upgrade that nobody asked for is neither an answer nor an error.
    request.once('close', () => reject(new Error('hung up')))
    request.once('response', (response: IncomingMessage) => {
      const { statusCode = 0, headers: answered } = response
      // Nobody needs what it says beside that.
      response.destroy()
      resolve({ status: statusCode, retryAfter: answered['retry-after'] })
    })
    request.end(body)
  })

const answerOf = (status: number, retryAfter: string | undefined, now: number): PushAnswer => {
  if (status >= 200 && status < 300) return { ok: true }
  if (status === 404 || status === 410) return failure('gone', `http_${status}`)
  if (status === 408 || status === 429 || status >= 500) {
    const retryAfterMs = waitOf(retryAfter, now)
    return { ...failure('again', `http_${status}`), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  }
  return failure('refused', `http_${status}`)
}

/** Seconds or a date. */
const waitOf = (retryAfter: string | undefined, now: number): number | undefined => {
  if (retryAfter === undefined) return undefined
  const ms = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_WAIT_MS) : undefined
}

const lostIn = (error: unknown): PushAnswer => {
  const { code, name } = error as { code?: string; name?: string }
  if (code === NOT_PUBLIC) return failure('gone', 'address_refused')
  return failure('again', name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'unreachable')
}

const failure = (kind: 'gone' | 'refused' | 'again', code: string) => ({ ok: false as const, kind, code })

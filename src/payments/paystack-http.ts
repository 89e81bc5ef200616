import type { z } from 'zod'
import { Envelope } from './paystack-answers.ts'
import type { ProviderAnswer, ProviderFailure } from './provider.ts'

export type PaystackConnection = {
  /** Without a slash at its end. */
  url: string
  secretKey: string
  /** How long one request may take with its answer. Milliseconds. */
  timeoutMs?: number
  /** Told when somebody has to look: the provider does not take our key. */
  failed: (error: unknown, context?: object) => void
}

export type PaystackRequest<Data> = {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  body?: object
  /** Of `data`. */
  answer: z.ZodType<Data>
  signal: AbortSignal
}

export type PaystackCall = <Data>(
  request: PaystackRequest<Data>,
) => Promise<ProviderAnswer<{ data: Data; meta: unknown }>>

const LONGEST_MS = 30_000
const LARGEST_BYTES = 1024 * 1024
const LONGEST_MESSAGE = 200

/** One request and what has become of it. Neither the request nor the key is in a failure, so failures may be logged. */
export const createPaystackCall = ({
  url,
  secretKey,
  failed,
  timeoutMs = LONGEST_MS,
}: PaystackConnection): PaystackCall => {
  const headers = {
    authorization: `Bearer ${secretKey}`,
    accept: 'application/json',
    'content-type': 'application/json',
  }
  return async ({ method, path, body, answer, signal }) => {
    if (signal.aborted) return failure('not_done', 'aborted', 'given up before it was sent')
    let status: number
    let text: string
    try {
      const response = await fetch(url + path, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      status = response.status
      text = await textOf(response)
    } catch (error) {
      return lostIn(error, signal)
    }
    const envelope = Envelope.safeParse(jsonOf(text)).data
    if (status === 401) failed(new Error('Paystack does not take the secret key: check PAYSTACK_SECRET_KEY'))
    const refusal = refusalOf(status, envelope, method)
    if (refusal) return refusal
    const parsed = answer.safeParse(envelope?.data)
    if (parsed.success) return { ok: true, data: { data: parsed.data, meta: envelope?.meta } }
    const places = parsed.error.issues.map(({ path: place }) => place.join('.')).join(', ')
    return failure('unknown', 'strange_answer', `an answer that makes no sense in: ${places}`)
  }
}

export const failure = (kind: ProviderFailure['kind'], code: string, message: string): ProviderFailure => ({
  ok: false,
  kind,
  code,
  message: harmless(message).slice(0, LONGEST_MESSAGE),
})

export const dataOf = <Data>(answer: ProviderAnswer<{ data: Data }>): ProviderAnswer<Data> =>
  answer.ok ? { ok: true, data: answer.data.data } : answer

/** @throws when it is not a number of minor units: a bug here, which must not reach the provider. */
export const whole = (amountMinor: number): number => {
  if (Number.isSafeInteger(amountMinor) && amountMinor > 0) return amountMinor
  throw new RangeError(`not an amount of minor units: ${amountMinor}`)
}

/** Nothing when it is a success. */
const refusalOf = (
  status: number,
  envelope: Envelope | undefined,
  method: string,
): ProviderFailure | undefined => {
  const { message = '' } = envelope ?? {}
  if (status === 401) return failure('not_done', 'invalid_key', message)
  if (status === 429) return failure('not_done', 'rate_limited', message)
  if (!envelope) {
    // Something on the way has answered; what it does not find may be there nevertheless.
    const isDefinite = status >= 400 && status < 500 && status !== 404 && status !== 408
    return failure(isDefinite ? 'refused' : 'unknown', `http_${status}`, 'an answer that is not JSON')
  }
  if (status < 300 && envelope.status) return undefined
  const code = codeOf(status, envelope)
  if (!envelope.status && (status === 404 || (method === 'GET' && isAboutNothing(status, envelope))))
    return failure('missing', code, message)
  if (status >= 400 && status < 500 && status !== 408) return failure('refused', code, message)
  return failure('unknown', code, message)
}

/** Verifying an unknown reference is answered with 404 by the description and with 400 by the service. */
const isAboutNothing = (status: number, { code, message }: Envelope) =>
  status <= 400 && (code === 'transaction_not_found' || /\bnot found\b/i.test(message))

const codeOf = (status: number, { code, message }: Envelope): string => {
  if (code !== undefined && /^[\w.-]{1,64}$/.test(code)) return code
  return /duplicate transaction reference/i.test(message) ? 'duplicate_reference' : `http_${status}`
}

/** Their words may repeat what we sent. */
const harmless = (message: string): string =>
  message
    .slice(0, 5 * LONGEST_MESSAGE)
    .replace(/\b(sk|pk)_\w+/gi, '[key]')
    .replace(/\bAUTH_\w+/gi, '[authorization]')
    .replace(/[^\s@<>"']+@[^\s@<>"']+/g, '[e-mail]')
    .replace(/\d(?:[ -]?\d){7,}/g, '[number]')

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

class TooLarge extends Error {}

const textOf = async ({ body }: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > LARGEST_BYTES) throw new TooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const lostIn = (error: unknown, signal: AbortSignal): ProviderFailure => {
  if (error instanceof TooLarge) return failure('unknown', 'answer_too_large', 'an answer without end')
  if (signal.aborted) return failure('unknown', 'aborted', 'given up while it was under way')
  const { name, cause } = error as Error
  if (name === 'TimeoutError') return failure('unknown', 'timeout', 'no answer in time')
  if (neverLeft(cause)) return failure('not_done', 'unreachable', 'cannot be reached')
  return failure('unknown', 'connection_lost', 'cut off')
}

const neverLeft = (cause: unknown): boolean => {
  if (cause instanceof AggregateError) return cause.errors.every(neverLeft)
  const { code, syscall } = (cause ?? {}) as { code?: string; syscall?: string }
  return code === 'UND_ERR_CONNECT_TIMEOUT' || syscall === 'connect' || syscall === 'getaddrinfo'
}

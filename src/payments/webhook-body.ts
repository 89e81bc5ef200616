import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { z } from 'zod'
import { Id } from '../../contracts/scalars.ts'

/** What is read of a body: enough to know whom it concerns. No amount and no state in it is ever believed. */
export type WebhookBody = {
  event: string
  /** `test` or `live`, where it says so. */
  domain: string | undefined
  /** The payment's; a UUID in lower case, or nobody's. */
  reference: string | undefined
  providerDisputeId: string | undefined
}

export type ReadWebhook = {
  dedupeKey: string
  /** Nothing in it says which of several refunds it is about: the same again may be about another one. */
  isNameless: boolean
} & ({ ok: true; body: WebhookBody } | { ok: false; reason: string })

/** Of what the provider has signed. What cannot be read is known again by its bytes. */
export const readWebhook = (bytes: Buffer): ReadWebhook => {
  const unreadable = (reason: string) => ({
    ok: false as const,
    reason,
    isNameless: false,
    dedupeKey: hash('sha256', bytes),
  })
  const text = isUtf8(bytes) ? bytes.toString() : ''
  const json = parsedJson(text)
  if (json === undefined) return unreadable('the body is not JSON')
  const fault = faultOf(text)
  if (fault) return unreadable(fault)
  const { success, data: body } = Body.safeParse(json)
  if (!success) return unreadable('the body names no event')

  const { event, data } = body
  const reference = data.reference ?? data.transaction_reference ?? data.transaction?.reference
  const own = data.id ?? data.refund_reference
  // Without a name of its own, the amount tells two partial refunds apart.
  const identity = own === undefined ? [data.status ?? null, data.amount ?? null] : [own]
  return {
    ok: true,
    isNameless: own === undefined && event.startsWith('refund.'),
    // Hashed, so that it is short and says nothing: it is kept for good.
    dedupeKey: hash('sha256', JSON.stringify([event, reference ?? null, ...identity])),
    body: {
      event,
      domain: data.domain,
      reference: Id.safeParse(reference).data,
      providerDisputeId: event.startsWith(DISPUTE) ? data.id : undefined,
    },
  }
}

export const DISPUTE = 'charge.dispute.'

/** Numbers and texts of the same digits are the same: the provider writes either. */
const Text = z
  .union([z.string().min(1).max(200), z.int().transform(String)])
  .optional()
  .catch(undefined)

const Body = z.object({
  event: z.string().regex(/^[a-z][\w.-]{0,63}$/),
  data: z
    .object({
      domain: Text,
      id: Text,
      status: Text,
      amount: Text,
      reference: Text,
      transaction_reference: Text,
      refund_reference: Text,
      transaction: z.object({ reference: Text }).optional().catch(undefined),
    })
    .catch({}),
})

const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const MAX_DEPTH = 32

/** A whole string, or a character that gives JSON its structure. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g

/** What a lenient reader would pass over in valid JSON: a key that is there twice, of which two readers take two values. */
const faultOf = (json: string): string | undefined => {
  /** The keys of each open object; arrays have none. */
  const open: (Set<string> | undefined)[] = []
  let string = ''
  for (const [token] of json.matchAll(TOKEN))
    switch (token) {
      case '{':
      case '[':
        open.push(token === '{' ? new Set() : undefined)
        if (open.length > MAX_DEPTH) return `the body is nested deeper than ${MAX_DEPTH} levels`
        break
      case '}':
      case ']':
        open.pop()
        break
      case ':': {
        const keys = open.at(-1)
        const key = JSON.parse(string) as string
        if (keys?.has(key)) return 'the body has a key twice'
        keys?.add(key)
        break
      }
      default:
        string = token
    }
  return undefined
}

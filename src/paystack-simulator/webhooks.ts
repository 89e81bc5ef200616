import { createHmac } from 'node:crypto'
import type { Agenda } from './agenda.ts'
import type { Books, WebhookRecord } from './books.ts'
import type { Faults, WebhookRule } from './faults.ts'

/** Gives up after the last; by the simulator's clock. The real one takes three days. */
const RETRY_AFTER_MS = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000]
const PATIENCE_MS = 30_000
const REMEMBERED = 10_000

export type Delivery = {
  id: number
  event: string
  reference: string
  /** The exact bytes, as text. */
  body: string
  attempts: number
  outcome: 'pending' | 'delivered' | 'dropped' | 'gave_up'
  fault?: WebhookRule['fault']
}

export type Webhooks = {
  /** Nobody is told while there is no address. */
  send: (event: string, reference: string, data: object) => void
  /** Sends a delivery once more, as it was. */
  again: (id: number) => boolean
  /** The oldest first. */
  deliveries: () => readonly Delivery[]
  /** Resolves when each webhook that is to be sent has been tried. */
  tried: () => Promise<void>
  pending: () => number
  setUrl: (url: string | undefined) => void
  stop: () => void
}

type Dependencies = {
  books: Books
  agenda: Agenda
  faults: Faults
  secretKey: string
  url: string | undefined
}

/** Signs what happens and tells it until somebody listens. */
export const createWebhooks = ({ books, agenda, faults, secretKey, url }: Dependencies): Webhooks => {
  const deliveries: Delivery[] = []
  const stopping = new AbortController()
  const untried = new Set<Delivery>()
  const watchers = new Set<() => void>()
  /** Those that wait for another one to overtake them. */
  const held = new Set<() => void>()

  const tried = (delivery: Delivery) => {
    if (untried.delete(delivery) && untried.size === 0) for (const tell of watchers) tell()
  }
  const ended = (delivery: Delivery, outcome: Delivery['outcome']) => {
    delivery.outcome = outcome
    books.webhooks.delete(delivery.id)
    books.changed()
    tried(delivery)
  }
  const post = async (body: string) =>
    url !== undefined && (await isTaken({ url, body, secretKey, stopping: stopping.signal }))
  const attempt = async (delivery: Delivery, copies = 1): Promise<void> => {
    for (const release of held) release()
    const results = await Promise.all(Array.from({ length: copies }, () => post(delivery.body)))
    if (stopping.signal.aborted) return
    delivery.attempts++
    const record = books.webhooks.get(delivery.id)
    if (record) record.attempts = delivery.attempts
    if (results.includes(true)) return ended(delivery, 'delivered')
    tried(delivery)
    const retryAfterMs = RETRY_AFTER_MS[delivery.attempts - 1]
    if (retryAfterMs === undefined || url === undefined) return ended(delivery, 'gave_up')
    agenda.after(retryAfterMs, () => attempt(delivery), { background: true })
  }
  const remember = (record: WebhookRecord): Delivery => {
    const delivery: Delivery = { ...record, outcome: 'pending' }
    if (deliveries.length === REMEMBERED) deliveries.shift()
    deliveries.push(delivery)
    untried.add(delivery)
    return delivery
  }
  const begin = (delivery: Delivery) => {
    const rule = faults.forWebhook(delivery.event, delivery.reference)
    if (rule) delivery.fault = rule.fault
    switch (rule?.fault) {
      case undefined:
        return void attempt(delivery)
      case 'webhookDrop':
        return ended(delivery, 'dropped')
      case 'webhookDuplicate':
        return void attempt(delivery, rule.copies)
      case 'webhookDelay':
        return agenda.after(rule.ms, () => attempt(delivery), { background: true })
      case 'webhookReorder': {
        const release = () => {
          if (held.delete(release)) setImmediate(() => void attempt(delivery))
        }
        held.add(release)
        return agenda.after(rule.withinMs, release, { background: true })
      }
    }
  }
  /** What was still to be told when the simulator stopped. */
  let left = [...books.webhooks.values()]
  const resume = () => {
    if (url === undefined) return
    for (const record of left) agenda.after(0, () => void attempt(remember(record)))
    left = []
  }
  resume()

  return {
    send: (event, reference, data) => {
      if (url === undefined) return
      const record = { id: books.newId(), event, reference, body: text(event, data), attempts: 0 }
      books.webhooks.set(record.id, record)
      books.changed()
      begin(remember(record))
    },
    again: (id) => {
      const earlier = deliveries.find((one) => one.id === id)
      if (!earlier) return false
      void post(earlier.body)
      return true
    },
    deliveries: () => deliveries,
    tried: () =>
      new Promise((resolve) => {
        const look = () => {
          if (untried.size > 0) return
          watchers.delete(look)
          resolve()
        }
        watchers.add(look)
        look()
      }),
    pending: () => books.webhooks.size,
    setUrl: (to) => {
      url = to
      resume()
    },
    stop: () => stopping.abort(),
  }
}

type Post = { url: string; body: string; secretKey: string; stopping: AbortSignal }

const isTaken = async ({ url, body, secretKey, stopping }: Post): Promise<boolean> => {
  const bytes = Buffer.from(body)
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-paystack-signature': createHmac('sha512', secretKey).update(bytes).digest('hex'),
      },
      body: bytes,
      redirect: 'manual',
      signal: AbortSignal.any([stopping, AbortSignal.timeout(PATIENCE_MS)]),
    })
    await answer.body?.cancel()
    return answer.status === 200
  } catch {
    // Nobody listens there, or not in time: that is what the retries are for.
    return false
  }
}

/** JSON that no parser gives back as it was: whoever signs anything but the bytes is found out. */
const text = (event: string, data: object): string =>
  `{"event": "${event}","data":${JSON.stringify(data).replace(/[/\u0080-\uffff]/g, (one) =>
    one === '/' ? String.raw`\/` : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}}\n`

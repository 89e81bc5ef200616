import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { mayWrite } from './sql.ts'

/**
 * PostgreSQL's LISTEN and NOTIFY, on a connection of its own, as a way to wake the other nodes. It may fail at any time
 * and loses what is said meanwhile: who listens looks into the tables every now and then as well. Behind a pooler that
 * hands out connections for single transactions, nobody hears anything.
 */
export type Notices = {
  /** Says so once within some milliseconds, however often it is called; never rejects. */
  notify: (what: string) => void
  /** Hears what other nodes say; not what this one does. */
  listen: (listener: (what: string) => void) => void
  /**
   * Asks the database whether it may be written, whoever has all other connections.
   * @returns undefined when this connection is not there now. @throws when nothing comes back
   */
  mayWrite: () => Promise<boolean | undefined>
  close: () => Promise<void>
}

const CHANNEL = 'laurel'
/** The shortest time between two notices of one node: a reader takes all that there is. Milliseconds. */
const PAUSE_MS = 10
const RETRY_MS = [100, 250, 500, 1_000, 2_000]
/** A connection on which nothing comes back for so long is made again. Milliseconds. */
const PATIENCE_MS = 3_000
const PULSE_MS = 5_000

export const createNotices = (url: string, failed: (error: unknown) => void = () => {}): Notices => {
  const self = crypto.randomUUID()
  let client: Client | undefined
  let hear: ((what: string) => void) | undefined
  let attempts = 0
  let closed = false
  let again: NodeJS.Timeout | undefined
  let pulse: NodeJS.Timeout | undefined
  let speaking: NodeJS.Timeout | undefined
  const unsaid = new Set<string>()
  let tail: Promise<unknown> = Promise.resolve()

  const connect = async () => {
    const fresh = new Client({
      connectionString: url,
      application_name: 'laurel notices',
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
      keepAlive: true,
    })
    let lost = false
    const lose = (error?: unknown) => {
      if (lost) return
      lost = true
      if (client === fresh) client = undefined
      fresh.end().catch(() => {})
      if (closed) return
      // Once for each outage.
      if (error && attempts === 0) failed(error)
      again = setTimeout(open, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)])
    }
    fresh.on('error', (error) => lose(error)).on('end', () => lose())
    fresh.on('notification', ({ payload = '' }) => {
      const [from, what = ''] = payload.split(' ')
      if (from !== self) hear?.(what)
    })
    try {
      await fresh.connect()
      // A notice is no promise: nobody has to wait for the disk.
      await fresh.query('set synchronous_commit = off')
      await fresh.query(`listen ${CHANNEL}`)
    } catch (error) {
      return lose(error)
    }
    if (closed) return lose()
    attempts = 0
    client = fresh
    // What was said while nobody listened.
    hear?.('journal')
    hear?.('sessions')
  }

  const open = () => void connect()

  /** One question after the other: the client does not take several at once. */
  const query = (asked: Client, text: string, values: string[] = []) => {
    const answer = tail.then(() => asked.query(text, values))
    tail = answer.catch(() => undefined)
    return answer
  }

  const ask = (text: string, values: string[] = []) => {
    const asked = client
    if (!asked) return
    query(asked, text, values).catch((error: unknown) => {
      // It is made again; whoever waits for the notice looks by itself.
      if (asked === client) asked.emit('error', new Error('no answer', { cause: error }))
    })
  }

  const speak = () => {
    speaking = undefined
    for (const what of unsaid) ask('select pg_notify($1, $2)', [CHANNEL, `${self} ${what}`])
    unsaid.clear()
  }

  return {
    notify: (what) => {
      if (closed || !client) return
      unsaid.add(what)
      speaking ??= setTimeout(speak, PAUSE_MS)
    },
    listen: (listener) => {
      hear = listener
      open()
      pulse = setInterval(() => ask('select 1'), PULSE_MS)
    },
    mayWrite: async () => {
      const asked = client
      if (!asked) return undefined
      const writable = await mayWrite(async ({ text }) => (await query(asked, text)).rows as never)
      if (!writable && asked === client) {
        // A session keeps the setting that it began with; the next one hears whether that has changed.
        client = undefined
        void asked.end().catch(() => {})
      }
      return writable
    },
    close: async () => {
      closed = true
      clearTimeout(again)
      clearTimeout(speaking)
      clearInterval(pulse)
      // One that is cut off never says goodbye.
      await Promise.race([client?.end().catch(() => {}), sleep(500, undefined, { ref: false })])
    },
  }
}

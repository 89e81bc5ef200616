import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { BatchFrame, Reply, Subscribed } from '../../contracts/protocol.ts'

/** A storm of connections. Its settings come as JSON in LAUREL_TEST_STORM; its outcome goes to the parent process. */

export type StormSettings = {
  url: string
  tokens: readonly string[]
  topics: readonly string[]
  sockets: number
  /** They come within this time. */
  spreadMs: number
  /** Between the last one's arrival and the drop. */
  stayMs: number
}

export type StormOutcome = {
  /** So many could subscribe. */
  came: number
  /** So many could subscribe again after the drop. */
  back: number
  /** So many were told to start from a new snapshot. */
  resynced: number
  /** Events that did not follow what had been received. */
  gaps: number
  /** What they were refused with, each once. */
  refusals: readonly string[]
  /** From the drop until the last one was back. */
  tookMs: number
}

/** Other faults may be under way. */
const PATIENCE_MS = 150_000
const ANSWER_MS = 20_000
const LONGEST_PAUSE_MS = 8_000

const settings = JSON.parse(process.env['LAUREL_TEST_STORM']!) as StormSettings
const refusals = new Set<string>()
let resynced = 0
let gaps = 0

const createClient = (topic: string, token: string) => {
  let cursor: { position: number; epoch: string } | undefined
  let isSubscribed = false
  let failures = 0
  const socket: Socket = io(`${settings.url}/live`, {
    transports: ['websocket'],
    auth: { token },
    forceNew: true,
    reconnectionDelay: 200,
    reconnectionDelayMax: 3_000,
  })
  let isAsking = false
  const subscribe = () => {
    if (isAsking || !socket.connected) return
    isAsking = true
    const after = cursor && { after: cursor.position, epoch: cursor.epoch }
    // Not awaited: the events follow the answer so closely that they would be read first.
    socket
      .timeout(ANSWER_MS)
      .emit(
        'subscribe',
        { topics: [topic], mode: 'batch', ...after },
        (error: Error | null, reply: Reply<Subscribed>) => {
          isAsking = false
          answered(error ? undefined : reply)
        },
      )
  }
  /** Nothing, when the connection was lost or nobody answered in time. */
  const answered = (reply: Reply<Subscribed> | undefined) => {
    if (reply?.ok) {
      const { position, epoch } = reply.data
      cursor = { position: Math.max(cursor?.position ?? 0, position), epoch }
      isSubscribed = true
      failures = 0
      return
    }
    if (reply) refusals.add(reply.error.code)
    if (reply?.error.code === 'resync_required') {
      resynced++
      cursor = undefined
    }
    void patience(reply?.retryAfterMs).then(() => isSubscribed || subscribe())
  }
  /** As clients should: longer after each failure, never all at the same time, and not before they are asked to. */
  const patience = (leastMs = 0) =>
    sleep(leastMs + Math.random() * Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures++))
  const comeAgain = (leastMs?: number) => void patience(leastMs).then(() => socket.connect())
  socket.on('connect', subscribe)
  socket.on('connect_error', (error: Error & { data?: { code?: string; retryAfterMs?: number } }) => {
    refusals.add(error.data?.code ?? error.message)
    if (!socket.active) comeAgain(error.data?.retryAfterMs)
  })
  socket.on('disconnect', () => {
    isSubscribed = false
    if (!socket.active) comeAgain()
  })
  socket.on('events', ({ prev, events }: BatchFrame) => {
    const last = events.at(-1)
    if (!cursor || !last || last.position <= cursor.position) return
    if (prev <= cursor.position) cursor.position = last.position
    else {
      gaps++
      subscribe()
    }
  })
  return {
    isSubscribed: () => isSubscribed,
    drop: () => {
      isSubscribed = false
      socket.io.engine?.close()
    },
    close: () => socket.disconnect(),
  }
}

const clients: ReturnType<typeof createClient>[] = []

const subscribed = async (): Promise<number> => {
  const count = () => clients.filter((client) => client.isSubscribed()).length
  for (const until = Date.now() + PATIENCE_MS; count() < settings.sockets && Date.now() < until;)
    await sleep(20)
  return count()
}

for (let number = 0; number < settings.sockets; number++) {
  const { topics, tokens } = settings
  clients.push(createClient(topics[number % topics.length]!, tokens[number % tokens.length]!))
  await sleep(settings.spreadMs / settings.sockets)
}
const came = await subscribed()
await sleep(settings.stayMs)
const droppedAt = performance.now()
for (const client of clients) client.drop()
const back = await subscribed()
const tookMs = Math.round(performance.now() - droppedAt)
const outcome: StormOutcome = { came, back, resynced, gaps, refusals: [...refusals], tookMs }
process.send?.(outcome, () => {
  for (const client of clients) client.close()
  process.exit(0)
})

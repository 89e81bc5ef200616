import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { BatchFrame, Reply, Subscribed } from '../../contracts/protocol.ts'

/** A storm of connections. Its settings come as JSON in LAUREL_TEST_STORM; its outcome goes to the parent process. */

export type StormSettings = {
  url: string
  token: string
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
const PATIENCE_MS = 90_000
const ANSWER_MS = 20_000

const settings = JSON.parse(process.env['LAUREL_TEST_STORM']!) as StormSettings
const refusals = new Set<string>()
let resynced = 0
let gaps = 0

const createClient = (topic: string) => {
  let cursor: { position: number; epoch: string } | undefined
  let isSubscribed = false
  const socket: Socket = io(`${settings.url}/live`, {
    transports: ['websocket'],
    auth: { token: settings.token },
    forceNew: true,
    reconnectionDelay: 200,
    reconnectionDelayMax: 3_000,
  })
  const subscribe = async (): Promise<void> => {
    const after = cursor && { after: cursor.position, epoch: cursor.epoch }
    const reply = (await socket
      .timeout(ANSWER_MS)
      .emitWithAck('subscribe', { topics: [topic], mode: 'batch', ...after })
      .catch(() => undefined)) as Reply<Subscribed> | undefined
    if (reply?.ok) {
      cursor = {
        position: Math.max(cursor?.position ?? 0, reply.data.position),
        epoch: reply.data.epoch,
      }
      isSubscribed = true
      return
    }
    if (reply) refusals.add(reply.error.code)
    if (reply?.error.code === 'resync_required') {
      resynced++
      cursor = undefined
    }
    await sleep(200 + Math.random() * 800)
    // Whoever has lost the connection meanwhile subscribes when it is back.
    if (socket.connected) return subscribe()
  }
  const comeAgain = () => void sleep(200 + Math.random() * 800).then(() => socket.connect())
  socket.on('connect', () => void subscribe())
  socket.on('connect_error', (error: Error & { data?: { code?: string } }) => {
    refusals.add(error.data?.code ?? error.message)
    if (!socket.active) comeAgain()
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
      void subscribe()
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
  clients.push(createClient(settings.topics[number % settings.topics.length]!))
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

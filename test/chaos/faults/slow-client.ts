import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { aCrowd } from '../crowd.ts'
import type { Fault } from './fault.ts'

const ATTEMPTS = 5
const ANSWER_MS = 10_000
/** Within what one user may ask for in a minute. */
const MOST_QUESTIONS = 200
/** Long enough for all answers, and shorter than the time within which a ping must be answered. */
const DEAF_MS = 18_000
const DRAIN_MS = 5_000
const CUT_MS = 5_000
const TRIES = 2

/** The server's limit is 1 MiB; the rest is for the buffers of the system, of which up to 11 MB were seen in use. */
const KEPT_BYTES = 16 * 1024 * 1024
/** A server that cuts nobody off sends all of it. */
const ASKED_BYTES = 32 * 1024 * 1024

/**
 * A client that watches a topic, asks for its snapshot again and again, and reads nothing of it: the server must end
 * the connection before it keeps much more than a megabyte for it. An answer that another fault held up until the
 * client reads again was not kept, so the first surprise is no proof.
 */
export const slowClient: Fault = async (context) => {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const kept = await keptFor(context)
    if (kept <= KEPT_BYTES) return
    if (attempt === TRIES)
      context.cluster.violated(`a client for which ${kept} bytes were kept was not cut off`, 'no-exit')
  }
}

/** What a client that was not cut off finds when it begins to read, in bytes; 0 when it was. */
const keptFor = async (context: Parameters<Fault>[0]): Promise<number> => {
  const { log } = context
  const topic = context.aTopic()
  const client = await joined(context, topic)
  // Another fault may keep everybody out.
  if (!client) {
    log('could not sign in')
    return 0
  }
  try {
    client.socket.pause()
    const deafUntil = Date.now() + DEAF_MS
    const questions = Math.min(MOST_QUESTIONS, Math.ceil(ASKED_BYTES / client.snapshotBytes))
    for (let number = 1; number <= questions && client.socket.writable; number++) {
      client.socket.write(subscription(topic, number))
      await sleep(10)
    }
    await sleep(Math.max(0, deafUntil - Date.now()))
    const before = client.received()
    client.socket.resume()
    await sleep(DRAIN_MS)
    const kept = client.received() - before
    for (const until = Date.now() + CUT_MS; !client.ended() && Date.now() < until;) await sleep(50)
    const end = client.ended() ? 'cut off' : 'not cut off'
    log(`${questions} questions, each of ${client.snapshotBytes} bytes; ${kept} bytes were kept; ${end}`)
    return client.ended() ? 0 : kept
  } finally {
    client.socket.destroy()
  }
}

const joined = async ({ cluster, aToken }: Parameters<Fault>[0], topic: string) => {
  const [token] = await aCrowd(cluster, aToken(), 1)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const client = await signIn(cluster.url, token!, topic)
    if (client) return client
    await sleep(1_000)
  }
  return undefined
}

/** No library reads its socket as badly as this one. */
const signIn = async (url: string, token: string, topic: string) => {
  const { port, host } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  let text = ''
  let received = 0
  let ended = false
  socket.on('data', (bytes) => {
    received += bytes.length
    if (text.length < 4_000_000) text += bytes.toString('latin1')
  })
  for (const event of ['error', 'end', 'close']) socket.on(event, () => (ended = true))
  const says = async (words: string): Promise<boolean> => {
    for (const until = Date.now() + ANSWER_MS; Date.now() < until && !ended; await sleep(10))
      if (text.includes(words)) return true
    return false
  }
  socket.write(upgrade(host))
  const ok =
    (await says('"sid"')) &&
    socket.write(textFrame(`40/live,${JSON.stringify({ token })}`)) &&
    (await says('40/live,{"sid"')) &&
    socket.write(subscription(topic, 0)) &&
    (await says('43/live,0[{"ok":true'))
  // The rest of a long answer.
  await sleep(200)
  if (ok) return { socket, received: () => received, ended: () => ended, snapshotBytes: received }
  socket.destroy()
  return undefined
}

const upgrade = (host: string) =>
  [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    '\r\n',
  ].join('\r\n')

const subscription = (topic: string, number: number) =>
  textFrame(`42/live,${number}${JSON.stringify(['subscribe', { topics: [topic], mode: 'each' }])}`)

/** RFC 6455, 5.2: what a client sends is masked; here with zeros, which change nothing. */
const textFrame = (text: string): Buffer => {
  const payload = Buffer.from(text)
  const head = Buffer.alloc(8)
  head.writeUInt8(0x81, 0)
  head.writeUInt8(0x80 | 126, 1)
  head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}

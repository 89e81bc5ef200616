import { io, type Socket } from 'socket.io-client'
import type { BatchFrame, EventFrame, Reply } from '../contracts/protocol.ts'
import { signIn } from './processes.ts'
import { record } from './results.ts'

type Frames = { frames: number; events: number; bySecond: readonly number[] }

/** Counts what arrives on one topic, by second from the first subscription on. */
export const watching = async (url: string, email: string, topic: string, mode: 'each' | 'batch') => {
  const socket = await connect(url, email)
  const begun = performance.now()
  const counted = { frames: 0, events: 0, bySecond: [] as number[] }
  socket.onAny((name: string, payload: EventFrame | BatchFrame) => {
    if (name === 'position' || payload.topic !== topic) return
    const second = Math.floor(seconds(begun))
    while (counted.bySecond.length <= second) counted.bySecond.push(0)
    counted.bySecond[second]!++
    counted.frames++
    counted.events += 'events' in payload ? payload.events.length : 1
  })
  const reply = (await socket.emitWithAck('subscribe', { topics: [topic], mode })) as Reply
  if (!reply.ok) throw new Error(JSON.stringify(reply))
  return {
    end: (): Frames => {
      socket.disconnect()
      return counted
    },
  }
}

const MOST_COLUMNS = 30

export const showFrames = (label: string, { frames, events, bySecond }: Frames) => {
  record({ label, frames, events, bySecond })
  const width = Math.max(1, Math.ceil(bySecond.length / MOST_COLUMNS))
  const columns: number[] = []
  for (let from = 0; from < bySecond.length; from += width)
    columns.push(bySecond.slice(from, from + width).reduce((sum, count) => sum + count, 0))
  console.log(
    `${label.padEnd(22)} ${frames} frames, ${events} events, at most ${Math.max(0, ...bySecond)} frames in a second`,
  )
  console.log(`  every ${width} s: ${columns.join(' ')}`)
}

/** Since an instant of this process's own clock. */
export const seconds = (begun: number) => (performance.now() - begun) / 1_000

/** A socket that has been let in, and stays when the session of a quarter of an hour ends. */
export const connect = async (url: string, email: string): Promise<Socket> => {
  const auth = { token: await tokenOf(url, email) }
  const socket = io(`${url}/live`, { transports: ['websocket'], auth, forceNew: true })
  const refresh = async () => socket.emit('session.refresh', { token: await tokenOf(url, email) })
  socket.on('session.expiring', () => void refresh())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}

const FRESH_MS = 5 * 60_000
let newest = { token: Promise.resolve(''), at: -Infinity }

/** Whoever asks at the same time gets the same. */
const tokenOf = (url: string, email: string): Promise<string> => {
  if (performance.now() - newest.at > FRESH_MS) newest = { token: signIn(url, email), at: performance.now() }
  return newest.token
}

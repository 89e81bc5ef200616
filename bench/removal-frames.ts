import { io, type Socket } from 'socket.io-client'
import type { BatchFrame, EventFrame, Reply } from '../contracts/protocol.ts'
import { record } from './results.ts'

type Frames = { frames: number; events: number; bySecond: readonly number[] }

/** Counts what arrives on one topic, by second from the first subscription on. */
export const watching = async (url: string, token: string, topic: string, mode: 'each' | 'batch') => {
  const socket = await connect(url, token)
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

/** A socket that has been let in. */
export const connect = async (url: string, token: string): Promise<Socket> => {
  const socket = io(`${url}/live`, { transports: ['websocket'], auth: { token }, forceNew: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}

import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { EventFrame, Reply, Subscribed } from '../../contracts/protocol.ts'

/** Somebody who watches one topic on `/live` and goes on where they were after every loss of the connection. */
export type Watcher = {
  applied: readonly EventFrame[]
  /** What the server sent against the rules of the protocol. */
  faults: readonly string[]
  /** When each event came, in milliseconds. */
  arrivals: readonly number[]
  close: () => void
}

type Options = {
  url: string
  topic: string
  /** A token that is good now. */
  token: () => Promise<string>
}

const ANSWER_MS = 10_000

export const watch = ({ url, topic, token }: Options): Watcher => {
  const applied: EventFrame[] = []
  const faults: string[] = []
  const arrivals: number[] = []
  let last: number | undefined
  let closed = false
  let socket: Socket | undefined

  const apply = (frame: EventFrame) => {
    const before = last ?? Infinity
    const place = `${frame.id} ${frame.type} at ${frame.position} after ${frame.prev}, behind ${last}`
    if (frame.position <= before) return faults.push(`${place}: it came twice`)
    if (frame.prev > before) return faults.push(`${place}: something is missing`)
    last = frame.position
    applied.push(frame)
    return arrivals.push(Date.now())
  }

  const move = (told: { topic: string; position: number }) => {
    if (told.topic === topic && last !== undefined) last = Math.max(last, told.position)
  }

  const connectOnce = async () => {
    const auth = { token: await token() }
    const current = io(`${url}/live`, {
      transports: ['websocket'],
      auth,
      forceNew: true,
      reconnection: false,
    })
    socket = current
    const lost = new Promise<void>((resolve) => {
      current.once('disconnect', () => resolve())
      current.once('connect_error', () => resolve())
    })
    current.onAny((name: string, payload: EventFrame) => {
      if (name === 'position') move(payload)
      else if (name === payload?.type && payload.topic === topic) apply(payload)
    })
    current.once('connect', () => subscribe(current))
    await lost
    current.disconnect()
  }

  /** What it missed follows the answer so closely that nothing may be awaited in between. */
  const subscribe = (current: Socket) => {
    const after = last === undefined ? {} : { after: last }
    const answered = (error: Error | null, reply: Reply<Subscribed>) => {
      if (error || !reply.ok) return current.disconnect()
      last ??= reply.data.position
      return current
    }
    current.timeout(ANSWER_MS).emit('subscribe', { topics: [topic], ...after }, answered)
  }

  const stay = async () => {
    while (!closed) {
      await connectOnce().catch(() => {})
      await sleep(50)
    }
  }
  void stay()
  return {
    applied,
    faults,
    arrivals,
    close: () => {
      closed = true
      socket?.disconnect()
    },
  }
}

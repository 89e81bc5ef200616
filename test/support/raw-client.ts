import { onTestFinished } from 'vitest'
import type { LaurelServer } from '../../src/server.ts'

/** A client that no library keeps from misbehaving. */
export type Raw = {
  send: (frame: string | Uint8Array<ArrayBuffer>) => void
  frames: string[]
  /** Waits for a frame that starts like this; `closed` when the connection ends without one. */
  next: (start: string) => Promise<string>
  closed: Promise<number>
  isOpen: () => boolean
}

/** A WebSocket that says whatever it is told to, and keeps the connection alive; Engine.IO's own frames are dropped. */
export const rawClient = async (server: Pick<LaurelServer, 'url'>): Promise<Raw> => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  const frames: string[] = []
  let isOpen = true
  const waiting = new Set<() => void>()
  const wake = () => waiting.forEach((look) => look())
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener('close', ({ code }) => {
      isOpen = false
      resolve(code)
      wake()
    })
  })
  socket.addEventListener('message', ({ data }) => {
    if (data === '2') return socket.send('3')
    if (!String(data).startsWith('0')) frames.push(String(data))
    wake()
  })
  onTestFinished(() => socket.close())
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  return {
    send: (frame) => socket.send(frame),
    frames,
    closed,
    isOpen: () => isOpen,
    next: (start) =>
      new Promise((resolve) => {
        const look = () => {
          const found = frames.find((frame) => frame.startsWith(start))
          if (found === undefined && isOpen) return
          waiting.delete(look)
          resolve(found ?? 'closed')
        }
        waiting.add(look)
        look()
      }),
  }
}

/** One that has signed in to a namespace. */
export const signedInRaw = async (server: Pick<LaurelServer, 'url'>, token: string, namespace = '/live') => {
  const raw = await rawClient(server)
  raw.send(`40${namespace},${JSON.stringify({ token })}`)
  await raw.next(`40${namespace},`)
  if (!raw.isOpen()) throw new Error(`${namespace} did not admit this token`)
  return raw
}

import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { Violated } from './rules.ts'
import type { Door } from './server-process.ts'
import type { Person } from './world.ts'

/** A client's connection that is made again after every kill. */
export type Line = {
  /** Resolves with a connected socket. */
  socket: () => Promise<Socket>
  /** Stays disconnected until `comeBack`. */
  goAway: () => void
  comeBack: () => void
  /** Loses the connection and makes it again. */
  bounce: () => void
  close: () => void
}

type Options = {
  server: Door
  person: Person
  namespace: string
  /** Gets every new socket before anything can arrive on it. */
  prepare?: (socket: Socket) => void
  violated: Violated
}

export const createLine = ({ server, person, namespace, prepare, violated }: Options): Line => {
  let connected = Promise.withResolvers<Socket>()
  let current: Socket | undefined
  let present = Promise.withResolvers<void>()
  present.resolve()
  let away = false
  let closed = false

  const connect = async (url: string) => {
    const socket = io(url + namespace, {
      transports: ['websocket'],
      auth: { token: person.token },
      forceNew: true,
      reconnection: false,
    })
    prepare?.(socket)
    const outcome = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined))
      socket.once('connect_error', resolve)
      socket.once('disconnect', () => resolve(new Error('disconnected')))
    })
    if (socket.connected && !away && !closed) {
      const lost = new Promise<void>((resolve) =>
        socket.once('disconnect', () => {
          // At once: whoever loses an answer now must not be given the same socket again.
          connected = Promise.withResolvers()
          resolve()
        }),
      )
      current = socket
      connected.resolve(socket)
      await lost
    } else if (outcome) {
      if ('data' in outcome && server.lives(url))
        violated(`a connection was refused: ${outcome.message}`, 'liveness')
      await sleep(20)
    }
    socket.disconnect()
  }

  const keepConnected = async () => {
    for (;;) {
      await present.promise
      const url = await server.up()
      if (closed) return
      if (!away) await connect(url)
    }
  }
  keepConnected().catch((error: unknown) => violated(`a client failed: ${String(error)}`, 'liveness'))

  return {
    socket: () => connected.promise,
    goAway: () => {
      if (away) return
      away = true
      present = Promise.withResolvers()
      current?.disconnect()
    },
    comeBack: () => {
      away = false
      present.resolve()
    },
    bounce: () => current?.disconnect(),
    close: () => {
      closed = true
      present.resolve()
      current?.disconnect()
    },
  }
}

import type { Server, Socket } from 'socket.io'

/** Most unsent data of one connection before it is cut off; it resumes from its cursor. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** A replay sends its next page when less than this is unsent. */
const LOW_WATER_BYTES = 256 * 1024
const CHECK_MS = 100
const STALLED_MS = 10_000

type Connection = Socket['conn']

/** What waits in Node and in the WebSocket, in bytes. */
const unsentBytes = (connection: Connection): number => {
  // Engine.IO declares these fields private and documents no other way to see a connection's backlog.
  const { writeBuffer } = connection as unknown as { writeBuffer: { data?: unknown }[] }
  let waiting = 0
  for (const { data } of writeBuffer) waiting += typeof data === 'string' ? data.length : 64
  const { socket } = connection.transport as unknown as { socket?: { bufferedAmount?: number } }
  return waiting + (socket?.bufferedAmount ?? 0)
}

/** Waits until the client has read what it was sent; cuts it off when it reads nothing for ten seconds. */
export const untilDrained = async (socket: Socket): Promise<void> => {
  const since = performance.now()
  while (socket.connected && unsentBytes(socket.conn) > LOW_WATER_BYTES) {
    if (performance.now() - since > STALLED_MS) return cutOff(socket.conn)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Ends a connection in a way that makes a well-behaved client come back: the transport is closed, nothing else is said. */
const cutOff = (connection: Connection): void => {
  const { socket } = connection.transport as unknown as { socket?: { terminate?: () => void } }
  connection.close(true)
  // A client that reads nothing never answers the closing handshake either.
  setTimeout(() => socket?.terminate?.(), 1_000).unref()
}

/**
 * Watches all connections for clients that do not read, and cuts them off after `onCut`.
 * @returns the function that stops watching.
 */
export const watchSlowClients = (io: Server, onCut: (connection: Connection) => void): (() => void) => {
  const timer = setInterval(() => {
    const clients = (io.engine as unknown as { clients: Record<string, Connection> }).clients
    for (const connection of Object.values(clients)) {
      if (connection.readyState !== 'open' || unsentBytes(connection) <= MAX_UNSENT_BYTES) continue
      onCut(connection)
      cutOff(connection)
    }
  }, CHECK_MS)
  return () => clearInterval(timer)
}

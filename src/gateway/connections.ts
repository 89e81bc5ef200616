import type { Socket } from 'socket.io'
import type { Principal } from '../../actors/actor.ts'
import { refused, type Closing, type Reply } from '../../contracts/protocol.ts'
import type { Caller } from '../auth/authenticate.ts'
import type { Sessions } from '../auth/sessions.ts'
import type { Mode } from './channels.ts'
import { cutOff } from './slow-clients.ts'
import type { Subscriber } from './subscriptions.ts'

/** One socket of one namespace, with the sign-in that it speaks for. */
export type Connection = Subscriber & {
  caller: Caller
  /** Ends the warnings about the token's end. */
  stopTimers: () => void
  /** What a changed principal may not see any more is left. */
  recheck: () => Promise<void>
  /** Subscriptions of one socket are made one after another. */
  tail: Promise<void>
}

export type Connections = {
  open: (socket: Socket, caller: Caller, recheck: (connection: Connection) => Promise<void>) => Connection
  /** `session.refresh`: the whole transport goes on under the new token. */
  refresh: (connection: Connection, token: unknown) => Promise<Reply>
  all: () => Iterable<Connection>
  stop: () => void
}

type Dependencies = {
  sessions: Sessions
  callerOf: (token: unknown) => Promise<Caller | undefined>
  now: () => number
  failed: (error: unknown) => void
}

/** How long before the token's end the client is told. */
const WARN_MS = 60_000

/** Keeps open sockets in step with their sign-ins: expiry, renewal, sign-out, blocking, changed roles. */
export const createConnections = ({ sessions, callerOf, now, failed }: Dependencies): Connections => {
  const open = new Set<Connection>()

  const watchExpiry = (connection: Connection) => {
    connection.stopTimers()
    const { expiresAt } = connection.caller
    const leftMs = Date.parse(expiresAt) - now()
    const warning = setTimeout(
      () => connection.socket.emit('session.expiring', { expiresAt }),
      leftMs - WARN_MS,
    )
    const end = setTimeout(() => {
      connection.socket.emit('session.expired', { expiresAt })
      close(connection, { code: 'session_expired' })
    }, leftMs)
    connection.stopTimers = () => {
      clearTimeout(warning)
      clearTimeout(end)
    }
  }

  const replace = (connection: Connection, principal: Principal) => {
    connection.caller = { ...connection.caller, principal }
    connection.recheck().catch(failed)
  }

  const stopListening = [
    sessions.onEnded(({ sessionId }) => {
      for (const connection of open)
        if (connection.caller.sessionId === sessionId) close(connection, { code: 'session_expired' })
    }),
    sessions.onRolesChanged(({ userId, roles }) => {
      for (const connection of open)
        if (connection.caller.principal.userId === userId)
          replace(connection, { ...connection.caller.principal, roles })
    }),
  ]

  return {
    open: (socket, caller, recheck) => {
      const connection: Connection = {
        socket,
        caller,
        topics: new Map<string, Mode>(),
        principal: () => connection.caller.principal,
        stopTimers: () => {},
        recheck: () => recheck(connection),
        tail: Promise.resolve(),
      }
      open.add(connection)
      watchExpiry(connection)
      socket.once('disconnect', () => {
        connection.stopTimers()
        open.delete(connection)
      })
      return connection
    },
    refresh: async (connection, token) => {
      const caller = await callerOf(token)
      const same = caller?.principal.userId === connection.caller.principal.userId
      if (!caller || !same) {
        if (caller) close(connection, { code: 'forbidden' })
        return refused('unauthenticated', 'Sign in first')
      }
      const siblings = [...open].filter(({ socket }) => socket.conn === connection.socket.conn)
      for (const sibling of siblings) {
        sibling.caller = caller
        watchExpiry(sibling)
        await sibling.recheck()
      }
      return { ok: true, data: { expiresAt: caller.expiresAt } }
    },
    all: () => open,
    stop: () => stopListening.forEach((stop) => stop()),
  }
}

/** Says why, and ends the connection so that the client does not come back by itself. */
export const close = ({ socket }: Pick<Connection, 'socket'>, closing: Closing): void => {
  socket.emit('closing', closing)
  // After the frame above has had its chance to leave.
  setTimeout(() => socket.disconnect(true), 50)
}

/** Says when to come back, and ends the connection so that the client does. */
export const sendAway = ({ socket }: Pick<Connection, 'socket'>, closing: Closing): void => {
  socket.emit('closing', closing)
  setTimeout(() => cutOff(socket.conn), 50)
}

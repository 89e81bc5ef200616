import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'socket.io'
import type { Principal } from '../../actors/actor.ts'
import { refused, SessionRefreshInput, type Closing, type Reply } from '../../contracts/protocol.ts'
import type { Caller } from '../auth/authenticate.ts'
import type { Sessions } from '../auth/sessions.ts'
import type { Mode } from './channels.ts'
import { invalid } from './dispatcher.ts'
import type { Subscriber } from './subscriptions.ts'

/** One socket of one namespace, with the sign-in that it speaks for. */
export type Connection = Subscriber & {
  caller: Caller
  /** How often something has been announced about whom it speaks for. */
  news: number
  /** The client knows that this token ends soon. */
  warnedOf: string | undefined
  /** What a changed principal may not see any more is left. */
  recheck: () => Promise<void>
  /** Subscriptions of one socket are made and ended one after another. */
  tail: Promise<void>
}

type Transport = Socket['conn']

export type Connections = {
  open: (socket: Socket, caller: Caller, recheck: (connection: Connection) => Promise<void>) => Connection
  /** `session.refresh`: the whole transport goes on under the new token. */
  refresh: (connection: Connection, payload: object) => Promise<Reply>
  /** Whether its token has ended, however soon the client will hear of it. */
  isOver: (connection: Connection) => boolean
  /** Says why in each of its namespaces, and ends the transport so that the client does not come back by itself. */
  close: (connection: Connection, closing: Closing) => void
  announce: (transport: Transport, closing: Closing) => void
  all: () => Iterable<Connection>
  stop: () => void
}

type Dependencies = {
  sessions: Pick<Sessions, 'onEnded' | 'onRolesChanged' | 'principalOf'>
  callerOf: (token: unknown) => Promise<Caller | undefined>
  now: () => number
  failed: (error: unknown) => void
}

/** How long before the token's end the client is told. */
const WARN_MS = 60_000
const CHECK_MS = 1_000
/** Between two questions for the roles of now while nobody can answer: more and more, for all connections ask. */
const RETRY_MS = 500
const LONGEST_RETRY_MS = 8_000

/** Keeps open sockets in step with their sign-ins: expiry, renewal, sign-out, blocking, changed roles. */
export const createConnections = ({ sessions, callerOf, now, failed }: Dependencies): Connections => {
  const open = new Set<Connection>()
  const byTransport = new Map<Transport, Set<Connection>>()

  const siblingsOf = ({ socket }: Connection) => [...(byTransport.get(socket.conn) ?? [])]

  const announce = (transport: Transport, closing: Closing) => {
    for (const { socket } of byTransport.get(transport) ?? []) socket.emit('closing', closing)
  }

  const close = ({ socket }: Connection, closing: Closing) => {
    announce(socket.conn, closing)
    socket.disconnect(true)
  }

  const leftMs = ({ caller }: Connection) => Date.parse(caller.expiresAt) - now()

  /** Looks at the clock again and again: it may be set, and a timer follows another one. */
  const checking = setInterval(() => {
    const over = [...open].filter((connection) => leftMs(connection) <= 0)
    for (const { socket, caller } of over) socket.emit('session.expired', { expiresAt: caller.expiresAt })
    for (const connection of over) close(connection, { code: 'session_expired' })
    for (const connection of open) {
      const { expiresAt } = connection.caller
      if (leftMs(connection) > WARN_MS || connection.warnedOf === expiresAt) continue
      connection.warnedOf = expiresAt
      connection.socket.emit('session.expiring', { expiresAt })
    }
  }, CHECK_MS)

  const replace = (connection: Connection, principal: Principal) => {
    connection.caller = { ...connection.caller, principal }
    connection.recheck().catch(failed)
  }

  /**
   * The roles of now. What changed while the caller was being looked up was announced to those who were open by then, and
   * of two announcements the later one may be the older: this node hears of its own first.
   */
  const catchUp = async (connection: Connection) => {
    let principal: Principal | undefined
    let known: number
    do {
      known = connection.news
      principal = await sessions.principalOf(connection.caller.sessionId)
    } while (known !== connection.news)
    if (principal) replace(connection, principal)
    else close(connection, { code: 'session_expired' })
  }

  /** Whoever has lost a role keeps it no longer than nobody can say so. */
  const hear = async (connection: Connection) => {
    connection.news++
    for (let waitMs = RETRY_MS; open.has(connection); waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
      try {
        return await catchUp(connection)
      } catch (error) {
        failed(error)
        await sleep(waitMs, undefined, { ref: false })
      }
    }
  }

  const stopListening = [
    sessions.onEnded(({ sessionId }) => {
      for (const connection of open)
        if (connection.caller.sessionId === sessionId) close(connection, { code: 'session_expired' })
    }),
    sessions.onRolesChanged(({ userId }) => {
      for (const connection of open) if (connection.caller.principal.userId === userId) void hear(connection)
    }),
  ]

  return {
    open: (socket, caller, recheck) => {
      const connection: Connection = {
        socket,
        caller,
        topics: new Map<string, Mode>(),
        principal: () => connection.caller.principal,
        news: 0,
        warnedOf: undefined,
        recheck: () => recheck(connection),
        tail: Promise.resolve(),
      }
      const siblings = byTransport.get(socket.conn) ?? new Set()
      byTransport.set(socket.conn, siblings.add(connection))
      open.add(connection)
      socket.once('disconnect', () => {
        open.delete(connection)
        siblings.delete(connection)
        if (siblings.size === 0) byTransport.delete(socket.conn)
      })
      void hear(connection)
      return connection
    },
    refresh: async (connection, payload) => {
      const parsed = SessionRefreshInput.safeParse(payload)
      if (!parsed.success) return invalid(parsed.error)
      const caller = await callerOf(parsed.data.token)
      if (!caller) return refused('unauthenticated', 'Sign in first')
      const { userId } = caller.principal
      const isSameUser = (it: Connection) => it.caller.principal.userId === userId
      if (!isSameUser(connection)) {
        // After the answer.
        setImmediate(() => close(connection, { code: 'forbidden' }))
        return refused('forbidden', 'this is the token of another user')
      }
      const renewed = siblingsOf(connection).filter(isSameUser)
      for (const sibling of renewed) {
        sibling.caller = caller
        sibling.news++
      }
      for (const sibling of renewed) await catchUp(sibling)
      return { ok: true, data: { expiresAt: caller.expiresAt } }
    },
    isOver: (connection) => leftMs(connection) <= 0,
    close,
    announce,
    all: () => open,
    stop: () => {
      clearInterval(checking)
      stopListening.forEach((stop) => stop())
    },
  }
}

/** One after another for each socket: whoever unsubscribes from what is still being joined means it. */
export const inTurn = <Result>(connection: Connection, work: () => Promise<Result>): Promise<Result> => {
  const done = connection.tail.then(work)
  connection.tail = done.then(
    () => {},
    () => {},
  )
  return done
}

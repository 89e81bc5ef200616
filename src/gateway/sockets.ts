import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { Server, type Namespace, type Socket } from 'socket.io'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { refused, type Reply } from '../../contracts/protocol.ts'
import type { Routed } from '../../persistence/journal.ts'
import type { Caller } from '../auth/authenticate.ts'
import { createChannels, type Channels } from './channels.ts'
import { close, createConnections, sendAway, type Connection } from './connections.ts'
import type { Dispatcher } from './dispatcher.ts'
import { boundedParser, TOO_LARGE } from './parser.ts'
import type { RequestLimits } from './request-limits.ts'
import { watchSlowClients } from './slow-clients.ts'
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'

export type Sockets = {
  /** Publishes journal events, in order, to whoever listens on this node. */
  deliver: (events: readonly Routed[], position: number) => void
  /** Refuses new connections, tells the open ones when to come back, and closes their transports. */
  drain: () => Promise<void>
  close: () => Promise<void>
  stats: () => { sockets: number; topics: number; delivered: number; slowClients: number }
}

type Dependencies = {
  http: HttpServer
  definitions: readonly AnyActorDefinition[]
  dispatcher: Dispatcher
  limits: RequestLimits
  callerOf: (token: unknown) => Promise<Caller | undefined>
  sessions: Parameters<typeof createConnections>[0]['sessions']
  subscriptions: Omit<Parameters<typeof createSubscriptions>[0], 'channels' | 'definitions' | 'actorType'>
  origins: readonly string[]
  now: () => number
  newId: () => string
  failed: (error: unknown, context?: object) => void
}

/** Protocol errors within a minute that end a connection. */
const MAX_STRIKES = 20
/** Clients come back over so many milliseconds after a shutdown. */
const SPREAD_MS = 5_000

type Frontage = {
  namespace: Namespace
  channels: Channels
  subscriptions: Subscriptions
  /** `renew` in `/certifications`, `certifications.renew` in `/live`. */
  resolve: (name: string) => { definition: AnyActorDefinition; name: string } | undefined
}

/** Serves every contract as a namespace, and all of them together as `/live`. */
export const createSockets = (deps: Dependencies): Sockets => {
  const { definitions, dispatcher, limits, newId, failed } = deps
  let draining = false
  let slowClients = 0
  const io = new Server(deps.http, {
    transports: ['websocket'],
    serveClient: false,
    maxHttpBufferSize: 1024 * 1024,
    connectTimeout: 10_000,
    pingInterval: 20_000,
    pingTimeout: 20_000,
    perMessageDeflate: false,
    httpCompression: false,
    parser: boundedParser,
    allowRequest: (request, callback) => callback(null, !draining && isOwnOrigin(request, deps.origins)),
  })
  const connections = createConnections({ ...deps, failed })
  const stopWatching = watchSlowClients(io, () => slowClients++)

  const aFrontage = (path: string, own: AnyActorDefinition | undefined): Frontage => {
    const namespace = io.of(path)
    const carried = own ? [own] : definitions
    const types = new Set(carried.map(({ contract }) => contract.actor))
    const channels = createChannels(namespace, (type) => types.has(type), deps.subscriptions.delivered)
    const subscriptions = createSubscriptions({
      ...deps.subscriptions,
      channels,
      definitions: carried,
      actorType: own?.contract.actor ?? null,
    })
    const names = new Map(
      carried.flatMap((definition) =>
        [...Object.keys(definition.contract.commands), ...Object.keys(definition.contract.queries)].map(
          (name) => [own ? name : `${definition.contract.namespace}.${name}`, { definition, name }] as const,
        ),
      ),
    )
    return { namespace, channels, subscriptions, resolve: (name) => names.get(name) }
  }

  const admit = (socket: Socket, next: (error?: Error) => void) => {
    const { token } = socket.handshake.auth as { token?: unknown }
    deps.callerOf(token).then(
      (caller) => {
        if (!caller)
          return next(Object.assign(new Error('Sign in first'), { data: { code: 'unauthenticated' } }))
        socket.data.caller = caller
        next()
      },
      (error: unknown) => {
        failed(error)
        next(Object.assign(new Error('Try again'), { data: { code: 'overloaded', retryAfterMs: 1_000 } }))
      },
    )
  }

  const serve = (frontage: Frontage) => {
    const { namespace, subscriptions } = frontage
    namespace.use(admit)
    namespace.on('connection', (socket) => {
      const connection = connections.open(socket, socket.data.caller as Caller, (it) =>
        subscriptions.recheck(it),
      )
      socket.on('disconnect', () => subscriptions.leaveAll(connection))
      socket.on('error', (error: unknown) => failed(error))
      const strikes = aStrikeCount()
      // The only handler of client events: a throw in it would end the process, and so would calling a missing ack.
      socket.onAny((...packet: unknown[]) => {
        const [name, ...rest] = packet
        const last = rest.at(-1)
        const ack = typeof last === 'function' ? (last as (reply: Reply) => void) : () => {}
        const payload = typeof last === 'function' ? rest.slice(0, -1) : rest
        const correlationId = newId()
        answer(frontage, connection, { name, payload, correlationId, ack })
          .then((reply) => {
            if (reply) ack(reply)
            if (reply && isStrike(reply) && strikes() > MAX_STRIKES)
              close(connection, { code: 'protocol_error' })
          })
          .catch((error: unknown) => {
            failed(error, { correlationId, name })
            ack(refused('internal', 'something went wrong on our side', { correlationId }))
          })
      })
    })
  }

  type Incoming = { name: unknown; payload: unknown[]; correlationId: string; ack: (reply: Reply) => void }

  /** @returns the answer; nothing when `ack` has been or will be called by a subscription. */
  const answer = async (
    { resolve, subscriptions }: Frontage,
    connection: Connection,
    { name, payload: args, correlationId, ack }: Incoming,
  ): Promise<Reply | undefined> => {
    if (typeof name !== 'string') return refused('unknown_command', 'an event needs a name')
    if (args[0] === TOO_LARGE) return refused('payload_too_large', 'a frame may have 64 KiB')
    if (args.length > 1)
      return refused('invalid_input', 'a call has one payload', [{ path: [], reason: 'is not one object' }])
    const payload = args[0] ?? {}
    const { userId } = connection.caller.principal
    if (name === 'session.refresh')
      return connections.refresh(connection, (payload as { token?: unknown }).token)

    const admission = await (name === 'subscribe' || name === 'unsubscribe'
      ? limits.subscription(userId)
      : limits.call(userId))
    if (!admission.ok)
      return { ...refused('rate_limited', 'too many requests'), retryAfterMs: admission.retryAfterMs }
    if (name === 'subscribe') {
      connection.tail = connection.tail.then(() => subscriptions.subscribe(connection, payload, ack))
      const done = connection.tail
      connection.tail = done.catch(() => {})
      await done
      return undefined
    }
    if (name === 'unsubscribe') return subscriptions.unsubscribe(connection, payload)
    const target = resolve(name)
    if (!target) return refused('unknown_command', 'there is no such command or query here')
    return dispatcher.call({ ...target, payload, principal: connection.caller.principal, correlationId })
  }

  const frontages = [
    ...definitions.map((definition) => aFrontage(`/${definition.contract.namespace}`, definition)),
    aFrontage('/live', undefined),
  ]
  frontages.forEach(serve)
  // The root namespace exists in every Socket.IO server; here it answers as one that does not.
  io.use((_socket, next) => next(new Error('Invalid namespace')))

  return {
    deliver: (events, position) => {
      for (const { channels, subscriptions } of frontages) {
        channels.deliver(events, position)
        const moved = events.filter(({ topics }) => hasTwoOfAKind(topics)).flatMap(({ topics }) => topics)
        if (moved.length > 0)
          for (const connection of connections.all())
            if (
              connection.socket.nsp === frontages.find((it) => it.subscriptions === subscriptions)?.namespace
            )
              subscriptions.recheck(connection, moved).catch(failed)
      }
    },
    drain: async () => {
      draining = true
      for (const connection of connections.all())
        sendAway(connection, { code: 'draining', reconnectInMs: Math.floor(Math.random() * SPREAD_MS) })
      await new Promise((resolve) => setTimeout(resolve, 150))
    },
    close: async () => {
      stopWatching()
      connections.stop()
      for (const { channels } of frontages) channels.stop()
      await io.close()
    },
    stats: () => ({
      sockets: io.engine.clientsCount,
      topics: frontages.reduce((sum, { channels }) => sum + channels.stats().topics, 0),
      delivered: frontages.reduce((sum, { channels }) => sum + channels.stats().delivered, 0),
      slowClients,
    }),
  }
}

/** A turn is published on the topics of before and after; two of one kind mean that it moved from one to the other. */
const hasTwoOfAKind = (topics: readonly string[]) => {
  const kinds = topics.map((topic) => topic.slice(0, topic.indexOf(':')))
  return new Set(kinds).size < kinds.length
}

/** Browsers say where a page came from, and CORS does not guard WebSockets. Others say nothing. */
const isOwnOrigin = ({ headers }: IncomingMessage, allowed: readonly string[]): boolean => {
  const { origin, host } = headers
  if (origin === undefined) return true
  return allowed.includes(origin) || origin === `http://${host}` || origin === `https://${host}`
}

const isStrike = (reply: Reply) =>
  !reply.ok && (reply.error.code === 'unknown_command' || reply.error.code === 'payload_too_large')

const aStrikeCount = () => {
  let count = 0
  let since = performance.now()
  return () => {
    if (performance.now() - since > 60_000) {
      count = 0
      since = performance.now()
    }
    return ++count
  }
}

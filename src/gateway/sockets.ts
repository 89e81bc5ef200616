import type { Server as HttpServer } from 'node:http'
import { Server, type Namespace } from 'socket.io'
import type { AnyActorDefinition } from '../../actors/actor.ts'
import { confidentialIn } from '../../actors/topics.ts'
import { refused, type Closing, type LiveEvent, type Reply } from '../../contracts/protocol.ts'
import type { Routed } from '../../persistence/journal.ts'
import type { Activity } from '../activity.ts'
import type { Caller } from '../auth/authenticate.ts'
import { admitTo, noSuchNamespace } from './admission.ts'
import { createChannels, hasListeners, type Channels } from './channels.ts'
import { rememberAddresses, type AddressOf } from './address-of.ts'
import { createConnections, inTurn, type Connection } from './connections.ts'
import type { Dispatcher } from './dispatcher.ts'
import { forgetRequests } from './forget-requests.ts'
import { callsOf, namespacesOf, type NamespaceContract } from './namespaces.ts'
import { isOwnOrigin } from './origin.ts'
import { aFaultCount, readPacket, type Packet } from './packet.ts'
import type { OwnCall } from './own-call.ts'
import { boundedParser } from './parser.ts'
import { tooManyRequests, type RequestLimits } from './request-limits.ts'
import { watchSlowClients } from './slow-clients.ts'
import { statsOf, type SocketStats } from './socket-stats.ts'
import { createSubscriptions, type Subscriptions } from './subscriptions.ts'

export type Sockets = {
  /** Publishes journal events, in order, to whoever listens on this node. */
  deliver: (events: readonly Routed[], position: number) => void
  /** Ends all subscriptions: who listens has to begin with a snapshot. */
  startOver: () => void
  /**
   * Refuses new connections, tells the open ones when to come back, waits for `finish` and for the answers that it
   * brings, and closes the transports.
   */
  drain: (finish: () => Promise<void>) => Promise<void>
  close: () => Promise<void>
  stats: () => SocketStats
}

type Dependencies = {
  http: HttpServer
  definitions: readonly AnyActorDefinition[]
  dispatcher: Dispatcher
  limits: RequestLimits
  callerOf: (token: unknown) => Promise<Caller | undefined>
  sessions: Parameters<typeof createConnections>[0]['sessions']
  subscriptions: Omit<Parameters<typeof createSubscriptions>[0], 'channels' | 'definitions'>
  origins: readonly string[]
  trustedProxies: readonly string[]
  /** A namespace that needs no sign-in and has no contract, beside those that follow from the definitions. */
  beside?: (io: Server, addressOf: AddressOf) => Beside
  now: () => number
  newId: () => string
  failed: (error: unknown, context?: object) => void
  activity: Pick<Activity, 'opened' | 'closed'>
  /** Whether asking again may help. */
  unavailable: (error: unknown) => boolean
}

export type Beside = {
  deliver: (events: readonly Routed[]) => void
  announce: (closing: Closing) => void
}

/** How long a shutdown waits for commands in hand. Milliseconds. */
const DRAIN_MS = 10_000
/** Clients come back over so many milliseconds after a shutdown. */
const SPREAD_MS = 5_000

/** Transports are closed in slices, so many milliseconds apart. */
const SLICE_MS = 100
const SMALLEST_SLICE = 100
const MOST_SLICES = 20

type Frontage = Pick<NamespaceContract, 'admits'> & {
  namespace: Namespace
  channels: Channels
  subscriptions: Subscriptions
  resolve: (name: string) => Pick<OwnCall, 'definition' | 'answer'> | undefined
}

/** Serves every contract as a namespace, and several of them together as `/live` and `/admin`. */
export const createSockets = (deps: Dependencies): Sockets => {
  const { dispatcher, limits, newId, failed, unavailable } = deps
  let draining = false
  /** Calls that have not been answered yet. */
  let inHand = 0
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
  const addressOf = rememberAddresses(io, deps.trustedProxies)
  forgetRequests(io)
  const connections = createConnections({ ...deps, failed })
  const stopWatching = watchSlowClients(io, (transport) => {
    slowClients++
    connections.announce(transport, { code: 'slow_client' })
  })

  const aFrontage = (described: NamespaceContract): Frontage => {
    const { name: path, definitions: carried, admits } = described
    const namespace = io.of(`/${path}`)
    const types = new Set(carried.map(({ contract }) => contract.actor))
    const channels = createChannels(namespace, {
      accepts: (type) => types.has(type),
      isConfidential: confidentialIn(carried),
      reached: deps.subscriptions.delivered,
    })
    const subscriptions = createSubscriptions({ ...deps.subscriptions, channels, definitions: carried })
    const calls = callsOf(described)
    return { namespace, channels, subscriptions, admits, resolve: (name) => calls.get(name) }
  }

  const serve = (frontage: Frontage) => {
    const { namespace, subscriptions, admits } = frontage
    namespace.use(admitTo(deps, admits))
    namespace.on('connection', (socket) => {
      // The token has been read, and would be kept for as long as the connection lasts.
      socket.handshake.auth = {}
      const connection = connections.open(socket, socket.data.caller as Caller, async (it) => {
        if (admits(it.principal())) return subscriptions.recheck(it)
        // The other namespaces of the connection go on.
        socket.emit('closing', { code: 'forbidden' } satisfies Closing)
        socket.disconnect()
      })
      deps.activity.opened(connection)
      socket.on('disconnect', (reason) => {
        subscriptions.leaveAll(connection)
        deps.activity.closed(connection, reason)
      })
      // Undecodable frames, after which Socket.IO ends the connection, and calls of that name, which are answered below.
      socket.on('error', () => {})
      const isOneTooMany = aFaultCount()
      // The only handler of client events: a throw in it would end the process, and so would calling a missing ack.
      socket.onAny((...parts: unknown[]) => {
        const packet = readPacket(parts)
        const correlationId = newId()
        inHand++
        answer(frontage, connection, packet, correlationId)
          .then((reply) => {
            if (reply) packet.ack(reply)
            if ((!packet.ok || (reply && isUnknown(reply))) && isOneTooMany())
              connections.close(connection, { code: 'protocol_error' })
          })
          .catch((error: unknown) => {
            failed(error, { correlationId, ...(packet.ok ? { name: packet.name } : {}) })
            packet.ack(
              unavailable(error)
                ? { ...refused('overloaded', 'the database is not available'), retryAfterMs: 1_000 }
                : refused('internal', 'something went wrong on our side', { correlationId }),
            )
          })
          .finally(() => inHand--)
      })
    })
  }

  /** @returns the answer; nothing when `ack` has been or will be called by a subscription. */
  const answer = async (
    { resolve, subscriptions }: Frontage,
    connection: Connection,
    packet: Packet,
    correlationId: string,
  ): Promise<Reply | undefined> => {
    if (connections.isOver(connection)) return refused('unauthenticated', 'Sign in first')
    if (!packet.ok) return packet.fault
    const { name, payload } = packet
    if (OF_THE_PROTOCOL.has(name)) return protocolCall(subscriptions, connection, packet)
    const admission = await limits.call(connection.caller.principal.userId)
    if (!admission.ok) return tooManyRequests(admission)
    const target = resolve(name)
    if (!target) return refused('unknown_command', 'there is no such command or query here')
    const { definition } = target
    const { principal } = connection.caller
    const caller = { principal, correlationId, connectionId: connection.socket.id }
    return target.answer(
      (called, fields) => dispatcher.call({ definition, name: called, payload: fields, ...caller }),
      payload,
      principal,
    )
  }

  /** @returns as `answer` does */
  const protocolCall = async (
    subscriptions: Subscriptions,
    connection: Connection,
    { name, payload, ack }: Packet & { ok: true },
  ): Promise<Reply | undefined> => {
    const admitted = limits.subscription(connection.caller.principal.userId)
    // A session that is about to end does not wait for a long replay.
    if (name === 'session.refresh') {
      const refresh = await admitted
      return refresh.ok ? connections.refresh(connection, payload) : tooManyRequests(refresh)
    }
    let work: (() => Promise<Reply | undefined>) | undefined = async () => {
      if (name === 'unsubscribe') return subscriptions.unsubscribe(connection, payload)
      await subscriptions.subscribe(connection, payload, ack)
      return undefined
    }
    // Its place in the line is taken before anybody says that it may go on, which may take longer than for the next one.
    const done = inTurn(connection, async () => ((await admitted).ok ? work?.() : undefined))
    const admission = await admitted
    if (admission.ok) return done
    // Whoever floods keeps nothing here.
    work = undefined
    return tooManyRequests(admission)
  }

  /** Those who listen to an actor go on only if they may know of it still. */
  const askAgain = ({ namespace, subscriptions }: Frontage, { actor }: LiveEvent, position: number) => {
    const topic = `${actor.type}:${actor.id}`
    if (!hasListeners(namespace, topic)) return
    for (const connection of connections.all())
      if (connection.socket.nsp === namespace && connection.topics.has(topic))
        inTurn(connection, subscriptions.interrupt(connection, topic, position)).catch(failed)
  }

  const changingAudience = new Set(deps.definitions.flatMap(({ changesAudience = [] }) => changesAudience))
  /** Before which events somebody is asked again, about which one's actor, and from which position on they go on. */
  const questionsOf = (events: readonly Routed[]) =>
    events.flatMap((routed, index) => {
      const { event } = routed
      return [
        ...(changingAudience.has(event.type) ? [{ before: index, event, position: event.position - 1 }] : []),
        ...(isMove(routed, events[index + 1])
          ? [{ before: index + 1, event, position: event.position }]
          : []),
      ]
    })

  const frontages = namespacesOf(deps.definitions).map(aFrontage)
  frontages.forEach(serve)
  const beside = deps.beside?.(io, addressOf)
  // The root namespace exists in every Socket.IO server; here it answers as one that does not.
  io.use((_socket, next) => next(noSuchNamespace()))

  return {
    deliver: (events, position) => {
      beside?.deliver(events)
      const questions = questionsOf(events)
      for (const frontage of frontages) {
        let next = 0
        for (const question of questions) {
          frontage.channels.deliver(events.slice(next, question.before), question.position)
          askAgain(frontage, question.event, question.position)
          next = question.before
        }
        frontage.channels.deliver(next === 0 ? events : events.slice(next), position)
      }
    },
    startOver: () => {
      const all = [...connections.all()]
      for (const { namespace, subscriptions } of frontages)
        subscriptions.startOver(all.filter(({ socket }) => socket.nsp === namespace))
    },
    drain: async (finish) => {
      draining = true
      const drained = (): Closing => ({
        code: 'draining',
        reconnectInMs: Math.floor(Math.random() * SPREAD_MS),
      })
      for (const { socket } of connections.all()) socket.emit('closing', drained())
      beside?.announce(drained())
      const answered = async () => {
        await finish()
        while (inHand > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      // A database that never comes back must not keep a server alive that was told to end.
      await Promise.race([answered(), new Promise((resolve) => setTimeout(resolve, DRAIN_MS))])
      // Closing the transport sends what waits in it first, and lets clients reconnect by themselves.
      const transports = [...new Set([...connections.all()].map(({ socket }) => socket.conn))]
      // Not all at once: whoever does not wait as it was asked to is at the other nodes' doors right away.
      const slice = Math.max(SMALLEST_SLICE, Math.ceil(transports.length / MOST_SLICES))
      let from = 0
      do {
        for (const connection of transports.slice(from, from + slice)) connection.close()
        await new Promise((resolve) => setTimeout(resolve, SLICE_MS))
        from += slice
      } while (from < transports.length)
    },
    close: async () => {
      stopWatching()
      connections.stop()
      for (const { channels } of frontages) channels.stop()
      await io.close()
    },
    stats: () => ({ sockets: io.engine.clientsCount, slowClients, ...statsOf(frontages) }),
  }
}

/**
 * The last event of a turn that moved its actor from one coordinator, say, to another: it is published on the topics of
 * before and after, so that two are of one kind.
 */
const isMove = ({ event, topics }: Routed, following: Routed | undefined) => {
  if (following?.event.id === event.id) return false
  const kinds = new Set(topics.map((topic) => topic.slice(0, topic.indexOf(':'))))
  return kinds.size < topics.length
}

/** What every namespace knows beside its contract; counted apart from commands and queries. */
const OF_THE_PROTOCOL = new Set(['subscribe', 'unsubscribe', 'session.refresh'])

const isUnknown = (reply: Reply) => !reply.ok && reply.error.code === 'unknown_command'

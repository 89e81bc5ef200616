import type { Namespace, Socket } from 'socket.io'
import { WatchInput, type CredentialStanding, type StandingChanged } from '../../contracts/verification.ts'
import { refused, type Closing, type Reply } from '../../contracts/protocol.ts'
import type { Routed } from '../../persistence/journal.ts'
import type { AddressOf } from '../gateway/address-of.ts'
import { invalid } from '../gateway/dispatcher.ts'
import { aFaultCount, readPacket, type Packet } from '../gateway/packet.ts'
import { tooManyRequests, type RequestLimits } from '../gateway/request-limits.ts'
import { addressKey } from '../auth/limits.ts'
import { standingOf, type CredentialFacts, type CredentialSource } from './facts.ts'
import type { PublicLookup } from './lookup.ts'

/** `/verify`: whoever has a number or a link hears when the credential's status changes, without a sign-in. */
export type Watch = {
  /** What has been committed, in order. */
  deliver: (events: readonly Routed[]) => void
  announce: (closing: Closing) => void
  stats: () => { watchers: number; credentials: number }
}

type Dependencies = {
  namespace: Namespace
  source: Pick<CredentialSource, 'byId' | 'isOne'>
  lookup: PublicLookup
  limits: Pick<RequestLimits, 'anonymous' | 'lookup'>
  addressOf: AddressOf
  now: () => number
  failed: (error: unknown) => void
}

/** Open sockets of one address, and credentials that one socket may watch. A classroom may share an address. */
const MOST_SOCKETS = 40
const MOST_WATCHED = 10

/** One credential that somebody watches on this node. */
type Watched = {
  /** Who, and as what they asked for it. */
  watchers: Map<Socket, Set<string>>
  /** What they know of it. */
  known: string | undefined
  /** One look after another, so that nobody hears of an older state after a newer one. */
  tail: Promise<unknown>
  waiting: boolean
}

type Own = { address: string; watched: Map<string, string> }

export const createWatch = (deps: Dependencies): Watch => {
  const { namespace, source, failed } = deps
  const all = new Map<string, Watched>()
  const perAddress = new Map<string, number>()
  const owns = new WeakMap<Socket, Own>()

  const standing = (facts: CredentialFacts): CredentialStanding => {
    const checkedAt = new Date(deps.now()).toISOString()
    return { ...standingOf(facts, checkedAt), expiresAt: facts.expiresAt, checkedAt }
  }

  const look = (id: string, watched: Watched) => {
    if (watched.waiting) return
    watched.waiting = true
    watched.tail = watched.tail.then(async () => {
      watched.waiting = false
      const facts = await source.byId(id)
      if (!facts?.shown) return leaveAll(id, watched)
      const now = standing(facts)
      if (keyOf(now) === watched.known) return
      watched.known = keyOf(now)
      for (const [socket, references] of watched.watchers)
        for (const of of references)
          socket.emit('credential.status', { of, ...now } satisfies StandingChanged)
    })
    watched.tail = watched.tail.catch((error: unknown) => {
      // What they know may be wrong now, and the next event may be far away.
      failed(error)
      for (const socket of watched.watchers.keys()) socket.conn.close()
    })
  }

  /** It is not to be seen any more. */
  const leaveAll = (id: string, watched: Watched) => {
    for (const [socket, references] of watched.watchers)
      for (const of of references) {
        owns.get(socket)?.watched.delete(of)
        socket.emit('credential.gone', { of })
      }
    all.delete(id)
  }

  const leave = (socket: Socket, of: string) => {
    const own = owns.get(socket)
    const id = own?.watched.get(of)
    const watched = id === undefined ? undefined : all.get(id)
    own?.watched.delete(of)
    if (id === undefined || !watched) return
    const references = watched.watchers.get(socket)
    references?.delete(of)
    if (references?.size === 0) watched.watchers.delete(socket)
    if (watched.watchers.size === 0) all.delete(id)
  }

  const watch = async (socket: Socket, own: Own, input: WatchInput): Promise<Reply<CredentialStanding>> => {
    const of = 'number' in input ? input.number : input.link
    const limit = 'number' in input ? deps.limits.lookup : deps.limits.anonymous
    const admission = await limit(own.address)
    if (!admission.ok) return tooManyRequests(admission)
    const isFull = () => own.watched.size >= MOST_WATCHED && !own.watched.has(of)
    if (isFull()) return TOO_MANY
    const seen = await deps.lookup.find(input)
    if (!seen) return NOT_FOUND
    await deps.lookup.disclose(seen, 'watch', own.address)
    // Others may have been asked for at the same time.
    if (isFull()) return TOO_MANY
    if (!socket.connected) return refused('shutting_down', 'the connection is gone')
    const { id } = seen.facts
    const watched: Watched = all.get(id) ?? {
      watchers: new Map(),
      known: undefined,
      tail: Promise.resolve(),
      waiting: false,
    }
    all.set(id, watched)
    own.watched.set(of, id)
    watched.watchers.set(socket, (watched.watchers.get(socket) ?? new Set()).add(of))
    // Read again behind whatever is being told: it may have changed since it was found.
    const read = watched.tail.then(async () => {
      const facts = await source.byId(id)
      if (!facts?.shown) return undefined
      const now = standing(facts)
      watched.known ??= keyOf(now)
      return now
    })
    watched.tail = read.catch(() => {})
    const now = await read
    if (now) return { ok: true, data: now }
    leave(socket, of)
    return NOT_FOUND
  }

  const answer = async (socket: Socket, own: Own, packet: Packet): Promise<Reply> => {
    if (!packet.ok) return packet.fault
    const { name, payload } = packet
    if (name !== 'watch' && name !== 'unwatch')
      return refused('unknown_command', 'there is no such command or query here')
    const input = WatchInput.safeParse(payload)
    if (!input.success) return invalid(input.error)
    if (name === 'watch') return watch(socket, own, input.data)
    leave(socket, 'number' in input.data ? input.data.number : input.data.link)
    return { ok: true, data: {} }
  }

  namespace.use((socket, next) => {
    const address = addressKey(deps.addressOf(socket))
    const open = perAddress.get(address) ?? 0
    if (open >= MOST_SOCKETS)
      return next(Object.assign(new Error('Too many connections'), { data: { code: 'rate_limited' } }))
    perAddress.set(address, open + 1)
    owns.set(socket, { address, watched: new Map() })
    // Also of a socket that does not come to be connected.
    socket.conn.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1
      if (left > 0) perAddress.set(address, left)
      else perAddress.delete(address)
    })
    next()
  })

  namespace.on('connection', (socket) => {
    socket.handshake.auth = {}
    const own = owns.get(socket)!
    const isOneTooMany = aFaultCount()
    socket.on('error', () => {})
    socket.on('disconnect', () => {
      for (const of of own.watched.keys()) leave(socket, of)
    })
    socket.onAny((...parts: unknown[]) => {
      const packet = readPacket(parts)
      answer(socket, own, packet).then(
        (reply) => {
          packet.ack(reply)
          const isFault = !packet.ok || (!reply.ok && reply.error.code === 'unknown_command')
          if (!isFault || !isOneTooMany()) return
          socket.emit('closing', { code: 'protocol_error' } satisfies Closing)
          socket.disconnect(true)
        },
        (error: unknown) => {
          failed(error)
          packet.ack({ ...refused('overloaded', 'try again'), retryAfterMs: 1_000 })
        },
      )
    })
  })

  return {
    deliver: (events) => {
      if (all.size === 0) return
      for (const { event } of events) {
        if (!source.isOne(event.actor.type)) continue
        const watched = all.get(event.actor.id)
        if (watched) look(event.actor.id, watched)
      }
    },
    announce: (closing) => void namespace.local.emit('closing', closing),
    stats: () => ({ watchers: namespace.sockets.size, credentials: all.size }),
  }
}

const NOT_FOUND = refused('not_found', 'No credential has this number or this link')
const TOO_MANY = refused('too_many', `one connection may watch ${MOST_WATCHED} credentials`)

const keyOf = ({ status, since, expiresAt }: CredentialStanding) => `${status} ${since} ${expiresAt}`

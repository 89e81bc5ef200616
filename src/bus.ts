import { createAdapter } from '@socket.io/redis-adapter'
import { Server } from 'socket.io'
import type { Notices } from '../persistence/notices.ts'
import type { Routed } from '../persistence/journal.ts'
import type { RedisLink } from './redis.ts'

/** A committed batch on its way to the other nodes: all events of the journal from one position to another. */
export type Batch = {
  from: number
  to: number
  events: readonly Routed[]
  /** The earliest instant at which a timer is due that it has set. */
  dueAt?: string
}

/** What the other nodes find in a table by themselves within moments, and at once when they are told. */
export type Nudge = 'journal' | 'sessions'

/**
 * Tells the other nodes what this one has committed. It may lose anything at any time: whoever listens finds in the
 * database what never arrives.
 */
export type Bus = {
  publish: (batch: Batch) => void
  nudge: (what: Nudge) => void
  onBatch: (listener: (batch: Batch) => void) => void
  onNudge: (listener: (what: Nudge) => void) => void
  start: () => void
  stop: () => Promise<void>
  stats: () => BusStats
}

export type BusStats = { sent: number; received: number; notices: number }

type Dependencies = {
  link: RedisLink | undefined
  /** PostgreSQL's own way to wake other nodes; whole batches do not fit into it. */
  notices: Notices | undefined
  /** Deployments that share one Redis by accident must not hear each other: each database has an epoch of its own. */
  epoch: string
  failed: (error: unknown) => void
}

const BATCH = 'batch'
const NUDGE = 'nudge'

export const createBus = ({ link, notices, epoch, failed }: Dependencies): Bus => {
  const batchListeners: ((batch: Batch) => void)[] = []
  const nudgeListeners: ((what: Nudge) => void)[] = []
  let sent = 0
  let received = 0
  let noticed = 0
  let channel: Channel | undefined

  const nudged = (what: unknown) => {
    if (what === 'journal' || what === 'sessions') for (const listener of nudgeListeners) listener(what)
  }

  /** Whatever cannot be understood is in the journal, too. A throw would end the process: the adapter catches nothing. */
  const take = (batch: unknown) => {
    if (!isBatch(batch)) return nudged('journal')
    received++
    try {
      for (const listener of batchListeners) listener(batch)
    } catch (error) {
      failed(error)
      nudged('journal')
    }
  }

  return {
    publish: (batch) => {
      if (channel && link?.isThere()) {
        sent++
        channel.emit(BATCH, batch)
      } else notices?.notify('journal')
    },
    nudge: (what) => {
      if (channel && link?.isThere()) channel.emit(NUDGE, what)
      else notices?.notify(what)
    },
    onBatch: (listener) => void batchListeners.push(listener),
    onNudge: (listener) => void nudgeListeners.push(listener),
    start: () => {
      notices?.listen((what) => {
        noticed++
        nudged(what)
      })
      if (!link) return
      channel = openChannel(link, epoch)
      channel.on(BATCH, take)
      channel.on(NUDGE, nudged)
    },
    stop: async () => {
      await notices?.close()
    },
    stats: () => ({ sent, received, notices: noticed }),
  }
}

type Channel = {
  emit: (event: string, payload: unknown) => void
  on: (event: string, listener: (payload: unknown) => void) => void
}

/**
 * The adapter's `serverSideEmit`: one message in Redis for a whole batch, where its broadcasts would be one for each room.
 * It is a Socket.IO server of its own, to which nobody can connect, so that the namespaces of clients subscribe to nothing
 * in Redis and publish nothing there by mistake.
 */
const openChannel = (link: RedisLink, epoch: string): Channel => {
  const nodes = new Server({
    adapter: createAdapter(link.publisher, link.subscriber(), { key: `${link.prefix}:${epoch}` }),
  }).of('/')
  return {
    emit: (event, payload) => void nodes.serverSideEmit(event, payload),
    on: (event, listener) => void nodes.on(event as never, listener as never),
  }
}

/** Another version may say something else. */
const isBatch = (value: unknown): value is Batch => {
  if (typeof value !== 'object' || value === null) return false
  const { from, to, events, dueAt } = value as Partial<Batch>
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || !Array.isArray(events)) return false
  if (dueAt !== undefined && !isText(dueAt)) return false
  let last = from! - 1
  return events.every((routed: Partial<Routed> | null) => {
    const position = routed?.event?.position
    const isNext = Number.isSafeInteger(position) && position! > last && position! <= to!
    last = position!
    return isNext && Array.isArray(routed?.topics) && routed.topics.every(isText) && isEvent(routed.event)
  })
}

const isEvent = (event: Partial<Routed['event']> | undefined) =>
  Number.isSafeInteger(event?.version) &&
  [event?.id, event?.type, event?.state, event?.at, event?.actor?.type, event?.actor?.id].every(isText)

const isText = (value: unknown) => typeof value === 'string'

import type { Connections } from '../../persistence/sql.ts'
import type { BusStats } from '../bus.ts'
import type { Counts, Presence } from '../presence.ts'
import type { LaneStats, QueueStats } from '../queue/queue.ts'
import type { RedisStats } from '../redis.ts'
import type { DeliveryStats } from './delivery.ts'
import type { SocketStats } from './socket-stats.ts'

/** What the parts of the server tell about themselves, at the moment of asking. */
export type Stats = {
  engine: { active: number; ready: number; inFlight: number }
  timers: { fired: number }
  effects: QueueStats
  delivery: DeliveryStats
  bus: BusStats
  /** Absent where no Redis is configured. */
  redis: RedisStats | undefined
  sockets: SocketStats
  /** Calls that were refused before the dispatcher saw them, and what was counted while Redis was away. */
  limits: { refused: number; alone: number }
  presence: ReturnType<Presence['stats']>
  /** Absent where the database is in the process. */
  database: Connections | undefined
}

/** A metric that is read when somebody asks; one whose name ends in `_total` never goes down. */
export type Reading = { name: string; help: string } & (
  | { of: (stats: Stats) => number | undefined }
  /** One number for each value of the label. */
  | { label: string; of: (stats: Stats) => Readonly<Record<string, number>> | undefined }
)

const byLane = (name: string, help: string, key: keyof LaneStats): Reading => ({
  name,
  help,
  label: 'lane',
  of: ({ effects }) => Object.fromEntries(Object.entries(effects.lanes).map(([lane, of]) => [lane, of[key]])),
})

/** `all` is as of the last look at Redis; several nodes say the same, so it is not to be summed up. */
const byScope = (name: string, help: string, key: keyof Counts): Reading => ({
  name,
  help,
  label: 'scope',
  of: ({ presence: { here, everywhere } }) => ({
    node: here[key],
    ...(everywhere && { all: everywhere[key] }),
  }),
})

export const READINGS: readonly Reading[] = [
  {
    name: 'laurel_in_flight_messages',
    help: 'Messages that wait for their commit',
    of: ({ engine }) => engine.inFlight,
  },
  {
    name: 'laurel_ready_mailboxes',
    help: 'Actors whose messages wait for a flight',
    of: ({ engine }) => engine.ready,
  },
  { name: 'laurel_active_actors', help: 'Actors in memory', of: ({ engine }) => engine.active },
  { name: 'laurel_timers_fired_total', help: 'Timers that were fired', of: ({ timers }) => timers.fired },
  byLane('laurel_effects_running', 'Effects under way', 'running'),
  byLane('laurel_effects_waiting', 'Effects that wait for their turn', 'waiting'),
  byLane('laurel_effects_done_total', 'Effects that were settled', 'done'),
  byLane('laurel_effects_retried_total', 'Attempts that failed and were not the last', 'retried'),
  byLane('laurel_effects_dead_total', 'Effects that were given up', 'dead'),
  {
    name: 'laurel_effects_redis_away',
    help: 'Redis is configured and away',
    of: ({ effects }) => +(effects.mode === 'redis away'),
  },
  {
    name: 'laurel_redis_up',
    help: 'Redis is configured and there',
    of: ({ redis }) => redis && +redis.isThere,
  },
  {
    name: 'laurel_bus_batches_total',
    help: 'Committed batches that were sent to other nodes or received from them',
    label: 'direction',
    of: ({ bus: { sent, received } }) => ({ sent, received }),
  },
  {
    name: 'laurel_bus_dropped_total',
    help: 'Messages to other nodes that Redis did not take',
    of: ({ redis }) => redis?.unpublished,
  },
  { name: 'laurel_sockets', help: 'Open transports', of: ({ sockets }) => sockets.sockets },
  {
    name: 'laurel_connections',
    help: 'Open connections by namespace',
    label: 'namespace',
    of: ({ sockets }) => sockets.connections,
  },
  {
    name: 'laurel_subscriptions',
    help: 'Topics of all connections by mode',
    label: 'mode',
    of: ({ sockets }) => sockets.subscriptions,
  },
  {
    name: 'laurel_subscribed_topics',
    help: 'Topics that somebody here listens to',
    of: ({ sockets }) => sockets.topics,
  },
  {
    name: 'laurel_delivered_events_total',
    help: 'Events published to a topic',
    of: ({ sockets }) => sockets.delivered,
  },
  {
    name: 'laurel_delivered_frames_total',
    help: 'Frames with live events, one for each receiver',
    of: ({ sockets }) => sockets.frames,
  },
  {
    name: 'laurel_resumes_total',
    help: 'Subscriptions by how they began',
    label: 'outcome',
    of: ({ sockets }) => sockets.begun,
  },
  {
    name: 'laurel_catch_up_reads_total',
    help: 'Pages of the journal read for subscribers that missed something',
    of: ({ sockets }) => sockets.reads,
  },
  {
    name: 'laurel_slow_clients_total',
    help: 'Clients cut off for reading slowly',
    of: ({ sockets }) => sockets.slowClients,
  },
  {
    name: 'laurel_rate_limited_total',
    help: 'Calls refused for their number',
    of: ({ limits }) => limits.refused,
  },
  byScope('laurel_presence_users', 'Users who are connected, to this node and to all', 'users'),
  byScope('laurel_presence_sockets', 'Their open transports, to this node and to all', 'sockets'),
  {
    name: 'laurel_limits_alone_total',
    help: 'Calls and sign-ins that only this node has counted, because Redis was away',
    of: ({ limits }) => limits.alone,
  },
  {
    name: 'laurel_journal_repairs_total',
    help: 'Pages read to fill a gap',
    of: ({ delivery }) => delivery.repairs,
  },
  {
    name: 'laurel_journal_gaps_total',
    help: 'Batches that arrived before the one that they follow',
    of: ({ delivery }) => delivery.gaps,
  },
  {
    name: 'laurel_journal_behind_positions',
    help: 'Positions not yet delivered',
    of: ({ delivery }) => delivery.behind,
  },
  {
    name: 'laurel_database_connections',
    help: 'Connections to PostgreSQL, and who waits for one',
    label: 'state',
    of: ({ database }) => database,
  },
]

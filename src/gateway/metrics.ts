import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CommittedBatch } from '../../actors/engine/flight.ts'
import type { LaneStats, QueueStats } from '../queue/queue.ts'
import type { Dispatcher } from './dispatcher.ts'

/** What the parts of the server tell about themselves, at the moment of asking. */
export type Stats = {
  engine: { active: number; ready: number; inFlight: number }
  timers: { fired: number; lateByMs: number }
  effects: QueueStats
  delivery: { repairs: number; behind: number }
  sockets: { sockets: number; topics: number; delivered: number; slowClients: number }
  /** Calls that were refused before the dispatcher saw them. */
  limits: { refused: number }
}

export type Metrics = {
  /** Times the dispatcher's calls, and counts its refusals. */
  measured: (dispatcher: Dispatcher) => Dispatcher
  committed: (batch: CommittedBatch) => void
  /** Everything, in the text format of Prometheus. */
  text: () => Promise<string>
  contentType: string
}

/** Name, help and source of what is read at the moment of asking. A name that ends in `_total` never goes down. */
const READINGS: readonly (readonly [name: string, help: string, of: (stats: Stats) => number])[] = [
  ['laurel_in_flight_messages', 'Messages that wait for their commit', ({ engine }) => engine.inFlight],
  ['laurel_ready_mailboxes', 'Actors whose messages wait for a flight', ({ engine }) => engine.ready],
  ['laurel_active_actors', 'Actors in memory', ({ engine }) => engine.active],
  ['laurel_timers_fired_total', 'Timers that were fired', ({ timers }) => timers.fired],
  ['laurel_timers_late_seconds', 'How late the newest timers were', ({ timers }) => timers.lateByMs / 1000],
  [
    'laurel_effects_redis_away',
    'Redis is configured and away',
    ({ effects }) => +(effects.mode === 'redis away'),
  ],
  ['laurel_sockets', 'Open transports', ({ sockets }) => sockets.sockets],
  ['laurel_subscribed_topics', 'Topics that somebody here listens to', ({ sockets }) => sockets.topics],
  ['laurel_delivered_events_total', 'Events published to a topic', ({ sockets }) => sockets.delivered],
  ['laurel_slow_clients_total', 'Clients cut off for reading slowly', ({ sockets }) => sockets.slowClients],
  ['laurel_rate_limited_total', 'Calls refused for their number', ({ limits }) => limits.refused],
  ['laurel_journal_repairs_total', 'Pages read to fill a gap', ({ delivery }) => delivery.repairs],
  ['laurel_journal_behind_positions', 'Positions not yet delivered', ({ delivery }) => delivery.behind],
]

/** The same for each kind of effect, under the label `lane`. */
const LANE_READINGS: readonly (readonly [name: string, help: string, of: keyof LaneStats])[] = [
  ['laurel_effects_running', 'Effects under way', 'running'],
  ['laurel_effects_waiting', 'Effects that wait for their turn', 'waiting'],
  ['laurel_effects_done_total', 'Effects that were settled', 'done'],
  ['laurel_effects_retried_total', 'Attempts that failed and were not the last', 'retried'],
  ['laurel_effects_dead_total', 'Effects that were given up', 'dead'],
]

export const createMetrics = (stats: () => Stats): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  const turns = new Counter({ name: 'laurel_turns_total', help: 'Committed turns', registers })
  const countBy = <Label extends string>(label: Label, name: string, help: string) =>
    new Counter({ name, help, labelNames: [label], registers })
  const events = countBy('type', 'laurel_events_total', 'Committed events by type')
  const refusals = countBy('code', 'laurel_refusals_total', 'Refused calls by code')
  const batchTurns = new Histogram({
    name: 'laurel_batch_turns',
    help: 'Turns in one commit',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  })
  const callSeconds = new Histogram({
    name: 'laurel_call_seconds',
    help: 'From a call to its answer',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  for (const [name, help, of] of READINGS)
    register(registry, { name, help }, () => [{ labels: {}, value: of(stats()) }])
  for (const [name, help, of] of LANE_READINGS)
    register(registry, { name, help, labelNames: ['lane'] }, () =>
      Object.entries(stats().effects.lanes).map(([lane, { [of]: value }]) => ({ labels: { lane }, value })),
    )

  let complete = false
  return {
    measured: ({ call, knows }) => ({
      knows,
      call: async (request) => {
        const startedAt = performance.now()
        const reply = await call(request)
        callSeconds.observe((performance.now() - startedAt) / 1000)
        if (!reply.ok) refusals.inc({ code: reply.error.code })
        return reply
      },
    }),
    committed: ({ writes }) => {
      const all = writes.flatMap(({ write }) => write.turns)
      turns.inc(all.length)
      batchTurns.observe(all.length)
      for (const { type } of all.flatMap((turn) => turn.events)) events.inc({ type })
    },
    text: () => {
      // These watch the event loop and the garbage collector all the time: only from when somebody looks.
      if (!complete) collectDefaultMetrics({ register: registry })
      complete = true
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

type Described = { name: string; help: string; labelNames?: string[] }
type Read = () => readonly { labels: Record<string, string>; value: number }[]

const register = (registry: Registry, described: Described, read: Read) => {
  const registers = [registry]
  if (!described.name.endsWith('_total'))
    return new Gauge({
      ...described,
      registers,
      collect() {
        for (const { labels, value } of read()) this.set(labels, value)
      },
    })
  return new Counter({
    ...described,
    registers,
    collect() {
      this.reset()
      for (const { labels, value } of read()) this.inc(labels, value)
    },
  })
}

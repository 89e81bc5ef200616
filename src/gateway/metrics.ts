import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CommittedBatch } from '../../actors/engine/flight.ts'
import type { ActorStore } from '../../actors/engine/store.ts'
import packageJson from '../../package.json' with { type: 'json' }
import type { Backlog } from '../../persistence/backlog.ts'
import type { Behind } from '../../persistence/journal-cursors.ts'
import type { Dispatcher } from './dispatcher.ts'
import { occasionally } from './occasionally.ts'
import { READINGS, type Stats } from './readings.ts'

export type Metrics = {
  /** Times the dispatcher's calls, and counts its refusals. */
  measured: (dispatcher: Dispatcher) => Dispatcher
  /** Times the commits of a store, and counts what comes of them. */
  watched: (store: ActorStore) => ActorStore
  committed: (batch: CommittedBatch) => void
  /** So many messages waited for one actor. */
  depth: (messages: number) => void
  /** A timer was fired so many milliseconds after its instant. */
  late: (ms: number) => void
  /** Everything, in the text format of Prometheus. */
  text: () => Promise<string>
  contentType: string
}

type Sources = {
  stats: () => Stats
  /** Asks the database. */
  backlog: () => Promise<Backlog>
  /** What has happened and is not counted for badges yet; asks the database, too. */
  uncounted: () => Promise<Behind | undefined>
  failed: (error: unknown) => void
}

const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const LATE_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 3600]
const POWERS_OF_TWO = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

/**
 * What happens too often for labels, which prom-client sorts and joins each time, is counted here and read when
 * somebody asks.
 */
export const createMetrics = ({ stats, backlog, uncounted, failed }: Sources): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers })
  const events = new Map<string, number>()
  const refusals = new Map<string, number>()
  const failures = new Map<string, number>()
  let turns = 0
  let conflicts = 0
  let deepest = 0

  const batchTurns = histogram('laurel_batch_turns', 'Turns in one commit', POWERS_OF_TWO.slice(0, 9))
  const commitSeconds = histogram('laurel_commit_seconds', 'One commit, until it is durable', COMMIT_SECONDS)
  const depths = histogram('laurel_mailbox_depth', 'Messages that waited for one actor', POWERS_OF_TWO)
  const callSeconds = histogram('laurel_call_seconds', 'From a call to its answer', CALL_SECONDS)
  const lateSeconds = histogram('laurel_timers_late_seconds', 'How late timers were fired', LATE_SECONDS)
  const read = reader(registry)
  read('laurel_turns_total', 'Committed turns', () => turns)
  read('laurel_events_total', 'Committed events by type', () => events, 'type')
  read('laurel_refusals_total', 'Refused calls by code', () => refusals, 'code')
  read('laurel_commit_conflicts_total', 'Turns of actors that somebody else had moved', () => conflicts)
  read('laurel_commit_failures_total', 'Commits that the database refused, or lost', () => failures, 'kind')
  read('laurel_mailbox_depth_max', 'Most messages that waited for one actor since the last look', () => {
    const most = deepest
    deepest = 0
    return most
  })
  const asked = occasionally(backlog, failed)
  read('laurel_effects', 'Rows of the effect table by state', async () => statesOf(await asked()), 'state')
  read('laurel_timers_overdue', 'Timers whose instant has passed', async () => (await asked())?.overdue)
  const uncountedNow = occasionally(uncounted, failed)
  read(
    'laurel_facts_behind_positions',
    'Positions of the journal that have not been counted for badges',
    async () => (await uncountedNow())?.positions,
  )
  read(
    'laurel_facts_behind_seconds',
    'How long ago the first of them was recorded',
    async () => (await uncountedNow())?.seconds,
  )
  for (const reading of READINGS)
    if ('label' in reading)
      read(reading.name, reading.help, () => entriesOf(reading.of(stats())), reading.label)
    else read(reading.name, reading.help, () => reading.of(stats()))
  const { version } = packageJson
  const build = { version, node: process.versions.node }
  new Gauge({ name: 'laurel_build_info', help: 'Always 1', labelNames: Object.keys(build), registers }).set(
    build,
    1,
  )

  let complete = false
  return {
    measured: ({ call, knows }) => ({
      knows,
      call: async (request) => {
        const startedAt = performance.now()
        const reply = await call(request)
        callSeconds.observe((performance.now() - startedAt) / 1000)
        if (!reply.ok) count(refusals, reply.error.code)
        return reply
      },
    }),
    watched: (store) => ({
      ...store,
      commit: async (flight, writes) => {
        const startedAt = performance.now()
        try {
          const positions = await store.commit(flight, writes)
          commitSeconds.observe((performance.now() - startedAt) / 1000)
          for (const position of positions) if (position === undefined) conflicts++
          return positions
        } catch (error) {
          count(failures, store.classify(error))
          throw error
        }
      },
    }),
    committed: ({ writes }) => {
      let together = 0
      for (const { write } of writes) {
        together += write.turns.length
        for (const turn of write.turns) for (const { type } of turn.events) count(events, type)
      }
      turns += together
      batchTurns.observe(together)
    },
    depth: (messages) => {
      deepest = Math.max(deepest, messages)
      depths.observe(messages)
    },
    late: (ms) => lateSeconds.observe(Math.max(ms, 0) / 1000),
    text: () => {
      // These watch the event loop and the garbage collector all the time: only from when somebody looks.
      if (!complete) collectDefaultMetrics({ register: registry })
      complete = true
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}

const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)

const statesOf = (backlog: Backlog | undefined) => {
  if (!backlog) return undefined
  const { pending, due, dead } = backlog
  return entriesOf({ pending, due, dead })
}

const entriesOf = (values: Readonly<Record<string, number>> | undefined) => values && Object.entries(values)

type Value = number | Iterable<readonly [string, number]> | undefined

/** Registers what is read when somebody asks: a number, or one for each value of a label, or nothing at the moment. */
const reader =
  (registry: Registry) =>
  (name: string, help: string, of: () => Value | Promise<Value>, label?: string): Gauge | Counter => {
    const described = { name, help, labelNames: label === undefined ? [] : [label], registers: [registry] }
    const refresh = async (metric: Gauge | Counter) => {
      const value = await of()
      metric.reset()
      if (typeof value === 'number') metric.inc(value)
      else if (label !== undefined)
        for (const [key, number] of value ?? []) metric.inc({ [label]: key }, number)
      else metric.remove()
    }
    return name.endsWith('_total')
      ? new Counter({
          ...described,
          collect() {
            return refresh(this)
          },
        })
      : new Gauge({
          ...described,
          collect() {
            return refresh(this)
          },
        })
  }

import type { AnyActorDefinition } from '../actors/actor.ts'
import { createEngine, type EngineLimits } from '../actors/engine/engine.ts'
import type { CommittedBatch } from '../actors/engine/flight.ts'
import type { ActorStore } from '../actors/engine/store.ts'
import { createTimerScheduler } from '../actors/engine/timers.ts'
import { createActorIds } from '../persistence/actor-ids.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import type { Database } from '../persistence/database.ts'
import { createEffectStore } from '../persistence/effects.ts'
import { createTimerStore } from '../persistence/timers.ts'
import { createCreate } from './effects/create.ts'
import type { EffectHandler } from './effects/handler.ts'
import { createReport } from './effects/report.ts'
import { createDiscard, createFind, createRevive } from './effects/revive.ts'
import { createTell } from './effects/tell.ts'
import { createTellAll } from './effects/tell-all.ts'
import { createAnnounce } from './queue/announce.ts'
import { createInProcessQueue, type QueueDependencies } from './queue/in-process.ts'
import { createRedisQueue } from './queue/in-redis.ts'
import type { EffectQueue } from './queue/queue.ts'
import type { Attempt } from './queue/runner.ts'
import type { RedisLink } from './redis.ts'
import type { NodeRole } from './roles.ts'

type Parts = {
  database: Database
  definitions: readonly AnyActorDefinition[]
  engineLimits: Partial<EngineLimits> | undefined
  timerPollMs: number | undefined
  /** Whose operators hear of dead effects whose owner belongs to no organisation. */
  fallbackOrgId: string
  /** All nodes share the effects through it; without it, each runs its own. */
  link: RedisLink | undefined
  roles: ReadonlySet<NodeRole>
  now: () => number
  failed: (error: unknown, context?: object) => void
  watch?: Watch
}

/** Hears what happens, for the metrics and the log. Must not throw. */
type Watch = {
  watched: (store: ActorStore) => ActorStore
  /** So many messages waited for one actor. */
  depth: (messages: number) => void
  /** A timer was fired so many milliseconds after its instant. */
  late: (ms: number) => void
  attempted: (attempt: Attempt) => void
}

export type Runtime = ReturnType<typeof createRuntime>

/** The engine with what feeds it: timers and effects. */
export const createRuntime = ({ database, definitions, now, failed, roles, watch, ...options }: Parts) => {
  const works = roles.has('worker')
  const listeners: ((batch: CommittedBatch) => void)[] = []
  const actorStore = createActorStore(database, works)
  const engine = createEngine({
    store: watch?.watched(actorStore) ?? actorStore,
    definitions,
    committed: (batch) => {
      for (const { write } of batch.writes) {
        for (const { dueAt } of write.timersSet) timers.expect(dueAt)
        if (write.effects.length > 0)
          effects.push(write.effects.map((effect) => ({ ...effect, attempts: 0, taken: 0 })))
      }
      for (const listener of listeners) listener(batch)
    },
    failed: (error, { actor, type, id, correlationId }) =>
      failed(error, { actor, messageType: type, messageId: id, correlationId }),
    depth: watch?.depth,
    ...(options.engineLimits ? { limits: options.engineLimits } : {}),
  })
  const timers = createTimerScheduler({
    store: createTimerStore(database.sql),
    engine,
    now,
    failed,
    late: watch?.late,
    ...(options.timerPollMs ? { pollMs: options.timerPollMs } : {}),
  })
  const store = createEffectStore(database.sql)
  const deciding = { store, report: createReport(engine, now), now }
  const handlers: Record<string, EffectHandler> = {
    tell: createTell(engine, now),
    tellAll: createTellAll({ engine, ids: createActorIds(database.sql, definitions), now }),
    create: createCreate(engine, now),
    reviveEffect: createRevive(deciding),
    discardEffect: createDiscard(deciding),
    findEffect: createFind(deciding),
  }
  const { fallbackOrgId, link } = options
  const queue: QueueDependencies = {
    store,
    handlers,
    now,
    announce: createAnnounce({ engine, definitions, fallbackOrgId, now }),
    ended: watch?.attempted,
    failed: (error, effect) =>
      failed(error, effect ? { effect: effect.id, correlationId: effect.correlationId } : {}),
  }
  const effects = queueOf(queue, link, works)
  return {
    engine,
    onCommitted: (listener: (batch: CommittedBatch) => void) => void listeners.push(listener),
    /** For effects that need more than the engine; before `start`. */
    handle: (effect: string, handler: EffectHandler) => {
      handlers[effect] = handler
    },
    /** Runs effects that have been stored without a turn. */
    push: effects.push,
    /** Another node has committed a timer that is due at this instant. */
    expect: timers.expect,
    start: () => {
      effects.start()
      if (roles.has('scheduler')) timers.start()
    },
    stop: async () => {
      await timers.stop()
      await effects.stop()
    },
    stats: () => ({ engine: engine.stats(), timers: timers.stats(), effects: effects.stats() }),
  }
}

const queueOf = (queue: QueueDependencies, link: RedisLink | undefined, works: boolean): EffectQueue => {
  if (link) return createRedisQueue({ ...queue, link, works })
  return works ? createInProcessQueue(queue) : LEFT_TO_OTHERS
}

/** The workers find in the table what nobody tells them of. */
const LEFT_TO_OTHERS: EffectQueue = {
  start: () => {},
  push: () => {},
  stop: async () => {},
  stats: () => ({ mode: 'process', lanes: {} }),
}

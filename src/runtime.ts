import type { AnyActorDefinition } from '../actors/actor.ts'
import { createEngine, type EngineLimits } from '../actors/engine/engine.ts'
import type { CommittedBatch } from '../actors/engine/flight.ts'
import { createTimerScheduler } from '../actors/engine/timers.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import type { Database } from '../persistence/database.ts'
import { createEffectStore } from '../persistence/effects.ts'
import { createTimerStore } from '../persistence/timers.ts'
import { createCreate } from './effects/create.ts'
import type { EffectHandler } from './effects/handler.ts'
import { createReport } from './effects/report.ts'
import { createDiscard, createFind, createRevive } from './effects/revive.ts'
import { createTell } from './effects/tell.ts'
import { createAnnounce } from './queue/announce.ts'
import { createInProcessQueue, type QueueDependencies } from './queue/in-process.ts'
import { createRedisQueue } from './queue/in-redis.ts'

type Parts = {
  database: Database
  definitions: readonly AnyActorDefinition[]
  engineLimits: Partial<EngineLimits> | undefined
  timerPollMs: number | undefined
  /** Whose operators hear of dead effects whose owner belongs to no organisation. */
  fallbackOrgId: string
  /** All nodes share the effects through it; without it, each runs its own. */
  redisUrl: string | undefined
  now: () => number
  failed: (error: unknown, context?: object) => void
  /** Something that operators should know, and that is no failure. */
  note: (text: string) => void
}

/** The engine with what feeds it: timers and effects. */
export const createRuntime = ({ database, definitions, now, failed, note, ...options }: Parts) => {
  const listeners: ((batch: CommittedBatch) => void)[] = []
  const engine = createEngine({
    store: createActorStore(database),
    definitions,
    committed: (batch) => {
      for (const { write } of batch.writes) {
        for (const { dueAt } of write.timersSet) timers.expect(dueAt)
        if (write.effects.length > 0)
          effects.push(write.effects.map((effect) => ({ ...effect, attempts: 0 })))
      }
      for (const listener of listeners) listener(batch)
    },
    failed: (error, { actor, type, id, correlationId }) =>
      failed(error, { actor, messageType: type, messageId: id, correlationId }),
    ...(options.engineLimits ? { limits: options.engineLimits } : {}),
  })
  const timers = createTimerScheduler({
    store: createTimerStore(database.sql),
    engine,
    now,
    failed,
    ...(options.timerPollMs ? { pollMs: options.timerPollMs } : {}),
  })
  const store = createEffectStore(database.sql)
  const deciding = { store, report: createReport(engine, now), now }
  const handlers: Record<string, EffectHandler> = {
    tell: createTell(engine, now),
    create: createCreate(engine, now),
    reviveEffect: createRevive(deciding),
    discardEffect: createDiscard(deciding),
    findEffect: createFind(deciding),
  }
  const { fallbackOrgId, redisUrl } = options
  const queue: QueueDependencies = {
    store,
    handlers,
    now,
    announce: createAnnounce({ engine, definitions, fallbackOrgId, now }),
    failed: (error, effect) =>
      failed(error, effect ? { effect: effect.id, correlationId: effect.correlationId } : {}),
  }
  const effects = redisUrl ? createRedisQueue({ ...queue, redisUrl, note }) : createInProcessQueue(queue)
  return {
    engine,
    onCommitted: (listener: (batch: CommittedBatch) => void) => void listeners.push(listener),
    /** For effects that need more than the engine; before `start`. */
    handle: (effect: string, handler: EffectHandler) => {
      handlers[effect] = handler
    },
    /** Runs effects that have been stored without a turn. */
    push: effects.push,
    start: () => {
      effects.start()
      timers.start()
    },
    stop: async () => {
      await timers.stop()
      await effects.stop()
    },
    stats: () => ({ engine: engine.stats(), timers: timers.stats(), effects: effects.stats() }),
  }
}

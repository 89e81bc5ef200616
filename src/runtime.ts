import type { AnyActorDefinition } from '../actors/actor.ts'
import { createEngine, type EngineLimits } from '../actors/engine/engine.ts'
import type { CommittedBatch } from '../actors/engine/flight.ts'
import { createTimerScheduler } from '../actors/engine/timers.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import type { Database } from '../persistence/database.ts'
import { createEffectStore } from '../persistence/effects.ts'
import { createTimerStore } from '../persistence/timers.ts'
import type { EffectHandler } from './effects/handler.ts'
import { createTell } from './effects/tell.ts'
import { createInProcessQueue } from './queue/in-process.ts'

type Parts = {
  database: Database
  definitions: readonly AnyActorDefinition[]
  engineLimits: Partial<EngineLimits> | undefined
  timerPollMs: number | undefined
  now: () => number
  failed: (error: unknown, context?: object) => void
}

/** The engine with what feeds it: timers and effects. */
export const createRuntime = ({ database, definitions, now, failed, ...options }: Parts) => {
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
  const handlers: Record<string, EffectHandler> = { tell: createTell(engine, now) }
  const effects = createInProcessQueue({
    store: createEffectStore(database.sql),
    handlers,
    now,
    failed: (error, effect) =>
      failed(error, effect ? { effect: effect.id, correlationId: effect.correlationId } : {}),
  })
  return {
    engine,
    onCommitted: (listener: (batch: CommittedBatch) => void) => void listeners.push(listener),
    /** For effects that need more than the engine; before `start`. */
    handle: (effect: string, handler: EffectHandler) => {
      handlers[effect] = handler
    },
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

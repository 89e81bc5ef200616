import type { DueEffect, EffectStore } from '../../actors/engine/effects.ts'
import type { EffectHandler, EffectOutcome } from '../effects/handler.ts'

/** What became of one attempt. */
export type Ending = 'done' | 'again' | 'retried' | 'dead'

/** An attempt that has come to its end, with the reason when it was not done. */
export type Attempt = { effect: DueEffect; ending: Ending; tookMs: number; reason?: string }

/**
 * Carries out one effect; `fresh` when nobody can have done anything for it before, which matters only where that is
 * looked up. Rejects when the database is away.
 */
export type Run = (effect: DueEffect, fresh: boolean) => Promise<Ending>

export type RunnerDependencies = {
  store: EffectStore
  handlers: Readonly<Record<string, EffectHandler>>
  now: () => number
  bury: (effect: DueEffect, reason: string) => Promise<void>
  /** Hears of every attempt. Must not throw. */
  ended?: ((attempt: Attempt) => void) | undefined
  /** Aborted when this process has no more time: what runs then is cut off, and goes on elsewhere. */
  stopping?: AbortSignal
  /** Somebody has to look at the table after so many milliseconds. */
  dueIn?: (delayMs: number) => void
}

export const createRunner = (deps: RunnerDependencies): Run => {
  const { store, handlers, now, bury, ended = () => {}, stopping = NEVER, dueIn = () => {} } = deps
  const inMs = (delayMs: number) => new Date(now() + delayMs).toISOString()
  const carry = async (effect: DueEffect, fresh: boolean): Promise<Pick<Attempt, 'ending' | 'reason'>> => {
    // There are lanes only for what has a handler.
    const handler = handlers[effect.name]!
    const outcome = await attempt(handler, effect, { fresh, stopping })
    if ('settled' in outcome) return { ending: 'done' }
    if ('againInMs' in outcome) {
      await store.keep([effect], inMs(outcome.againInMs))
      dueIn(outcome.againInMs)
      return { ending: 'again' }
    }
    if ('retry' in outcome) {
      const delayMs = handler.backoffMs(effect.attempts) * (0.5 + Math.random() / 2)
      const begun = !('begun' in outcome)
      const reason = readable(outcome.retry)
      await store.postpone(effect, { nextAt: inMs(delayMs), error: reason, begun })
      dueIn(delayMs)
      return { ending: 'retried', reason }
    }
    const reason = readable(outcome.final)
    await bury(effect, reason)
    return { ending: 'dead', reason }
  }
  return async (effect, fresh) => {
    const startedAt = performance.now()
    const attempted = await carry(effect, fresh)
    ended({ effect, tookMs: performance.now() - startedAt, ...attempted })
    return attempted.ending
  }
}

const NEVER = new AbortController().signal

type Conditions = { fresh: boolean; stopping: AbortSignal }

/** How often a handler may try to say that it has given up, before the effect is a dead letter after all. */
const LAST_WORDS = 10

const attempt = async (
  handler: EffectHandler,
  effect: DueEffect,
  { fresh, stopping }: Conditions,
): Promise<EffectOutcome> => {
  const { exhausted, timeoutMs } = handler
  // Whatever was cut off may still arrive, and gets as much time for that as after a failure.
  const limits = { timeoutMs, stopping, pauseMs: handler.backoffMs(effect.attempts) }
  let reason = 'no attempt is left'
  if (!exhausted || effect.attempts < handler.attempts) {
    const outcome = await guarded(limits, (signal) => tryOnce(handler, effect, fresh, signal))
    if (!('retry' in outcome) || effect.attempts + 1 < handler.attempts) return outcome
    if (!exhausted) return { final: outcome.retry }
    reason = outcome.retry
  }
  const outcome = await guarded(limits, () => exhausted(effect, readable(reason)))
  const isLast = effect.attempts + 1 >= handler.attempts + LAST_WORDS
  return 'retry' in outcome && isLast ? { final: outcome.retry } : outcome
}

const tryOnce = async (handler: EffectHandler, effect: DueEffect, fresh: boolean, signal: AbortSignal) => {
  if (handler.lookUp && !fresh) {
    const found = await handler.lookUp(effect, signal)
    if (found !== 'not_done') return found
    // Somebody who has no time left must not begin: nobody would hear what became of it.
    if (signal.aborted) return { retry: 'timed out' }
  }
  return handler.run(effect, signal)
}

/** What a handler gets to end by itself when its signal has been aborted. Milliseconds. */
const GRACE_MS = 1_000
/** Node takes a longer timeout for none at all. */
const LONGEST_MS = 2 ** 31 - 1

/** What it answers in time; whatever goes wrong is an outcome to retry, but for a stop, which is nobody's fault. */
const guarded = async (
  { timeoutMs, stopping, pauseMs }: { timeoutMs: number; stopping: AbortSignal; pauseMs: number },
  work: (signal: AbortSignal) => Promise<EffectOutcome>,
): Promise<EffectOutcome> => {
  const controller = new AbortController()
  const late = Promise.withResolvers<EffectOutcome>()
  let patience: NodeJS.Timeout | undefined
  const cutOff = (retry: string) => {
    controller.abort(new Error(retry))
    clearTimeout(patience)
    patience = setTimeout(() => late.resolve({ retry }), GRACE_MS)
  }
  const stop = () => cutOff('this process stops')
  stopping.addEventListener('abort', stop)
  if (stopping.aborted) stop()
  else if (timeoutMs <= LONGEST_MS)
    patience = setTimeout(() => cutOff(`took longer than ${timeoutMs} ms`), timeoutMs)
  try {
    const outcome = await Promise.race([work(controller.signal), late.promise])
    return 'retry' in outcome && stopping.aborted ? { againInMs: pauseMs } : outcome
  } catch (error) {
    return stopping.aborted ? { againInMs: pauseMs } : { retry: String(error) }
  } finally {
    clearTimeout(patience)
    stopping.removeEventListener('abort', stop)
  }
}

/** Reasons are stored and sent: PostgreSQL takes no zero character, and nobody reads a novel. */
const readable = (reason: string) => reason.replaceAll('\0', '').slice(0, 500)

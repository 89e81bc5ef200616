import type { DueEffect, EffectStore } from '../../actors/engine/effects.ts'
import type { EffectHandler } from '../effects/handler.ts'

export type EffectQueue = {
  start: () => void
  /** Runs effects that have just been committed on this node. */
  push: (effects: readonly DueEffect[]) => void
  /** Takes nothing more, and waits for what is running. */
  stop: () => Promise<void>
  stats: () => { running: number; waiting: number; done: number; dead: number }
}

type Dependencies = {
  store: EffectStore
  handlers: Readonly<Record<string, EffectHandler>>
  now: () => number
  failed: (error: unknown, effect?: DueEffect) => void
  concurrency?: number
  sweepMs?: number
  /** How long an effect belongs to the node that runs it, unless the node says again that it does. */
  leaseMs?: number
}

/**
 * Runs effects in this process. What it holds in memory may be lost at any moment: a sweep finds the rows that nobody
 * has settled, those of nodes that died among them.
 */
export const createInProcessQueue = (deps: Dependencies): EffectQueue => {
  const { store, handlers, now, failed, concurrency = 256, sweepMs = 1_000, leaseMs = 20_000 } = deps
  const waiting: DueEffect[] = []
  /** By id, when its lease has to be made longer, by this process's own clock; never while it waits. */
  const held = new Map<string, number>()
  const running = new Set<Promise<void>>()
  let sweeper: NodeJS.Timeout | undefined
  let sweeping: Promise<void> | undefined
  let stopped = true
  let done = 0
  let dead = 0

  const push = (effects: readonly DueEffect[]) => {
    for (const effect of effects) {
      if (stopped || held.has(effect.id)) continue
      held.set(effect.id, Infinity)
      waiting.push(effect)
    }
    work()
  }

  const work = () => {
    while (!stopped && running.size < concurrency && waiting.length > 0) {
      const effect = waiting.shift()!
      held.set(effect.id, performance.now() + leaseMs / 10)
      const run = attempt(effect)
        .catch((error: unknown) => failed(error, effect))
        .finally(() => {
          held.delete(effect.id)
          running.delete(run)
          work()
        })
      running.add(run)
    }
  }

  const attempt = async (effect: DueEffect) => {
    const handler = handlers[effect.name]
    if (!handler) return bury(effect, `no handler for '${effect.name}'`)
    const outcome = await handler
      .run(effect, new AbortController().signal)
      .catch((error: unknown) => ({ retry: String(error) }))
    if ('settled' in outcome) {
      done++
      return
    }
    if ('againInMs' in outcome) return store.keep([effect.id], inMs(outcome.againInMs))
    if ('final' in outcome) return bury(effect, outcome.final)
    if (effect.attempts + 1 >= handler.attempts) return bury(effect, outcome.retry)
    const delayMs = handler.backoffMs(effect.attempts) * (0.5 + Math.random() / 2)
    await store.postpone(effect.id, inMs(delayMs), outcome.retry)
  }

  const bury = async (effect: DueEffect, reason: string) => {
    dead++
    failed(new Error(`effect ${effect.id} (${effect.name}) is a dead letter: ${reason}`), effect)
    await store.bury(effect.id, reason)
  }

  const inMs = (delayMs: number) => new Date(now() + delayMs).toISOString()

  /**
   * What takes longer than its lease would otherwise be started on another node as well. The first renewal comes before
   * the lease ends that the commit gave.
   */
  const renewLeases = () => {
    const at = performance.now()
    const due = [...held].filter(([, renewAt]) => renewAt <= at).map(([id]) => id)
    if (due.length === 0) return
    for (const id of due) held.set(id, at + leaseMs / 4)
    store.keep(due, inMs(leaseMs)).catch(failed)
  }

  const sweep = () => {
    if (waiting.length > concurrency) return
    sweeping ??= store
      .claim(new Date(now()).toISOString(), concurrency)
      .then(push)
      .catch(failed)
      .finally(() => {
        sweeping = undefined
      })
  }

  return {
    push,
    start: () => {
      stopped = false
      sweep()
      sweeper = setInterval(() => {
        renewLeases()
        sweep()
      }, sweepMs)
    },
    stop: async () => {
      stopped = true
      clearInterval(sweeper)
      await sweeping
      await Promise.all(running)
    },
    stats: () => ({ running: running.size, waiting: waiting.length, done, dead }),
  }
}

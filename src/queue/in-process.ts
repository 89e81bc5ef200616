import type { DeadEffect, DueEffect, EffectStore } from '../../actors/engine/effects.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { createDeaths, type Deaths } from './deaths.ts'
import { createLanes, type Lanes } from './lanes.ts'
import { createLeases } from './leases.ts'
import type { EffectQueue } from './queue.ts'
import { createRunner, type Attempt } from './runner.ts'
import { createSweeper } from './sweeper.ts'

export type QueueDependencies = {
  store: EffectStore
  handlers: Readonly<Record<string, EffectHandler>>
  now: () => number
  failed: (error: unknown, effect?: DueEffect) => void
  /** Tells everybody whom it concerns that an effect has failed for good. */
  announce?: ((dead: DeadEffect) => Promise<void>) | undefined
  /** Hears of every attempt. Must not throw. */
  ended?: ((attempt: Attempt) => void) | undefined
  /** How often the table is asked for what this process does not know of. */
  sweepMs?: number
  /** How long an effect belongs to the node that runs it, unless the node says again that it does. */
  leaseMs?: number
  /** How long `stop` waits for what runs before it cuts that off. */
  patienceMs?: number
}

/** However soon there is room again, others have the database in between. Milliseconds. */
const PAUSE_MS = 5

/**
 * Runs effects in this process. What it holds in memory may be lost at any moment: a sweep finds the rows that nobody
 * has settled, those of nodes that died among them.
 */
export const createInProcessQueue = (deps: QueueDependencies): EffectQueue => {
  const round = async ({ lanes: all, deaths }: Parts) => {
    await all.claim()
    await deaths.sweep()
  }
  const { lanes, sweeper, stop } = createParts(deps, round, PAUSE_MS)
  return {
    push: (effects) => lanes.push(effects),
    start: () => {
      lanes.start()
      sweeper.start()
    },
    stop,
    stats: () => ({ mode: 'process', lanes: lanes.stats() }),
  }
}

/** What every driver of the queue is made of; they differ in what they do in a round. */
export const createParts = (
  deps: QueueDependencies,
  round: (parts: Parts) => Promise<void>,
  pauseMs: number,
) => {
  const { sweepMs = 1_000, leaseMs = 20_000, patienceMs = 5_000, announce, ...common } = deps
  const { failed } = deps
  const deaths = createDeaths({ ...common, announce })
  const stopping = new AbortController()
  /** What is tried again earlier than the next sweep comes by. */
  const dueIn = (delayMs: number) => {
    if (delayMs < sweepMs) setTimeout(() => sweeper.soon(), delayMs).unref()
  }
  const run = createRunner({ ...common, bury: deaths.bury, stopping: stopping.signal, dueIn })
  const leases = createLeases({ ...common, leaseMs })
  const lanes = createLanes({ ...common, run, leases, leaseMs, hungry: () => sweeper.soon() })
  const sweeper = createSweeper({ round: () => round({ lanes, deaths }), everyMs: sweepMs, pauseMs, failed })
  const stop = async () => {
    const timer = setTimeout(() => stopping.abort(), patienceMs)
    await Promise.all([lanes.stop(), sweeper.stop()])
    clearTimeout(timer)
  }
  return { lanes, sweeper, leases, leaseMs, stop }
}

export type Parts = { lanes: Lanes; deaths: Deaths }

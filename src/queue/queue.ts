import type { DueEffect } from '../../actors/engine/effects.ts'

/** What becomes of effects after their commit: it carries them out, at least once, and never loses one. */
export type EffectQueue = {
  start: () => void
  /** Effects that have just been committed on this node. It may forget them: their rows are found. */
  push: (effects: readonly DueEffect[]) => void
  /** Takes nothing more, and waits for what is running. */
  stop: () => Promise<void>
  stats: () => QueueStats
}

export type QueueStats = {
  /** Who remembers what is to be done: this process, or Redis for all of them, as long as it is there. */
  mode: 'process' | 'redis' | 'redis away'
  lanes: Readonly<Record<string, LaneStats>>
}

/** One kind of effect, on this node. */
export type LaneStats = { running: number; waiting: number; done: number; dead: number; retried: number }

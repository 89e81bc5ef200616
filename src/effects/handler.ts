import type { DueEffect } from '../../actors/engine/effects.ts'

export type EffectOutcome =
  /** The row was deleted in the commit of the turn that took the result. */
  | { settled: true }
  /** Not now: this node is busy or stops. It does not count as an attempt, and any node may go on. */
  | { againInMs: number }
  /** Trying again will not help. */
  | { final: string }
  | { retry: string }

/** How one kind of effect is carried out. It runs at least once; the effect's id is its idempotency key. */
export type EffectHandler = {
  attempts: number
  /** Milliseconds before the attempt after `attempts` failed ones; the queue adds jitter. */
  backoffMs: (attempts: number) => number
  /** A rejection is an outcome to retry. */
  run: (effect: DueEffect) => Promise<EffectOutcome>
}

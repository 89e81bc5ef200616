import type { DueEffect } from '../../actors/engine/effects.ts'

export type EffectOutcome =
  /** The row was deleted in the commit of the turn that took the result. */
  | { settled: true }
  /** Not now: this node is busy or stops. It does not count as an attempt, and any node may go on. */
  | { againInMs: number }
  /** Trying again will not help. */
  | { final: string }
  | { retry: string }
  /** The same, and this attempt has certainly done nothing: nobody has to look up what became of it. */
  | { retry: string; begun: false }

/** How one kind of effect is carried out. It runs at least once; the effect's id is its idempotency key. */
export type EffectHandler = {
  attempts: number
  /** Milliseconds before the attempt after `attempts` failed ones; the queue adds jitter. */
  backoffMs: (attempts: number) => number
  /** How long one attempt may take, in milliseconds; the signal is aborted then, and the attempt has failed. */
  timeoutMs: number
  /** How many of this kind run at once on one node. */
  concurrency: number
  /**
   * For what must not be done twice: asks whether an earlier attempt has done it, before any attempt but the very first.
   * It reports what it finds and settles the effect; `not_done` lets `run` go ahead.
   */
  lookUp?: (effect: DueEffect, signal: AbortSignal) => Promise<EffectOutcome | 'not_done'>
  /** A rejection is an outcome to retry. */
  run: (effect: DueEffect, signal: AbortSignal) => Promise<EffectOutcome>
  /** Instead of a dead letter after the last attempt; it settles the effect by telling the actor. */
  exhausted?: (effect: DueEffect, reason: string) => Promise<EffectOutcome>
}

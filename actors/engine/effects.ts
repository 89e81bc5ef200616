import type { EffectRecord } from './store.ts'

/**
 * An effect that is due: the row, how often it has been tried, and how often somebody has begun with it and may have done
 * something. The last two change when somebody else takes it.
 */
export type DueEffect = Pick<
  EffectRecord,
  'id' | 'actorType' | 'actorId' | 'version' | 'name' | 'params' | 'correlationId'
> & { attempts: number; taken: number }

/** An effect as its holder knows it. Whoever has lost it to somebody else changes nothing of it any more. */
export type HeldEffect = Pick<DueEffect, 'id' | 'attempts' | 'taken'>

/** `first`: nobody else has begun with it, unless it is known to have done nothing. */
export type TakenEffect = DueEffect & { first: boolean }

/** From one instant to another. */
export type Lease = { now: string; until: string }

/** What its row says as long as an effect that was claimed is still the claimer's, and nobody has begun with it. */
export type Claim = { taken: number; until: string }

/** `begun` is false when the attempt has certainly done nothing. */
export type Postponement = { nextAt: string; error: string; begun: boolean }

/** It has failed for good; `deaths` counts how often that has happened. */
export type DeadEffect = DueEffect & { deaths: number; reason: string }

/** For how many more effects there is room, by their name. */
export type Rooms = Readonly<Record<string, number>>

/**
 * The effect table, as the queue needs it. The rows are the truth; what a queue holds are reminders. An effect belongs
 * to whoever took it until the instant that came with the taking; nobody else takes it before.
 */
export type EffectStore = {
  /**
   * Pending effects whose time has come and which nobody has, the oldest of each name, for the memory of a process.
   * Of the names in `takenLater` each is taken once more before somebody begins with it; the others have been taken.
   */
  claim: (lease: Lease, rooms: Rooms, takenLater: readonly string[]) => Promise<DueEffect[]>
  /** The same effects, left as they are: a reminder goes to whoever has time. */
  offer: (now: string, rooms: Rooms) => Promise<Pick<DueEffect, 'id' | 'name'>[]>
  /**
   * Takes one of them, one that its commit has just promised, or one that the caller has claimed; nothing when somebody
   * else has it or it is gone.
   */
  take: (id: string, lease: Lease, claim?: Claim) => Promise<TakenEffect | undefined>
  /** One more failed attempt; the next one is due at `nextAt`. */
  postpone: (effect: HeldEffect, postponement: Postponement) => Promise<void>
  /** They stay with whoever has taken them, or with nobody, until then. Not an attempt. */
  keep: (effects: readonly HeldEffect[], until: string) => Promise<void>
  /** No attempt is left. The caller announces it; after `until` anybody may. */
  bury: (effect: HeldEffect, error: string, until: string) => Promise<DeadEffect | undefined>
  /** Dead effects of which nobody has heard yet; the caller announces them before `until`. */
  unannounced: (now: string, until: string, limit: number) => Promise<DeadEffect[]>
  /** Everybody has heard of this death. */
  announced: (dead: DeadEffect) => Promise<void>
  /** A dead effect is tried again, from now on and as if it were new. */
  revive: (id: string, now: string) => Promise<void>
  /** A dead effect is given up. */
  discard: (id: string) => Promise<void>
  /** Whether it is still to be done, or has failed for good and waits. */
  exists: (id: string) => Promise<boolean>
}

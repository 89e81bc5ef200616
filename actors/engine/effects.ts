import type { EffectRecord } from './store.ts'

/** An effect that is due: the row, and how often it has been tried. */
export type DueEffect = Pick<
  EffectRecord,
  'id' | 'actorType' | 'actorId' | 'version' | 'name' | 'params' | 'correlationId'
> & { attempts: number }

/** `first`: nobody can have begun with it before. */
export type TakenEffect = DueEffect & { first: boolean }

/** It has failed for good; `deaths` counts how often that has happened. */
export type DeadEffect = DueEffect & { deaths: number; reason: string }

/** For how many more effects there is room, by their name. */
export type Rooms = Readonly<Record<string, number>>

/**
 * The effect table, as the queue needs it. The rows are the truth; what a queue holds are reminders. An effect belongs
 * to whoever took it until the instant that came with the taking; nobody else takes it before.
 */
export type EffectStore = {
  /** Takes pending effects whose time has come and which nobody has, the oldest of each name. */
  claim: (now: string, until: string, rooms: Rooms) => Promise<DueEffect[]>
  /** The same effects, without taking them: a reminder goes to whoever has time. */
  offer: (now: string, rooms: Rooms) => Promise<Pick<DueEffect, 'id' | 'name'>[]>
  /** Takes one of them, or one that its commit has just promised; nothing when somebody else has it or it is gone. */
  take: (id: string, now: string, until: string) => Promise<TakenEffect | undefined>
  /** One more failed attempt; the next one is due at `nextAt`. */
  postpone: (id: string, nextAt: string, error: string) => Promise<void>
  /** They stay with whoever has taken them, or with nobody, until then. Not an attempt. */
  keep: (ids: readonly string[], until: string) => Promise<void>
  /** No attempt is left. The caller announces it; after `until` anybody may. */
  bury: (id: string, error: string, until: string) => Promise<DeadEffect | undefined>
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

import type { AnyActorDefinition } from '../actor.ts'

/** The engine's port to the database; `persistence/` supplies it. */
export type ActorStore = {
  /** How many commits may be under way at once. */
  flights: number
  /** Whether other processes may write the same actors, so that a cached snapshot can be out of date. */
  shared: boolean
  load: (definition: AnyActorDefinition, ids: readonly string[]) => Promise<StoredActor[]>
  /**
   * Commits all writes whose base version still holds, in one transaction, and leaves out the others.
   * @returns for each write the position of its first turn's first event, or `undefined` when the actor has moved on.
   * @throws when the database refused the batch as a whole; `classify` says what that means.
   */
  commit: (flight: number, writes: readonly Write[]) => Promise<readonly (number | undefined)[]>
  /** What earlier messages with these ids were answered; `undefined` where there was none. */
  answers: (questions: readonly Question[]) => Promise<readonly (StoredAnswer | undefined)[]>
  classify: (error: unknown) => 'unknown_outcome' | 'duplicate' | 'try_again' | 'poison'
  /** The name of the unique index that stands against a `duplicate`. */
  violated: (error: unknown) => string | undefined
}

/** A timer that is set. `generation` is the version that set it; `event` is there when it is more than the timer's name. */
export type SetTimer = { generation: number; dueAt: string; event?: object }

/** The timers of an actor, by name. */
export type Timers = Readonly<Record<string, SetTimer>>

export type StoredActor = {
  id: string
  version: number
  machine: string
  snapshot: object
  timers: Timers
}

/** Everything that a chain of turns changes of one actor. */
export type Write = {
  definition: AnyActorDefinition
  id: string
  /** The version that must still be stored; 0 for a new actor. */
  base: number
  version: number
  machine: string
  state: string
  snapshot: object
  timers: Timers
  columns: Record<string, unknown>
  turns: readonly TurnRecord[]
  effects: readonly EffectRecord[]
  timersSet: readonly ({ name: string } & SetTimer)[]
  timersCleared: readonly string[]
  /** Ids of effects whose result these turns are. */
  settles: readonly string[]
}

/** One row of the journal. */
export type TurnRecord = {
  version: number
  messageId: string
  messageHash: string | null
  cause: Cause
  type: string
  message: object
  at: string
  by: string | null
  correlationId: string | null
  from: string | null
  to: string
  events: readonly { type: string; data: object }[]
  view: unknown
  allowed: readonly string[]
  topics: readonly string[]
}

export type Cause = 'command' | 'timer' | 'signal'

export type EffectRecord = {
  id: string
  actorType: string
  actorId: string
  version: number
  name: string
  params: unknown
  correlationId: string | null
  at: string
}

export type Question = {
  actorType: string
  actorId: string
  messageId: string
  creation?: { by: string }
}

export type StoredAnswer = {
  actorId: string
  messageHash: string | null
  type: string
  version: number
  state: string
  view: unknown
  allowed: readonly string[]
  position: number
}

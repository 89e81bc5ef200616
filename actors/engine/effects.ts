import type { EffectRecord } from './store.ts'

/** An effect that is due: the row, and how often it has been tried. */
export type DueEffect = Pick<
  EffectRecord,
  'id' | 'actorType' | 'actorId' | 'version' | 'name' | 'params' | 'correlationId'
> & { attempts: number }

/** The effect table, as the queue needs it. The rows are the truth; what a queue holds are reminders. */
export type EffectStore = {
  /** Pending effects whose time has come and whose node has let go of them. */
  claim: (now: string, limit: number) => Promise<DueEffect[]>
  /** One more failed attempt; the next one is due at `nextAt`. */
  postpone: (id: string, nextAt: string, error: string) => Promise<void>
  /** They stay with whoever has claimed them, or with nobody, until then. Not an attempt. */
  keep: (ids: readonly string[], until: string) => Promise<void>
  /** No attempt is left: a dead letter, kept for people. */
  bury: (id: string, error: string) => Promise<void>
}

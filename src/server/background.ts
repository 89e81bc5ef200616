import { achievement } from '../../actors/achievement.ts'
import { createRetention, type Retention } from '../../persistence/retention.ts'
import { createFollower, type Follower } from '../badges/follower.ts'
import { createTellFacts } from '../badges/tell-facts.ts'
import type { Bus } from '../bus.ts'
import type { Runtime } from '../runtime.ts'
import type { Ground } from './ground.ts'
import type { Storage } from './storage.ts'

type Parts = { storage: Storage; runtime: Runtime; bus: Bus }

/** Counts for badges what happens; absent where this node does not work, or has no badges. */
export const followerOf = (
  { definitions, roles, now, newId, failed }: Ground,
  { storage: { journal, cursors }, runtime, bus }: Parts,
): Pick<Follower, 'start' | 'stop'> | undefined => {
  const hasBadges = definitions.some(({ contract }) => contract.actor === achievement.contract.actor)
  if (!hasBadges || !roles.has('worker')) return undefined
  const tell = createTellFacts({ engine: runtime.engine, now, failed })
  const { heard, start, stop } = createFollower({ journal, cursors, tell, newId, failed })
  return {
    // It looks when there is something to see; what nobody tells it of, it finds by itself.
    start: () => {
      runtime.onCommitted(({ writes }) => heard(writes.map(({ write }) => write.definition.contract.actor)))
      bus.onBatch(({ events }) => heard(events.map(({ event }) => event.actor.type)))
      start()
    },
    stop,
  }
}

/** Absent where the journal keeps every turn. Whoever does not work may still be told to trim it. */
export const retentionOf = ({ options, database, now, failed }: Ground): Retention | undefined =>
  options.retention && createRetention({ ...options.retention, sql: database.sql, now, failed })

import { readBacklog } from '../../persistence/backlog.ts'
import { createActivity } from '../activity.ts'
import { uncountedOf } from '../badges/follower.ts'
import { createMetrics } from '../gateway/metrics.ts'
import type { Stats } from '../gateway/readings.ts'
import { createRuntime } from '../runtime.ts'
import type { Ground } from './ground.ts'
import type { Nodes } from './nodes.ts'
import type { Storage } from './storage.ts'

type Parts = {
  storage: Storage
  link: Nodes['link']
  /** Whose operators hear of what belongs to no organisation. */
  fallbackOrgId: string
  stats: () => Stats
}

/** The engine and what feeds it, with the metrics and the log that watch it. */
export const createWatchedEngine = (ground: Ground, { storage, link, fallbackOrgId, stats }: Parts) => {
  const { options, roles, database, definitions, now, failed } = ground
  const activity = createActivity(options.logger)
  const metrics = createMetrics({
    stats,
    backlog: () => readBacklog(database.sql, new Date(now()).toISOString()),
    uncounted: () => uncountedOf(storage.cursors),
    failed,
  })
  const { engineLimits, timerPollMs } = options
  const runtime = createRuntime({
    database,
    definitions,
    engineLimits,
    timerPollMs,
    fallbackOrgId,
    link,
    roles,
    now,
    failed,
    watch: { ...metrics, attempted: activity.attempted },
  })
  return { activity, metrics, runtime }
}

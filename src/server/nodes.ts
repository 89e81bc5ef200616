import { createBus } from '../bus.ts'
import { createPresence } from '../presence.ts'
import { createRedisLink } from '../redis.ts'
import { createSharedLimits } from '../shared-limits.ts'
import type { Ground } from './ground.ts'

export type Nodes = ReturnType<typeof createNodes>

/** What several nodes have in common beside the database; without Redis, each has its own. */
export const createNodes = (
  { options: { redisUrl, logger }, database, newId, failed }: Ground,
  { epoch }: { epoch: string },
) => {
  const link = redisUrl ? createRedisLink(redisUrl, (text) => logger.warn(text)) : undefined
  const place = link && { link, space: `${link.prefix}:${epoch}` }
  return {
    link,
    limits: createSharedLimits(place),
    presence: createPresence(newId(), place),
    bus: createBus({ link, notices: database.notices, epoch, failed }),
  }
}

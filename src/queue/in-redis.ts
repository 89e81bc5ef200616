import { setTimeout as wait } from 'node:timers/promises'
import type { Rooms } from '../../actors/engine/effects.ts'
import { createReminders, type Reminders } from './bull.ts'
import { createParts, type Parts, type QueueDependencies } from './in-process.ts'
import type { Lanes } from './lanes.ts'
import type { Leases } from './leases.ts'
import type { EffectQueue } from './queue.ts'
import type { RedisLink } from '../redis.ts'

type Dependencies = QueueDependencies & {
  link: RedisLink
  /** Whether this node carries out effects, or only reminds others of them; true by default. */
  works?: boolean
}

/** Between two rounds while the table has more than Redis was given. Milliseconds. */
const PAUSE_MS = 50
/** What bull gets to let go. Milliseconds. */
const CLOSING_MS = 2_000

/**
 * Runs effects on whichever node has time: Redis remembers for all of them what is due. It may forget everything or be
 * away: then this process does without, and the sweep finds in the table what Redis does not know of.
 */
export const createRedisQueue = (deps: Dependencies): EffectQueue => {
  const { store, handlers, link, works = true } = deps
  const { lanes, sweeper, leases, leaseMs, stop } = createParts(deps, (parts) => round(parts), PAUSE_MS)
  if (works) link.onChange(() => sweeper.soon())
  const reminders = createReminders({ link, lockMs: leaseMs / 2, remind: lanes.take })
  const offer = createOffers({ store, lanes, leases, leaseMs, reminders })
  let waiting: Readonly<Record<string, number>> = {}
  let stopped = true

  const round = async ({ deaths }: Parts) => {
    const now = await reminders.waiting()
    waiting = now ?? {}
    if (now) await offer(lanes.rooms(now))
    else await lanes.claim()
    await deaths.sweep()
  }

  return {
    start: () => {
      stopped = false
      for (const name in handlers) reminders.open(name, works ? handlers[name]!.concurrency : 0)
      if (!works) return
      lanes.start()
      sweeper.start()
    },
    push: (effects) => {
      if (stopped) return
      for (const effect of effects) {
        if (!handlers[effect.name]) continue
        // What nobody can be reminded of is found in the table by those who work.
        if (!works) void (link.isThere() && reminders.add(effect.name, effect.id).catch(() => {}))
        else if (!link.isThere()) lanes.push([effect])
        // Redis may have it though it does not say so: whoever takes the row is the one.
        else reminders.add(effect.name, effect.id).catch(() => lanes.push([effect], true))
      }
    },
    stop: async () => {
      stopped = true
      const closed = Promise.race([reminders.close(), wait(CLOSING_MS, undefined, { ref: false })])
      await Promise.all([stop(), closed])
    },
    stats: () => ({
      mode: link.isThere() ? 'redis' : 'redis away',
      lanes: Object.fromEntries(
        Object.entries(lanes.stats()).map(([name, lane]) => [
          name,
          { ...lane, waiting: lane.waiting + (waiting[name] ?? 0) },
        ]),
      ),
    }),
  }
}

type Offers = Pick<Dependencies, 'store'> & {
  lanes: Lanes
  leases: Leases
  leaseMs: number
  reminders: Reminders
}

/** Redis gets no more than its workers will have done soon: the table holds as much as there is. */
const createOffers = ({ store, lanes, leases, leaseMs, reminders }: Offers) => {
  /** Since when the effects of the last round have been offered, by this process's own clock. */
  let offered = new Map<string, number>()

  /** Redis may have lost a reminder and kept its name, after which it takes no other for it. */
  const remind = async ({ id, name }: { id: string; name: string }) => {
    if (performance.now() - offered.get(id)! > leaseMs) {
      offered.delete(id)
      await reminders.remove(name, id)
    }
    await reminders.add(name, id)
  }

  return async (rooms: Rooms) => {
    if (Object.keys(rooms).length === 0) return
    const found = await store.offer(leases.lease().now, rooms)
    lanes.filled(rooms, found)
    const earlier = offered
    offered = new Map(found.map(({ id }) => [id, earlier.get(id) ?? performance.now()]))
    // What does not arrive is still due, and found again.
    await Promise.allSettled(found.map(remind))
  }
}

import type { Behind, JournalCursors } from '../../persistence/journal-cursors.ts'
import type { Journal, Routed } from '../../persistence/journal.ts'
import { createSweeper } from '../queue/sweeper.ts'
import { FOLLOWED } from './facts.ts'

export type Follower = {
  /** Actors of these types have had turns, here or elsewhere. */
  heard: (actorTypes: readonly string[]) => void
  start: () => void
  /** Waits for the page in hand; another node goes on at once. */
  stop: () => Promise<void>
}

type Dependencies = {
  journal: Pick<Journal, 'of'>
  cursors: JournalCursors
  /** Says what events say; false when it was told too late to say all of it. */
  tell: (events: readonly Routed[]) => Promise<boolean>
  newId: () => string
  failed: (error: unknown, context?: object) => void
}

const NAME = 'badges'
/** Turns in one page. */
const PAGE = 200
/** How long a node that is gone keeps the others from following. Milliseconds. */
const LEASE_MS = 10_000
/** Between two looks that nobody asked for. Milliseconds. */
const EVERY_MS = 1_000
/** Between two rounds: what is committed together is read together. Milliseconds. */
const PAUSE_MS = 50

/** How much has happened that has not been counted yet. */
export const uncountedOf = (cursors: JournalCursors): Promise<Behind | undefined> => cursors.behind(NAME)

/**
 * Follows the journal from where it was left, and says what happened to whoever counts it. One node at a time does; when
 * it is gone, another one takes over where the cursor stands. What was said and not noted down is said again.
 */
export const createFollower = ({ journal, cursors, tell, newId, failed }: Dependencies): Follower => {
  const lease = { holder: newId(), leaseMs: LEASE_MS }
  let stopped = false

  const round = async () => {
    if (stopped || !(await cursors.isBehind(NAME))) return
    let position = await cursors.take(NAME, lease)
    while (position !== undefined && !stopped) {
      const { events, horizon, complete } = await journal.of(FOLLOWED, position, PAGE)
      if (!(await tell(events)) || !(await cursors.move(NAME, horizon, lease)) || complete) return
      position = horizon
    }
  }

  const sweeper = createSweeper({
    round,
    everyMs: EVERY_MS,
    pauseMs: PAUSE_MS,
    failed: (error) => {
      // It is read again from where it was.
      if (!stopped) failed(error, { following: NAME })
    },
  })

  return {
    heard: (actorTypes) => {
      if (!stopped && actorTypes.some((type) => FOLLOWED.includes(type))) sweeper.soon()
    },
    start: sweeper.start,
    stop: async () => {
      if (stopped) return
      stopped = true
      await sweeper.stop()
      await cursors.release(NAME, lease.holder).catch(() => {}) // It runs out by itself.
    },
  }
}

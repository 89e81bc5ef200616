import type { CommittedBatch } from '../../actors/engine/flight.ts'
import { eventsOfWrite, type Journal, type Routed } from '../../persistence/journal.ts'

export type Delivery = {
  /** Everything up to here has been delivered on this node. */
  position: () => number
  /** Resolves when everything up to a committed position has been delivered on this node. @throws after eight seconds */
  reached: (target: number) => Promise<void>
  start: () => Promise<void>
  /** A batch that this node, or another one, has committed. Order does not matter. */
  committed: (batch: CommittedBatch) => void
  stop: () => Promise<void>
  stats: () => { repairs: number; behind: number }
}

type Dependencies = {
  journal: Journal
  /** Gets every event of the journal once, in position order. Must not throw. */
  deliver: (events: readonly Routed[], position: number) => void
  failed: (error: unknown) => void
  /** How often the journal's head is compared with the position of this node. */
  pollMs?: number
}

/** How long a batch may wait for the one before it until that one is read from the journal. Milliseconds. */
const PATIENCE_MS = 50
const DESPAIR_MS = 4_000
const PAGE_TURNS = 500

/** Brings committed batches into position order, and reads from the journal what never arrived. */
export const createDelivery = ({ journal, deliver, failed, pollMs = 500 }: Dependencies): Delivery => {
  let position = 0
  let head = 0
  let repairs = 0
  const early = new Map<number, { to: number; events: Routed[] }>()
  let repairing: Promise<void> | undefined
  let impatience: NodeJS.Timeout | undefined
  let poll: NodeJS.Timeout | undefined

  const advance = (events: readonly Routed[], to: number) => {
    if (to <= position) return
    const fresh =
      events[0] && events[0].event.position <= position
        ? events.filter(({ event }) => event.position > position)
        : events
    position = to
    deliver(fresh, to)
  }

  const committed = ({ from, to, writes }: CommittedBatch) => {
    if (to <= position) return
    early.set(from, { to, events: writes.flatMap(({ write, from: first }) => eventsOfWrite(write, first)) })
    takeEarly()
    if (early.size > 0) impatience ??= setTimeout(repair, PATIENCE_MS)
  }

  const takeEarly = () => {
    for (let next = early.get(position + 1); next; next = early.get(position + 1)) {
      early.delete(position + 1)
      advance(next.events, next.to)
    }
  }

  const repair = () => {
    clearTimeout(impatience)
    impatience = undefined
    repairing ??= readMissing()
      .catch(failed)
      .finally(() => {
        repairing = undefined
      })
  }

  const readMissing = async () => {
    head = (await journal.head()).position
    takeEarly()
    while (position < head) {
      repairs++
      const page = await journal.behind(position, PAGE_TURNS)
      head = Math.max(head, page.horizon)
      advance(page.events, page.horizon)
      for (const [from, { to }] of early) if (to <= position) early.delete(from)
      takeEarly()
    }
  }

  return {
    position: () => position,
    reached: (target) => until(() => position >= target, repair),
    start: async () => {
      position = (await journal.head()).position
      head = position
      poll = setInterval(repair, pollMs)
    },
    committed,
    stop: async () => {
      clearInterval(poll)
      clearTimeout(impatience)
      await repairing
    },
    stats: () => ({ repairs, behind: Math.max(head - position, 0) }),
  }
}

/** What this node commits arrives within moments; what others commit is read from the journal. */
const until = async (hasArrived: () => boolean, repair: () => void) => {
  for (let waitMs = 1; !hasArrived(); waitMs *= 2) {
    if (waitMs > DESPAIR_MS) throw new Error('events are committed and cannot be delivered')
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    if (waitMs > PATIENCE_MS) repair()
  }
}

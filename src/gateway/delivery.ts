import type { Journal, Routed } from '../../persistence/journal.ts'

export type Delivery = {
  /** Everything up to here has been delivered on this node. */
  position: () => number
  /** Resolves when everything up to a committed position has been delivered on this node. @throws after eight seconds */
  reached: (target: number) => Promise<void>
  start: () => Promise<void>
  /** A batch that this node, or another one, has committed. Order does not matter, nor does repetition. */
  take: (batch: Span) => void
  /** Somebody has committed something: looks into the journal at once. */
  look: () => void
  stop: () => Promise<void>
  stats: () => DeliveryStats
}

export type DeliveryStats = {
  /** Pages read from the journal because something had not arrived. */
  repairs: number
  /** Batches that arrived before the one that they follow, and had to wait for it. */
  gaps: number
  /** Positions that are known to be committed and have not been delivered. */
  behind: number
}

/** All events of the journal from one position to another. */
type Span = { from: number; to: number; events: readonly Routed[] }

type Dependencies = {
  journal: Journal
  /** Gets every event of the journal once, in position order. Must not throw. */
  deliver: (events: readonly Routed[], position: number) => void
  /** What has been delivered is not what the journal says, or not all of it: whoever listens has to start again. */
  startOver: () => void
  failed: (error: unknown) => void
  /** How often the journal's head is compared with the position of this node. */
  pollMs?: number
}

/** How long a batch may wait for the one before it until that one is read from the journal. Milliseconds. */
const PATIENCE_MS = 50
const DESPAIR_MS = 4_000
const PAGE_TURNS = 500
/** More events than this do not wait for the ones before them: they are read from the journal, too. */
const MOST_EARLY = 20_000

/** Brings committed batches into position order, and reads from the journal what never arrived. */
export const createDelivery = ({
  journal,
  deliver,
  startOver,
  failed,
  pollMs = 500,
}: Dependencies): Delivery => {
  let position = 0
  let head = 0
  let repairs = 0
  let gaps = 0
  const early = new Map<number, Span>()
  let earlyEvents = 0
  let repairing: Promise<void> | undefined
  let calledAgain = false
  let impatience: NodeJS.Timeout | undefined
  let poll: NodeJS.Timeout | undefined
  let stopped = true

  const advance = (events: readonly Routed[], to: number) => {
    if (to <= position) return
    const fresh =
      events[0] && events[0].event.position <= position
        ? events.filter(({ event }) => event.position > position)
        : events
    position = to
    head = Math.max(head, to)
    try {
      deliver(fresh, to)
    } catch (error) {
      // Some have it and some do not, and the next time would be no better.
      failed(error)
      startOver()
    }
  }

  /** A standby that has taken over did not have the last commits of its primary: positions are given out once more. */
  const goBack = (to: number) => {
    failed(new Error(`the journal ends at ${to}, and ${position} had been delivered: commits have been lost`))
    position = to
    head = to
    early.clear()
    earlyEvents = 0
    startOver()
  }

  const take = (span: Span) => {
    const { from, to, events } = span
    head = Math.max(head, to)
    if (stopped || to <= position) return
    if (from <= position + 1) {
      advance(events, to)
      takeEarly()
    } else if (!early.has(from)) {
      gaps++
      if (earlyEvents + events.length > MOST_EARLY) return
      early.set(from, span)
      earlyEvents += events.length
    }
    if (early.size > 0) beImpatient()
  }

  /** What has waited long enough waits for something that is lost. */
  const beImpatient = () => {
    impatience ??= setTimeout(look, PATIENCE_MS)
  }

  const takeEarly = () => {
    for (let next = early.get(position + 1); next; next = early.get(position + 1)) {
      drop(position + 1, next)
      advance(next.events, next.to)
    }
  }

  const drop = (from: number, { events }: Span) => {
    early.delete(from)
    earlyEvents -= events.length
  }

  const look = () => {
    clearTimeout(impatience)
    impatience = undefined
    if (stopped) return
    if (repairing) {
      calledAgain = true
      return
    }
    calledAgain = false
    repairing = readMissing().then(
      () => {
        repairing = undefined
        if (calledAgain) look()
        else if (early.size > 0) beImpatient()
      },
      (error: unknown) => {
        // The database is away; the next poll asks again.
        repairing = undefined
        failed(error)
      },
    )
  }

  const readMissing = async () => {
    const delivered = position
    const present = (await journal.head()).position
    if (present < delivered) goBack(present)
    head = Math.max(head, present)
    while (position < head && !stopped) {
      repairs++
      const page = await journal.behind(position, PAGE_TURNS)
      // What was announced and then lost will not come.
      const isEnd = page.complete && page.horizon <= position
      head = isEnd ? position : Math.max(head, page.horizon)
      advance(page.events, page.horizon)
      for (const [from, span] of early) if (span.to <= position) drop(from, span)
      takeEarly()
    }
  }

  return {
    position: () => position,
    reached: (target) => until(() => position >= target, look),
    start: async () => {
      position = (await journal.head()).position
      head = position
      stopped = false
      poll = setInterval(look, pollMs)
    },
    take,
    look,
    stop: async () => {
      stopped = true
      clearInterval(poll)
      clearTimeout(impatience)
      await repairing
    },
    stats: () => ({ repairs, gaps, behind: Math.max(head - position, 0) }),
  }
}

/** What this node commits arrives within moments; what others commit is read from the journal. */
const until = async (hasArrived: () => boolean, look: () => void) => {
  for (let waitMs = 1; !hasArrived(); waitMs *= 2) {
    if (waitMs > DESPAIR_MS) throw new Error('events are committed and cannot be delivered')
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    if (waitMs > PATIENCE_MS) look()
  }
}

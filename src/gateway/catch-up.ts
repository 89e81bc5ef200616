import type { AnyActorDefinition } from '../../actors/actor.ts'
import type { Journal, Page } from '../../persistence/journal.ts'
import type { CatchingUp } from './channels.ts'
import type { Sender } from './sender.ts'
import { untilDrained } from './slow-clients.ts'
import type { Subscriber } from './subscriptions.ts'

/** A replay of more events than this is refused: a snapshot is cheaper for both sides. */
const MAX_BACKLOG = 10_000
const PAGE_TURNS = 200

/** What has been begun cannot go on: the topic was closed to the subscriber, or what comes next has left the journal. */
export class Broken extends Error {
  readonly reason: 'forbidden' | 'resync_required'

  constructor(reason: Broken['reason']) {
    super(reason)
    this.reason = reason
  }
}

type Dependencies = {
  journal: Journal
  reached: (position: number) => Promise<void>
  definitions: readonly AnyActorDefinition[]
  limited: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** @throws Broken when the subscriber may not see one of these topics any more */
  mustWatch: (subscriber: Subscriber, topics: readonly string[]) => Promise<void>
}

type Reading = { subscriber: Subscriber; topics: string[]; sender: Sender; catchingUp: CatchingUp }

/** Reads from the journal what a subscriber has missed, until the live events that wait follow it without a hole. */
export const createCatchUp = ({ journal, reached, definitions, limited, mustWatch }: Dependencies) => {
  const types = new Set(definitions.map(({ contract }) => contract.actor))
  /** Narrows what is read of the journal where that is easy. */
  const actorType: string | null = types.size === 1 ? definitions[0]!.contract.actor : null
  const changingAudience = new Set(definitions.flatMap(({ changesAudience = [] }) => changesAudience))
  let reads = 0

  const read = (topics: readonly string[], after: number) => {
    reads++
    return journal.replay({ topics, after, actorType }, PAGE_TURNS)
  }

  /** What waits may have happened after permission was lost, and may grow too large while that is asked. */
  const untilReady = async (reading: Reading): Promise<void> => {
    const { subscriber, topics, catchingUp } = reading
    do {
      if (catchingUp.overflowed) await readOn(reading)
      if (catchingUp.buffer.length > 0) await limited(() => mustWatch(subscriber, topics))
    } while (catchingUp.overflowed)
  }

  /** Sends pages of the journal until nothing is between them and the live events that wait; `page` is the first one. */
  const readOn = async (job: Reading & { page?: Page; goesOn?: boolean }): Promise<void> => {
    const { subscriber, topics, sender, catchingUp, goesOn = true } = job
    for (let first = job.page; ; first = undefined) {
      const known = first
      // A slow client holds no place in the line while it reads.
      const page = await limited(async () => {
        // Also before the first one: there may have been a long line.
        await mustWatch(subscriber, topics)
        return known ?? readAgain(topics, sender.upTo())
      })
      if (!goesOn && isAnothersPast(page, topics)) throw new Broken('resync_required')
      const carried = page.events.filter(({ event }) => types.has(event.actor.type))
      sender.send(carried, page.horizon)
      if (!subscriber.socket.connected) return
      await untilDrained(subscriber.socket)
      if (!page.complete) continue
      // The journal may be ahead of this node, which would then send live what has been read.
      await reached(page.horizon)
      if (!catchingUp.overflowed) return
      catchingUp.overflowed = false
      catchingUp.buffer = []
    }
  }

  /** Who may see an actor now need not have been allowed to before one of these: it was a draft, say, or hidden. */
  const isAnothersPast = ({ events }: Page, topics: readonly string[]) =>
    events.some(
      ({ event: { type, actor } }) =>
        changingAudience.has(type) && topics.includes(`${actor.type}:${actor.id}`),
    )

  /** Time has passed since the journal was long enough. */
  const readAgain = async (topics: readonly string[], after: number) => {
    const page = await read(topics, after)
    if (after < page.head.floor) throw new Broken('resync_required')
    return page
  }

  return {
    first: read,
    isTooLong: async (topics: readonly string[], after: number) =>
      (await journal.backlog({ topics, after, actorType }, MAX_BACKLOG)) > MAX_BACKLOG,
    isAnothersPast,
    readOn,
    untilReady,
    reads: () => reads,
  }
}

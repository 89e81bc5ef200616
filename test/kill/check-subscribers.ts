import { isDeepStrictEqual } from 'node:util'
import { ordered } from './check-image.ts'
import { sizeOf, type History, type Turn } from './history.ts'
import type { Violated } from './rules.ts'
import type { Cursor, Subscriber } from './subscriber.ts'

/** How far each cursor's events have been compared. */
export type Compared = Map<Cursor, { events: number; position: number }>

/**
 * Every subscriber has been told exactly the journal's events of its topics behind its first position, up to its
 * cursor: each once, in order, with the content that is stored.
 */
export const checkSubscribers = (
  history: History,
  subscribers: readonly Subscriber[],
  compared: Compared,
  violated: Violated,
): void => {
  for (const subscriber of subscribers)
    for (const cursor of subscriber.cursors.values()) {
      const place = `${subscriber.name} on ${cursor.topic}`
      const expected = eventsOf(history, cursor.topic, subscriber.actorType)
      checkEvents(cursor, expected, compared, (what) => violated(`${place} ${what}`, 'exactly-the-events'))
      if (cursor.gaps > 0)
        violated(`${place} was sent events that did not follow, ${cursor.gaps} times`, 'exactly-the-events')
      if (cursor.duplicates > 0)
        violated(
          `${place} was sent ${cursor.duplicates} events twice, first ${cursor.firstDuplicate}`,
          'exactly-the-events',
        )
    }
}

const checkEvents = (
  cursor: Cursor,
  expected: readonly Turn[],
  compared: Compared,
  violated: (what: string) => void,
) => {
  const done = compared.get(cursor) ?? { events: 0, position: cursor.first }
  let at = done.events
  for (const event of eventsBetween(expected, done.position, cursor.last)) {
    const frame = cursor.applied[at++]
    if (!frame) return violated(`was not sent ${JSON.stringify(event)}; its cursor is ${cursor.last}`)
    const { position, id, type, version, state, at: when, data, view, actor } = frame
    const got = { position, id, type, version, state, at: when, data, view, actor }
    if (!isDeepStrictEqual(got, event))
      return violated(`was sent ${JSON.stringify(got)} and not ${JSON.stringify(event)}`)
  }
  if (at < cursor.applied.length) violated(`was sent ${cursor.applied[at]!.id}, which is not in the journal`)
  compared.set(cursor, { events: at, position: cursor.last })
}

/** Everything that a topic will ever be told has arrived. */
export const hasArrived = (history: History, { cursors, actorType }: Subscriber): boolean =>
  [...cursors.values()].every(({ topic, last }) => {
    const turn = eventsOf(history, topic, actorType).findLast(({ events }) => events.length > 0)
    return !turn || turn.position <= last
  })

/** The snapshot that a subscriber began with is what the journal said at that position. */
export const checkSnapshot = (
  history: History,
  { actorType }: Subscriber,
  cursor: Cursor,
  violated: Violated,
) => {
  const { topic, first, snapshot } = cursor
  const newest = new Map<string, Turn>()
  for (const turn of eventsOf(history, topic, actorType))
    if (turn.position <= first) newest.set(turn.actorId, turn)
  const told = snapshot.snapshot.map(({ actor: { type, id }, ...rest }) => ({ type, id, ...rest }))
  const expected = [...newest.values()].map(({ actorType: type, actorId: id, version, to: state, view }) => {
    return { type, id, version, state, view }
  })
  const comparable = (list: { type: string; id: string; view: unknown }[]) =>
    list
      .map((entry) => ({ ...entry, view: ordered(entry.view) }))
      .toSorted((one, other) => (`${one.type}${one.id}` < `${other.type}${other.id}` ? -1 : 1))
  if (snapshot.truncated || !isDeepStrictEqual(comparable(told), comparable(expected)))
    violated(`the snapshot of ${topic} at ${first} is not what the journal says`, 'snapshots-agree')
}

const eventsOf = (history: History, topic: string, actorType: string | null) => {
  const turns = history.ofTopic(topic)
  return actorType === null ? turns : turns.filter((turn) => turn.actorType === actorType)
}

const eventsBetween = (turns: readonly Turn[], after: number, upTo: number) =>
  turns
    .filter(({ position }) => position > after)
    .flatMap((turn) =>
      turn.events.map(({ type, data }, index) => ({
        position: turn.position - sizeOf(turn) + 1 + index,
        id: `${turn.actorType}:${turn.actorId}@${turn.version}`,
        type,
        version: turn.version,
        state: turn.to,
        at: turn.at,
        data,
        view: turn.view,
        actor: { type: turn.actorType, id: turn.actorId },
      })),
    )
    .filter(({ position }) => position > after && position <= upTo)

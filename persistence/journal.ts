import type { Read } from '../actors/ports.ts'
import type { LiveEvent } from '../contracts/protocol.ts'
import type { Cause, TurnRecord, Write } from '../actors/engine/store.ts'
import { instant, type Query, type Sql, type Statement } from './sql.ts'

export type Head = { position: number; floor: number; epoch: string }

/** An event with the topics that it belongs to, which subscribers never see. */
export type Routed = { event: LiveEvent; topics: readonly string[] }

/** A page of the journal: all that was asked for up to `horizon`, and the head as it was at that instant. */
export type Page = { events: Routed[]; horizon: number; complete: boolean; head: Head }

export type Journal = {
  head: () => Promise<Head>
  /** All events behind a position, oldest first: how a node fills a gap. At most `limit` turns. */
  behind: (after: number, limit: number) => Promise<Page>
  /** The events of some types of actors behind a position, oldest first. At most `limit` turns. */
  of: (actorTypes: readonly string[], after: number, limit: number) => Promise<Page>
  /** The events of some topics behind a position. `actorType` narrows to one kind of actor. */
  replay: (request: ReplayRequest, limit: number) => Promise<Page>
  /** How many events a replay would send; counts no further than `most`. */
  backlog: (request: ReplayRequest, most: number) => Promise<number>
  history: Read['history']
}

export type ReplayRequest = { topics: readonly string[]; after: number; actorType: string | null }

export const createJournal = (sql: Sql): Journal => {
  const pageOf = async (
    statement: Statement,
    values: readonly unknown[],
    limit: number,
    after: number,
  ): Promise<Page> => {
    // One statement sees one instant. Without any turn there is still the head's row.
    const found = await sql.query<HeadRow & (Row | NoRow)>(statement, [...values, limit])
    const head = headOf(found[0]!)
    const rows = found.filter((row) => row.position !== null)
    const complete = rows.length < limit
    return {
      events: rows
        .flatMap((row) => eventsOfTurn(turnOfRow(row)))
        .filter(({ event }) => event.position > after),
      horizon: complete ? head.position : Number(rows.at(-1)!.position),
      complete,
      head,
    }
  }
  return {
    head: () => readHead(sql.query),
    behind: (after, limit) => pageOf(BEHIND, [after], limit, after),
    of: (actorTypes, after, limit) => pageOf(OF_TYPES, [after, actorTypes], limit, after),
    replay: ({ topics, after, actorType }, limit) => pageOf(REPLAY, [topics, after, actorType], limit, after),
    backlog: async ({ topics, after, actorType }, most) => {
      const [row] = await sql.query<{ events: string | number }>(BACKLOG, [topics, after, actorType, most])
      return Number(row!.events)
    },
    history: async ({ type, id }, afterVersion, limit) => {
      const rows = await sql.query<Row>(HISTORY, [id, type, afterVersion, limit])
      return rows.map((row) => ({
        position: Number(row.position),
        version: row.version,
        type: readableName(row.type),
        cause: row.cause,
        at: instant(row.at),
        by: row.by,
        from: row.from,
        to: row.to,
        events: row.events,
      }))
    },
  }
}

type Row = Pick<
  TurnRecord,
  'version' | 'cause' | 'type' | 'by' | 'from' | 'to' | 'events' | 'view' | 'topics'
> & {
  position: string | number
  actorType: string
  actorId: string
  at: string
}

type NoRow = { position: null }

const COLUMNS = `position, actor_type as "actorType", actor_id as "actorId", version, cause, type, at, by,
  from_state as "from", to_state as "to", events, view, topics`

/** The head, and beside it the turns that match, oldest first. */
const pageText = (matching: string, limit: string) => `
select head.position as head, head.floor, head.epoch, turn.* from journal_head as head
left join lateral (
  select ${COLUMNS} from journal where ${matching} order by position limit ${limit}
) as turn on true order by turn.position`

const BEHIND: Statement = { name: 'journal_behind', text: pageText('position > $1', '$2') }

const OF_TYPES: Statement = {
  name: 'journal_of_types',
  text: pageText('position > $1 and actor_type = any($2::text[])', '$3'),
}

const MATCHING = `topics && $1::text[] and position > $2 and ($3::text is null or actor_type = $3)`

const REPLAY: Statement = { name: 'journal_replay', text: pageText(MATCHING, '$4') }

const BACKLOG: Statement = {
  name: 'journal_backlog',
  text: `select coalesce(sum(jsonb_array_length(events)), 0) as events
  from (select events from journal where ${MATCHING} order by position limit $4 + 1) as behind`,
}

const HISTORY: Statement = {
  name: 'journal_history',
  text: `select ${COLUMNS} from journal where actor_id = $1 and actor_type = $2 and version > $3 order by version limit $4`,
}

const HEAD: Statement = {
  name: 'journal_head',
  text: 'select position as head, floor, epoch from journal_head',
}

/** The last position that was given out, in the snapshot of `query`. */
export const readHead = async (query: Query): Promise<Head> => headOf((await query<HeadRow>(HEAD))[0]!)

type HeadRow = { head: string | number; floor: string | number; epoch: string }

const headOf = ({ head, floor, epoch }: HeadRow): Head => ({
  position: Number(head),
  floor: Number(floor),
  epoch,
})

type RecordedTurn = {
  actorType: string
  actorId: string
  version: number
  /** Of the last event. */
  position: number
  cause: Cause
  type: string
  at: string
  state: string
  events: TurnRecord['events']
  view: unknown
  topics: readonly string[]
}

const turnOfRow = ({ position, at, to, ...row }: Row): RecordedTurn => ({
  ...row,
  position: Number(position),
  at: instant(at),
  state: to,
})

/** The same events as subscribers would read from the journal, straight from a commit. */
export const eventsOfWrite = ({ definition, id, turns }: Write, from: number): Routed[] => {
  let position = from - 1
  return turns.flatMap((turn) => {
    position += Math.max(turn.events.length, 1)
    return eventsOfTurn({
      ...turn,
      actorType: definition.contract.actor,
      actorId: id,
      position,
      state: turn.to,
    })
  })
}

const eventsOfTurn = (turn: RecordedTurn): Routed[] =>
  turn.events.map(({ type, data }, index) => ({
    topics: turn.topics,
    event: {
      position: turn.position - turn.events.length + 1 + index,
      id: `${turn.actorType}:${turn.actorId}@${turn.version}`,
      type,
      actor: { type: turn.actorType, id: turn.actorId },
      version: turn.version,
      state: turn.state,
      at: turn.at,
      data,
      view: turn.view,
      cause: causeOf(turn),
    },
  }))

const causeOf = ({ cause, type }: RecordedTurn): LiveEvent['cause'] => {
  if (cause === 'timer') return { timer: readableName(type) }
  return cause === 'signal' ? { signal: type } : { command: type }
}

/** `xstate.after.expiry.certification@1.valid` → `expiry`. */
export const readableName = (type: string) => /^xstate\.after\.([^.]+)\./.exec(type)?.[1] ?? type

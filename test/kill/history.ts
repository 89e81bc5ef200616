import type { Timers } from '../../actors/engine/store.ts'
import type { Database } from '../../persistence/database.ts'
import { instant, type Query } from '../../persistence/sql.ts'
import type { Violated } from './rules.ts'

/** One row of the journal, as it is stored. */
export type Turn = {
  position: number
  actorType: string
  actorId: string
  version: number
  messageId: string
  cause: 'command' | 'timer' | 'signal'
  type: string
  at: string
  recordedAt: string
  from: string | null
  to: string
  events: { type: string; data: object }[]
  view: object
  allowed: string[]
  topics: string[]
}

export type ActorRow = {
  actorType: string
  id: string
  version: number
  machine: string
  state: string
  snapshot: { value: unknown; context: object }
  timers: Timers
}

/** `freeAt`: when another server may take it from the one that has died. */
type TimerRow = { actorId: string; name: string; generation: number; dueAt: string; freeAt: string }
type EffectRow = { id: string; status: string; attempts: number; freeAt: string; lastError: string | null }

/** What one look at the database found. */
export type Image = {
  /** By the database's clock. */
  takenAt: string
  head: { position: number; floor: number; epoch: string }
  actors: ActorRow[]
  timers: TimerRow[]
  effects: EffectRow[]
}

/** The journal, read piece by piece, and everything that can be looked up in it. */
export type History = {
  turns: readonly Turn[]
  /** By `<actor> <message id>`. */
  byMessage: ReadonlyMap<string, Turn>
  ofActor: (id: string) => readonly Turn[]
  ofTopic: (topic: string) => readonly Turn[]
  /** Takes in what is new, and holds it to the rules that each row has to keep. */
  read: (database: Database) => Promise<Image>
}

/** @param violated hears of every row that breaks a rule */
export const createHistory = (violated: Violated): History => {
  const turns: Turn[] = []
  const byMessage = new Map<string, Turn>()
  const actors = new Map<string, Turn[]>()
  const topics = new Map<string, Turn[]>()

  const take = (turn: Turn) => {
    const place = `${turn.actorType}:${turn.actorId}@${turn.version}`
    const last = turns.at(-1)?.position ?? 0
    if (turn.position !== last + sizeOf(turn))
      violated(
        `${place} has position ${turn.position} and ${turn.events.length} events after ${last}, which is ${readable(turns.at(-1))}`,
        'positions-dense',
      )
    const before = listIn(actors, turn.actorId).at(-1)
    if (turn.version !== (before?.version ?? 0) + 1)
      violated(
        `${place} follows version ${before?.version ?? 0} in the journal: ${readable(before)}`,
        'versions-dense',
      )
    if (turn.from !== (before?.to ?? null))
      violated(`${place} leaves ${turn.from} and not ${before?.to}`, 'versions-dense')
    const key = `${turn.actorId} ${onceOnly(turn)}`
    const earlier = byMessage.get(key)
    if (earlier)
      violated(
        `${place} applies message ${turn.messageId} for the second time: ${readable(turn)}; ${readable(earlier)}`,
        turn.cause === 'timer' ? 'timers-once' : turn.cause === 'signal' ? 'effects-once' : 'acked-once',
      )
    byMessage.set(key, turn)
    turns.push(turn)
    listIn(actors, turn.actorId).push(turn)
    for (const topic of turn.topics) listIn(topics, topic).push(turn)
  }

  return {
    turns,
    byMessage,
    ofActor: (id) => actors.get(id) ?? [],
    ofTopic: (topic) => topics.get(topic) ?? [],
    read: ({ sql }) =>
      sql.consistently(async (query) => {
        const last = turns.at(-1)?.position ?? 0
        for (const turn of await readTurns(query, last)) take(turn)
        return readImage(query)
      }),
  }
}

/** A timer is the same whatever its message says besides. */
const onceOnly = ({ cause, messageId }: Turn) =>
  cause === 'timer' ? messageId.split(':').slice(0, 3).join(':') : messageId

const readable = (value: unknown) => JSON.stringify(value)?.slice(0, 1_000)

/** Drivers differ in how they print large numbers. */
type Stored<Row, Numbers extends keyof Row> = Omit<Row, Numbers> & Record<Numbers, number | string>

/** How many positions a turn takes. */
export const sizeOf = ({ events }: Pick<Turn, 'events'>): number => Math.max(events.length, 1)

export const readTurns = async (query: Query, after: number): Promise<Turn[]> => {
  const rows = await query<Stored<Turn, 'position'>>(
    {
      name: 'kill_turns',
      text: `select position, actor_type as "actorType", actor_id as "actorId", version, message_id as "messageId", cause,
        type, at, recorded_at as "recordedAt", from_state as "from", to_state as "to", events, view, allowed, topics
        from journal where position > $1 order by position`,
    },
    [after],
  )
  return rows.map((row) => ({
    ...row,
    position: Number(row.position),
    at: instant(row.at),
    recordedAt: instant(row.recordedAt),
  }))
}

const readImage = async (query: Query): Promise<Image> => {
  const read = <Row>(name: string, text: string) => query<Row>({ name: `kill_${name}`, text })
  const columns = 'id, version, machine, state, snapshot, timers'
  const actors = await read<ActorRow>(
    'actors',
    `select 'certification' as "actorType", ${columns} from certification
    union all select 'mentor', ${columns} from mentor`,
  )
  const timers = await read<TimerRow>(
    'timers',
    `select actor_id as "actorId", name, generation, due_at as "dueAt",
      greatest(due_at, claimed_until) as "freeAt" from timer where actor_type in ('certification', 'mentor')`,
  )
  const effects = await read<EffectRow>(
    'effects',
    `select id, status, attempts, next_at as "freeAt", last_error as "lastError" from effect`,
  )
  const [head] = await read<Stored<Image['head'], 'position' | 'floor'>>(
    'head',
    'select position, floor, epoch from journal_head',
  )
  const [clock] = await read<{ now: string }>('clock', 'select clock_timestamp() as now')
  return {
    takenAt: instant(clock!.now),
    head: { position: Number(head!.position), floor: Number(head!.floor), epoch: head!.epoch },
    actors,
    timers: timers.map((timer) => ({ ...timer, dueAt: instant(timer.dueAt), freeAt: instant(timer.freeAt) })),
    effects: effects.map((effect) => ({ ...effect, freeAt: instant(effect.freeAt) })),
  }
}

const listIn = <Item>(lists: Map<string, Item[]>, key: string): Item[] => {
  let list = lists.get(key)
  if (!list) {
    list = []
    lists.set(key, list)
  }
  return list
}

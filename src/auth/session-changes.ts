import { setTimeout as sleep } from 'node:timers/promises'
import type { EntityManager } from '@mikro-orm/postgresql'
import type { Role } from '../../actors/actor.ts'
import type { Database } from '../../persistence/database.ts'
import { SessionChange, type EndReason } from '../../persistence/identity.ts'
import type { Statement } from '../../persistence/sql.ts'

export type SessionEnded = { userId: string; sessionId: string; reason: EndReason }
export type RolesChanged = { userId: string; roles: readonly Role[] }

type Change = ({ kind: 'ended' } & SessionEnded) | ({ kind: 'roles' } & RolesChanged)
type Listener = (change: Change) => void

/** Writes a change into the running transaction. */
export type RecordChange = (change: Change) => Promise<void>

/** Tells open sockets of every node what happened to sign-ins on any of them. */
export type SessionChanges = {
  /** A transaction; the changes that it recorded are announced here when it has committed. */
  transaction: <Result>(work: (em: EntityManager, record: RecordChange) => Promise<Result>) => Promise<Result>
  /** Calls `listener` once for each change, of this node at once and of others within about a second. */
  subscribe: (listener: Listener) => () => void
  /** Looks for changes of other nodes now. */
  poll: () => Promise<void>
  /** The same as soon as possible, for those who have been told that there is something. */
  look: () => void
  /** Calls `listener` when this node has committed changes that others will want to know. */
  onRecorded: (listener: () => void) => void
  /** When the last look at the other nodes' changes began; milliseconds. */
  polledAt: () => number
  start: (report: (error: unknown) => void) => void
  stop: () => Promise<void>
}

export const POLL_MS = 500

/** Longer than any transaction may idle, so a change that was written early and committed late is still seen. */
const WINDOW_MS = 60_000

export const createSessionChanges = (database: Database, now: () => number): SessionChanges => {
  const listeners = new Set<Listener>()
  const recordedListeners: (() => void)[] = []
  const announce = createAnnouncer(listeners, now)
  let polledAt = Number.NEGATIVE_INFINITY

  const poll = async () => {
    const begunAt = now()
    // After an outage the look goes back to before it.
    const sinceLast = Number.isFinite(polledAt) ? Math.max(0, begunAt - polledAt) : 0
    const rows = await database.sql.query<ChangeRow>(RECENT, [(WINDOW_MS + sinceLast) / 1000])
    for (const row of rows) announce(Number(row.seq), changeOf(row))
    polledAt = begunAt
  }

  return {
    transaction: async (work) => {
      const recorded: { seq: number; change: Change }[] = []
      const result = await database.transaction((em) =>
        work(em, async (change) => {
          recorded.push({ seq: Number(await em.insert(SessionChange, rowOf(change))), change })
        }),
      )
      for (const { seq, change } of recorded) announce(seq, change)
      if (recorded.length > 0) for (const listener of recordedListeners) listener()
      return result
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    poll,
    onRecorded: (listener) => void recordedListeners.push(listener),
    polledAt: () => polledAt,
    ...every(POLL_MS, poll),
  }
}

/** Passes each change on once, however often it is seen. */
const createAnnouncer = (listeners: ReadonlySet<Listener>, now: () => number) => {
  const seenAt = new Map<number, number>()
  return (seq: number, change: Change) => {
    const known = seenAt.has(seq)
    // Seen again is seen later: what stays in the window stays in the map.
    seenAt.delete(seq)
    seenAt.set(seq, now())
    if (known) return
    for (const [old, at] of seenAt) {
      if (at >= now() - 10 * WINDOW_MS) break
      seenAt.delete(old)
    }
    for (const listener of listeners) listener(change)
  }
}

const every = (
  intervalMs: number,
  task: () => Promise<void>,
): Pick<SessionChanges, 'start' | 'stop' | 'look'> => {
  let running: { stop: AbortController; done: Promise<void> } | undefined
  let bell = Promise.withResolvers<void>()
  const loop = async (signal: AbortSignal, report: (error: unknown) => void) => {
    while (!signal.aborted) {
      bell = Promise.withResolvers()
      await task().catch(report)
      const pause = sleep(intervalMs, undefined, { signal, ref: false }).catch(() => {})
      // Whoever rang during the look is heard as well.
      await Promise.race([pause, bell.promise])
    }
  }
  return {
    look: () => bell.resolve(),
    start: (report) => {
      const stop = new AbortController()
      running ??= { stop, done: loop(stop.signal, report) }
    },
    stop: async () => {
      running?.stop.abort()
      await running?.done
      running = undefined
    },
  }
}

type ChangeRow = {
  seq: number | string
  userId: string
  sessionId: string | null
  reason: EndReason | null
  roles: readonly Role[] | null
}

const RECENT: Statement = {
  name: 'session-changes',
  text: `select seq, user_id as "userId", session_id as "sessionId", reason, roles from session_change
    where at > clock_timestamp() - make_interval(secs => $1) order by seq`,
}

const changeOf = ({ userId, sessionId, reason, roles }: ChangeRow): Change =>
  sessionId && reason
    ? { kind: 'ended', userId, sessionId, reason }
    : { kind: 'roles', userId, roles: roles ?? [] }

const rowOf = (change: Change) =>
  change.kind === 'ended'
    ? { userId: change.userId, sessionId: change.sessionId, reason: change.reason }
    : { userId: change.userId, roles: change.roles }

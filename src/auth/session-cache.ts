import type { Principal } from '../../actors/actor.ts'
import type { Database } from '../../persistence/database.ts'
import type { Statement } from '../../persistence/sql.ts'
import { POLL_MS, type SessionChanges } from './session-changes.ts'

/** However well the news flows, the database is asked again after this time. */
const RECHECK_MS = 60_000
/** While no news arrives, an answer is good for as long as the news may take. */
const ALONE_MS = POLL_MS
const MOST_ENTRIES = 10_000

type Entry = {
  readAt: number
  /** Known when the answer has arrived. */
  userId?: string
  principal: Promise<Principal | undefined>
}

/**
 * Who a session speaks for, with the roles of now and not of when the token was made; `undefined` when it has ended.
 * Answers are kept until a change is announced, so that no command waits for the database.
 */
export const createSessionCache = (
  database: Database,
  changes: SessionChanges,
  now: () => number,
): ((sessionId: string) => Promise<Principal | undefined>) => {
  const entries = new Map<string, Entry>()

  changes.subscribe((change) => {
    if (change.kind === 'ended') return entries.delete(change.sessionId)
    for (const [sessionId, { userId }] of entries)
      // A read that has not arrived may have read the old roles.
      if (userId === undefined || userId === change.userId) entries.delete(sessionId)
    return undefined
  })

  const read = (sessionId: string): Entry => {
    const entry: Entry = { readAt: now(), principal: principalOf(database, sessionId) }
    const forget = () => {
      if (entries.get(sessionId) === entry) entries.delete(sessionId)
    }
    entry.principal.then((principal) => {
      if (principal) entry.userId = principal.userId
      else forget()
    }, forget)
    return entry
  }

  return (sessionId) => {
    const known = entries.get(sessionId)
    const age = known ? now() - known.readAt : Number.POSITIVE_INFINITY
    const heardLately = now() - changes.polledAt() <= 2 * POLL_MS
    if (known && age <= (heardLately ? RECHECK_MS : ALONE_MS)) return known.principal
    const entry = read(sessionId)
    entries.delete(sessionId)
    entries.set(sessionId, entry)
    const [oldest] = entries.keys()
    if (entries.size > MOST_ENTRIES && oldest !== undefined) entries.delete(oldest)
    return entry.principal
  }
}

const LIVE: Statement = {
  name: 'session-principal',
  text: `select u.id as "userId", u.org_id as "orgId",
      coalesce((select jsonb_agg(r.role order by r.role) from user_role r where r.user_id = u.id), '[]'::jsonb) as roles
    from session s join user_account u on u.id = s.user_id
    where s.id = $1 and s.ended_at is null and u.blocked_at is null`,
}

const principalOf = async ({ sql }: Database, sessionId: string) => {
  const [principal] = await sql.query<Principal>(LIVE, [sessionId])
  return principal
}

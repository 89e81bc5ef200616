import type { Database } from '../../persistence/database.ts'
import type { Statement } from '../../persistence/sql.ts'
import type { SessionChanges } from './session-changes.ts'

type Upkeep = Pick<SessionChanges, 'start' | 'stop'> & { purge: () => Promise<void> }

type UpkeepDeps = { database: Database; changes: SessionChanges; now: () => number }

const PURGE_MS = 3600 * 1000

/** What is past all use: tokens that have expired, then sessions without tokens, and news that everybody has read. */
const PURGE: readonly Statement[] = [
  { name: 'purge-refresh-token', text: `delete from refresh_token where expires_at < $1` },
  {
    name: 'purge-session',
    text: `delete from session s where s.created_at < $1
      and not exists (select from refresh_token r where r.session_id = s.id)`,
  },
  {
    name: 'purge-session-change',
    text: `delete from session_change where at < $1::timestamptz - interval '1 day'`,
  },
]

/** Listens to the other nodes, and once an hour removes what nobody needs. */
export const sessionUpkeep = ({ database, changes, now }: UpkeepDeps): Upkeep => {
  let timer: NodeJS.Timeout | undefined
  const purge = async () => {
    for (const statement of PURGE) await database.sql.query(statement, [new Date(now()).toISOString()])
  }
  return {
    purge,
    start: (report) => {
      changes.start(report)
      timer ??= setInterval(() => void purge().catch(report), PURGE_MS).unref()
    },
    stop: async () => {
      clearInterval(timer)
      timer = undefined
      await changes.stop()
    },
  }
}

import { Client } from 'pg'

/** How many connections of a database were, on average, in which state while they worked. */
export type Waits = Record<string, number>

const EVERY_MS = 50

/** Asks PostgreSQL every 50 milliseconds what the working connections of a database wait for. */
export const aWatcher = async (url: string) => {
  const client = new Client({ connectionString: url, application_name: 'watcher' })
  await client.connect()
  return {
    /** @returns the function that ends it. */
    watch: (): (() => Promise<Waits>) => {
      const totals: Waits = {}
      let looks = 0
      let asking: Promise<void> = Promise.resolve()
      const look = async () => {
        const { rows } = await client.query<{ name: string; count: number }>(STATES)
        looks++
        for (const { name, count } of rows) totals[name] = (totals[name] ?? 0) + count
      }
      const timer = setInterval(() => (asking = asking.then(look)), EVERY_MS)
      return async () => {
        clearInterval(timer)
        await asking
        return Object.fromEntries(
          Object.entries(totals).map(([name, total]) => [name, total / Math.max(looks, 1)]),
        )
      }
    },
    close: () => client.end(),
  }
}

/** Without a wait a process runs, or would if a core were free. */
const STATES = {
  name: 'states',
  text: `select coalesce(wait_event, 'runs') as name, count(*)::integer as count from pg_stat_activity
    where datname = current_database() and application_name = 'laurel' and state = 'active' group by 1`,
}

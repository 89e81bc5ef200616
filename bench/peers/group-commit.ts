import { createMailboxes, openBareTables, stateOf, type Resident } from './bare-table.ts'
import { servePeer } from './peer.ts'

const TEXT = `with given as (
  select * from unnest($1::integer[], $2::bigint[], $3::jsonb[], $4::jsonb[]) as given(id, version, state, payload)
), changed as (
  update bare_payment set version = given.version, state = given.state from given
  where bare_payment.id = given.id and bare_payment.version = given.version - 1
  returning bare_payment.id, given.version, given.payload
), told as (
  insert into bare_event (payment, version, payload) select id, version, payload from changed
)
select id from changed`

const FLIGHTS = 2
const LARGEST = 256

type Waiting = { key: number; next: Resident; resolve: () => void; reject: (error: unknown) => void }

/** The limit: what waits goes out as one statement, two at a time. No statechart, no contract, no order of events. */
await servePeer(async ({ postgresUrl }) => {
  const { pool, residents } = await openBareTables(postgresUrl)
  const oneAtATime = createMailboxes()
  const waiting: Waiting[] = []
  let flying = 0
  const fly = async (batch: Waiting[]) => {
    const values = [
      batch.map(({ key }) => key),
      batch.map(({ next }) => next.version),
      batch.map(({ next }) => stateOf(next)),
      batch.map(({ next }) => JSON.stringify({ amount: 1, turns: next.turns })),
    ]
    const { rows } = await pool.query<{ id: number }>({ name: 'proceed', text: TEXT, values })
    const changed = new Set(rows.map(({ id }) => id))
    for (const { key, resolve, reject } of batch)
      if (changed.has(key)) resolve()
      else reject(new Error('somebody else was there'))
  }
  const pump = () => {
    while (flying < FLIGHTS && waiting.length > 0) {
      const batch = waiting.splice(0, LARGEST)
      flying++
      void fly(batch)
        .catch((error: unknown) => batch.forEach(({ reject }) => reject(error)))
        .finally(() => {
          flying--
          pump()
        })
    }
  }
  return {
    proceed: (key) =>
      oneAtATime(key, async () => {
        const { version, turns } = residents[key]!
        const next = { version: version + 1, turns: turns + 1 }
        await new Promise<void>((resolve, reject) => {
          waiting.push({ key, next, resolve, reject })
          setImmediate(pump)
        })
        residents[key] = next
      }),
  }
})

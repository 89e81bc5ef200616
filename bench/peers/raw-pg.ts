import { createMailboxes, openBareTables, stateOf } from './bare-table.ts'
import { servePeer } from './peer.ts'

const TEXT = `with changed as (
  update bare_payment set version = $2, state = $3 where id = $1 and version = $2::bigint - 1 returning id
)
insert into bare_event (payment, version, payload) select id, $2, $4 from changed`

/** pg by hand: payments in memory, one statement for each command, on 16 connections. No statechart, no contract. */
await servePeer(async ({ postgresUrl }) => {
  const { pool, residents } = await openBareTables(postgresUrl)
  const oneAtATime = createMailboxes()
  return {
    proceed: (key) =>
      oneAtATime(key, async () => {
        const { version, turns } = residents[key]!
        const next = { version: version + 1, turns: turns + 1 }
        const values = [key, next.version, stateOf(next), JSON.stringify({ amount: 1, turns: next.turns })]
        const { rowCount } = await pool.query({ name: 'proceed', text: TEXT, values })
        if (rowCount !== 1) throw new Error('somebody else was there')
        residents[key] = next
      }),
  }
})

import { randomUUID } from 'node:crypto'
import { DBOS } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { transition } from 'xstate'
import { KEYS, newContext, paymentMachine, STEPS, type PaymentState } from './payment.ts'
import { servePeer } from './peer.ts'

/** DBOS Transact: a workflow for each command, named by the command's id, with one step that writes payment and event. */
await servePeer(async ({ postgresUrl }) => {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: 16 })
  await pool.query(`create table payment (id integer primary key, state text not null, context jsonb not null);
create table payment_event (id bigserial primary key, payment integer not null, type text not null, data jsonb not null)`)
  await pool.query('insert into payment select key, $2, $3 from generate_series(0, $1 - 1) as key', [
    KEYS,
    'created',
    JSON.stringify(newContext('payer')),
  ])
  const turn = async (id: number, amount: number) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query<{ state: PaymentState; context: object }>({
        name: 'lock',
        text: 'select state, context from payment where id = $1 for update',
        values: [id],
      })
      const [{ state, context }] = rows as [(typeof rows)[number]]
      const current = paymentMachine.resolveState({ value: state, context: context as never })
      const [next] = transition(paymentMachine, current, { type: 'proceed', amount })
      await client.query({
        name: 'change',
        text: `with changed as (update payment set state = $2, context = $3 where id = $1)
insert into payment_event (payment, type, data) values ($1, $4, $5)`,
        values: [
          id,
          next.value,
          JSON.stringify(next.context),
          STEPS[state].event,
          JSON.stringify({ amount }),
        ],
      })
      await client.query('commit')
      return next.value as string
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: postgresUrl,
    systemDatabasePoolSize: 20,
    logLevel: 'error',
    enableOTLP: false,
  })
  const proceed = DBOS.registerWorkflow(
    (id: number, amount: number) => DBOS.runStep(() => turn(id, amount), { name: 'turn' }),
    { name: 'proceed' },
  )
  await DBOS.launch()
  return {
    proceed: async (key) => {
      const handle = await DBOS.startWorkflow(proceed, { workflowID: randomUUID() })(key, 1)
      await handle.getResult()
    },
  }
})

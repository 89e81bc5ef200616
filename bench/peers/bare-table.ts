import pg from 'pg'
import { KEYS, newContext } from './payment.ts'

/** Of a payment that is kept in memory. */
export type Resident = { version: number; turns: number }

/** Two tables without any index but their keys: state, and what is to be told. */
export const openBareTables = async (connectionString: string) => {
  const pool = new pg.Pool({ connectionString, max: 16 })
  await pool.query(`create table bare_payment (id integer primary key, version bigint not null, state jsonb not null);
create table bare_event (seq bigserial primary key, payment integer not null, version bigint not null, payload jsonb not null)`)
  await pool.query('insert into bare_payment select key, 0, $2 from generate_series(0, $1 - 1) as key', [
    KEYS,
    JSON.stringify(newContext('payer')),
  ])
  const residents = Array.from({ length: KEYS }, (): Resident => ({ version: 0, turns: 0 }))
  return { pool, residents }
}

export const stateOf = ({ turns }: Resident) =>
  JSON.stringify({ ...newContext('payer'), turns, authorised: turns })

/** One at a time for each key. */
export const createMailboxes = () => {
  const tails = new Map<number, Promise<unknown>>()
  return <Result>(key: number, work: () => Promise<Result>): Promise<Result> => {
    const done = (tails.get(key) ?? Promise.resolve()).then(work)
    tails.set(
      key,
      done.catch(() => {}),
    )
    return done
  }
}

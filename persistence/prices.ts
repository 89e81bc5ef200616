import type { Price } from '../actors/ports.ts'
import type { Currency } from '../contracts/money.ts'
import type { Database } from './database.ts'
import type { Statement } from './sql.ts'

/** What offerings cost, until a catalogue says so. */
export type Prices = {
  /** Nothing when the offering is not for sale. */
  price: (offeringId: string) => Promise<Price | undefined>
  /** All of an organisation, by offering. */
  list: (orgId: string) => Promise<(Price & { active: boolean })[]>
  /** @returns false when the offering belongs to another organisation */
  set: (price: Price & { active: boolean; updatedAt: Date }) => Promise<boolean>
}

type Row = {
  offeringId: string
  orgId: string
  title: string
  minor: number | string
  currency: Currency
  active: boolean
}

export const createPrices = ({ sql }: Database): Prices => ({
  price: async (offeringId) => {
    const [row] = await sql.query<Row>(ONE, [offeringId])
    return row?.active ? priceOf(row) : undefined
  },
  list: async (orgId) => {
    const rows = await sql.query<Row>(ALL, [orgId])
    return rows.map((row) => ({ ...priceOf(row), active: row.active }))
  },
  set: async ({ offeringId, orgId, title, amount, active, updatedAt }) => {
    const rows = await sql.query(SET, [
      offeringId,
      orgId,
      title,
      amount.minor,
      amount.currency,
      active,
      updatedAt.toISOString(),
    ])
    return rows.length > 0
  },
})

const priceOf = ({ offeringId, orgId, title, minor, currency }: Row): Price => ({
  offeringId,
  orgId,
  title,
  amount: { minor: Number(minor), currency },
})

const COLUMNS = `offering_id as "offeringId", org_id as "orgId", title, amount_minor as minor, currency, active`

const ONE: Statement = { name: 'price_one', text: `select ${COLUMNS} from price where offering_id = $1` }

const ALL: Statement = {
  name: 'price_all',
  text: `select ${COLUMNS} from price where org_id = $1 order by offering_id`,
}

const SET: Statement = {
  name: 'price_set',
  text: `
insert into price (offering_id, org_id, title, amount_minor, currency, active, updated_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (offering_id) do update
set title = excluded.title, amount_minor = excluded.amount_minor, currency = excluded.currency,
  active = excluded.active, updated_at = excluded.updated_at
where price.org_id = excluded.org_id
returning offering_id`,
}

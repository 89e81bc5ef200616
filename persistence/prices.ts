import { defineEntity, p } from '@mikro-orm/core'
import type { Price } from '../actors/ports.ts'
import type { Currency } from '../contracts/money.ts'
import type { Database } from './database.ts'

const OfferingPriceSchema = defineEntity({
  name: 'OfferingPrice',
  tableName: 'price',
  properties: {
    offeringId: p.uuid().primary(),
    orgId: p.uuid(),
    title: p.text(),
    amountMinor: p.bigint('number'),
    currency: p.text().$type<Currency>(),
    /** Whether it is for sale. */
    active: p.boolean(),
    updatedBy: p.uuid(),
    updatedAt: p.datetime(3),
  },
})
export class OfferingPrice extends OfferingPriceSchema.class {}
OfferingPriceSchema.setClass(OfferingPrice)

/** What offerings cost, until a catalogue says so. */
export type Prices = {
  /** Nothing when the offering is not for sale. */
  price: (offeringId: string) => Promise<Price | undefined>
  /** All of an organisation, by offering. */
  list: (orgId: string) => Promise<(Price & { active: boolean })[]>
  /**
   * The database keeps what it was set to, by whom and when, in `price_change`.
   * @returns false when the offering belongs to another organisation
   */
  set: (price: Price & { active: boolean; by: string; updatedAt: Date }) => Promise<boolean>
}

export const createPrices = (database: Database): Prices => ({
  price: async (offeringId) => {
    const row = await database.read((em) => em.findOne(OfferingPrice, { offeringId, active: true }))
    return row ? priceOf(row) : undefined
  },
  list: async (orgId) => {
    const rows = await database.read((em) =>
      em.find(OfferingPrice, { orgId }, { orderBy: { offeringId: 'asc' } }),
    )
    return rows.map((row) => ({ ...priceOf(row), active: row.active }))
  },
  set: ({ amount, by, ...price }) =>
    database.transaction(async (em) => {
      const { offeringId, orgId } = price
      const row = { ...price, amountMinor: amount.minor, currency: amount.currency, updatedBy: by }
      // One statement, so that two organisations cannot both be the first; the count tells whose it is.
      await em.upsert(OfferingPrice, row, { onConflictFields: ['offeringId'], onConflictWhere: { orgId } })
      return (await em.count(OfferingPrice, { offeringId, orgId })) === 1
    }),
})

const priceOf = ({ offeringId, orgId, title, amountMinor, currency }: OfferingPrice): Price => ({
  offeringId,
  orgId,
  title,
  amount: { minor: amountMinor, currency },
})

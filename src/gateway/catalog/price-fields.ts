import { z } from 'zod'
import { Currency, Minor, type Money } from '../../../contracts/money.ts'
import { MajorUnits, majorOf } from '../major-units.ts'

/** A price as the sources have it (C6): major units, with the exact amount beside it. */
export const shownPrice = {
  price: z.number().describe('Major units'),
  priceMinor: Minor,
  currency: Currency,
}

export const showPrice = (price: Money) => ({
  price: majorOf(price),
  priceMinor: price.minor,
  currency: price.currency,
})

export const givenPrice = {
  price: MajorUnits.optional().describe('Major units with at most two decimals'),
  currency: Currency.optional().describe("Of the price; by default the organisation's"),
}

export type GivenPrice = { price?: number | undefined; currency?: Money['currency'] | undefined }

/** A currency says nothing without an amount. */
export const isComplete = ({ price, currency }: GivenPrice): boolean =>
  price !== undefined || currency === undefined

export const INCOMPLETE = { path: ['currency'], message: 'belongs to a price' }

/** The contract's price; nothing when there is none. */
export const meantPrice = ({ price: minor, currency }: GivenPrice) =>
  minor === undefined ? {} : { price: { minor, ...(currency === undefined ? {} : { currency }) } }

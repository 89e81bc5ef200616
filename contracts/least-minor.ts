import type { Currency } from './money.ts'

/** The smallest payment in each currency, in minor units; Paystack refuses less. */
export const LEAST_MINOR: Readonly<Record<Currency, number>> = {
  GHS: 10,
  KES: 300,
  NGN: 5_000,
  USD: 200,
  XOF: 100,
  ZAR: 100,
}

import type { Currency, Money } from './money.ts'

/** How many decimals the minor unit stands for. Paystack counts XOF in hundredths, too, which nobody pays in. */
const EXPONENTS: Record<Currency, number> = { GHS: 2, KES: 2, NGN: 2, USD: 2, ZAR: 2, XOF: 2 }

export const exponentOf = (currency: string): number | undefined =>
  Object.hasOwn(EXPONENTS, currency) ? EXPONENTS[currency as Currency] : undefined

/** `{ minor: 4999, currency: 'NGN' }` → `49.99`: moved in its decimal digits, because binary fractions are not exact. */
export const decimalOf = ({ minor, currency }: Money): string => {
  const exponent = EXPONENTS[currency]
  const digits = String(minor).padStart(exponent + 1, '0')
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`
}

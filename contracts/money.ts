import { z } from 'zod'

/** What Paystack takes: its OpenAPI description has the first five, its guide adds XOF. All count in hundredths. */
export const CURRENCIES = ['GHS', 'KES', 'NGN', 'USD', 'ZAR', 'XOF'] as const
export const Currency = z.enum(CURRENCIES).meta({ description: 'ISO 4217' })
export type Currency = z.output<typeof Currency>

/** DECIMAL(10,2) in the source (S4.37). */
export const MOST_MINOR = 9_999_999_999

/** Minor units: kobo, cents, pesewas. */
export const Minor = z.int().min(0).max(MOST_MINOR).meta({ description: 'Minor units' })

export const Money = z.strictObject({ minor: Minor, currency: Currency })
export type Money = z.output<typeof Money>

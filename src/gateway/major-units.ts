import { z } from 'zod'
import { MOST_MINOR, type Money } from '../../contracts/money.ts'

/** As the sources have them, read from their decimal digits, because 1.15 × 100 is 114.99… in binary; becomes minor units. */
export const MajorUnits = z.number().transform((amount, context) => {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,2}))?$/.exec(String(amount)) ?? []
  const minor = whole === undefined ? Infinity : Number(whole + fraction.padEnd(2, '0'))
  if (minor <= MOST_MINOR) return minor
  context.addIssue({ code: 'custom', message: 'must be major units with at most two decimals' })
  return z.NEVER
})

/** All currencies that there are count in hundredths. */
export const majorOf = ({ minor }: Pick<Money, 'minor'>): number => minor / 100

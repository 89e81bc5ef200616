import { describe, expect, inject, it } from 'vitest'
import { runMoneyCampaign, type MoneyOptions } from './money/campaign.ts'
import { startRedis, withRedis } from './support/redis.ts'

const PATIENCE = { timeout: 1_800_000 }
const isPostgres = process.env.LAUREL_TEST_DATABASE === 'postgres'

/**
 * Each database has the queue that goes with it, and in `test:all` both of them, with more customers. `npm run test:money` does
 * the same with any seed and size.
 */
const ALL = process.env['LAUREL_TEST_ALL'] === 'true'
const PAYMENTS = ALL ? 450 : 100

const campaign = async (options: Pick<MoneyOptions, 'seed' | 'payments'> & Partial<MoneyOptions>) => {
  const { database, drop } = await emptyDatabase()
  const printed: string[] = []
  const outcome = await runMoneyCampaign({ ...database, ...options, print: (line) => printed.push(line) })
  expect({ ...outcome, printed }).toMatchObject({ violations: [] })
  await drop()
}

const emptyDatabase = async () => {
  if (!isPostgres) return { database: {}, drop: async () => {} }
  const { createDatabase } = await import('./support/postgres.ts')
  const { url, drop } = await createDatabase(inject('postgresUrl')!)
  return { database: { postgresUrl: url }, drop }
}

describe('the books of Laurel and of the provider agree when servers are killed', () => {
  it.runIf(ALL || !isPostgres)('with the queue in the process', PATIENCE, () =>
    campaign({ seed: 21, payments: PAYMENTS }),
  )

  it.runIf(withRedis && (ALL || isPostgres))(
    'with bull, and a Redis that forgets everything',
    PATIENCE,
    async () => {
      const redis = await startRedis()
      try {
        await campaign({ seed: 22, payments: PAYMENTS, redis })
      } finally {
        await redis.stop()
      }
    },
  )
})

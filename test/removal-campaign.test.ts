import { expect, inject, it } from 'vitest'
import { runRemovalCampaign } from './removal-campaign/campaign.ts'

const PATIENCE = { timeout: 900_000 }
const isPostgres = process.env.LAUREL_TEST_DATABASE === 'postgres'

/** `npm run test:removal` does the same with any seed and size. */
const ENROLLMENTS = process.env['LAUREL_TEST_ALL'] === 'true' ? 450 : 60

const emptyDatabase = async () => {
  if (!isPostgres) return { database: {}, drop: async () => {} }
  const { createDatabase } = await import('./support/postgres.ts')
  const { url, drop } = await createDatabase(inject('postgresUrl')!)
  return { database: { postgresUrl: url }, drop }
}

it(
  'a removal that is killed in mid-run ends right, and agrees with the books of the provider',
  PATIENCE,
  async () => {
    const { database, drop } = await emptyDatabase()
    const printed: string[] = []
    const print = (line: string) => void printed.push(line)
    const outcome = await runRemovalCampaign({
      ...database,
      seed: 31,
      enrollments: ENROLLMENTS,
      kills: 3,
      print,
    })
    expect({ ...outcome, printed }).toMatchObject({ violations: [] })
    await drop()
  },
)

import { expect, inject, it } from 'vitest'
import { runCampaign } from './kill/campaign.ts'

// `npm run test:kill` does the same fifty times and more.
it('loses nothing and repeats nothing when the server is killed', { timeout: 600_000 }, async () => {
  const { database, drop } = await emptyDatabase()
  const printed: string[] = []
  const outcome = await runCampaign({ ...database, seed: 20, rounds: 2, print: (line) => printed.push(line) })
  expect({ ...outcome, printed }).toMatchObject({ passed: 2, violations: [] })
  await drop()
})

const emptyDatabase = async () => {
  if (process.env.LAUREL_TEST_DATABASE !== 'postgres') return { database: {}, drop: async () => {} }
  const { createDatabase } = await import('./support/postgres.ts')
  const { url, drop } = await createDatabase(inject('postgresUrl')!)
  return { database: { postgresUrl: url }, drop }
}

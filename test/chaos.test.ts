import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { runChaos } from './chaos/campaign.ts'
import { faults, type FaultName } from './chaos/faults.ts'

/** `npm run chaos` does the same with any seed, for as long as one likes. */
const MINUTES = Number(process.env['LAUREL_TEST_CHAOS_MINUTES'] ?? 0.5)
/** The start of a cluster, and the time that everything gets to come to rest. */
const BESIDES_MS = 600_000

const isInstalled = (program: string) => spawnSync(program, ['-v']).status === 0
/** Elsewhere what is missing is a reason to skip; in CI it is a failure. */
const withCluster = process.env['CI'] === 'true' || ['redis-server', 'haproxy', 'faketime'].every(isInstalled)

/** The cluster brings its own PostgreSQL, so that one run is enough. */
it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres' && withCluster)(
  'three nodes keep every promise while what they need is taken from them',
  { timeout: MINUTES * 60_000 + BESIDES_MS },
  async () => {
    const printed: string[] = []
    const outcome = await runChaos({
      seed: 31,
      minutes: MINUTES,
      faults: Object.keys(faults) as FaultName[],
      print: (line) => printed.push(line),
    })
    expect({ ...outcome, printed }).toMatchObject({ violations: [] })
  },
)

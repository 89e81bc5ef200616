import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { atExit } from '../../support/at-exit.ts'
import { aCrowd } from '../crowd.ts'
import type { StormOutcome, StormSettings } from '../storm-process.ts'
import type { Fault } from './fault.ts'

const SOCKETS = 500
const PEOPLE = 50

/** Many clients come at once, are dropped together and come back together, where they were. */
export const storm: Fault = async ({ cluster, random, aToken, aTopic, log }) => {
  const settings: StormSettings = {
    url: cluster.url,
    tokens: await aCrowd(cluster, aToken(), PEOPLE),
    topics: Array.from({ length: 10 }, aTopic),
    sockets: SOCKETS,
    spreadMs: random.int(500, 2_000),
    stayMs: random.int(500, 3_000),
  }
  // Its own process: what they cost them must not slow down those who watch.
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'storm-process.ts')], {
    env: { PATH: process.env['PATH'], LAUREL_TEST_STORM: JSON.stringify(settings) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const forget = atExit(() => child.kill('SIGKILL'))
  const [outcome] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  forget()
  if (typeof outcome !== 'object' || outcome === null) throw new Error('the storm ended without an outcome')
  const { came, back, resynced, gaps, refusals, tookMs } = outcome as StormOutcome
  log(
    `${came} came, ${back} back, ${resynced} from a new snapshot, ${gaps} gaps, ${tookMs} ms${refusals.length > 0 ? `, refused: ${refusals.join(', ')}` : ''}`,
  )
  if (came < SOCKETS || back < SOCKETS)
    cluster.violated(
      `of ${SOCKETS} sockets of a storm ${came} could subscribe and ${back} came back in time (${refusals.join(', ')})`,
      'liveness',
    )
}

import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { closedLoop } from './load.ts'
import { KEYS } from './peers/payment.ts'
import { createSockets } from './peers/socket-client.ts'
import { familyProcessorMs, processorMs } from './processor-time.ts'
import type { Shares } from './profiling.ts'
import { record } from './results.ts'

const WINDOW_MS = Number(process.env['BENCH_MS'] ?? 5_000)
const SOCKETS = 256

/** Where the processor's time goes on the way of a command: client, server by package, PostgreSQL. */
export const benchProfile = async () => {
  const postgres = await startPostgres({ fsync: true })
  const postmaster = Number(readFileSync(join(postgres.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  const { url } = await createDatabase(postgres.url)
  const server = fork('bench/peers/laurel-sockets-server.ts', [url], {
    execArgv: ['--max-semi-space-size=8'],
  })
  const [{ url: address, token }] = (await once(server, 'message')) as [{ url: string; token: string }]
  const sockets = createSockets(`${address}/benchPayments`, token)
  await sockets.ensure(SOCKETS)
  const ids = Array.from({ length: KEYS }, () => randomUUID())
  await Promise.all(ids.map((id) => sockets.ask(0, 'open', { id })))
  let commands = 0
  const proceed = async (worker: number) => {
    await sockets.ask(worker, 'proceed', { id: ids[Math.floor(Math.random() * KEYS)], amount: 1 })
    commands++
  }
  await closedLoop(SOCKETS, WINDOW_MS / 2, proceed)

  server.send('profile')
  await sleep(200)
  commands = 0
  const used = () => ({ server: processorMs(server.pid!), PostgreSQL: familyProcessorMs(postmaster) })
  const before = used()
  const { cpuMs: client, perSecond } = await closedLoop(SOCKETS, WINDOW_MS, proceed)
  const after = used()
  const answer = once(server, 'message')
  server.send('stop')
  const [shares] = (await answer) as [Shares]

  const us = (ms: number) => (ms / commands) * 1_000
  // The threads of the collector and of the compiler are seen by the kernel, and not by the profiler.
  const seen = Object.values(shares).reduce((sum, ms) => sum + ms, 0)
  const rows: [string, number][] = [
    ['PostgreSQL', us(after.PostgreSQL - before.PostgreSQL)],
    ...Object.entries(shares)
      .map(([owner, ms]): [string, number] => [`server: ${owner}`, us(ms)])
      .toSorted(([, one], [, other]) => other - one),
    ['server: threads beside the main one', us(Math.max(0, after.server - before.server - seen))],
    ['client', client * 1_000],
  ]
  console.log(`${SOCKETS} sockets, ${perSecond.toFixed(0)} commands/s; processor time of each command:`)
  for (const [label, each] of rows) {
    record({ label, us: each })
    console.log(`${label.padEnd(40)} ${each.toFixed(1).padStart(7)} µs`)
  }
  server.disconnect()
  await postgres.stop()
}

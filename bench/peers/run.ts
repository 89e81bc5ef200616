import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createDatabase, startPostgres } from '../../test/support/postgres.ts'
import { median } from '../load.ts'
import { familyProcessorMs, processorMs } from '../processor-time.ts'
import { record } from '../results.ts'
import type { PeerDone, PeerReady, Window } from './peer.ts'

/** Who is measured: what the table calls them, the script, and the package that has to be there. */
const PEERS = {
  laurel: { title: 'Laurel, the engine', script: 'laurel-engine' },
  sockets: { title: 'Laurel through Socket.IO', script: 'laurel-sockets' },
  restate: {
    title: 'Restate with its XState port',
    script: 'restate',
    needs: '@restatedev/restate-server',
  },
  dbos: { title: 'DBOS, one step a command', script: 'dbos', needs: '@dbos-inc/dbos-sdk' },
  emmett: {
    title: 'Emmett on PostgreSQL',
    script: 'emmett',
    needs: '@event-driven-io/emmett-postgresql',
  },
  written: { title: 'hand-written, MikroORM, Socket.IO', script: 'hand-written' },
  raw: { title: 'raw pg, one statement a command', script: 'raw-pg' },
  limit: { title: 'bare group commit over pg', script: 'group-commit' },
  echo: { title: 'plain Socket.IO echo', script: 'echo' },
} as const satisfies Record<string, { title: string; script: string; needs?: string }>

type PeerName = keyof typeof PEERS

/** Medians over the rounds. Processor milliseconds for each command, by who used them. */
type PeerResult = {
  peer: PeerName
  title: string
  concurrency: number
  hot: boolean
  perSecond: number
  p50Ms: number
  p99Ms: number
  cpuMs: Readonly<Record<string, number>> & { total: number }
}

type PeerPlan = {
  concurrencies: readonly number[]
  /** Also on a single payment. */
  hot: boolean
  windowMs: number
  rounds: number
  peers?: readonly PeerName[]
}

/** The same commands to everybody in turns, so that the noise of the machine hits all alike. */
const comparePeers = async (plan: PeerPlan): Promise<PeerResult[]> => {
  const postgres = await startPostgres({ fsync: true })
  const postmaster = Number(readFileSync(join(postgres.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0])
  const databaseMs = () => familyProcessorMs(postmaster)
  const names = (plan.peers ?? (Object.keys(PEERS) as PeerName[])).filter(isInstalled)
  const runners = new Map<PeerName, Runner>()
  const stopRunners = () => {
    for (const { child } of runners.values()) child.kill('SIGTERM')
  }
  process.once('exit', stopRunners)
  for (const name of names) runners.set(name, await startRunner(name, postgres.url))
  const results: PeerResult[] = []
  for (const hot of plan.hot ? [false, true] : [false])
    for (const concurrency of plan.concurrencies) {
      const window = { concurrency, hot, ms: plan.windowMs }
      const rounds = new Map<PeerName, Round[]>(names.map((name) => [name, []]))
      // The first round warms up.
      for (let round = 0; round <= plan.rounds; round++)
        for (const name of round % 2 === 0 ? names : names.toReversed()) {
          if (hot && !mayBeHot(name, concurrency)) continue
          const measured = await measure(runners.get(name)!, window, databaseMs)
          if (round > 0) rounds.get(name)!.push(measured)
        }
      const group = [...rounds].flatMap(([name, all]) =>
        all.length > 0 ? [resultOf(name, window, all)] : [],
      )
      for (const result of group) record(result)
      showGroup(group)
      results.push(...group)
    }
  stopRunners()
  await postgres.stop()
  return results
}

/** The echo has no payments; and a window of Emmett's took ten minutes with 256 at one stream, nearly all of them in vain. */
const mayBeHot = (name: PeerName, concurrency: number) =>
  name !== 'echo' && !(name === 'emmett' && concurrency > 64)

const isInstalled = (name: PeerName) => {
  const peer = PEERS[name]
  const isThere = !('needs' in peer) || existsSync(join('bench/peers/node_modules', peer.needs))
  if (!isThere) console.log(`without ${peer.title}: \`npm ci --prefix bench/peers\` installs it`)
  return isThere
}

type Runner = { child: ChildProcess; others: Readonly<Record<string, number>> }

const startRunner = async (name: PeerName, server: string): Promise<Runner> => {
  const { url } = await createDatabase(server)
  const child = fork(`bench/peers/${PEERS[name].script}.ts`, [JSON.stringify({ postgresUrl: url })], {
    execArgv: ['--max-semi-space-size=8'],
    env: { ...process.env, NODE_ENV: 'production', RESTATE_LOGGING: 'ERROR' },
  })
  const early = once(child, 'exit').then(() => {
    throw new Error(`${name} has not started`)
  })
  const [{ others }] = (await Promise.race([once(child, 'message'), early])) as [PeerReady]
  early.catch(() => {})
  return { child, others }
}

type Round = PeerDone & { used: Readonly<Record<string, number>> }

const measure = async (
  { child, others }: Runner,
  window: Window,
  databaseMs: () => number,
): Promise<Round> => {
  const read = () => ({
    ...Object.fromEntries(Object.entries(others).map(([name, pid]) => [name, processorMs(pid)])),
    PostgreSQL: databaseMs(),
    [Object.keys(others).includes('server') ? 'client' : 'process']: processorMs(child.pid!),
  })
  const before: Record<string, number> = read()
  const answer = once(child, 'message')
  child.send(window)
  const [done] = (await answer) as [PeerDone]
  const after = Object.entries(read() as Record<string, number>)
  return {
    ...done,
    used: Object.fromEntries(after.map(([name, ms]) => [name, (ms - before[name]!) / done.commands])),
  }
}

const resultOf = (peer: PeerName, { concurrency, hot }: Window, rounds: readonly Round[]): PeerResult => {
  const of = (value: (round: Round) => number) => median(rounds.map(value))
  const used = Object.keys(rounds[0]!.used).map((name) => [name, of((round) => round.used[name]!)] as const)
  return {
    peer,
    title: PEERS[peer].title,
    concurrency,
    hot,
    perSecond: of(({ perSecond }) => perSecond),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuMs: { ...Object.fromEntries(used), total: used.reduce((sum, [, ms]) => sum + ms, 0) },
  }
}

/** One line for each peer; `×` is how many times as fast Laurel's engine is, or Laurel's sockets for those with sockets. */
const showGroup = (list: readonly PeerResult[]): void => {
  const [{ hot, concurrency }] = list as [PeerResult]
  const label = `${hot ? 'one payment' : '1,000 payments'}, ${concurrency} at once`
  console.log(`\n${label.padEnd(36)} commands/s     p50     p99   CPU ms  engine ×  sockets ×`)
  const times = (name: PeerName, perSecond: number) => {
    const ours = list.find(({ peer }) => peer === name)
    return ours ? (ours.perSecond / perSecond).toFixed(2) : '–'
  }
  for (const { title, perSecond, p50Ms, p99Ms, cpuMs } of list) {
    const { total, ...parts } = cpuMs
    const shares = Object.entries(parts).map(([name, ms]) => `${name} ${ms.toFixed(3)}`)
    console.log(
      `${title.padEnd(36)} ${perSecond.toFixed(0).padStart(10)} ${p50Ms.toFixed(1).padStart(7)} ${p99Ms.toFixed(1).padStart(7)} ${total
        .toFixed(3)
        .padStart(
          8,
        )} ${times('laurel', perSecond).padStart(9)} ${times('sockets', perSecond).padStart(10)}  ${shares.join(', ')}`,
    )
  }
}

/** What each of them is to be beaten by at 64 at once: how many times as fast, or which share of it Laurel has to reach. */
const AIMS: Partial<Record<PeerName, { side: 'laurel' | 'sockets'; least: number; at: number }>> = {
  restate: { side: 'laurel', least: 30, at: 64 },
  dbos: { side: 'laurel', least: 40, at: 64 },
  emmett: { side: 'laurel', least: 12, at: 64 },
  written: { side: 'laurel', least: 25, at: 64 },
  raw: { side: 'laurel', least: 3, at: 64 },
  limit: { side: 'laurel', least: 0.6, at: 64 },
  echo: { side: 'sockets', least: 0.5, at: 256 },
}

const showAims = (results: readonly PeerResult[]) => {
  console.log(`\n${'aim'.padEnd(36)}        at once    aim  reached`)
  for (const [name, { side, least, at }] of Object.entries(AIMS) as [
    PeerName,
    (typeof AIMS)['raw'] & object,
  ][]) {
    const of = (wanted: PeerName) =>
      results.find(({ peer, concurrency, hot }) => peer === wanted && concurrency === at && !hot)?.perSecond
    const [ours, theirs] = [of(side), of(name)]
    if (!ours || !theirs) continue
    const reached = ours / theirs
    record({ label: `aim ${name}`, least, reached })
    console.log(
      `${PEERS[name].title.padEnd(36)} ${String(at).padStart(14)} ${least.toFixed(2).padStart(6)} ${reached.toFixed(2).padStart(8)}${reached < least ? '  missed' : ''}`,
    )
  }
}

/** A minute or two: the concurrency that the aims are for. */
export const quickPeers = async (): Promise<void> => {
  const windowMs = Number(process.env['BENCH_MS'] ?? 1_000)
  const spread = await comparePeers({ concurrencies: [64], hot: false, windowMs, rounds: 3 })
  const sockets = await comparePeers({
    concurrencies: [256],
    hot: false,
    windowMs,
    rounds: 3,
    peers: ['sockets', 'written', 'echo'],
  })
  showAims([...spread, ...sockets])
}

/** All concurrencies, spread and on one payment; BENCH_PEERS narrows it down. */
export const benchPeers = async (): Promise<void> => {
  const names = process.env['BENCH_PEERS']?.split(',') as PeerName[] | undefined
  showAims(
    await comparePeers({
      concurrencies: (process.env['BENCH_CONCURRENCY'] ?? '1,16,64,256').split(',').map(Number),
      hot: true,
      windowMs: Number(process.env['BENCH_MS'] ?? 3_000),
      rounds: Number(process.env['BENCH_ROUNDS'] ?? 3),
      ...(names ? { peers: names } : {}),
    }),
  )
}

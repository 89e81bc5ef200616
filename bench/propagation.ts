import { fork, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { createDatabase, startPostgres } from '../test/support/postgres.ts'
import { startRedis } from '../test/support/redis.ts'
import { median } from './load.ts'
import { PASSWORD, prepare, signIn } from './processes.ts'
import { record } from './results.ts'

const CHANGES = Number(process.env['BENCH_CHANGES'] ?? 150)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3)
/** One address may have no more. */
const WATCHERS = 32
/** Behind the last arrival of a change. Milliseconds. */
const PAUSE_MS = 25
const PATIENCE_MS = 10_000
const EMAIL = 'admin@bench.test'

/** What a node says of a change: by what watchers know it, and when it was committed or sent. */
export type Changed = { key: string; instant: string }

type Scene = { databaseUrl: string; id: string; number: string; orgId: string; userId: string }
type Node = { child: ChildProcess; port: number }
type Side = { nodes: Node[]; watchers: Socket[]; arrived: Map<string, bigint[]> }

/**
 * From the commit of a changed status to everybody who watches the credential, beside a plain Socket.IO that sends as much
 * to as many and stores nothing. On two nodes the change is made on one, and everybody watches on the other.
 */
export const benchPropagation = async () => {
  const postgres = await startPostgres({ fsync: true })
  const redis = await startRedis()
  const scene = await aScene(postgres.url)
  await compare('one node', scene)
  await compare('two nodes, Redis', scene, redis.url)
  await redis.stop()
  await postgres.stop()
}

const aScene = async (postgresUrl: string): Promise<Scene> => {
  const { url: databaseUrl } = await createDatabase(postgresUrl)
  const made = await prepare(databaseUrl, async (server) => {
    const { defaultOrgId: orgId, accounts } = server
    const people = [EMAIL, 'holder@bench.test'].map((email) =>
      accounts.createUser({
        email,
        password: PASSWORD,
        name: email,
        orgId,
        roles: email === EMAIL ? ['admin'] : ['student'],
      }),
    )
    const [admin, holder] = await Promise.all(people)
    if (!admin?.ok || !holder?.ok) throw new Error('nobody is there')
    const socket = await connected(server.url, '/live', await signIn(server.url, EMAIL))
    const { id } = await socket.emitWithAck('certificates.issue', {
      trackId: randomUUID(),
      title: 'First aid',
      userId: holder.value.id,
    })
    for (;;) {
      const { data } = await socket.emitWithAck('certificates.get', { id })
      if (data.number === null) await sleep(20)
      else {
        socket.disconnect()
        return { id: id as string, number: data.number as string, orgId, userId: admin.value.id }
      }
    }
  })
  return { databaseUrl, ...made }
}

const connected = async (url: string, namespace: string, token = ''): Promise<Socket> => {
  const socket = io(url + namespace, { transports: ['websocket'], auth: { token }, forceNew: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('connect_error', reject)
  })
  return socket
}

const compare = async (label: string, scene: Scene, redisUrl?: string) => {
  const count = redisUrl ? 2 : 1
  const settings = JSON.stringify({ ...scene, ...(redisUrl ? { redisUrl } : {}) })
  const sides = {
    plain: await aSide(scene, count, 'bench/propagation-plain.ts', redisUrl ? [redisUrl] : []),
    laurel: await aSide(scene, count, 'bench/propagation-laurel.ts', [settings]),
  }
  const runs: Record<keyof typeof sides, Shares[]> = { plain: [], laurel: [] }
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++)
    for (const name of round % 2 === 0 ? (['plain', 'laurel'] as const) : (['laurel', 'plain'] as const)) {
      const shares = await measure(sides[name])
      if (round > 0) runs[name].push(shares)
    }
  for (const share of ['p50', 'p95', 'p99'] as const) {
    const [plain, laurel] = [
      median(runs.plain.map((run) => run[share])),
      median(runs.laurel.map((run) => run[share])),
    ]
    record({
      label: `${label}, ${WATCHERS} watchers, ${share}`,
      unit: 'ms',
      plain,
      laurel,
      ratio: laurel / plain,
    })
    console.log(
      `${`${label}, ${WATCHERS} watchers, ${share}`.padEnd(40)} plain ${plain.toFixed(2).padStart(7)} ms  Laurel ${laurel.toFixed(2).padStart(7)} ms`,
    )
  }
  for (const { nodes, watchers } of Object.values(sides)) {
    for (const watcher of watchers) watcher.disconnect()
    for (const { child } of nodes) child.disconnect()
    await Promise.all(nodes.map(({ child }) => once(child, 'exit')))
  }
}

/** Everybody watches on the last node. */
const aSide = async ({ number }: Scene, count: number, script: string, args: string[]): Promise<Side> => {
  const nodes: Node[] = []
  for (let started = 0; started < count; started++) {
    const child = fork(script, args, { execArgv: ['--max-semi-space-size=8'] })
    const [port] = (await once(child, 'message')) as [number]
    nodes.push({ child, port })
  }
  const arrived = new Map<string, bigint[]>()
  const url = `http://127.0.0.1:${nodes.at(-1)!.port}`
  const watchers = await Promise.all(Array.from({ length: WATCHERS }, () => connected(url, '/verify')))
  for (const watcher of watchers) {
    watcher.on('credential.status', ({ since }: { since: string }) => {
      const instant = process.hrtime.bigint()
      arrived.set(since, [...(arrived.get(since) ?? []), instant])
    })
    const reply = (await watcher.emitWithAck('watch', { number })) as { ok: boolean }
    if (!reply.ok) throw new Error(JSON.stringify(reply))
  }
  return { nodes, watchers, arrived }
}

type Shares = { p50: number; p95: number; p99: number }

const measure = async ({ nodes, arrived }: Side): Promise<Shares> => {
  arrived.clear()
  const [{ child }] = nodes as [Node]
  const sent: Changed[] = []
  for (let change = 0; change < CHANGES; change++) {
    child.send('change')
    const [changed] = (await once(child, 'message')) as [Changed]
    sent.push(changed)
    // Two changes that follow each other at once may be told as one.
    for (const end = performance.now() + PATIENCE_MS; arrived.get(changed.key)?.length !== WATCHERS;) {
      if (performance.now() > end) break
      await sleep(1)
    }
    await sleep(PAUSE_MS)
  }
  const times = sent.flatMap(({ key, instant }) => {
    const instants = arrived.get(key) ?? []
    if (instants.length !== WATCHERS) throw new Error(`${instants.length} of ${WATCHERS} heard of ${key}`)
    return instants.map((at) => Number(at - BigInt(instant)) / 1e6)
  })
  times.sort((one, other) => one - other)
  const at = (share: number) => times[Math.floor((times.length - 1) * share)]!
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

if (import.meta.main) {
  await benchPropagation()
  process.exit(0)
}

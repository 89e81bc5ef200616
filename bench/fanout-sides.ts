import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { createOrganisation } from '../src/auth/organisations.ts'
import { createDatabase } from '../test/support/postgres.ts'
import type { Order, Weight } from './fanout-child.ts'
import type { House } from './fanout-laurel.ts'
import { aHouse, prepare, signIn, TOKEN_SECRET } from './processes.ts'
import { startSubscribers, type Subscribers } from './subscribers.ts'

const EMAIL = 'admin@bench.test'
const MENTORS = 16
const WARM_UP = 500

export type Scene = Awaited<ReturnType<typeof aScene>>

type SceneOptions = {
  /** For nodes that share it. */
  redisUrl?: string
  /** Mentors of whom nobody hears. */
  quietMentors?: number
}

/** How to start either side. The samples are what Laurel sends: plain Socket.IO sends the same. */
export const aScene = async (postgresUrl: string, { redisUrl, quietMentors = 0 }: SceneOptions) => {
  const { url: databaseUrl } = await createDatabase(postgresUrl)
  const { house, quiet } = await prepare(databaseUrl, async (server) => {
    const quietOrgId = crypto.randomUUID()
    await createOrganisation(server.database, { id: quietOrgId, name: 'Quiet', createdAt: server.now() })
    const inOrganisation = async (orgId: string, email: string, count: number): Promise<House> => {
      const mentors = await aHouse(server, email, count, orgId)
      return { mentors, orgId, userId: subjectOf(await signIn(server.url, email)) }
    }
    return {
      house: await inOrganisation(server.defaultOrgId, EMAIL, MENTORS),
      quiet: await inOrganisation(quietOrgId, 'quiet@bench.test', quietMentors),
    }
  })
  const laurel = async (cores: readonly number[], isShared = false) => {
    const settings = {
      databaseUrl,
      tokenSecret: TOKEN_SECRET,
      house,
      quiet,
      ...(isShared ? { redisUrl } : {}),
    }
    const nodes: Node[] = []
    for (const core of cores)
      nodes.push(await aNode('bench/fanout-laurel.ts', [JSON.stringify(settings)], core))
    const token = await signIn(`http://127.0.0.1:${nodes[0]!.port}`, EMAIL)
    return { nodes, token }
  }
  const { nodes, token } = await laurel([0])
  const samples = JSON.stringify(await samplesOf(nodes[0]!, token, house))
  end(nodes)
  const plain = (cores: readonly number[], isShared = false) =>
    Promise.all(
      cores.map((core) =>
        aNode('bench/fanout-plain.ts', [samples, ...(isShared && redisUrl ? [redisUrl] : [])], core),
      ),
    )
  const subscribe = (mode: string) =>
    `42/live,1["subscribe",${JSON.stringify({ topics: [`org:${house.orgId}`], mode })}]`
  console.log(`a frame has ${Buffer.byteLength(`42/live,${JSON.stringify(JSON.parse(samples)[0])}`)} bytes`)
  return { laurel, plain, subscribe }
}

type Node = { child: ChildProcess; port: number }

const aNode = async (script: string, args: string[], core: number): Promise<Node> => {
  const child = fork(script, args, {
    // As `npm start` does, and with the collector at hand.
    execArgv: ['--max-semi-space-size=8', '--expose-gc'],
    serialization: 'advanced',
  })
  const [port] = (await once(child, 'message')) as [number]
  pin(child.pid!, core)
  return { child, port }
}

const pin = (pid: number, core: number) => execFileSync('taskset', ['-acp', String(core), String(pid)])

export const tell = ({ child }: Node, order: Order) => void child.send(order)

export const ask = async <Answer>(node: Node, order: Order): Promise<Answer> => {
  const answer = once(node.child, 'message')
  tell(node, order)
  return ((await answer) as [Answer])[0]
}

const end = (nodes: readonly Node[]) => nodes.forEach(({ child }) => child.kill('SIGKILL'))

/** Who is measured: where events are sent from, and who gets them. */
export type Side = { nodes: readonly Node[]; subscribers: Subscribers; count: number }

export const laurelSide = async (
  scene: Scene,
  count: number,
  { cores, mode, isShared = false }: LaurelOptions,
) => {
  const { nodes, token } = await scene.laurel(cores, isShared)
  return aSide(nodes, count, {
    signIn: `40/live,${JSON.stringify({ token })}`,
    subscribe: scene.subscribe(mode),
  })
}
type LaurelOptions = { cores: readonly number[]; mode: 'each' | 'batch'; isShared?: boolean }

export const plainSide = async (scene: Scene, count: number, cores: readonly number[], isShared = false) =>
  aSide(await scene.plain(cores, isShared), count, { signIn: '40/live,' })

const aSide = async (
  nodes: readonly Node[],
  count: number,
  packets: { signIn: string; subscribe?: string },
) => {
  const [node] = nodes as [Node]
  const ports = nodes.map(({ port }) => port)
  // What a server loads and compiles for its first connections is not what each of them takes.
  const first = await startSubscribers({ count: WARM_UP, ...packets, ports })
  first.end()
  await sleep(1_000)
  const before = await ask<Weight>(node, { do: 'weigh' })
  const subscribers = await startSubscribers({ count, ...packets, ports })
  if (nodes.length === 1) pin(subscribers.pid, 1)
  await sleep(2_000)
  const after = await ask<Weight>(node, { do: 'weigh' })
  const kilobytes = (of: (weight: Weight) => number) =>
    ((of(after) - of(before)) / count) * (nodes.length / 1024)
  return {
    nodes,
    subscribers,
    count,
    residentKb: kilobytes(({ resident }) => resident),
    heapKb: kilobytes(({ heap }) => heap),
  }
}

export const leave = ({ nodes, subscribers }: Side) => {
  subscribers.end()
  end(nodes)
}

/** Two frames that Laurel sends, one for each of the turns that take turns. */
const samplesOf = async (node: Node, token: string, { orgId }: House) => {
  const socket = io(`http://127.0.0.1:${node.port}/live`, { transports: ['websocket'], auth: { token } })
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  await socket.emitWithAck('subscribe', { topics: [`org:${orgId}`], mode: 'each' })
  const frames: unknown[][] = []
  const enough = new Promise<void>((resolve) =>
    socket.onAny((...parts: unknown[]) => {
      if (frames.push(parts) === MENTORS * 2) resolve()
    }),
  )
  tell(node, { do: 'send', count: MENTORS * 2 })
  await enough
  socket.disconnect()
  return [frames[0]!, frames.at(-1)!]
}

const subjectOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string }).sub

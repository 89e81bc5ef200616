import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Control } from '../../src/paystack-simulator/control.ts'
import { createSimulator } from '../../src/paystack-simulator/simulator.ts'
import type { Violated } from '../kill/rules.ts'
import { createDatabase, startPostgres } from '../support/postgres.ts'
import { startRedis, type RedisServer } from '../support/redis.ts'
import { startBalancer } from './balancer.ts'
import { lastingPort } from './lasting-port.ts'
import { startLink } from './link-proxy.ts'
import { createChaosNode, type ChaosNode } from './node-process.ts'
import { pausable, type PausablePostgres } from './postgres-signals.ts'

/** Everything that a product needs in production, on one machine, and everything that can be taken from it. */
export type Cluster = {
  /** Of the load balancer: all that clients know. */
  url: string
  /** Direct, without a proxy. */
  databaseUrl: string
  /** Direct, without a proxy. */
  redisUrl: string
  nodes: readonly ChaosNode[]
  /** Nodes that a fault works on, so that no other one takes them. */
  claimed: Set<ChaosNode>
  postgres: PausablePostgres
  redis: RedisServer
  /** In this process; its webhooks go to the load balancer. */
  simulator: { url: string; control: Control }
  /** The logs: `node-a.log` and so on, `haproxy.log`. */
  folder: string
  violated: Violated
  /** Ends everything; a node that does not end well is a violation. May be called twice. */
  close: () => Promise<void>
}

export type ClusterOptions = {
  folder: string
  nodes: number
  /** More arguments of Node, for example `['--import', './test/chaos/broken/x.ts']`. */
  nodeArguments?: readonly string[]
  environment?: Readonly<Record<string, string>>
  /** Runs when the database is there, empty, and before any node starts. */
  prepare?: (databaseUrl: string) => Promise<void>
  /** Hears of nodes that end by themselves, or report what no fault explains, and of what faults find out. */
  violated: Violated
}

export const TOKEN_SECRET = 'a secret for tests, long enough for anybody'
const VAULT_KEY = { id: 'test', key: Buffer.alloc(32, 7) }
const PAYSTACK_SECRET_KEY = 'sk_test_chaos0000000'

export const startCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const undo: (() => unknown)[] = []
  let closing: Promise<void> | undefined
  const close = async () => {
    for (const step of undo.toReversed()) await step()
  }
  try {
    return await assemble(options, undo, () => (closing ??= close()))
  } catch (error) {
    await close()
    throw error
  }
}

const assemble = async (
  options: ClusterOptions,
  undo: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Cluster> => {
  const { folder, violated } = options
  await mkdir(folder, { recursive: true })
  const postgres = pausable(await startPostgres({ fsync: true, choosePort: lastingPort }))
  undo.push(postgres.stop)
  const redis = await startRedis({ choosePort: lastingPort })
  undo.push(redis.stop)
  const { url: databaseUrl } = await createDatabase(postgres.url)
  await options.prepare?.(databaseUrl)

  const names = Array.from({ length: options.nodes }, (_, index) => String.fromCharCode(97 + index))
  const places: { name: string; port: number }[] = []
  for (const name of names) places.push({ name, port: await lastingPort() })
  const balancer = await startBalancer({
    port: await lastingPort(),
    folder,
    nodes: places,
    violated: (what) => violated(what, 'no-exit'),
  })
  undo.push(balancer.close)
  const simulator = await createSimulator({
    port: 0,
    host: '127.0.0.1',
    secretKey: PAYSTACK_SECRET_KEY,
    webhookUrl: `${balancer.url}/webhooks/paystack`,
    now: Date.now,
  })
  undo.push(simulator.close)

  const servers = { databaseUrl, redisUrl: redis.url, paystackUrl: simulator.url }
  const nodes: ChaosNode[] = []
  for (const place of places) nodes.push(await createNode(options, place, servers, undo))
  undo.push(() => {
    postgres.resume()
    redis.thaw()
    return Promise.all(nodes.map((node) => endWell(node)))
  })
  await migrate(databaseUrl, folder)
  await Promise.all(nodes.map((node) => node.start()))
  return {
    url: balancer.url,
    databaseUrl,
    redisUrl: redis.url,
    nodes,
    claimed: new Set(),
    postgres,
    redis,
    simulator,
    folder,
    violated,
    close,
  }
}

/** Leaves compiled code behind as well, so that all later starts take half the time of the processor. */
const migrate = (databaseUrl: string, folder: string) =>
  promisify(execFile)(process.execPath, ['src/main.ts', '--migrate-only'], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      DATABASE_URL: databaseUrl,
      NODE_COMPILE_CACHE: compileCache(folder),
    },
  })

const compileCache = (folder: string) => join(folder, 'compile-cache')

type Servers = { databaseUrl: string; redisUrl: string; paystackUrl: string }

const createNode = async (
  { folder, nodeArguments = [], environment = {}, violated }: ClusterOptions,
  { name, port }: { name: string; port: number },
  servers: Servers,
  undo: (() => unknown)[],
): Promise<ChaosNode> => {
  const postgres = await startLink(Number(new URL(servers.databaseUrl).port), 'other')
  const redis = await startLink(Number(new URL(servers.redisUrl).port), 'resp')
  const node = createChaosNode({
    name,
    port,
    nodeArguments,
    logFile: join(folder, `node-${name}.log`),
    violated: (what) => violated(what, 'no-exit'),
    redis,
    postgres,
    environment: {
      NODE_ENV: 'test',
      NODE_COMPILE_CACHE: compileCache(folder),
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      DATABASE_URL: onPort(servers.databaseUrl, postgres.port),
      REDIS_URL: onPort(servers.redisUrl, redis.port),
      PAYSTACK_SECRET_KEY,
      PAYSTACK_URL: servers.paystackUrl,
      LAUREL_TOKEN_SECRET: TOKEN_SECRET,
      LAUREL_ENCRYPTION_KEYS: `${VAULT_KEY.id}:${VAULT_KEY.key.toString('base64')}`,
      LAUREL_DEMO: 'off',
      LAUREL_RATE_LIMIT: '100000000',
      LAUREL_TRUSTED_PROXIES: '127.0.0.1',
      ...environment,
    },
  })
  undo.push(postgres.close, redis.close, node.close)
  return node
}

/** Whatever a fault that failed left behind, the node gets a fair chance to end. */
const endWell = async (node: ChaosNode) => {
  node.redis.heal()
  node.postgres.heal()
  node.resume()
  if (node.isUp()) await node.terminate()
}

const onPort = (url: string, port: number): string => {
  const other = new URL(url)
  other.port = String(port)
  return other.href
}

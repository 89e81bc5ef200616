import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { insist, othersRecovered, seconds, type Fault } from './fault.ts'

export const postgresRestart: Fault = async ({ cluster, random, log }) => {
  const { postgres } = cluster
  const way = random.pick(['fast', 'immediate', 'kill -9'] as const)
  const awayMs = random.chance(0.4) ? 0 : random.int(1, 3_000)
  log(`${way}, away ${seconds(awayMs)}`)
  try {
    if (way === 'kill -9') await postgres.kill()
    else await postgres.end(way)
    await sleep(awayMs)
  } finally {
    await insist(postgres.restart)
  }
  await othersRecovered(cluster)
}

const PAUSE_MS = 10_000

export const postgresPause: Fault = async ({ cluster, log }) => {
  log(seconds(PAUSE_MS))
  cluster.postgres.pause()
  try {
    await sleep(PAUSE_MS)
  } finally {
    cluster.postgres.resume()
  }
  await othersRecovered(cluster)
}

/** Connections are there, and none is to be had. */
export const poolExhausted: Fault = async (context) => {
  const { cluster, random, log } = context
  const forMs = random.int(3_000, 7_000)
  if (random.chance(0.6)) {
    const table = random.pick(['session', 'user_account', 'journal_head', 'certification'])
    log(`table ${table} locked for ${seconds(forMs)}`)
    await holdTable(cluster.databaseUrl, table, forMs)
  } else {
    const left = random.int(0, 4)
    log(`all connections but ${left} taken for ${seconds(forMs)}`)
    await takeConnections(cluster.databaseUrl, left, forMs)
  }
  await othersRecovered(cluster)
}

const holdTable = async (url: string, table: string, forMs: number) => {
  const client = aClient(url)
  await client.connect()
  try {
    await client.query(`begin; lock table "${table}" in access exclusive mode`)
    await sleep(forMs)
  } finally {
    await client.end()
  }
}

const takeConnections = async (url: string, left: number, forMs: number) => {
  const taken: Client[] = []
  try {
    while (await takeOne(url, taken));
    // Half of the nodes' connections are taken too: those nodes must ask for new ones.
    await taken[0]?.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'laurel' and random() < 0.5`,
    )
    while (await takeOne(url, taken));
    await Promise.all(taken.splice(0, left).map((client) => client.end()))
    await sleep(forMs)
  } finally {
    await Promise.all(taken.map((client) => client.end()))
  }
}

const TOO_MANY = '53300'

const takeOne = async (url: string, taken: Client[]): Promise<boolean> => {
  const client = aClient(url)
  try {
    await client.connect()
    taken.push(client)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === TOO_MANY) return false
    throw error
  }
}

/** One whose loss nobody minds: the fault is over then. */
const aClient = (url: string) => {
  const client = new Client({ connectionString: url, application_name: 'chaos' })
  client.on('error', () => {})
  return client
}

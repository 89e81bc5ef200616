import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { atExit } from './at-exit.ts'
import { freePort } from './free-port.ts'
import {
  endAtOnce,
  findPostgres,
  initialiseCluster,
  killServer,
  makeClusterFolder,
  shutDown,
  startServer,
  type Cluster,
  type Server,
} from './postgres-process.ts'

/** A private PostgreSQL cluster: own temporary folder, own port on 127.0.0.1, own random password. */
export type Postgres = {
  /** Superuser address of the database `postgres`. */
  url: string
  /** The folder that holds the cluster; gone after `stop`. */
  dataDir: string
  port: number
  /** Ends every connection, shuts the server down cleanly and deletes its folder. May be called twice. */
  stop: () => Promise<void>
  /** Ends all processes of the server with SIGKILL; the folder stays for `restart`. */
  kill: () => Promise<void>
  /** Starts the server again after `kill`, with the same folder, port and password. */
  restart: () => Promise<void>
}

/** A database that belongs to one test file. */
export type TestDatabase = { url: string; name: string; drop: () => Promise<void> }

const PORT_ATTEMPTS = 5

/**
 * Makes and starts a cluster. With `fsync: false` it is faster, and loses data with the machine but not with the process.
 * Throws when no server binaries are installed. The cluster ends with this process, unless that one dies of SIGKILL.
 */
export async function startPostgres({
  fsync = true,
  choosePort = freePort,
}: { fsync?: boolean; choosePort?: () => Promise<number> } = {}): Promise<Postgres> {
  const bin = findPostgres()
  if (bin === undefined) throw new Error('PostgreSQL server binaries (postgres, initdb) were not found')
  const folder = await makeClusterFolder()
  const cluster: Cluster = { bin, folder, dataDir: join(folder, 'data'), fsync }
  let server: Server | undefined
  const forget = atExit(() => endAtOnce(cluster, server))
  const remove = async () => {
    if (server !== undefined) await shutDown(server)
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
    forget()
  }
  try {
    const password = randomBytes(16).toString('hex')
    await initialiseCluster(cluster, password)
    server = await startOnFreePort(cluster, choosePort)
    const { port } = server
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      dataDir: cluster.dataDir,
      port,
      stop: remove,
      async kill() {
        if (server !== undefined) await killServer(server)
      },
      async restart() {
        server = await startServer(cluster, port)
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A copy of a migrated database, as a deployment of its own: positions of another one mean nothing here. */
export async function copyDatabase(serverUrl: string, template: string): Promise<TestDatabase> {
  const copy = await createDatabase(serverUrl, template)
  const client = new Client({ connectionString: copy.url })
  await client.connect()
  await client.query('update journal_head set epoch = gen_random_uuid()')
  await client.end()
  return copy
}

/**
 * Makes a database with a random name on the server at `serverUrl`, empty unless there is another one to copy. `drop`
 * ends its connections first.
 */
export async function createDatabase(serverUrl: string, template = 'template0'): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  // Nobody is connected to a template, so files that start together never block each other.
  await query(serverUrl, `create database ${name} template ${template} strategy file_copy`)
  return { url: url.href, name, drop: () => query(serverUrl, `drop database if exists ${name} with (force)`) }
}

/** A new connection costs as much as what is asked, so each stays open for a moment. */
const open = new Map<string, Admin>()
const IDLE_MS = 500

type Admin = { client: Client; connected: Promise<unknown>; users: number; idle?: NodeJS.Timeout }

async function query(url: string, sql: string): Promise<void> {
  const admin = open.get(url) ?? connect(url)
  clearTimeout(admin.idle)
  admin.users++
  try {
    await admin.connected
    await admin.client.query(sql)
  } finally {
    if (--admin.users === 0) admin.idle = setTimeout(() => leave(url, admin), IDLE_MS)
  }
}

function connect(url: string): Admin {
  const client = new Client({ connectionString: url })
  const admin: Admin = { client, connected: client.connect(), users: 0 }
  const lose = () => leaveOut(url, admin)
  client.on('error', lose).on('end', lose)
  admin.connected.catch(lose)
  open.set(url, admin)
  return admin
}

function leave(url: string, admin: Admin): void {
  leaveOut(url, admin)
  void admin.client.end()
}

function leaveOut(url: string, admin: Admin): void {
  if (open.get(url) === admin) open.delete(url)
}

async function startOnFreePort(cluster: Cluster, choosePort: () => Promise<number>): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startServer(cluster, await choosePort())
    } catch (error) {
      const portWasTaken = error instanceof Error && error.message.includes('could not bind')
      if (!portWasTaken || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

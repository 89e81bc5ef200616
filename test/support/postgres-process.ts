import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { chown, mkdtemp, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Where a cluster lives and which binaries run it. */
export type Cluster = { bin: string; folder: string; dataDir: string; fsync: boolean }

/** A server that accepted connections. */
export type Server = { child: ChildProcess; port: number }

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 15_000
const EXIT_TIMEOUT_MS = 3_000
/** A standby says that it is read-only. */
const READY = /database system is ready to accept (read-only )?connections/

/** The folder of the newest installed PostgreSQL server binaries, or undefined when this machine has none. */
export function findPostgres(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).map(Number).filter(Number.isFinite) : []
  const installed = versions.toSorted((a, b) => b - a).map((version) => join(debian, String(version), 'bin'))
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...installed, ...onPath].find((folder) =>
    ['postgres', 'initdb'].every((binary) => existsSync(join(folder, binary))),
  )
}

/** A new folder that the account of the server owns. */
export async function makeClusterFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-postgres-'))
  await giveToServer(folder)
  return folder
}

/** Fills the folder of a cluster whose superuser `postgres` signs in with a password. Throws with initdb's output. */
export async function initialiseCluster({ bin, folder, dataDir }: Cluster, password: string): Promise<void> {
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  await giveToServer(passwordFile)
  // As PGlite has it: text is ordered by its bytes, but capital letters are letters in all scripts.
  const locale = ['--locale=C', ...(process.platform === 'linux' ? ['--lc-ctype=C.UTF-8'] : [])]
  const options = ['--auth=scram-sha-256', '--encoding=UTF8', ...locale, '--no-sync']
  await promisify(execFile)(
    join(bin, 'initdb'),
    ['-D', dataDir, '-U', 'postgres', `--pwfile=${passwordFile}`, ...options],
    surroundings(folder),
  )
}

/** Resolves when the server accepts connections; rejects with its log when it ends before that. */
export async function startServer({ bin, folder, dataDir, fsync }: Cluster, port: number): Promise<Server> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    timezone: 'UTC',
    ...(fsync ? {} : { fsync: 'off', full_page_writes: 'off' }),
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(bin, 'postgres'), ['-D', dataDir, ...options], {
    ...surroundings(folder),
    // A process group of its own: Ctrl+C must reach the tests, and through them their database.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await untilReady(child)
  // Somebody who forgets `stop` must not hang at the end.
  child.unref()
  const log = child.stderr as Socket
  log.unref()
  return { child, port }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    const settle = (failure?: string) => {
      clearTimeout(timeout)
      child.removeAllListeners('close').stderr?.removeAllListeners('data').resume()
      if (failure === undefined) resolve()
      else reject(new Error(`PostgreSQL ${failure}\n${log}`))
    }
    const timeout = setTimeout(() => {
      killTree(child)
      settle('did not start in time')
    }, START_TIMEOUT_MS)
    child.once('error', (error) => settle(error.message))
    child.once('close', (code) => settle(`ended with code ${code} before it was ready`))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (READY.test(log)) settle()
    })
  })
}

/** Ends a server cleanly: connections are closed, the buffers written. After STOP_TIMEOUT_MS it is killed. */
export async function shutDown({ child }: Server): Promise<void> {
  if (hasEnded(child)) return
  child.ref()
  const ended = once(child, 'exit')
  const timeout = setTimeout(() => killTree(child), STOP_TIMEOUT_MS)
  child.kill('SIGINT')
  await ended
  clearTimeout(timeout)
}

/** Ends all processes of a server without any warning. */
export async function killServer({ child }: Server): Promise<void> {
  if (hasEnded(child)) return
  child.ref()
  const ended = once(child, 'exit')
  killTree(child)
  await ended
}

/** Ends a server and deletes its folder without the event loop, for the last moment of this process. */
export function endAtOnce({ folder, dataDir }: Cluster, server: Server | undefined): void {
  if (server !== undefined && !hasEnded(server.child)) {
    server.child.kill('SIGQUIT')
    // The server deletes this file as its last act; the exit itself cannot be seen without the event loop.
    const deadline = Date.now() + EXIT_TIMEOUT_MS
    while (existsSync(join(dataDir, 'postmaster.pid')) && Date.now() < deadline) sleep(10)
    killTree(server.child)
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}

function sleep(delayMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs)
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The workers of a server leave its process group, so each is ended by its own id where the system tells it (Linux). */
function killTree(child: ChildProcess): void {
  const list = `/proc/${child.pid}/task/${child.pid}/children`
  const workers = existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean).map(Number) : []
  child.kill('SIGKILL')
  for (const pid of workers) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      // It had already ended with its parent.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

async function giveToServer(path: string): Promise<void> {
  const account = serverAccount()
  if (account !== undefined) await chown(path, account.uid, account.gid)
}

/** PostgreSQL refuses to run as root: root lends it the account `postgres`, or else `nobody`. */
function serverAccount(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n')
  const fields = (name: string) => accounts.find((line) => line.startsWith(`${name}:`))?.split(':')
  const [, , uid, gid] = fields('postgres') ?? fields('nobody') ?? []
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) }
}

/** Nothing of the caller's PG* variables, language or folder reaches the server. */
function surroundings(folder: string) {
  return { ...serverAccount(), cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' } }
}

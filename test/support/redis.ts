import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { atExit } from './at-exit.ts'
import { freePort } from './free-port.ts'

/** A private redis-server on a port of 127.0.0.1, which keeps nothing on a disk. */
export type RedisServer = {
  url: string
  /** Forgets everything. */
  flush: () => Promise<void>
  /** One command on a connection of its own. */
  command: (name: string, ...args: string[]) => Promise<unknown>
  /** Ends it with SIGKILL: everything is forgotten, and nobody listens. */
  kill: () => Promise<void>
  /** Stops its process without ending it: connections stay open, and nothing comes back on them. */
  freeze: () => void
  thaw: () => void
  /** Starts it again after `kill`, empty, on the same port. */
  restart: () => Promise<void>
  /** Ends it and leaves nothing behind. May be called twice. */
  stop: () => Promise<void>
}

/** Where Redis is not installed, what needs it is skipped; in CI that is a failure. */
export const withRedis = spawnSync('redis-server', ['--version']).status === 0 || process.env['CI'] === 'true'

const PORT_ATTEMPTS = 5

export const startRedis = async ({ choosePort = freePort } = {}): Promise<RedisServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-redis-'))
  let { child, port } = await startOnFreePort(folder, choosePort)
  const forget = atExit(() => child.kill('SIGKILL'))
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const command = async (name: string, ...args: string[]) => {
    const client = new Redis(port, '127.0.0.1')
    try {
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    command,
    flush: async () => void (await command('flushall')),
    kill,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    restart: async () => {
      child = await startOn(port, folder)
    },
    stop: async () => {
      await kill()
      forget()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Somebody else may take a port that was free a moment ago. */
const startOnFreePort = async (
  folder: string,
  choosePort: () => Promise<number>,
  attempt = 1,
): Promise<{ child: ChildProcess; port: number }> => {
  const port = await choosePort()
  try {
    return { child: await startOn(port, folder), port }
  } catch (error) {
    if (attempt >= PORT_ATTEMPTS) throw error
    return startOnFreePort(folder, choosePort, attempt + 1)
  }
}

const startOn = async (port: number, folder: string): Promise<ChildProcess> => {
  const options = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no' }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  // A process group of its own: Ctrl+C must reach the tests, and through them their Redis.
  const child = spawn('redis-server', args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise<void>((resolve, reject) => {
    let log = ''
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`redis-server ended with code ${code}\n${log}`)))
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (log.includes('Ready to accept connections')) resolve()
    })
  })
  child.stdout.removeAllListeners('data').resume()
  // Somebody who forgets `stop` must not hang at the end.
  child.unref()
  const log = child.stdout as Socket
  log.unref()
  return child
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atExit } from '../support/at-exit.ts'
import type { LinkProxy } from './link-proxy.ts'
import { watchLog } from './node-log.ts'

/** One server process of the cluster, in as many lives as it takes, always on the same port. */
export type ChaosNode = {
  name: string
  /** Its own address, for special checks only. */
  url: string
  /** Whether its process runs. */
  isUp: () => boolean
  /**
   * Resolves when it answers `until`: that it is ready, unless something else is asked for.
   * @throws when it ends before that, or does not answer in time
   */
  start: (options?: StartOptions) => Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill: () => Promise<void>
  /** SIGTERM; resolves with the exit code. Another one than 0 is a violation. */
  terminate: () => Promise<number | null>
  /** SIGSTOP. */
  pause: () => void
  /** SIGCONT. */
  resume: () => void
  redis: LinkProxy
  postgres: LinkProxy
}

export type StartOptions = {
  /** `alive`: it answers at all, whatever it can do. */
  until?: 'ready' | 'alive'
  /** Of this life only. */
  environment?: Readonly<Record<string, string>>
}

export type NodeOptions = {
  name: string
  port: number
  environment: Readonly<Record<string, string>>
  nodeArguments: readonly string[]
  logFile: string
  violated: (what: string) => void
  redis: LinkProxy
  postgres: LinkProxy
}

const ROOT = join(import.meta.dirname, '..', '..')
const ANSWER_MS = 3_000
/** A node may wait for its database for a minute. */
const START_MS = 120_000
/** The server gives itself 25 s, orchestrators 30 s. */
const STOP_MS = 35_000

export const createChaosNode = (options: NodeOptions): ChaosNode & { close: () => void } => {
  const { name, port, redis, postgres } = options
  const url = `http://127.0.0.1:${port}`
  const violated = (what: string) => options.violated(`node ${name} ${what}; see ${options.logFile}`)
  const log = watchLog(options.logFile, violated)
  let child: ChildProcess | undefined
  // An interrupted run leaves no server behind.
  const forget = atExit(() => child?.kill('SIGKILL'))

  const launch = (environment: Readonly<Record<string, string>>) => {
    const file = openSync(options.logFile, 'a')
    const launched = spawn(
      process.execPath,
      ['--max-semi-space-size=8', ...options.nodeArguments, 'src/main.ts'],
      {
        cwd: ROOT,
        env: { PATH: process.env['PATH'], PORT: String(port), ...options.environment, ...environment },
        stdio: ['ignore', file, file],
      },
    )
    closeSync(file)
    launched.once('exit', (code, signal) => {
      log.read()
      if (child !== launched) return
      child = undefined
      violated(`ended by itself (${code ?? signal})`)
    })
    child = launched
    return launched
  }

  const start = async ({ until = 'ready', environment = {} }: StartOptions = {}) => {
    if (child) throw new Error(`node ${name} runs already`)
    const launched = launch(environment)
    const deadline = Date.now() + START_MS
    const path = until === 'ready' ? '/ready' : '/health'
    while (!(await answers(`${url}${path}`))) {
      if (child !== launched) throw new Error(`node ${name} did not start; see ${options.logFile}`)
      if (Date.now() > deadline) throw new Error(`node ${name} was not ${until} in time`)
      await sleep(50)
    }
  }

  /** Resolves when the process is gone, which is what somebody wanted. */
  const end = async (signal: NodeJS.Signals, patienceMs: number) => {
    const dying = child
    child = undefined
    if (!dying) return { code: 0 }
    const gone = once(dying, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    dying.kill(signal)
    const impatience = setTimeout(() => dying.kill('SIGKILL'), patienceMs)
    const [code, by] = await gone
    clearTimeout(impatience)
    return { code, by }
  }

  return {
    name,
    url,
    redis,
    postgres,
    isUp: () => child !== undefined,
    start,
    kill: async () => void (await end('SIGKILL', STOP_MS)),
    terminate: async () => {
      const { code, by } = await end('SIGTERM', STOP_MS)
      if (code !== 0) violated(`ended with ${code ?? by} after SIGTERM`)
      return code
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close: () => {
      log.close()
      forget()
    },
  }
}

/** Whether somebody says yes there, within a few seconds. */
export const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atExit } from '../support/at-exit.ts'
import { freePort } from '../support/free-port.ts'
import type { Violated } from './rules.ts'
import { COMPILE_CACHE } from '../support/compile-cache.ts'

/** Where clients find a server. */
export type Door = Pick<ServerProcess, 'up' | 'lives'>

/** The one server process of a test, on one database, in as many lives as it takes. */
export type ServerProcess = {
  /** Resolves with the address as soon as a server answers there. */
  up: () => Promise<string>
  /** Whether the server that answered at this address has not been killed since. */
  lives: (url: string) => boolean
  /** @throws when the server does not answer within a minute */
  start: () => Promise<void>
  /** Starts a server and kills it before it can be expected to answer. */
  startInVain: (lifeMs: number) => Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill: () => Promise<void>
}

type Options = {
  environment: Readonly<Record<string, string>>
  /** What the servers print. */
  logFile: string
  violated: Violated
}

const ROOT = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 60_000
/** Of pino: `error`. */
const ERROR_LEVEL = 50

export const createServerProcess = ({ environment, logFile, violated }: Options): ServerProcess => {
  let child: ChildProcess | undefined
  let url: string | undefined
  let answering = Promise.withResolvers<string>()
  let expected = false
  let read = 0
  // An interrupted test leaves no server behind.
  atExit(() => child?.kill('SIGKILL'))

  const launch = (port: number) => {
    const log = openSync(logFile, 'a')
    expected = false
    const launched = spawn(process.execPath, ['src/main.ts'], {
      cwd: ROOT,
      env: {
        ...COMPILE_CACHE,
        PATH: process.env['PATH'],
        HOST: '127.0.0.1',
        PORT: String(port),
        LOG_LEVEL: 'warn',
        LAUREL_DEMO: 'off',
        LAUREL_RATE_LIMIT: '100000000',
        ...environment,
      },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child = launched
    return launched
  }

  const kill = async () => {
    // Whoever waits for a server that never answered goes on waiting.
    if (url !== undefined) answering = Promise.withResolvers()
    url = undefined
    const dying = child
    child = undefined
    if (!dying) return
    expected = true
    if (dying.exitCode === null && dying.signalCode === null) {
      const gone = once(dying, 'exit')
      dying.kill('SIGKILL')
      await gone
    }
    readLog()
  }

  /** An error in the log is one that nobody who sends well-formed commands should cause. */
  const readLog = () => {
    const lines = readFileSync(logFile, 'utf8').slice(read).split('\n')
    read += lines.join('\n').length
    for (const line of lines) {
      const level = /^\{(?:"time":\d+,)?"level":(\d+)/.exec(line)?.[1]
      if (Number(level) >= ERROR_LEVEL)
        violated(`the server logged an error: ${line.slice(0, 2_000)}`, 'no-exit')
    }
  }

  const start = async (attempt = 1): Promise<void> => {
    const port = await freePort()
    const launched = launch(port)
    const address = `http://127.0.0.1:${port}`
    const deadline = Date.now() + START_TIMEOUT_MS
    while (!(await answers(address))) {
      const ended = launched.exitCode !== null || launched.signalCode !== null
      if (ended && attempt < 5 && readFileSync(logFile, 'utf8').slice(read).includes('EADDRINUSE'))
        return start(attempt + 1)
      if (ended) throw new Error(`the server did not start: ${readFileSync(logFile, 'utf8').slice(read)}`)
      if (Date.now() > deadline) throw new Error('the server did not answer within a minute')
      await sleep(20)
    }
    launched.once('exit', (code, signal) => {
      if (!expected) violated(`the server ended by itself (${code ?? signal}); see ${logFile}`, 'no-exit')
    })
    url = address
    answering.resolve(address)
  }

  return {
    up: () => answering.promise,
    lives: (address) => address === url,
    start: () => start(),
    startInVain: async (lifeMs) => {
      launch(await freePort())
      await sleep(lifeMs)
      await kill()
    },
    kill,
  }
}

const answers = async (url: string) => {
  try {
    await (await fetch(url)).arrayBuffer()
    return true
  } catch {
    return false
  }
}

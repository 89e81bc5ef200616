import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { atExit } from '../support/at-exit.ts'
import type { NodeSettings } from './node.ts'
import { COMPILE_CACHE } from '../support/compile-cache.ts'

/** One server process, in as many lives as it takes, always at the same address. */
export type NodeProcess = {
  /** Resolves when it answers. @throws when it ends before that */
  start: () => Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill: () => Promise<void>
  /** Moves its clock, and that of its next lives. */
  advance: (ms: number) => void
  now: () => number
}

export const createNodeProcess = (
  settings: Omit<NodeSettings, 'offsetMs'>,
  logFile: string,
  violated: (what: string) => void,
): NodeProcess => {
  let child: ChildProcess | undefined
  let offsetMs = 0
  atExit(() => child?.kill('SIGKILL'))
  return {
    now: () => Date.now() + offsetMs,
    start: async () => {
      const log = openSync(logFile, 'a')
      const launched = spawn(process.execPath, [join(import.meta.dirname, 'node.ts')], {
        env: {
          ...COMPILE_CACHE,
          PATH: process.env['PATH'],
          LAUREL_TEST_NODE: JSON.stringify({ ...settings, offsetMs } satisfies NodeSettings),
        },
        stdio: ['ignore', log, log, 'ipc'],
      })
      closeSync(log)
      child = launched
      const first = await Promise.race([once(launched, 'message'), once(launched, 'exit')])
      if (typeof first[0] !== 'object' || first[0] === null)
        throw new Error(`the server did not start; see ${logFile}`)
      launched.send({ offsetMs })
      launched.once('exit', (code, signal) => {
        if (child === launched) violated(`the server ended by itself (${code ?? signal}); see ${logFile}`)
      })
    },
    kill: async () => {
      const dying = child
      child = undefined
      if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
      const gone = once(dying, 'exit')
      dying.kill('SIGKILL')
      await gone
    },
    advance: (ms) => {
      offsetMs += ms
      if (child?.connected) child.send({ offsetMs })
    },
  }
}

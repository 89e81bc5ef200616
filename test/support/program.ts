import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { COMPILE_CACHE } from './compile-cache.ts'

/** The folder of the repository. */
export const ROOT = join(import.meta.dirname, '../..')

export type Program = {
  pid: number
  /** Everything that it has printed so far. */
  output: () => string
  /** Waits until it has printed this. @throws when it ends before that. */
  prints: (pattern: RegExp) => Promise<RegExpExecArray>
  signal: (signal: NodeJS.Signals) => void
  /** Its exit code, once it has ended. */
  exit: Promise<number | null>
}

/** A process of its own, with no setting but these; it ends with the test at the latest. */
export const run = (
  args: readonly string[],
  env: Record<string, string> = {},
  { command = process.execPath, cwd = ROOT }: { command?: string; cwd?: string } = {},
): Program => {
  const child = spawn(command, args, { cwd, env: { PATH: process.env['PATH'], ...COMPILE_CACHE, ...env } })
  let output = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const look of watchers) look()
    })
  const exit = once(child, 'close').then(([code]) => code as number | null)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return {
    pid: child.pid!,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    exit,
    prints: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output)
          if (match) resolve(match)
        }
        watchers.add(look)
        look()
        void exit.then((code) => reject(new Error(`it ended with ${code} before that:\n${output}`)))
      }),
  }
}

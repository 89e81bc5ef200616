import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const POLL_MS = 1_000
/** Of pino. */
const FATAL = /^\{(?:"time":\d+,)?"level":60,|uncaughtException|unhandledRejection/

/** Looks for what no fault excuses in a log that somebody else writes: a server may report errors, but never give up. */
export const watchLog = (file: string, violated: (what: string) => void) => {
  let position = 0
  let line = ''
  const read = () => {
    const lines = (line + more()).split('\n')
    line = lines.pop()!
    for (const one of lines) if (FATAL.test(one)) violated(`logged: ${one.slice(0, 2_000)}`)
  }
  const more = (): string => {
    if (!existsSync(file)) return ''
    const opened = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(fstatSync(opened).size - position)
      position += readSync(opened, bytes, 0, bytes.length, position)
      // A character that is cut in two costs nothing here: what is looked for is ASCII.
      return bytes.toString()
    } finally {
      closeSync(opened)
    }
  }
  const timer = setInterval(read, POLL_MS).unref()
  return {
    read,
    close: () => {
      clearInterval(timer)
      read()
    },
  }
}

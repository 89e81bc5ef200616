import { pino, type DestinationStream, type Logger } from 'pino'

/** JSON, one object a line, for machines that collect it; in a terminal a line that people can read. */
export const createLogger = (level: string, out: NodeJS.WriteStream): Logger =>
  out.isTTY ? pino({ level, base: null }, readable(out)) : pino({ level })

const readable = (out: NodeJS.WritableStream): DestinationStream => ({
  write: (line) => void out.write(readableLine(line)),
})

type Entry = {
  level: number
  time: number
  msg?: string
  err?: { stack?: string; message?: string }
}

/** `16:04:05 WARN  what happened  key=value`, with the stack of an error below it. */
const readableLine = (line: string): string => {
  const { level, time, msg = '', err, ...rest } = JSON.parse(line) as Entry
  const label = (pino.levels.labels[level] ?? String(level)).toUpperCase().padEnd(5)
  const fields = Object.entries(rest).map(
    ([key, value]) => `  ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const stack = err ? `\n${(err.stack ?? err.message ?? '').replaceAll(/^/gm, '  ')}` : ''
  return `${new Date(time).toTimeString().slice(0, 8)} ${label} ${msg}${fields.join('')}${stack}\n`
}

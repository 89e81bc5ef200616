import { pino, type DestinationStream, type Logger } from 'pino'
import { redactLine } from './redaction.ts'

/** JSON, one object a line, for machines that collect it; in a terminal a line that people can read. */
export const createLogger = (
  level: string,
  out: NodeJS.WriteStream,
  destination: DestinationStream = out.isTTY ? readable(out) : pino.destination(1),
): Logger =>
  pino(
    {
      level,
      ...(out.isTTY ? { base: null } : {}),
      serializers: { err: describeError },
      hooks: { streamWrite: redactLine },
    },
    destination,
  )

/** What says where an error comes from; what libraries hang on theirs besides may be a whole request with its headers. */
const describeError = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error
  const { type, message, stack } = pino.stdSerializers.err(error)
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { type, message, stack, ...code }
}

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

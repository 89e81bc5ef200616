import { FolderInUse } from '../persistence/folder-lock.ts'
import { StartRefused } from '../persistence/start-checks.ts'
import { ConfigError } from './config.ts'
import { DemoRefused } from './demo/load.ts'

/**
 * Says in one line why the server did not start, for everything that whoever starts it can put right. `undefined` means
 * a bug of ours: then the stack is worth more than a sentence.
 */
export const startFailure = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if (error instanceof ConfigError || error instanceof StartRefused) return error.message
  if (error instanceof FolderInUse)
    return `${error.message}; stop that process, or set DATA_DIR to another folder`
  if (error instanceof DemoRefused)
    return `${error.message}; set LAUREL_DEMO=off, or DATA_DIR to another folder`
  // The two databases' own words; neither has an error class that could be told apart.
  if (error.message.startsWith('PostgreSQL cannot be reached')) return unreachable(error)
  if (error.message.startsWith('PGlite failed'))
    return `the database in the data folder cannot be opened (${oneLine(error)}); restore a backup of the folder, or set DATA_DIR to an empty one`
  return systemFailure(error)
}

const unreachable = (error: Error) => {
  const { code } = systemError(error)
  // A name with several addresses fails without a word of its own.
  const reason =
    error.message.trim().endsWith(':') && code ? `${error.message.trim()} ${code}` : oneLine(error)
  return `${reason}; check DATABASE_URL and that the server runs`
}

const systemFailure = (error: Error): string | undefined => {
  const { code, syscall, port, address, hostname, path } = systemError(error)
  switch (code) {
    case undefined:
      return undefined
    case 'EADDRINUSE':
      return `PORT: port ${port} is in use; stop the other program, or take another one, for example PORT=${(port ?? 3000) + 1}`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return syscall === 'listen' || syscall === 'getaddrinfo'
        ? `HOST: ${address ?? hostname} is no address of this machine, for example HOST=127.0.0.1`
        : oneLine(error)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
      return path === undefined
        ? `PORT: this user may not listen on port ${port}; take one above 1023, for example PORT=3000`
        : `DATA_DIR: ${path} cannot be used (${code}); name a folder that this user may write, for example DATA_DIR=./data`
    default:
      return oneLine(error)
  }
}

type SystemError = {
  code: string
  syscall?: string
  port?: number
  address?: string
  hostname?: string
  path?: string
}

/** The first error in the chain of causes that the system or the database raised; ours have no code. */
const systemError = (error: unknown): Partial<SystemError> => {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && typeof cause.code === 'string') return cause as Error & SystemError
  return {}
}

const oneLine = ({ message }: Error) => message.replaceAll(/\s+/g, ' ').trim()

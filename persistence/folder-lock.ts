import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'

/** Two processes in one PGlite folder destroy it, and PGlite does not notice; so the folder has a lock of its own. */
export class FolderInUse extends Error {
  override name = 'FolderInUse'
}

/**
 * Takes the lock file, which is taken over only from a process that is dead (never by age).
 * @returns the function that gives it back.
 * @throws FolderInUse
 */
export const lockFolder = (path: string): (() => void) => {
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) })
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeSync(file, mine)
      closeSync(file)
      return () => {
        if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true })
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      const owner = ownerOf(path)
      if (owner && isAlive(owner))
        throw new FolderInUse(`the data folder is in use by process ${owner.pid} (${path})`)
      rmSync(path, { force: true })
    }
  }
  throw new FolderInUse(`the data folder is being taken by another process (${path})`)
}

type Owner = { pid: number; started: string | null }

const ownerOf = (path: string): Owner | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner
  } catch {
    return undefined // A file that was cut off in the middle of a start belongs to nobody alive.
  }
}

const isAlive = ({ pid, started }: Owner) => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  // Process numbers are used again; the start time tells the two apart where the system says it.
  return started === null || startOf(pid) === null || startOf(pid) === started
}

/** Field 22 of /proc/<pid>/stat: clock ticks since boot. `null` where there is no /proc. */
const startOf = (pid: number): string | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

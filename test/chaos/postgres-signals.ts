import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Postgres } from '../support/postgres.ts'

/** A server that can be stopped in more ways than one. */
export type PausablePostgres = Postgres & {
  /** SIGSTOP to all its processes: connections stay open, and nothing comes back on them. */
  pause: () => void
  /** SIGCONT. */
  resume: () => void
  /** Ends it as `pg_ctl stop -m` does; `restart` starts it again. */
  end: (mode: 'fast' | 'immediate') => Promise<void>
}

const END_MS = 15_000

export const pausable = (postgres: Postgres): PausablePostgres => {
  /** Its first process first, so that no new one appears behind our back. */
  const signalAll = (signal: NodeJS.Signals) => {
    const first = firstProcess(postgres.dataDir)
    if (first === undefined) return
    send(first, signal)
    for (const worker of childrenOf(first)) send(worker, signal)
  }
  return {
    ...postgres,
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
    end: async (mode) => {
      const first = firstProcess(postgres.dataDir)
      if (first === undefined) return
      send(first, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
      for (const until = Date.now() + END_MS; isAlive(first) && Date.now() < until;) await sleep(10)
      // Nothing is left to kill when it ended in time.
      await postgres.kill()
    },
  }
}

const firstProcess = (dataDir: string): number | undefined => {
  const file = join(dataDir, 'postmaster.pid')
  if (!existsSync(file)) return undefined
  return Number(readFileSync(file, 'utf8').split('\n')[0])
}

const childrenOf = (pid: number): number[] => {
  const list = `/proc/${pid}/task/${pid}/children`
  return existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

const send = (pid: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    // It ended a moment ago.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

const isAlive = (pid: number) => send(pid, 0)

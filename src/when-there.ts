import { isUnavailable, sqlState } from '../persistence/sql.ts'

/** Between two attempts. Milliseconds. */
const PAUSES_MS = [250, 500, 1_000, 2_000, 5_000]

/**
 * Starts what needs the database, again and again while that is not there yet: nodes and databases may be started in any
 * order. What waiting cannot change, a wrong password for example, ends it at once.
 * @throws the last error when it is still not there after `waitMs`
 */
export const whenThere = async <Result>(
  start: () => Promise<Result>,
  waitMs: number,
  note: (text: string) => void,
): Promise<Result> => {
  const until = performance.now() + waitMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await start()
    } catch (error) {
      const leftMs = until - performance.now()
      if (leftMs <= 0 || !mayComeYet(error)) throw error
      if (attempt === 0)
        note(`waiting for the database for up to ${Math.ceil(leftMs / 1000)} s: ${firstLine(error)}`)
      const pauseMs = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]!
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)))
    }
  }
}

/** Nobody answers there, or it is starting, stopping or full. */
const mayComeYet = (error: unknown) => sqlState(error) !== '3D000' && isUnavailable(error)

const firstLine = (error: unknown) => String(error instanceof Error ? error.message : error).split('\n')[0]!

import type { Clock } from '../../src/clock.ts'

export type TestClock = Clock & {
  /** Moves the time forward. */
  advance: (ms: number) => void
  at: (ms?: number) => string
}

const DAY_MS = 86_400_000

export const days = (count: number): number => count * DAY_MS

/** A clock that runs like the real one, from any instant on, and can be moved. */
export const aClock = (start = Date.now()): TestClock => {
  let offset = start - performance.now()
  const now = () => Math.floor(performance.now() + offset)
  return {
    now,
    stop: () => {},
    advance: (ms) => {
      offset += ms
    },
    at: (ms = 0) => new Date(now() + ms).toISOString(),
  }
}

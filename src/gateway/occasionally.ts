import { setTimeout as sleep } from 'node:timers/promises'

/** Between two questions. Milliseconds. */
const PAUSE_MS = 10_000
/** Who asks waits no longer for an answer that is to come. Milliseconds. */
const PATIENCE_MS = 1_000

/**
 * Remembers an answer that costs something. Nothing while it cannot be had: who asks has other things to tell. A
 * question that is never answered is not asked a second time.
 */
export const occasionally = <Answer>(
  ask: () => Promise<Answer>,
  failed: (error: unknown) => void,
): (() => Promise<Answer | undefined>) => {
  let nextAt = -Infinity
  let pending = false
  let answer: Promise<Answer | undefined> = Promise.resolve(undefined)
  return () => {
    if (!pending && performance.now() >= nextAt) {
      pending = true
      nextAt = performance.now() + PAUSE_MS
      answer = ask()
        .catch((error: unknown): undefined => {
          failed(error)
        })
        .finally(() => {
          pending = false
        })
    }
    return Promise.race([answer, sleep(PATIENCE_MS, undefined, { ref: false })])
  }
}

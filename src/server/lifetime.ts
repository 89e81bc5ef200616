import { setTimeout as sleep } from 'node:timers/promises'

/** What begins and ends with the server. */
export type Part = {
  name: string
  start?: (() => unknown) | undefined
  stop?: (() => unknown) | undefined
}

export type Lifetime = {
  /** It is there already, and has to be given back also when the rest never starts. */
  owns: (name: string, stop: () => unknown) => void
  /** Each once those before it have started. */
  start: (parts: readonly Part[]) => Promise<void>
  /** Stops what has started and what is owned, in the reverse order. */
  end: () => Promise<void>
  /** A part that does not come to its end keeps no server from ending: what was acknowledged is committed. */
  inTime: (name: string, stop: () => unknown) => Promise<void>
}

/** Longer than any part waits by itself. Milliseconds. */
const STOP_MS = 10_000

export const createLifetime = (failed: (error: unknown, context?: object) => void): Lifetime => {
  const stops: { name: string; stop: () => unknown }[] = []
  const owns: Lifetime['owns'] = (name, stop) => void stops.push({ name, stop })

  const inTime: Lifetime['inTime'] = async (name, stop) => {
    const late = Symbol('late')
    const patience = new AbortController()
    const ended = await Promise.race([
      Promise.resolve(stop()),
      sleep(STOP_MS, late, { signal: patience.signal }).catch(() => undefined),
    ])
    patience.abort()
    if (ended === late) failed(new Error(`a part did not stop within ${STOP_MS} ms`), { part: name })
  }

  return {
    owns,
    start: async (parts) => {
      const waiting = [...parts]
      try {
        for (let part = waiting.shift(); part; part = waiting.shift()) {
          await part.start?.()
          if (part.stop) owns(part.name, part.stop)
        }
      } catch (error) {
        // What has no beginning of its own has been there before.
        for (const { name, start, stop } of waiting) if (!start && stop) owns(name, stop)
        throw error
      }
    },
    end: async () => {
      for (const { name, stop } of stops.splice(0).toReversed()) await inTime(name, stop)
    },
    inTime,
  }
}

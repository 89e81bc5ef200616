/** What happens later, by the simulator's clock, which tests move. */
export type Agenda = {
  /** In the background nobody waits for it: a deadline weeks away does not keep the simulator busy. */
  after: (ms: number, run: () => unknown, options?: { background?: boolean }) => void
  wait: (ms: number) => Promise<void>
  /** Without those in the background. */
  pending: () => number
  stop: () => void
}

type Entry = { at: number; run: () => unknown; background: boolean }

/** How often it looks at the clock while there is something to wait for, in milliseconds of the real time. */
const LOOK_MS = 20

export const createAgenda = (now: () => number): Agenda => {
  const entries = new Set<Entry>()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const due = [...entries].filter(({ at }) => at <= now()).toSorted((one, other) => one.at - other.at)
    for (const entry of due) {
      entries.delete(entry)
      entry.run()
    }
    if (entries.size === 0) stop()
  }
  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const agenda: Agenda = {
    after: (ms, run, { background = false } = {}) => {
      entries.add({ at: now() + ms, run, background })
      if (ms <= 0) setImmediate(look)
      else timer ??= setInterval(look, LOOK_MS).unref()
    },
    wait: (ms) => new Promise((resolve) => agenda.after(ms, resolve)),
    pending: () => [...entries].filter(({ background }) => !background).length,
    stop: () => {
      stop()
      entries.clear()
    },
  }
  return agenda
}

export type Sweeper = {
  start: () => void
  /** The next round comes at once, or right after the one that is under way. */
  soon: () => void
  /** Waits for the round that is under way. */
  stop: () => Promise<void>
}

type Dependencies = {
  round: () => Promise<void>
  everyMs: number
  /** The shortest time between two rounds, however often somebody asks for one. */
  pauseMs: number
  failed: (error: unknown) => void
}

/** Rounds, one after the other: `everyMs` apart unless somebody asks for one earlier. */
export const createSweeper = ({ round, everyMs, pauseMs, failed }: Dependencies): Sweeper => {
  let alarm: NodeJS.Timeout | undefined
  let alarmAt = Infinity
  let current: Promise<void> | undefined
  let calledAgain = false
  let stopped = true

  const wakeIn = (ms: number) => {
    const at = performance.now() + ms
    if (stopped || at >= alarmAt) return
    clearTimeout(alarm)
    alarmAt = at
    alarm = setTimeout(sweep, ms)
  }

  const sweep = () => {
    alarmAt = Infinity
    current = round()
      .catch(failed)
      .finally(() => {
        current = undefined
        wakeIn(calledAgain ? pauseMs : everyMs)
        calledAgain = false
      })
  }

  return {
    start: () => {
      stopped = false
      wakeIn(0)
    },
    soon: () => {
      if (current) calledAgain = true
      else wakeIn(pauseMs)
    },
    stop: async () => {
      stopped = true
      clearTimeout(alarm)
      await current
    },
  }
}

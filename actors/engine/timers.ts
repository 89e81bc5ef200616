import type { Engine } from './engine.ts'
import { timerMessage } from './turn.ts'

export type DueTimer = {
  actorType: string
  actorId: string
  name: string
  generation: number
  dueAt: string
  event: object | null
}

export type TimerStore = {
  /** Due timers in due order, which other nodes then leave alone for a while. */
  claim: (now: string, limit: number) => Promise<DueTimer[]>
  nextDueAt: () => Promise<string | undefined>
}

export type TimerScheduler = {
  start: () => void
  /** A timer was committed that is due at this instant. */
  expect: (dueAt: string) => void
  /** Stops claiming, and waits for what was claimed. */
  stop: () => Promise<void>
  stats: () => { fired: number }
}

type Dependencies = {
  store: TimerStore
  engine: Engine
  /** Milliseconds since the epoch, by the database's clock. */
  now: () => number
  failed: (error: unknown) => void
  /** Hears of each timer that is fired how long ago it was due, in milliseconds. Must not throw. */
  late?: ((ms: number) => void) | undefined
  /** The longest sleep, so that timers of a node that died are found too. */
  pollMs?: number
  batch?: number
}

/** Fires due timers in due order. The rows are the truth; this only looks at the clock for them. */
export const createTimerScheduler = (deps: Dependencies): TimerScheduler => {
  const { store, engine, now, failed, late, pollMs = 1_000, batch = 1_024 } = deps
  let alarm: NodeJS.Timeout | undefined
  let alarmAt = Infinity
  let round: Promise<void> | undefined
  let calledAgain = false
  let stopped = true
  let fired = 0

  const wakeAt = (at: number) => {
    if (stopped || at >= alarmAt) return
    clearTimeout(alarm)
    alarmAt = at
    alarm = setTimeout(wake, Math.min(Math.max(at - now(), 0), pollMs))
  }

  const wake = () => {
    alarmAt = Infinity
    calledAgain = round !== undefined
    round ??= fireDue()
      .catch(failed)
      .finally(() => {
        round = undefined
        wakeAt(calledAgain ? now() : now() + pollMs)
        calledAgain = false
      })
  }

  const fireDue = async () => {
    for (;;) {
      const due = stopped ? [] : await store.claim(new Date(now()).toISOString(), batch)
      if (due.length === 0) break
      const at = now()
      if (late) for (const { dueAt } of due) late(at - Date.parse(dueAt))
      await Promise.all(due.map(fire))
      fired += due.length
    }
    const next = await store.nextDueAt()
    if (next) wakeAt(Date.parse(next))
  }

  const fire = ({ actorType, actorId, event, ...timer }: DueTimer) =>
    engine.send(timerMessage({ ...timer, actor: { type: actorType, id: actorId }, event: event ?? {} }))

  return {
    start: () => {
      stopped = false
      wakeAt(now())
    },
    expect: (dueAt) => wakeAt(Date.parse(dueAt)),
    stop: async () => {
      stopped = true
      clearTimeout(alarm)
      await round
    },
    stats: () => ({ fired }),
  }
}

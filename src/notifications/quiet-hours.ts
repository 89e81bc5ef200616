import type { NotificationSettings } from '../../contracts/preference.ts'

const MINUTE_MS = 60_000
const DAY_MINUTES = 24 * 60

/**
 * When the quiet hours end that it is now, where the recipient is; nothing when it is none. Where clocks are changed
 * meanwhile, that is the same time by the clock on the wall.
 */
export const quietUntil = (
  { quietHours, timeZone }: Pick<NotificationSettings, 'quietHours' | 'timeZone'>,
  now: number,
): string | undefined => {
  if (!quietHours) return undefined
  const minuteAt = clockOf(timeZone)
  const [from, to] = [minutesOf(quietHours.from), minutesOf(quietHours.to)]
  const isQuiet = (minute: number) =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to
  const present = minuteAt(now)
  if (!isQuiet(present)) return undefined
  const beginning = now - (now % MINUTE_MS)
  const end = beginning + wrapped(to - present) * MINUTE_MS
  // As far as the clock on the wall is off then, and no further than a clock is ever changed.
  const off = wrapped(to - minuteAt(end) + DAY_MINUTES / 2) - DAY_MINUTES / 2
  const until = end + off * MINUTE_MS
  // That night the clock on the wall may leave the end out.
  const isReal = until > now && !isQuiet(minuteAt(until))
  return new Date(isReal ? until : firstMinute(beginning, (ms) => !isQuiet(minuteAt(ms)))).toISOString()
}

/** Of the day to come: a clock that jumps over one end does not jump over both. */
const firstMinute = (beginning: number, satisfies: (ms: number) => boolean): number => {
  let ms = beginning + MINUTE_MS
  while (!satisfies(ms) && ms < beginning + DAY_MINUTES * MINUTE_MS) ms += MINUTE_MS
  return ms
}

const wrapped = (minutes: number) => ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

/** The minute of the day at an instant. */
const clockOf = (timeZone: string) => {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (ms: number): number => minutesOf(format.format(ms))
}

import type { Fact } from '../contracts/achievement.ts'
import type { Criteria, Repeatable, Rule } from '../contracts/badge-definition.ts'
import type { BadgeEvidence } from '../contracts/badge.ts'

/** What somebody has done: the newest facts one by one, and the sums of all that were before them. */
export type Achieved = {
  /** By fact; one that was taken back does not count, and is kept so that it is not counted later. */
  facts: Readonly<Record<string, Fact & { counts: boolean }>>
  /** By month and sort. */
  sums: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Of the days whose facts are in the sums. */
  streak: Streak
}

/** `run` days in a row end on `last`, which is a day like `2026-11-28`. */
export type Streak = { last: string | null; run: number; longest: number }

/** One period of a badge that can be earned again; none where it is earned once. */
export type Window = { period: Repeatable['period']; key: string } | undefined

const DAY_MS = 86_400_000

export const dayOf = (at: string): string => at.slice(0, 10)

/** The name of the period that an instant is in: `2026-11-28`, `2026-W48`, `2026-11`, `2026`; UTC. */
export const periodOf = (period: Repeatable['period'], at: string): string => {
  if (period === 'week') return weekOf(at)
  return at.slice(0, { day: 10, month: 7, year: 4 }[period])
}

/** ISO 8601: a week belongs to the year that has its Thursday. */
const weekOf = (at: string): string => {
  const midnight = Date.parse(`${dayOf(at)}T00:00:00Z`)
  const weekday = (new Date(midnight).getUTCDay() + 6) % 7
  const thursday = new Date(midnight + (3 - weekday) * DAY_MS)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

/** The period that a badge is earned in by what happened then; empty where it is earned once. */
export const awardPeriod = (repeatable: Repeatable | null, at: string): string =>
  repeatable ? periodOf(repeatable.period, at) : ''

export const windowOf = (repeatable: Repeatable | null, key: string): Window =>
  repeatable ? { period: repeatable.period, key } : undefined

export const isMet = ({ match, rules }: Criteria, achieved: Achieved, window?: Window): boolean => {
  const met = (rule: Rule) => reachedOf(rule, achieved, window) >= rule.value
  return match === 'all' ? rules.every(met) : rules.some(met)
}

/** Whether some of what counted in this period has gone into the sums, which do not say how much of it. */
export const isForgotten = (
  { rules }: Criteria,
  { summedUntil }: { summedUntil: string | null },
  window: Window,
): boolean => {
  if (!window || summedUntil === null || periodOf(window.period, summedUntil) < window.key) return false
  const isShort = window.period === 'day' || window.period === 'week'
  return isShort || rules.some(({ kind }) => kind === 'streak_length')
}

/** Each rule, and how far it was reached. */
export const evidenceOf = ({ rules }: Criteria, achieved: Achieved, window?: Window): BadgeEvidence => ({
  reached: rules.map((rule) => ({ ...rule, reached: reachedOf(rule, achieved, window) })),
})

export const reachedOf = ({ kind, of }: Rule, achieved: Achieved, window?: Window): number => {
  if (kind === 'streak_length') return longestStreak(achieved, window)
  const amounts = amountsOf(KINDS[kind], achieved, window)
  if (of !== undefined) return Math.max(amounts.get(of) ?? 0, 0)
  const all = [...amounts.values()].filter((amount) => amount > 0)
  return kind === 'training_completion' ? all.length : all.reduce((sum, amount) => sum + amount, 0)
}

const KINDS = {
  activity_count: 'activity',
  training_completion: 'training',
  recruiting_milestone: 'recruiting',
} as const

/** How much of each sort. */
const amountsOf = (kind: Fact['kind'], { facts, sums }: Achieved, window: Window): Map<string, number> => {
  const amounts = new Map<string, number>()
  const add = (of: string, count: number) => amounts.set(of, (amounts.get(of) ?? 0) + count)
  for (const fact of Object.values(facts))
    if (fact.counts && fact.kind === kind && isWithin(window, fact.occurredAt)) add(fact.of ?? '', fact.count)
  for (const [month, bySort] of Object.entries(sums)) {
    if (!hasMonth(window, month)) continue
    for (const [sort, count] of Object.entries(bySort))
      if (sort.startsWith(`${kind}:`)) add(sort.slice(kind.length + 1), count)
  }
  return amounts
}

/** What a fact is summed up under. */
export const sortOf = ({ kind, of }: Pick<Fact, 'kind' | 'of'>): string => `${kind}:${of ?? ''}`

const isWithin = (window: Window, at: string) => !window || periodOf(window.period, at) === window.key

/** Sums are by month: of a day or a week they say nothing. */
const hasMonth = (window: Window, month: string) =>
  !window || ((window.period === 'month' || window.period === 'year') && month.startsWith(window.key))

const longestStreak = ({ facts, streak }: Achieved, window: Window): number => {
  const days = Object.values(facts)
    .filter(({ counts, kind, occurredAt }) => counts && kind === 'activity' && isWithin(window, occurredAt))
    .map(({ occurredAt }) => dayOf(occurredAt))
    .toSorted()
  return days.reduce(withDay, window ? NO_STREAK : streak).longest
}

export const NO_STREAK: Streak = { last: null, run: 0, longest: 0 }

/** Days come in their order; one that is not later than the last changes nothing. */
export const withDay = (streak: Streak, day: string): Streak => {
  const { last, run, longest } = streak
  if (last !== null && day <= last) return streak
  const isNext = last !== null && Date.parse(day) - Date.parse(last) === DAY_MS
  const now = isNext ? run + 1 : 1
  return { last: day, run: now, longest: Math.max(longest, now) }
}

/** The criteria as a sentence for people, and for those who verify a badge. */
export const criteriaText = ({ match, rules }: Criteria, repeatable: Repeatable | null): string => {
  const text = rules.map(ruleText).join(match === 'all' ? ', and ' : ', or ')
  const within = repeatable ? ` within one ${repeatable.period}` : ''
  return `${text[0]!.toUpperCase()}${text.slice(1)}${within}.`
}

const ruleText = ({ kind, value, of }: Rule): string => {
  const some = (one: string, many: string) => `at least ${value} ${value === 1 ? one : many}`
  if (kind === 'streak_length') return `an activity on ${some('day', 'days in a row')}`
  const sort = of === undefined ? '' : ` (${of})`
  if (kind === 'activity_count') return some('activity', 'activities') + sort
  if (kind === 'recruiting_milestone') return some('person', 'people') + ` recruited${sort}`
  return of === undefined
    ? some('training', 'trainings') + ' completed'
    : `training ${of} completed${value === 1 ? '' : ` ${value} times`}`
}

import { assertEvent, setup } from 'xstate'
import type { AchievementEvent, Evaluated, Fact, FactNews } from '../contracts/achievement.ts'
import type { DefinitionNews } from '../contracts/badge-definition.ts'
import type { Envelope } from '../contracts/contract.ts'
import { dayOf, NO_STREAK, sortOf, withDay, type Achieved } from './badge-criteria.ts'

export type AchievementInput = Envelope & { id: string; orgId: string; userId: string }

export type AchievementContext = Omit<AchievementInput, keyof Envelope> &
  Achieved & {
    /** Facts up to this instant may be in the sums; a fact that is older when it comes goes there at once. */
    summedUntil: string | null
    /** The days for which something has changed since badges were last looked at. */
    days: readonly string[]
  }

type AchievementMessage = Envelope &
  (FactNews | DefinitionNews | Evaluated | { type: 'effect.failed'; effect: string })

/** So many facts are kept one by one; of older ones the sums. A snapshot is read and written for each fact. */
export const MOST_FACTS = 1_000
/** Summed up at once, so that it does not happen for each fact. */
const PORTION = 100
/** Sorts that are told apart in the sums of a month; what comes after them is summed up without its name. */
const MOST_SORTS = 500
/** More than a year: whoever brings in older things than that at once is looked at for the newest of them. */
const MOST_DAYS = 400
/** So many of them are looked at by one evaluation; there is another one for the rest. */
const DAYS_AT_ONCE = 31

const achievement = setup({
  types: {
    context: {} as AchievementContext,
    input: {} as AchievementInput,
    events: {} as AchievementMessage,
    emitted: {} as AchievementEvent,
  },
  actions: {
    evaluateBadges: (_, _params: { achievementId: string; days: readonly string[] }) => {},
  },
  guards: {
    hasNews: ({ context }) => context.days.length > 0,
    isNews: ({ context, event }) =>
      event.type === 'fact.recorded' && !Object.hasOwn(context.facts, event.factId),
    /** One that is not known yet will be: it is kept from counting then. */
    isToBeTakenBack: ({ context, event }) =>
      event.type === 'fact.takenBack' &&
      (Object.hasOwn(context.facts, event.factId)
        ? context.facts[event.factId]!.counts
        : event.fact !== null),
    isEvaluation: ({ event }) => event.type === 'effect.failed' && event.effect === 'evaluateBadges',
  },
})

const count = achievement.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'fact.recorded')
  const { factId, fact } = event
  enqueue.emit({ type: 'achievement.counted', ...factsOf(context, fact) })
  enqueue.assign(
    isSummed(context, fact)
      ? { sums: summed(context.sums, fact, 1) }
      : trimmed({ ...context, facts: { ...context.facts, [factId]: { ...fact, counts: true } } }),
  )
  enqueue.assign({ days: withNews(context.days, fact.occurredAt) })
})

const discount = achievement.enqueueActions(({ context, event, enqueue }) => {
  assertEvent(event, 'fact.takenBack')
  const { factId } = event
  const known = context.facts[factId]
  const fact = known ?? event.fact!
  enqueue.assign(
    !known && isSummed(context, fact)
      ? { sums: summed(context.sums, fact, -1) }
      : trimmed({ ...context, facts: { ...context.facts, [factId]: { ...fact, counts: false } } }),
  )
  if (!known && !isSummed(context, fact)) return
  enqueue.emit({ type: 'achievement.discounted', ...factsOf(context, fact) })
  enqueue.assign({ days: withNews(context.days, fact.occurredAt) })
})

const factsOf = ({ userId }: AchievementContext, { kind, of, count: times }: Fact) => {
  return { userId, kind, of, count: times }
}

const isSummed = ({ summedUntil }: AchievementContext, { occurredAt }: Fact) =>
  summedUntil !== null && occurredAt <= summedUntil

const summed = (sums: Achieved['sums'], fact: Fact, sign: 1 | -1): Achieved['sums'] => {
  const month = fact.occurredAt.slice(0, 7)
  const ofMonth = sums[month] ?? {}
  const named = sortOf(fact)
  const isFull = !Object.hasOwn(ofMonth, named) && Object.keys(ofMonth).length >= MOST_SORTS
  const sort = isFull ? sortOf({ ...fact, of: null }) : named
  return { ...sums, [month]: { ...ofMonth, [sort]: (ofMonth[sort] ?? 0) + sign * fact.count } }
}

/** When there are too many facts, the oldest go into the sums, in their order. */
const trimmed = (context: AchievementContext): Partial<AchievementContext> => {
  const { facts } = context
  if (Object.keys(facts).length <= MOST_FACTS) return { facts }
  const entries = Object.entries(facts).toSorted(
    ([one, { occurredAt: first }], [other, { occurredAt: second }]) =>
      first === second ? (one < other ? -1 : 1) : first < second ? -1 : 1,
  )
  let { sums, streak } = context
  for (const [, fact] of entries.slice(0, PORTION)) {
    if (!fact.counts) continue
    sums = summed(sums, fact, 1)
    if (fact.kind === 'activity') streak = withDay(streak, dayOf(fact.occurredAt))
  }
  const summedUntil = entries[PORTION - 1]![1].occurredAt
  return { facts: Object.fromEntries(entries.slice(PORTION)), sums, streak, summedUntil }
}

const withNews = (days: readonly string[], at: string): readonly string[] =>
  [...new Set([...days, dayOf(at)])].toSorted().slice(-MOST_DAYS)

/**
 * What one person has done. Badges are looked at after each change, by one evaluation at a time: what changes meanwhile is
 * looked at by the next one, so that the last one has seen everything.
 */
export const achievementMachine = achievement.createMachine({
  id: 'achievement@1',
  context: ({ input: { id, orgId, userId } }) => {
    return { id, orgId, userId, facts: {}, sums: {}, streak: NO_STREAK, summedUntil: null, days: [] }
  },
  initial: 'looked',
  states: {
    looked: {
      always: {
        guard: 'hasNews',
        target: 'looking',
        actions: achievement.enqueueActions(({ context: { id, days }, enqueue }) => {
          const now = days.slice(0, DAYS_AT_ONCE)
          enqueue({ type: 'evaluateBadges', params: { achievementId: id, days: now } })
          enqueue.assign({ days: days.slice(DAYS_AT_ONCE) })
        }),
      },
    },
    looking: {
      on: {
        'badges.evaluated': { target: 'looked' },
        // Operators may have it tried again; what is done next has it looked at, too.
        'effect.failed': { guard: 'isEvaluation', target: 'looked' },
      },
    },
  },
  on: {
    'fact.recorded': { guard: 'isNews', actions: count },
    'fact.takenBack': { guard: 'isToBeTakenBack', actions: discount },
    'badgeDefinition.changed': {
      actions: achievement.assign({ days: ({ context, event }) => withNews(context.days, event.at) }),
    },
  },
})

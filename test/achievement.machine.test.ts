import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { achievement } from '../actors/achievement.ts'
import type { Fact } from '../contracts/achievement.ts'
import type { Criteria, Repeatable, Rule } from '../contracts/badge-definition.ts'
import { achievementMachine, MOST_FACTS, type AchievementContext } from '../machines/achievement.ts'
import {
  criteriaText,
  isForgotten,
  isMet,
  periodOf,
  reachedOf,
  windowOf,
} from '../machines/badge-criteria.ts'
import { badgeFactMachine } from '../machines/badge-fact.ts'
import { given } from './given.ts'

const at = '2026-03-10T09:00:00.000Z'
const input = { id: 'achievement-1', orgId: 'org-1', userId: 'user-1', at }
const recorded = (factId: string, fact: Partial<Fact> = {}) => {
  const whole: Fact = { kind: 'activity', of: null, count: 1, occurredAt: at, ...fact }
  return { type: 'fact.recorded', factId, fact: whole, at } as const
}
const takenBack = (factId: string, fact: Fact | null = null) =>
  ({ type: 'fact.takenBack', factId, fact, at }) as const
const evaluated = { type: 'badges.evaluated', awarded: 0, takenBack: 0, at } as const
const failed = { type: 'effect.failed', effect: 'evaluateBadges', reason: 'x', at } as const
const changed = { type: 'badgeDefinition.changed', at } as const
const evaluation = (...days: string[]) => ({
  name: 'evaluateBadges',
  params: { achievementId: 'achievement-1', days },
})
const counted = (type: 'counted' | 'discounted', kind = 'activity') => ({
  type: `achievement.${type}`,
  userId: 'user-1',
  kind,
  of: null,
  count: 1,
})

const nothing = given(achievementMachine, input)
const contextOf = ({ snapshot }: { snapshot: { context: unknown } }) => snapshot.context as AchievementContext
const reached = (story: { snapshot: { context: unknown } }, kind: Rule['kind'], of?: string) =>
  reachedOf({ kind, value: 1, ...(of === undefined ? {} : { of }) }, contextOf(story))

describe('an achievement', () => {
  it('has badges looked at after a fact, one evaluation at a time, and again for what came meanwhile', () => {
    const looking = nothing.when(recorded('one'))
    looking.expect({
      state: 'looking',
      events: [counted('counted')],
      effects: [evaluation('2026-03-10')],
    })
    const meanwhile = looking.when(recorded('two', { occurredAt: '2026-03-09T10:00:00.000Z' }), changed)
    meanwhile.expect({ state: 'looking', events: [counted('counted')], effects: [] })
    meanwhile.when(evaluated).expect({ state: 'looking', effects: [evaluation('2026-03-09', '2026-03-10')] })
    looking.when(evaluated).expect({ state: 'looked', effects: [] })
  })

  it('has many days looked at a month at a time, until none is left', () => {
    const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + index, 12)).toISOString()
    const looking = nothing.when(changed)
    const many = Array.from({ length: 70 }, (_, index) =>
      recorded(`fact-${index}`, { occurredAt: day(index) }),
    )
    const daysOf = ({ effects }: typeof looking) => (effects[0]!.params as { days: string[] }).days.length
    const rounds = [looking.when(...many).when(evaluated)]
    while (rounds.at(-1)!.snapshot.value === 'looking' && rounds.length < 9)
      rounds.push(rounds.at(-1)!.when(evaluated))
    expect(rounds.slice(0, -1).map(daysOf)).toEqual([31, 31, 8])
    rounds.at(-1)!.expect({ state: 'looked', effects: [] })
  })

  it('goes on when an evaluation has failed for good', () =>
    nothing
      .when(recorded('one'), failed)
      .expect({ state: 'looked', events: [counted('counted')] })
      .when(recorded('two'))
      .expect({ state: 'looking', events: [counted('counted')], effects: [evaluation('2026-03-10')] }))

  it('has badges looked at when there are others to be earned', () =>
    nothing.when(changed).expect({ state: 'looking', effects: [evaluation('2026-03-10')] }))

  it('counts each fact once', () => {
    const once = nothing.when(recorded('one'))
    once.when(recorded('one')).expect({ state: 'looking', refused: true })
    expect(reached(once.when(recorded('one')), 'activity_count')).toBe(1)
  })

  it('takes back what it has counted, once, and for good', () => {
    const back = nothing.when(recorded('one'), recorded('two'), takenBack('one'))
    expect(reached(back, 'activity_count')).toBe(1)
    back.when(takenBack('one')).expect({ state: 'looking', refused: true })
    back.when(recorded('one')).expect({ state: 'looking', refused: true })
  })

  it('never counts what was taken back before it was told', () => {
    const { fact } = recorded('one')
    const early = nothing.when(takenBack('one', fact))
    early.expect({ state: 'looked', effects: [] })
    expect(reached(early.when(recorded('one')), 'activity_count')).toBe(0)
    // What nobody has recorded and nobody will is no news.
    nothing.when(takenBack('ghost')).expect({ state: 'looked', refused: true })
  })

  it('keeps the newest facts one by one and sums up the others, and counts the same', () => {
    const day = (index: number) => new Date(Date.UTC(2024, 0, 1 + index, 12)).toISOString()
    const many = Array.from({ length: MOST_FACTS + 350 }, (_, index) =>
      recorded(`fact-${index}`, { occurredAt: day(index), of: index % 2 ? 'lesson' : null }),
    )
    const full = nothing.when(...many)
    expect(Object.keys(contextOf(full).facts).length).toBeLessThanOrEqual(MOST_FACTS)
    expect(reached(full, 'activity_count')).toBe(MOST_FACTS + 350)
    expect(reached(full, 'activity_count', 'lesson')).toBe((MOST_FACTS + 350) / 2)
    expect(reached(full, 'streak_length')).toBe(MOST_FACTS + 350)
    // Old things that are told late count in the sums, and are taken back from there.
    const { fact } = recorded('late', { occurredAt: day(3) })
    const late = full.when(recorded('late', fact))
    expect(reached(late, 'activity_count')).toBe(MOST_FACTS + 351)
    expect(reached(late.when(takenBack('late', fact)), 'activity_count')).toBe(MOST_FACTS + 350)
    expect(JSON.stringify(full.snapshot.context).length).toBeLessThan(200_000)
  })

  it('knows of which periods it can no longer say what was reached', () => {
    const day = (index: number) => new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 40), 12)).toISOString()
    const many = Array.from({ length: MOST_FACTS + 100 }, (_, index) =>
      recorded(`fact-${index}`, { occurredAt: day(index) }),
    )
    const context = contextOf(nothing.when(...many))
    const streak: Criteria = { match: 'all', rules: [{ kind: 'streak_length', value: 20 }] }
    const activities: Criteria = { match: 'all', rules: [{ kind: 'activity_count', value: 500 }] }
    const year = { period: 'year', key: '2026' } as const
    expect(isMet(streak, context, year) || isForgotten(streak, context, year)).toBe(true)
    expect(isMet(activities, context, year)).toBe(true)
    expect(isForgotten(activities, context, year)).toBe(false)
    expect(isForgotten(activities, context, { period: 'day', key: '2026-01-01' })).toBe(true)
    expect(isForgotten(activities, context, { period: 'day', key: '2026-01-25' })).toBe(false)
    expect(isForgotten(streak, context, undefined)).toBe(false)
  })

  it('every state can be reached', () => {
    const paths = getShortestPaths(achievementMachine, {
      input,
      events: [changed, evaluated],
      serializeState: ({ value }) => JSON.stringify(value),
    })
    const states = new Set(paths.map(({ state }) => state.value))
    expect(states).toEqual(new Set(Object.keys(achievementMachine.states)))
  })

  it('shows what badges are earned by', () => {
    const story = nothing.when(
      recorded('one', { count: 3 }),
      recorded('two', { occurredAt: '2026-03-09T23:59:59.999Z' }),
      recorded('three', { kind: 'training', of: 'first-aid' }),
      recorded('four', { kind: 'recruiting', count: 2 }),
    )
    expect(achievement.view(story.snapshot as never, 'achievement-1')).toEqual({
      id: 'achievement-1',
      userId: 'user-1',
      activities: 4,
      longestStreakDays: 2,
      trainings: 1,
      recruited: 2,
    })
  })
})

describe('a fact that somebody records', () => {
  const fact: Fact = { kind: 'activity', of: 'visit', count: 2, occurredAt: at }
  const factInput = { ...input, id: 'fact-1', achievementId: 'achievement-1', ...fact }
  const told = (type: string) => ({
    name: 'tell',
    params: {
      actor: 'achievement',
      id: 'achievement-1',
      message: { type, factId: 'fact-1', fact },
      orCreate: { orgId: 'org-1', userId: 'user-1' },
    },
  })
  const takeBack = { type: 'takeBack', reason: 'counted twice', at, by: 'admin-1' } as const

  it('is told, and taken back once', () => {
    const facts = { userId: 'user-1', kind: 'activity', of: 'visit', count: 2 }
    const back = given(badgeFactMachine, factInput)
      .expect({
        state: 'recorded',
        events: [{ type: 'badgeFact.recorded', ...facts }],
        effects: [told('fact.recorded')],
      })
      .when(takeBack)
      .expect({
        state: 'takenBack',
        events: [{ type: 'badgeFact.takenBack', ...facts, reason: 'counted twice' }],
        effects: [told('fact.takenBack')],
      })
    back.when(takeBack).expect({ state: 'takenBack', refused: true, effects: [] })
  })
})

describe('a period', () => {
  it.each([
    ['2026-11-28T23:59:59.999Z', '2026-11-28', '2026-W48', '2026-11', '2026'],
    // ISO 8601: the year of a week is that of its Thursday.
    ['2027-01-01T00:00:00.000Z', '2027-01-01', '2026-W53', '2027-01', '2027'],
    ['2024-12-30T12:00:00.000Z', '2024-12-30', '2025-W01', '2024-12', '2024'],
    ['2024-02-29T12:00:00.000Z', '2024-02-29', '2024-W09', '2024-02', '2024'],
  ])('of %s in UTC', (instant, day, week, month, year) => {
    const periods = (['day', 'week', 'month', 'year'] as const).map((period) => periodOf(period, instant))
    expect(periods).toEqual([day, week, month, year])
  })
})

describe('criteria', () => {
  it.each<[Criteria, Repeatable | null, string]>([
    [{ match: 'all', rules: [{ kind: 'activity_count', value: 1 }] }, null, 'At least 1 activity.'],
    [
      {
        match: 'any',
        rules: [
          { kind: 'activity_count', value: 5, of: 'lesson' },
          { kind: 'streak_length', value: 7 },
        ],
      },
      { period: 'month' },
      'At least 5 activities (lesson), or an activity on at least 7 days in a row within one month.',
    ],
    [
      {
        match: 'all',
        rules: [
          { kind: 'training_completion', value: 2 },
          { kind: 'training_completion', value: 1, of: 'First aid' },
          { kind: 'recruiting_milestone', value: 3 },
        ],
      },
      null,
      'At least 2 trainings completed, and training First aid completed, and at least 3 people recruited.',
    ],
  ])('in words: %#', (criteria, repeatable, text) => expect(criteriaText(criteria, repeatable)).toBe(text))

  /** Facts on few days, so that streaks come about. */
  const aFact: fc.Arbitrary<Fact> = fc.record({
    kind: fc.constantFrom('activity', 'training', 'recruiting'),
    of: fc.constantFrom(null, 'a', 'b'),
    count: fc.integer({ min: 1, max: 4 }),
    occurredAt: fc
      .integer({ min: 0, max: 45 })
      .map((day) => new Date(Date.UTC(2026, 0, 25 + day, day % 24)).toISOString()),
  })
  const aRule: fc.Arbitrary<Rule> = fc.oneof(
    fc.record(
      {
        kind: fc.constantFrom('activity_count' as const, 'training_completion', 'recruiting_milestone'),
        value: fc.integer({ min: 1, max: 6 }),
        of: fc.constantFrom('a', 'b'),
      },
      { requiredKeys: ['kind', 'value'] },
    ),
    fc.record({ kind: fc.constant('streak_length' as const), value: fc.integer({ min: 1, max: 4 }) }),
  )
  const someCriteria: fc.Arbitrary<Criteria> = fc.record({
    match: fc.constantFrom('all', 'any'),
    rules: fc.array(aRule, { minLength: 1, maxLength: 3 }),
  })

  /** The same, said as plainly as possible. */
  const isTrue = ({ kind, value, of }: Rule, facts: readonly Fact[]): boolean => {
    const ofKind = facts.filter((fact) => fact.kind === kindOf[kind])
    if (kind === 'streak_length') {
      const days = new Set(ofKind.map(({ occurredAt }) => Date.parse(occurredAt.slice(0, 10)) / 86_400_000))
      return [...days].some((day) =>
        Array.from({ length: value }, (_, n) => day + n).every((d) => days.has(d)),
      )
    }
    const named = of === undefined ? ofKind : ofKind.filter((fact) => fact.of === of)
    if (kind === 'training_completion' && of === undefined)
      return new Set(named.map((fact) => fact.of)).size >= value
    return named.reduce((sum, { count }) => sum + count, 0) >= value
  }
  const kindOf = {
    activity_count: 'activity',
    streak_length: 'activity',
    training_completion: 'training',
    recruiting_milestone: 'recruiting',
  } as const

  test('are met exactly when what counts says so, in any order, with repetitions and things taken back', () => {
    const told = fc.record({
      facts: fc.array(aFact, { maxLength: 25 }),
      order: fc.array(fc.tuple(fc.nat(24), fc.boolean()), { maxLength: 60 }),
      criteria: someCriteria,
      repeatable: fc.constantFrom<Repeatable | null>(null, { period: 'month' }, { period: 'week' }),
    })
    fc.assert(
      fc.property(told, ({ facts, order, criteria, repeatable }) => {
        const messages = order.flatMap(([index, isRecord]) => {
          const fact = facts[index]
          if (!fact) return []
          return [isRecord ? recorded(`fact-${index}`, fact) : takenBack(`fact-${index}`, fact)]
        })
        const achieved = contextOf(nothing.when(...(messages as never[])))
        const said = (type: string) =>
          new Set(messages.filter((message) => message.type === type).map(({ factId }) => factId))
        const [known, back] = [said('fact.recorded'), said('fact.takenBack')]
        const counts = facts.filter((_, index) => known.has(`fact-${index}`) && !back.has(`fact-${index}`))
        const key = repeatable ? periodOf(repeatable.period, '2026-02-10T00:00:00.000Z') : ''
        const inPeriod = counts.filter(
          ({ occurredAt }) => !repeatable || periodOf(repeatable.period, occurredAt) === key,
        )
        const one = (rule: Rule) => isTrue(rule, inPeriod)
        const expected = criteria.match === 'all' ? criteria.rules.every(one) : criteria.rules.some(one)
        expect(isMet(criteria, achieved, windowOf(repeatable, key))).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })
})

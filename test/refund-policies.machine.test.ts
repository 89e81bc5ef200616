import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { refundPolicy } from '../machines/refund-policies.ts'

const DAY = 24 * 60 * 60_000
const at = '2026-01-01T09:00:00.000Z'
const later = (ms: number) => new Date(Date.parse(at) + ms).toISOString()

const decide = (
  name: string,
  completedLessons: number,
  totalLessons: number,
  totalMinor = 10_000,
  now = at,
) => refundPolicy(name)({ totalMinor, enrolledAt: at, completedLessons, totalLessons }, now)

describe('removal@1', () => {
  const removal = (completed: number, total: number, minor?: number) =>
    decide('removal@1', completed, total, minor)

  it.each([
    [0, 4, 'full', 10_000, 'Full refund - no lessons completed'],
    [0, 0, 'full', 10_000, 'Full refund - no lessons completed'],
    [1, 4, 'partial', 7_500, 'Pro-rata refund: 1/4 lessons completed, refunding 3 unused lessons'],
    [1, 3, 'partial', 6_667, 'Pro-rata refund: 1/3 lessons completed, refunding 2 unused lessons'],
    [2, 4, 'partial', 5_000, 'Pro-rata refund: 2/4 lessons completed, refunding 2 unused lessons'],
    [5, 9, 'none', 0, 'No refund: 5/9 lessons completed (over 50%)'],
    [3, 4, 'none', 0, 'No refund: 3/4 lessons completed (over 50%)'],
    [4, 4, 'none', 0, 'No refund: 4/4 lessons completed (over 50%)'],
  ] as const)('S2.57 S2.58 %d of %d lessons: %s', (completed, total, decision, amountMinor, note) =>
    expect(removal(completed, total)).toEqual({ policy: 'removal@1', decision, amountMinor, note }),
  )

  it('S2.57 rounds half a minor unit up', () => {
    // Half of 5 is 2.5; 3/4 of 10 is 7.5, 7/8 of 4 is 3.5.
    expect(removal(1, 2, 5).amountMinor).toBe(3)
    expect(removal(1, 4, 10).amountMinor).toBe(8)
    expect(removal(1, 8, 4).amountMinor).toBe(4)
    expect(removal(1, 3, 1).amountMinor).toBe(1)
  })

  it('gives back nothing of nothing', () =>
    expect(removal(0, 4, 0)).toMatchObject({ decision: 'full', amountMinor: 0 }))

  test('S2.57 agrees with exact arithmetic for whatever can be charged', () => {
    const cases = fc
      .record({ total: fc.integer({ min: 1, max: 1_000 }), minor: fc.integer({ min: 0, max: 2 ** 40 }) })
      .chain(({ total, minor }) => fc.tuple(fc.nat(total), fc.constant(total), fc.constant(minor)))
    fc.assert(
      fc.property(cases, ([completed, total, minor]) => {
        const [done, all, paid] = [BigInt(completed), BigInt(total), BigInt(minor)]
        const halfUp = (2n * paid * (all - done) + all) / (2n * all)
        const exact = done === 0n ? paid : 2n * done > all ? 0n : halfUp
        const { amountMinor } = removal(completed, total, minor)
        expect(BigInt(amountMinor)).toBe(exact)
        expect(amountMinor).toBeLessThanOrEqual(minor)
      }),
    )
  })
})

describe('firstLesson@1', () => {
  it('S2.67 gives everything back strictly after the first lesson', () => {
    expect(decide('firstLesson@1', 1, 8)).toEqual({
      policy: 'firstLesson@1',
      decision: 'full',
      amountMinor: 10_000,
      note: 'Full refund after the first lesson',
    })
    for (const completed of [0, 2, 8])
      expect(decide('firstLesson@1', completed, 8)).toEqual({
        policy: 'firstLesson@1',
        decision: 'review',
        amountMinor: 0,
        note: `${completed} lessons completed: an administrator decides`,
      })
  })
})

describe('withinNDays@1', () => {
  const after = (ms: number, name = 'within14Days@1') => decide(name, 3, 4, 10_000, later(ms))

  it('gives everything back until the last moment of the window, whatever was done', () => {
    for (const ms of [0, DAY, 14 * DAY])
      expect(after(ms)).toEqual({
        policy: 'within14Days@1',
        decision: 'full',
        amountMinor: 10_000,
        note: 'Full refund within 14 days',
      })
    expect(after(14 * DAY + 1)).toEqual({
      policy: 'within14Days@1',
      decision: 'review',
      amountMinor: 0,
      note: 'More than 14 days after enrolling: an administrator decides',
    })
  })

  it('is as long as its name says', () => {
    expect(after(30 * DAY, 'within30Days@1').decision).toBe('full')
    expect(after(30 * DAY, 'within29Days@1').decision).toBe('review')
  })
})

it.each([
  '',
  'removal',
  'removal@2',
  'within0Days@1',
  'within1000Days@1',
  'within014Days@1',
  'firstLesson@1 ',
])('there is no policy %j', (name) => expect(() => refundPolicy(name)).toThrow('there is no refund policy'))

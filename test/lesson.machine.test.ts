import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { lesson } from '../actors/lesson.ts'
import { LessonView } from '../contracts/lesson.ts'
import { lessonMachine } from '../machines/lesson.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const startsAt = '2026-01-02T09:00:00.000Z'
const input = {
  id: 'lesson-1',
  orgId: 'org-1',
  tutorId: 'tutor-1',
  studentId: 'learner-1',
  enrollmentId: 'enrollment-1',
  offeringId: 'offering-1',
  startsAt,
  durationMinutes: 60,
  at,
}
const facts = { enrollmentId: 'enrollment-1', studentId: 'learner-1', startsAt }
const by = { at: startsAt, by: 'tutor-1' }
const complete = { type: 'complete', ...by } as const
const miss = { type: 'miss', ...by } as const
const cancel = { type: 'cancel', reason: 'ill', ...by } as const
const move = (to: string) => ({ type: 'reschedule', startsAt: to, ...by }) as const
const told = (status: string) => ({
  name: 'tell',
  params: { actor: 'enrollment', id: 'enrollment-1', message: { type: 'lesson.changed', status } },
})

const scheduled = given(lessonMachine, input)
const ends = [
  ['completed', complete, {}],
  ['missed', miss, {}],
  ['cancelled', cancel, { reason: 'ill' }],
] as const

describe('a lesson', () => {
  it('is told to the enrollment when it is arranged', () =>
    scheduled.expect({
      state: 'scheduled',
      events: [{ type: 'lesson.scheduled', ...facts }],
      effects: [told('scheduled')],
    }))

  it.each(ends)('S2.65 that is %s is told to the enrollment, and stays so', (status, message, fields) => {
    const over = scheduled.when(message).expect({
      state: status,
      events: [{ type: `lesson.${status}`, ...facts, ...fields }],
      effects: [told(status)],
    })
    for (const again of [complete, miss, cancel, move('2026-02-01T09:00:00.000Z')])
      over.when(again).expect({ state: status, refused: true, effects: [] })
  })

  it('is not over before it has begun, unless it is called off', () => {
    for (const early of [complete, miss])
      scheduled.when({ ...early, at }).expect({ state: 'scheduled', refused: true, effects: [] })
    scheduled.when({ ...cancel, at }).expect({
      state: 'cancelled',
      events: [{ type: 'lesson.cancelled', ...facts, reason: 'ill' }],
      effects: [told('cancelled')],
    })
  })

  it('can be moved to another time, and only to another', () => {
    const later = '2026-01-03T09:00:00.000Z'
    scheduled.when(move(startsAt)).expect({ state: 'scheduled', refused: true })
    scheduled.when(move(later)).expect({
      state: 'scheduled',
      events: [{ type: 'lesson.rescheduled', ...facts, startsAt: later, previousStartsAt: startsAt }],
      effects: [],
      context: { startsAt: later },
    })
  })
})

test('every state can be reached', () => {
  const paths = getShortestPaths(lessonMachine, {
    input,
    events: [complete, miss, cancel],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(lessonMachine.states)))
})

describe('the rules', () => {
  const as = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => ({
    userId,
    orgId,
    roles: [role],
  })

  it.each([
    ['the tutor', as('instructor', 'tutor-1'), true],
    ['an administrator', as('admin'), true],
    ['another tutor', as('instructor'), false],
    ['the learner', as('student', 'learner-1'), false],
    ['csm', as('csm'), false],
    ['an administrator of another organisation', as('admin', 'somebody', 'org-2'), false],
  ] as const)('%s gives it, or not', (_, principal, gives) => {
    for (const may of Object.values(lesson.allow))
      expect(may(principal, scheduled.snapshot as never)).toBe(gives)
  })

  it('the view holds what the contract promises', () => {
    const view = lesson.view(scheduled.when(cancel).snapshot as never, 'lesson-1')
    expect(view).toMatchObject({ id: 'lesson-1', status: 'cancelled', reason: 'ill', tutorId: 'tutor-1' })
    expect(Object.keys(view).toSorted()).toEqual(Object.keys(LessonView.shape).toSorted())
  })
})

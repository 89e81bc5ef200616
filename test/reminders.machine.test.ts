import { describe, expect, it } from 'vitest'
import { certificationMachine } from '../machines/certification.ts'
import { enrollmentMachine } from '../machines/enrollment.ts'
import { admitted, at, input, later, lesson, progress, resume, suspend } from './enrollment-messages.ts'
import { given } from './given.ts'

const DAY = 24 * 60 * 60_000
const day = (count: number) => later(count * DAY)

const reminder = {
  name: 'create',
  params: {
    actor: 'notification',
    input: {
      orgId: 'org-1',
      recipientId: 'learner-1',
      topic: 'enrollment.reminder',
      subject: { actor: 'enrollment', id: 'enrollment-1' },
      text: 'First aid is waiting for you.',
      data: { offeringTitle: 'First aid' },
    },
  },
}

const enrolled = (remindAfterDays: number, change: object = {}) => {
  const policy = { ...input.policy, remindAfterDays }
  const free = { ...input, price: { ...input.price, minor: 0 }, policy, ...change }
  return given(enrollmentMachine, free).when(admitted)
}

describe('S4.17 a learner without progress', () => {
  it('is reminded once, after as many days as the organisation has set', () => {
    const waiting = enrolled(7)
    waiting.expect({ state: 'active', events: [expect.anything()], timers: { idle: day(7) } })
    waiting
      .until(day(6))
      .expect({ state: 'active', effects: [] })
      .until(day(7))
      .expect({ state: 'active', effects: [reminder], timers: {} })
      .until(day(60))
      .expect({ state: 'active', effects: [] })
  })

  it('is not reminded while there is progress, of modules or of lessons', () => {
    const going = enrolled(7).when(progress('one', 0.5, { at: day(5) }))
    going.until(day(7)).expect({ state: 'active', effects: [], timers: { idle: day(12) } })
    going.until(day(12)).expect({ state: 'active', effects: [reminder], timers: {} })
    const learning = enrolled(7, { requiredLessons: 3 })
    const met = learning.when({ ...lesson('lesson-1', 'completed', 1), at: day(3) })
    met.until(day(10)).expect({ state: 'active', effects: [reminder] })
  })

  it('is not counted from before it was let in again', () => {
    const back = enrolled(7)
      .when({ ...suspend, at: day(2) })
      .expect({ state: 'suspended', events: [expect.anything()], timers: {} })
      .when({ ...resume, at: day(30) })
    back.expect({ state: 'active', events: [expect.anything()], timers: { idle: day(37) } })
  })

  it('is never reminded where the organisation wants none, nor who enrolled before there were reminders', () => {
    // Written by hand into the organisation's settings, where nobody looks at what it is.
    for (const never of [0, -1, NaN, null, '7 days'] as number[])
      enrolled(never).expect({ state: 'active', events: [expect.anything()], timers: {} })
    given(enrollmentMachine, { ...input, price: { ...input.price, minor: 0 } })
      .when(admitted)
      .expect({ state: 'active', events: [expect.anything()], timers: {} })
  })

  it('is not reminded of what is done', () => {
    const completed = enrolled(7).when(...['one', 'two', 'three'].map((id) => progress(id, 1)))
    expect(completed.snapshot.value).toBe('completed')
    expect(completed.timers).toEqual({})
  })
})

describe('S4.17 a mentor', () => {
  const expiresAt = day(100)
  const certification = {
    id: 'certification-1',
    orgId: 'org-1',
    mentorId: 'mentor-1',
    mentorUserId: 'user-1',
    coordinatorId: 'coordinator-1',
    certType: 'first_aid',
    issuedAt: at,
    expiresAt,
    policy: { expiringWindowDays: 30, reminderDays: [60, 7] },
    import: false,
    at,
  }
  const valid = given(certificationMachine, certification)
  type Story = Pick<typeof valid, 'effects'>
  const noticesOf = ({ effects }: Story) =>
    effects.flatMap(({ name, params }) =>
      name === 'create' ? [(params as { input: Record<string, unknown> }).input] : [],
    )
  const topicsOf = (story: Story) => noticesOf(story).map(({ topic }) => topic)

  it('is reminded before a certification expires, and told when it has', () => {
    const gone = valid.until(day(101))
    expect(topicsOf(gone)).toEqual([
      'certification.reminderDue',
      'certification.reminderDue',
      'certification.expired',
    ])
    expect(noticesOf(gone)[0]).toEqual({
      orgId: 'org-1',
      recipientId: 'user-1',
      topic: 'certification.reminderDue',
      subject: { actor: 'certification', id: 'certification-1' },
      text: `Your certificate for first aid expires on ${expiresAt.slice(0, 10)}.`,
      data: { certType: 'first_aid', title: 'first aid', issuedAt: at, expiresAt },
    })
  })

  it('is told what is decided of it', () => {
    const by = { at: day(1), by: 'coordinator-1' }
    const suspended = valid.when({ type: 'suspend', reason: 'looked at', ...by })
    expect(topicsOf(suspended)).toEqual(['certification.suspended'])
    expect(topicsOf(suspended.when({ type: 'reinstate', ...by }))).toEqual(['certification.reinstated'])
    expect(topicsOf(suspended.when({ type: 'revoke', reason: 'fraud', ...by }))).toEqual([
      'certification.revoked',
    ])
  })

  it('hears nothing of what had expired before it was imported', () => {
    const past = { ...certification, import: true, at: day(200) }
    expect(topicsOf(given(certificationMachine, past))).toEqual([])
  })
})

import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { z } from 'zod'
import { certification } from '../actors/certification.ts'
import type { Lookup, Principal, Role } from '../actors/actor.ts'
import { start } from '../actors/engine/step.ts'
import type { Read, Search } from '../actors/ports.ts'
import { certificationContract, mentorStatus } from '../contracts/certification.ts'
import { certificationStatus, daysBefore } from '../contracts/certification-status.ts'
import { certificationMachine, type CertificationContext } from '../machines/certification.ts'
import { mentorMachine } from '../machines/mentor.ts'
import { given, type Story } from './given.ts'

type CertificationStory = Story<typeof certificationMachine>

const issuedAt = '2026-01-01T00:00:00.000Z'
const expiresAt = '2028-01-01T00:00:00.000Z'
const input = {
  id: 'certification-1',
  orgId: 'org-1',
  mentorId: 'mentor-1',
  mentorUserId: 'user-1',
  coordinatorId: 'coordinator-1',
  certType: 'first_aid',
  issuedAt,
  expiresAt,
  import: false,
  policy: { expiringWindowDays: 30, reminderDays: [60, 30, 14, 7] },
  at: issuedAt,
}
const facts = { mentorId: 'mentor-1', certType: 'first_aid', issuedAt, expiresAt }
const expired = { type: 'certification.expired', ...facts }
const expiringSoon = { type: 'certification.expiringSoon', ...facts }
const reminder = (days: number) => ({ type: 'certification.reminderDue', ...facts, daysBefore: days })
const before = (days: number) => daysBefore(expiresAt, days)
const justBefore = (instant: string) => new Date(Date.parse(instant) - 1).toISOString()

const renewed = { issuedAt: '2027-12-01T00:00:00.000Z', expiresAt: '2030-01-01T00:00:00.000Z' }
const renew = (at: string) => ({ type: 'renew', ...renewed, at, by: 'coordinator-1' }) as const
const suspend = (at: string) => ({ type: 'suspend', reason: 'under review', at }) as const
const reinstate = (at: string) => ({ type: 'reinstate', at }) as const
const revoke = (at: string) => ({ type: 'revoke', reason: 'fraud', at }) as const
const correct = (at: string, change: { certType?: string; issuedAt?: string; expiresAt?: string }) =>
  ({ type: 'correct', reason: 'typing error', ...change, at }) as const
const reassigned = (version: number, coordinatorId: string) => {
  const source = { actor: 'mentor', id: 'mentor-1', version }
  return { type: 'mentor.reassigned', coordinatorId, at: issuedAt, source } as const
}
const told = (standing: string, change = {}) => ({
  name: 'tell',
  params: {
    actor: 'mentor',
    id: 'mentor-1',
    message: {
      type: 'certification.standingChanged',
      certificationId: 'certification-1',
      certType: 'first_aid',
      standing,
      expiresAt,
      coordinatorId: 'coordinator-1',
      imported: false,
      ...change,
    },
  },
})

/** What the mentor is told beside that. */
const alerted = (fact: string) => ({
  name: 'create',
  params: {
    actor: 'notification',
    input: expect.objectContaining({
      topic: `certification.${fact}`,
      subject: { actor: 'certification', id: 'certification-1' },
    }) as unknown,
  },
})

describe('a certification that is issued', () => {
  it('S0.5 records dates and type, and tells the mentor', () =>
    given(certificationMachine, input).expect({
      state: 'valid',
      events: [{ type: 'certification.issued', ...facts, imported: false }],
      effects: [told('valid')],
      timers: { expiringWindow: before(30), reminder: before(60), expiry: expiresAt },
    }))

  it('skips reminders that are past already', () =>
    given(certificationMachine, { ...input, at: before(20) }).expect({
      state: 'expiringSoon',
      events: [{ type: 'certification.issued', ...facts, imported: false }, expiringSoon],
      timers: { reminder: before(14), expiry: expiresAt },
    }))

  it('lands in expired without an alarm when it is an import of the past', () =>
    given(certificationMachine, { ...input, import: true, at: renewed.expiresAt }).expect({
      state: 'expired',
      events: [{ type: 'certification.issued', ...facts, imported: true }],
      effects: [told('expired', { imported: true })],
      timers: {},
    }))

  it('is like any other once an import of the past has been renewed', () =>
    given(certificationMachine, { ...input, import: true, at: expiresAt })
      .when(renew(expiresAt))
      .until(renewed.expiresAt)
      .expect({
        state: 'expired',
        events: expect.arrayContaining([{ ...expired, ...renewed }]) as unknown[],
        context: { imported: false },
      }))
})

describe('the clock', () => {
  it('S0.23 S0.24 announces the window, each reminder and the expiry, and tells the mentor', () => {
    const story = given(certificationMachine, input).until(expiresAt)
    expect(story.facts).toEqual([
      { at: before(60), event: reminder(60) },
      { at: before(30), event: expiringSoon },
      { at: before(30), event: reminder(30) },
      { at: before(14), event: reminder(14) },
      { at: before(7), event: reminder(7) },
      { at: expiresAt, event: expired },
    ])
    // Which the clock's own news follow, as the machine enters where it stands then.
    expect(story.effects).toEqual([
      alerted('reminderDue'),
      told('expiring_soon'),
      alerted('reminderDue'),
      alerted('reminderDue'),
      alerted('reminderDue'),
      alerted('expired'),
      told('expired'),
    ])
    story.expect({
      state: 'expired',
      events: story.facts.map(({ event }) => event),
      timers: {},
    })
  })

  it('takes the timers of one instant in any order', () => {
    const story = given(certificationMachine, input).until(before(60))
    const rest = { state: 'expiringSoon', timers: { reminder: before(14), expiry: expiresAt } }
    const windowFirst = story.fire('expiringWindow').expect({ state: 'expiringSoon', events: [expiringSoon] })
    windowFirst.fire('reminder').expect({ ...rest, events: [reminder(30)] })
    const reminderFirst = story.fire('reminder').expect({ state: 'valid', events: [reminder(30)] })
    reminderFirst.fire('expiringWindow').expect({ ...rest, events: [expiringSoon] })
  })

  it('fires nothing early, although two years exceed the longest timer of JavaScript', () =>
    given(certificationMachine, { ...input, policy: { expiringWindowDays: 0, reminderDays: [] } })
      .until(justBefore(expiresAt))
      .expect({ state: 'valid', timers: { expiringWindow: expiresAt, expiry: expiresAt } })
      .until(expiresAt)
      .expect({ state: 'expired', events: [expired] }))

  it('is overtaken by a command when it is late: the expiry is announced once, with it', () =>
    given(certificationMachine, input)
      .when(correct('2029-01-01T00:00:00.000Z', { certType: 'first_aid' }))
      .expect({
        state: 'expired',
        events: [
          {
            type: 'certification.corrected',
            ...facts,
            reason: 'typing error',
            previous: { certType: 'first_aid', issuedAt, expiresAt },
          },
          expired,
        ],
      }))

  it('fires what an outage delayed in due order, each at its own instant', () => {
    const late = given(certificationMachine, input).until('2029-01-01T00:00:00.000Z')
    expect(late.facts.map(({ at }) => at)).toEqual([60, 30, 30, 14, 7, 0].map(before))
    late.expect({ state: 'expired', events: late.facts.map(({ event }) => event), timers: {} })
  })

  it.each([
    ['2028-02-29T12:00:00.000Z', '2028-01-30T12:00:00.000Z'],
    ['2028-03-01T12:00:00.000Z', '2028-01-31T12:00:00.000Z'],
    ['2027-03-01T12:00:00.000Z', '2027-01-30T12:00:00.000Z'],
  ])('counts the leap day: 30 days before %s is %s', (lapse, windowStart) => {
    given(certificationMachine, { ...input, expiresAt: lapse, policy: { ...input.policy, reminderDays: [] } })
      .expect({
        state: 'valid',
        events: [{ type: 'certification.issued', ...facts, expiresAt: lapse, imported: false }],
        timers: { expiringWindow: windowStart, expiry: lapse },
      })
      .until(windowStart)
      .expect({ state: 'expiringSoon', events: [{ ...expiringSoon, expiresAt: lapse }] })
  })

  it('does not mind a command that comes from a clock which went back', () =>
    given(certificationMachine, input)
      .until(before(30))
      .when(correct(before(90), { issuedAt: '2026-01-02T00:00:00.000Z' }))
      .expect({
        state: 'valid',
        events: [expect.objectContaining({ type: 'certification.corrected' })],
        timers: { expiringWindow: before(30), reminder: before(14), expiry: expiresAt },
      }))
})

describe('renewal', () => {
  const entry = {
    renewedAt: before(10),
    previousIssuedAt: issuedAt,
    previousExpiresAt: expiresAt,
    renewedBy: 'coordinator-1',
  }

  it('S0.6 appends the old dates in the same step, and restarts the reminders', () =>
    given(certificationMachine, input)
      .until(before(10))
      .when(renew(before(10)))
      .expect({
        state: 'valid',
        events: [{ type: 'certification.renewed', ...facts, ...renewed, ...entry }],
        effects: [told('valid', { expiresAt: renewed.expiresAt })],
        timers: {
          expiringWindow: daysBefore(renewed.expiresAt, 30),
          reminder: daysBefore(renewed.expiresAt, 60),
          expiry: renewed.expiresAt,
        },
        context: { ...renewed, renewals: [entry] },
      }))

  it('S0.24 of an expired one makes it valid again, and the mentor hears of it', () => {
    const late = '2028-02-01T00:00:00.000Z'
    const story = given(certificationMachine, input).until(late).when(renew(late))
    expect(story.effects).toEqual([told('valid', { expiresAt: renewed.expiresAt })])
    expect(story.snapshot.value).toBe('valid')
  })

  it('is recorded beside an expiry of the same millisecond, whichever comes first', () => {
    const story = given(certificationMachine, input).until(justBefore(expiresAt))
    const renewal = {
      type: 'certification.renewed',
      ...facts,
      ...renewed,
      ...entry,
      renewedAt: expiresAt,
    }
    story
      .fire('expiry')
      .expect({ state: 'expired', events: [expired] })
      .when(renew(expiresAt))
      .expect({ state: 'valid', events: [renewal] })
    const renewedFirst = story.when(renew(expiresAt)).expect({ state: 'valid', events: [renewal] })
    renewedFirst.until(expiresAt).expect({ state: 'valid' })
  })

  it.each([
    ['expires in the past', { issuedAt, expiresAt: before(11) }, 'expiresAt'],
    ['is issued before the present one', { issuedAt: '2025-12-31T23:59:59.999Z', expiresAt }, 'issuedAt'],
  ])('is refused when it %s', (_, dates, field) => {
    const command = { type: 'renew', ...dates, at: before(10) } as const
    const story = given(certificationMachine, input).when(command)
    story.expect({ state: 'valid', refused: true })
    expect(certification.explain?.renew?.(story.snapshot as never, command)).toMatchObject({
      code: 'invalid_input',
      details: [{ path: [field] }],
    })
  })
})

describe('suspension and revocation', () => {
  const suspended = given(certificationMachine, input)
    .until(before(60))
    .when(suspend(before(50)))

  it('keeps everything quiet while it is suspended', () =>
    suspended
      .expect({
        state: 'suspended',
        events: [{ type: 'certification.suspended', ...facts, reason: 'under review' }],
        effects: [alerted('suspended'), told('suspended')],
        timers: {},
      })
      .when(renew(before(49)))
      .expect({ state: 'suspended', refused: true }))

  it('goes on by its dates when it is reinstated', () => {
    const reinstated = { type: 'certification.reinstated', ...facts }
    suspended.when(reinstate(before(40))).expect({
      state: 'valid',
      events: [reinstated],
      effects: [alerted('reinstated'), told('valid')],
      timers: { expiringWindow: before(30), reminder: before(30), expiry: expiresAt },
    })
    suspended.when(reinstate(before(10))).expect({
      state: 'expiringSoon',
      events: [reinstated, expiringSoon],
      timers: { reminder: before(7), expiry: expiresAt },
    })
    suspended.when(reinstate(expiresAt)).expect({
      state: 'expired',
      events: [reinstated, expired],
      effects: [alerted('reinstated'), alerted('expired'), told('expired')],
    })
  })

  it('is revoked for good, and a wrong record of it can still be corrected', () =>
    suspended
      .when(revoke(before(40)))
      .expect({
        state: 'revoked',
        events: [{ type: 'certification.revoked', ...facts, reason: 'fraud' }],
        effects: [alerted('revoked'), told('revoked')],
        timers: {},
      })
      .when(renew(before(39)), suspend(before(39)), reinstate(before(39)), revoke(before(39)))
      .expect({ state: 'revoked', refused: true })
      .when(correct(before(38), { certType: 'first-aid-2' }))
      .expect({
        state: 'revoked',
        events: [expect.objectContaining({ type: 'certification.corrected', certType: 'first-aid-2' })],
        effects: [told('revoked', { certType: 'first-aid-2' })],
      }))
})

describe('correction', () => {
  it('moves the expiry both ways and keeps the old values in the event', () => {
    const soon = '2026-03-01T00:00:00.000Z'
    const corrected = {
      type: 'certification.corrected',
      ...facts,
      expiresAt: soon,
      reason: 'typing error',
      previous: { certType: 'first_aid', issuedAt, expiresAt },
    }
    given(certificationMachine, input)
      .when(correct('2026-02-10T00:00:00.000Z', { expiresAt: soon }))
      .expect({
        state: 'expiringSoon',
        events: [corrected, { ...expiringSoon, expiresAt: soon }],
        timers: { reminder: daysBefore(soon, 14), expiry: soon },
      })
      .when(correct('2026-02-11T00:00:00.000Z', { expiresAt: '2026-02-01T00:00:00.000Z' }))
      .expect({
        state: 'expired',
        events: [
          expect.objectContaining({ type: 'certification.corrected' }),
          expect.objectContaining({ type: 'certification.expired' }),
        ],
        timers: {},
      })
      .when(correct('2026-02-12T00:00:00.000Z', { expiresAt }))
      .expect({
        state: 'valid',
        events: [expect.objectContaining({ type: 'certification.corrected', expiresAt })],
        effects: [told('valid')],
        timers: { expiringWindow: before(30), reminder: before(60), expiry: expiresAt },
        context: { renewals: [] },
      })
  })

  it('is refused when the dates would change places', () => {
    const command = correct(before(10), { issuedAt: expiresAt })
    const story = given(certificationMachine, input).when(command).expect({ state: 'valid', refused: true })
    expect(certification.explain?.correct?.(story.snapshot as never, command)).toMatchObject({
      code: 'invalid_input',
      details: [{ path: ['issuedAt'] }],
    })
  })
})

describe('a new coordinator', () => {
  it('takes over, and what is heard late or twice changes nothing', () =>
    given(certificationMachine, input)
      .when(reassigned(7, 'coordinator-2'))
      .expect({
        state: 'valid',
        events: [
          {
            type: 'certification.reassigned',
            ...facts,
            previousCoordinatorId: 'coordinator-1',
            coordinatorId: 'coordinator-2',
          },
        ],
        timers: { expiringWindow: before(30), reminder: before(60), expiry: expiresAt },
      })
      .when(reassigned(7, 'coordinator-2'), reassigned(6, 'coordinator-3'))
      .expect({ state: 'valid', refused: true, context: { coordinatorId: 'coordinator-2' } }))
})

describe('whatever the order', () => {
  const instant = fc.integer({ min: 1, max: 2000 }).map((day) => daysBefore(issuedAt, -day))
  const command = fc.oneof(
    fc.record({ type: fc.constant('renew'), issuedAt: instant, expiresAt: instant }),
    fc.record({ type: fc.constant('correct'), expiresAt: instant, reason: fc.constant('typing error') }),
    fc.constantFrom({ type: 'suspend', reason: 'under review' }, { type: 'reinstate' }),
  )
  const life = fc.array(
    fc.record({ wait: fc.integer({ min: 0, max: 200 }), isLate: fc.boolean(), command }),
    {
      maxLength: 15,
    },
  )

  test('S0.6 S0.8 renewals only grow, nothing expires early, and the state is what the dates say', () =>
    fc.assert(
      fc.property(life, (chapters) => {
        let story = given(certificationMachine, input)
        let now = issuedAt
        for (const { wait, isLate, command: message } of chapters) {
          now = daysBefore(now, -wait)
          const { renewals } = story.snapshot.context as CertificationContext
          if (!isLate) story = onTime(story.until(now), now)
          story = story.when({ ...message, at: now })
          for (const { at, expiresAt: lapse } of expiries(story)) expect(at >= lapse).toBe(true)
          const context = story.snapshot.context as CertificationContext
          expect(context.renewals.slice(0, renewals.length)).toEqual(renewals)
          expect(context.renewals.length - renewals.length).toBe(
            story.facts.filter(({ event }) => event.type === 'certification.renewed').length,
          )
        }
        onTime(story.until(now), now)
      }),
    ))

  const expiries = ({ facts: past }: Pick<CertificationStory, 'facts'>) =>
    past
      .filter(({ event }) => event.type === 'certification.expired')
      .map(({ at, event }) => ({ at, expiresAt: (event as typeof expired).expiresAt }))

  /** The state is what the dates say, when no timer is late. */
  const onTime = (story: CertificationStory, now: string) => {
    for (const { at, expiresAt: lapse } of expiries(story)) expect(at).toBe(lapse)
    const { status, expiresAt: lapse, policy } = story.snapshot.context as CertificationContext
    expect(status).toBe(certificationStatus({ status, expiresAt: lapse }, policy, now))
    expect(story.snapshot.value).toBe(status === 'expiring_soon' ? 'expiringSoon' : status)
    return story
  }
})

test('every state can be reached', () => {
  const timer = (name: string, state: string, at: string) =>
    ({ type: `xstate.after.${name}.certification@1.${state}`, at }) as never
  const paths = getShortestPaths(certificationMachine, {
    input,
    events: [
      suspend(issuedAt),
      revoke(issuedAt),
      timer('expiringWindow', 'valid', before(30)),
      timer('expiry', 'expiringSoon', expiresAt),
    ],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  const reached = new Set(paths.map(({ state }) => state.value))
  const resting = Object.keys(certificationMachine.states).filter((name) => name !== 'settling')
  expect(reached).toEqual(new Set(resting))
})

describe('the one place of the status', () => {
  it.each([
    [before(30), 'expiring_soon'],
    [justBefore(before(30)), 'valid'],
    [justBefore(expiresAt), 'expiring_soon'],
    [expiresAt, 'expired'],
  ] as const)('S0.8 C4 at %s it is %s', (now, status) => {
    const policy = { expiringWindowDays: 30 }
    expect(certificationStatus({ status: 'valid', expiresAt }, policy, now)).toBe(status)
    expect(certificationStatus({ status: 'suspended', expiresAt }, policy, now)).toBe('suspended')
    expect(certificationStatus({ status: 'revoked', expiresAt }, policy, now)).toBe('revoked')
  })

  it('C44 takes the best of each type and the worst of the required types', () => {
    const oldAid = { certType: 'first_aid', status: 'expired' } as const
    const aid = { certType: 'first_aid', status: 'expiring_soon' } as const
    const driving = { certType: 'driving', status: 'revoked' } as const
    expect(mentorStatus([oldAid, aid, driving], ['first_aid'])).toEqual({
      status: 'expiring_soon',
      types: [driving, aid],
    })
    expect(mentorStatus([aid, driving], []).status).toBe('revoked')
    expect(mentorStatus([aid], ['first_aid', 'safeguarding']).status).toBe('none')
    expect(mentorStatus([], []).status).toBe('none')
  })
})

describe('the rules', () => {
  const organisation = { id: 'org-1', settings: { ...input.policy, requiredCertTypes: ['first_aid'] } }
  const mentorOf = { id: 'mentor-1', orgId: 'org-1', userId: 'user-1', coordinatorId: 'coordinator-1' }
  const known = start(mentorMachine, { ...mentorOf, policy: organisation.settings, at: issuedAt }).snapshot
  const lookup = {
    actor: (_: unknown, id: string) => Promise.resolve(id === 'mentor-1' ? known : undefined),
    organisation: () => Promise.resolve(organisation),
    userOrganisation: () => Promise.resolve('org-1'),
  } as unknown as Lookup
  const who = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => ({
    userId,
    orgId,
    roles: [role],
  })
  const issue = (principal: Principal, change = {}) =>
    certification.create.issue({
      id: 'certification-1',
      payload: { mentorId: 'mentor-1', certType: 'first_aid', issuedAt, expiresAt, ...change },
      principal,
      at: issuedAt,
      lookup,
      newId: () => 'new',
    })

  it('S0.15 issue takes the coordinator from the mentor and the policy from the organisation', async () =>
    expect(await issue(who('coordinator', 'coordinator-1'))).toEqual({ ok: true, input }))

  it.each([
    ['the mentor does not exist', who('admin'), { mentorId: 'mentor-2' }],
    ['the mentor is of another organisation', who('admin', 'somebody', 'org-2'), {}],
    ['another coordinator is in charge', who('coordinator'), {}],
  ])('issue knows of no such mentor when %s', async (_, principal, change) =>
    expect(await issue(principal, change)).toMatchObject({ ok: false, error: { code: 'not_found' } }),
  )

  it('issue refuses a certificate of the past unless it is imported', async () => {
    const past = { issuedAt: '2020-01-01T00:00:00.000Z', expiresAt: issuedAt }
    expect(await issue(who('admin'), past)).toMatchObject({
      error: { code: 'invalid_input', details: [{ path: ['expiresAt'] }] },
    })
    expect(await issue(who('admin'), { ...past, import: true })).toMatchObject({ ok: true })
  })

  it('S0.22 shows coordinators their own, peer mentors themselves, administrators all of the organisation', () => {
    expect(certification.scopes(who('admin'))).toEqual([{ orgId: 'org-1' }])
    expect(certification.scopes(who('coordinator', 'c'))).toEqual([{ orgId: 'org-1', coordinatorId: 'c' }])
    expect(certification.scopes(who('peer_mentor', 'm'))).toEqual([{ orgId: 'org-1', mentorUserId: 'm' }])
    expect(certification.scopes(who('student'))).toEqual([])
  })

  it.each([
    ['admin', ['issue', 'renew', 'suspend', 'reinstate', 'revoke', 'correct']],
    ['system', ['issue', 'renew', 'suspend', 'reinstate', 'revoke', 'correct']],
    ['coordinator', ['issue', 'renew', 'suspend', 'reinstate']],
    ['csm', []],
    ['peer_mentor', []],
  ] as const)('%s may %j', (role, allowed) => {
    const { snapshot } = start(certificationMachine, input)
    const names = Object.keys(certification.allow) as (keyof typeof certification.allow)[]
    const principal = who(role, role === 'coordinator' ? 'coordinator-1' : 'user-1')
    expect(names.filter((name) => certification.allow[name](principal, snapshot as never))).toEqual(allowed)
  })

  it('S0.8 S0.9 status and expiring go by the dates, however late the timers are', async () => {
    const searches: Search[] = []
    const { snapshot } = start(certificationMachine, input)
    const find = (actorType: string) => ({
      id: `${actorType}-1`,
      version: 1,
      state: 'valid',
      view: {},
      snapshot: actorType === 'mentor' ? known : snapshot,
    })
    const read: Read = {
      organisation: () => Promise.resolve(organisation),
      search: ({ contract }, search) => {
        searches.push(search)
        const isHidden = search.scopes.length === 0
        return Promise.resolve({ found: isHidden ? [] : [find(contract.actor) as never] })
      },
      searchText: () => Promise.resolve({ found: [] }),
      history: () => Promise.resolve([]),
      count: () => Promise.resolve(0),
      countAt: () => Promise.resolve({ count: 0, position: 0 }),
      pushKey: () => null,
      importRefusals: () => Promise.resolve([]),
    }
    const admin = who('admin')
    const asked = { definition: certification, principal: admin, scopes: certification.scopes(admin) }
    const request = { ...asked, at: before(5), read }
    const { status, expiring } = certification.queries
    const mentorId = 'mentor-1'
    const types = [
      { certType: 'first_aid', status: 'expiring_soon', certificationId: 'certification-1', expiresAt },
    ]
    expect(await status({ ...request, input: { mentorId } })).toEqual({
      ok: true,
      data: { mentorId, status: 'expiring_soon', types },
    })
    expect(await status({ ...request, principal: who('student'), input: { mentorId } })).toMatchObject({
      error: { code: 'not_found' },
    })
    expect(await expiring({ ...request, input: { withinDays: 3, coordinatorId: 'c' } })).toMatchObject({
      ok: true,
    })
    expect(searches.at(-1)?.where).toEqual([
      { column: 'status', is: 'in', value: ['valid', 'expiring_soon'] },
      { column: 'expiresAt', is: '>=', value: before(5) },
      { column: 'expiresAt', is: '<=', value: before(2) },
      { column: 'coordinatorId', is: '=', value: 'c' },
    ])
  })

  it('the view holds what the contract promises, and no clock', () => {
    const story = given(certificationMachine, input).when(suspend(before(90)))
    const view = certification.view(story.snapshot as never, 'certification-1')
    expect(view).toMatchObject({ status: 'suspended', suspendedReason: 'under review', renewalCount: 0 })
    expect(Object.keys(view).filter((name) => !(name in certificationContract.view.shape))).toEqual([])
  })
})

describe('the contract', () => {
  it('refuses dates that change places and a correction of nothing', () => {
    const { renew: renewal, correct: correction } = certificationContract.commands
    expect(renewal.input.safeParse({ issuedAt: expiresAt, expiresAt: issuedAt }).success).toBe(false)
    expect(renewal.input.safeParse({ issuedAt, expiresAt }).success).toBe(true)
    expect(correction.input.safeParse({ reason: 'typing error' }).success).toBe(false)
  })

  it('reads numbers from a query string', () =>
    expect(certificationContract.queries.expiring.input.parse({ withinDays: '30', limit: '5' })).toEqual({
      withinDays: 30,
      limit: 5,
    }))

  it('can be written down as JSON Schema', () => {
    for (const { input: schema } of [
      ...Object.values(certificationContract.commands),
      ...Object.values(certificationContract.queries),
    ])
      expect(z.toJSONSchema(schema, { io: 'input' })).toMatchObject({ type: 'object' })
  })
})

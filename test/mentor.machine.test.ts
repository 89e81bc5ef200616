import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Lookup, Principal, Role } from '../actors/actor.ts'
import { start } from '../actors/engine/step.ts'
import { mentor } from '../actors/mentor.ts'
import type { CertificationStatus } from '../contracts/certification.ts'
import { CERTIFICATION_STATUSES } from '../contracts/certification-status.ts'
import { mentorContract } from '../contracts/mentor.ts'
import { lapsedTypes, mentorMachine } from '../machines/mentor.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const input = {
  id: 'mentor-1',
  orgId: 'org-1',
  userId: 'user-1',
  coordinatorId: 'coordinator-1',
  policy: { requiredCertTypes: ['first_aid', 'safeguarding'] },
  at,
}
const who = { userId: 'user-1', coordinatorId: 'coordinator-1' }

const pause = (by: string) => ({ type: 'pause', reason: 'holiday', at, by }) as const
const resume = (by: string) => ({ type: 'resume', at, by }) as const
const reassign = { type: 'reassign', coordinatorId: 'coordinator-2', at, by: 'admin-1' } as const
/** What a certification tells; `id@version` names it and its version. */
const told = (sender: string, standing: CertificationStatus, change = {}) => {
  const [id = '', version] = sender.split('@')
  return {
    type: 'certification.standingChanged',
    certificationId: id,
    certType: 'first_aid',
    standing,
    expiresAt: '2028-01-01T00:00:00.000Z',
    coordinatorId: 'coordinator-1',
    imported: false,
    at,
    source: { actor: 'certification', id, version: Number(version) },
    ...change,
  } as const
}
const held = (hold: string, reason: string, holds: string[]) =>
  ({ type: 'mentor.held', ...who, hold, reason, holds }) as const
const released = (hold: string, reason: string, holds: string[]) =>
  ({ ...held(hold, reason, holds), type: 'mentor.released' }) as const
const lapsed = 'certification_expired'
const reassignment = (id: string, coordinatorId: string) => ({
  name: 'tell',
  params: { actor: 'certification', id, message: { type: 'mentor.reassigned', coordinatorId } },
})

describe('a certificate that lapses', () => {
  const valid = given(mentorMachine, input).when(told('c1@1', 'valid'))

  it('S0.24 holds the mentor with the reason certification_expired, until it is renewed', () =>
    valid
      .expect({ state: 'active' })
      .when(told('c1@2', 'expiring_soon'))
      .expect({ state: 'active' })
      .when(told('c1@3', 'expired'))
      .expect({ state: 'held', events: [held('certification', lapsed, ['certification'])] })
      .when(told('c1@4', 'valid'))
      .expect({ state: 'active', events: [released('certification', lapsed, [])] }))

  it('S0.24 a renewal lifts no hold but its own', () =>
    valid
      .when(pause('admin-1'), told('c1@2', 'expired'))
      .expect({
        state: 'held',
        events: [
          held('admin', 'holiday', ['admin']),
          held('certification', lapsed, ['admin', 'certification']),
        ],
      })
      .when(told('c1@3', 'valid'))
      .expect({ state: 'held', events: [released('certification', lapsed, ['admin'])] }))

  it.each(['suspended', 'revoked'] as const)('counts when it is %s as well', (standing) => {
    valid.when(told('c1@2', standing)).expect({
      state: 'held',
      events: [held('certification', lapsed, ['certification'])],
    })
  })

  it('holds nobody when its type is not required', () =>
    given(mentorMachine, input)
      .when(told('c1@1', 'valid', { certType: 'driving' }), told('c1@2', 'expired', { certType: 'driving' }))
      .expect({ state: 'active' }))

  it('holds nobody while another one of its type is good', () =>
    valid
      .when(told('c2@1', 'expiring_soon'), told('c1@2', 'expired'))
      .expect({ state: 'active' })
      .when(told('c2@2', 'expired'))
      .expect({ state: 'held', events: [held('certification', lapsed, ['certification'])] }))

  it('holds until the last required type is good again', () =>
    valid
      .when(told('s1@1', 'valid', { certType: 'safeguarding' }))
      .when(told('c1@2', 'expired'), told('s1@2', 'expired', { certType: 'safeguarding' }))
      .expect({ state: 'held', events: [held('certification', lapsed, ['certification'])] })
      .when(told('c1@3', 'valid'))
      .expect({ state: 'held' })
      .when(told('s1@3', 'valid', { certType: 'safeguarding' }))
      .expect({ state: 'active', events: [released('certification', lapsed, [])] }))

  it('holds nobody by an import of the past, but by a later lapse', () =>
    given(mentorMachine, input)
      .when(told('c1@1', 'expired', { imported: true }))
      .expect({ state: 'active' })
      .when(told('c2@1', 'valid'), told('c2@2', 'expired'))
      .expect({ state: 'held', events: [held('certification', lapsed, ['certification'])] }))

  it('is heard once: what comes late or twice changes nothing', () =>
    valid.when(told('c1@3', 'expired'), told('c1@2', 'valid'), told('c1@3', 'expired')).expect({
      state: 'held',
      refused: true,
      events: [held('certification', lapsed, ['certification'])],
    }))
})

describe('pausing', () => {
  const mentorStory = given(mentorMachine, input)

  it('by the mentor is voluntary, and the mentor ends it', () =>
    mentorStory
      .expect({ state: 'active', events: [{ type: 'mentor.registered', ...who }] })
      .when(pause('user-1'))
      .expect({ state: 'held', events: [held('voluntary', 'holiday', ['voluntary'])] })
      .when(resume('user-1'))
      .expect({ state: 'active', events: [released('voluntary', 'holiday', [])] }))

  it('by somebody else is not lifted by the mentor', () => {
    const story = mentorStory.when(pause('coordinator-1'), resume('user-1'))
    story.expect({ state: 'held', refused: true, events: [held('admin', 'holiday', ['admin'])] })
    const command = { at, by: 'user-1' }
    expect(mentor.explain?.resume?.(story.snapshot as never, command)).toMatchObject({ code: 'forbidden' })
    story
      .when(pause('user-1'))
      .when(resume('user-1'))
      .expect({ state: 'held', events: [released('voluntary', 'holiday', ['admin'])] })
  })

  it('is lifted altogether by a coordinator', () =>
    mentorStory
      .when(pause('user-1'), pause('coordinator-1'))
      .when(resume('coordinator-1'))
      .expect({
        state: 'active',
        events: [released('admin', 'holiday', ['voluntary']), released('voluntary', 'holiday', [])],
      }))

  it('twice is refused', () => {
    const story = mentorStory.when(pause('user-1')).when(pause('user-1'))
    story.expect({ state: 'held', refused: true })
    const command = { reason: 'holiday', at, by: 'user-1' }
    expect(mentor.explain?.pause?.(story.snapshot as never, command)).toMatchObject({ code: 'already_held' })
  })

  it('cannot be ended while a required certificate is missing', () => {
    const story = mentorStory
      .when(told('c1@1', 'valid'), told('c1@2', 'expired'), pause('user-1'))
      .when(resume('coordinator-1'))
      .expect({ state: 'held', refused: true })
    expect(mentor.explain?.resume?.(story.snapshot as never, { at, by: 'coordinator-1' })).toMatchObject({
      code: 'certificate_invalid',
      details: [{ certType: 'first_aid' }],
    })
  })

  it('resume is no command of an active mentor', () =>
    mentorStory.when(resume('user-1')).expect({ state: 'active', refused: true }))
})

describe('another coordinator', () => {
  const story = given(mentorMachine, input).when(told('c1@1', 'valid'), told('c2@1', 'valid')).when(reassign)

  it('takes over every certification that is known', () =>
    story.expect({
      state: 'active',
      events: [
        {
          type: 'mentor.reassigned',
          userId: 'user-1',
          previousCoordinatorId: 'coordinator-1',
          coordinatorId: 'coordinator-2',
        },
      ],
      effects: [reassignment('c1', 'coordinator-2'), reassignment('c2', 'coordinator-2')],
    }))

  it('takes over a certification that was issued in the meantime', () =>
    story
      .when(told('c3@1', 'valid'))
      .expect({ state: 'active', effects: [reassignment('c3', 'coordinator-2')] })
      .when(told('c3@2', 'expired', { coordinatorId: 'coordinator-2' }))
      .expect({ state: 'active', effects: [] }))

  it('must be another one', () => story.when(reassign).expect({ state: 'active', refused: true }))
})

test('M8 messages of certifications may come in any order and any number of times', () => {
  const life = fc.array(
    fc.record({
      certType: fc.constantFrom('first_aid', 'safeguarding', 'driving'),
      standing: fc.constantFrom(...CERTIFICATION_STATUSES),
      imported: fc.boolean(),
      coordinatorId: fc.constantFrom('coordinator-1', 'coordinator-2'),
    }),
    { maxLength: 6 },
  )
  const lives = fc
    .array(life, { maxLength: 4 })
    .map((all) =>
      all.flatMap((messages, id) =>
        messages.map(({ standing, ...change }, index) => told(`c${id}@${index + 1}`, standing, change)),
      ),
    )
  const pauses = fc.subarray([pause('user-1'), pause('admin-1')])
  const deliveries = fc.tuple(lives, pauses).chain(([standings, paused]) => {
    const messages = [...standings, ...paused]
    return fc.record({
      messages: fc.constant(messages),
      again:
        messages.length > 0 ? fc.array(fc.constantFrom(...messages), { maxLength: 10 }) : fc.constant([]),
      order: fc.array(fc.nat(), { minLength: messages.length + 10, maxLength: messages.length + 10 }),
    })
  })
  fc.assert(
    fc.property(deliveries, ({ messages, again, order }) => {
      const shuffled = [...messages, ...again]
        .map((message, index) => ({ message, rank: order[index] ?? 0 }))
        .toSorted((a, b) => a.rank - b.rank)
        .map(({ message }) => message)
      const inOrder = given(mentorMachine, input).when(...messages).snapshot
      const { value, context } = given(mentorMachine, input).when(...shuffled).snapshot
      expect({ value, context }).toEqual({ value: inOrder.value, context: inOrder.context })
      const isPaused = messages.some(({ type }) => type === 'pause')
      expect(value).toBe(isPaused || lapsedTypes(context).length > 0 ? 'held' : 'active')
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(mentorMachine, {
    input,
    events: [pause('user-1'), resume('user-1')],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(mentorMachine.states)))
})

describe('the rules', () => {
  const as = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => ({
    userId,
    orgId,
    roles: [role],
  })
  const { snapshot } = start(mentorMachine, input)

  it.each([
    ['admin', as('admin'), ['register', 'pause', 'resume', 'reassign']],
    ['the coordinator', as('coordinator', 'coordinator-1'), ['pause', 'resume']],
    ['another coordinator', as('coordinator'), []],
    ['the mentor', as('peer_mentor', 'user-1'), ['pause', 'resume']],
    ['csm', as('csm'), []],
    ['an administrator of another organisation', as('admin', 'somebody', 'org-2'), []],
  ] as const)('%s may do what the rules say', (_, principal, allowed) => {
    const names = Object.keys(mentor.allow) as (keyof typeof mentor.allow)[]
    expect(names.filter((name) => mentor.allow[name](principal, snapshot as never))).toEqual(allowed)
  })

  it('shows a user of several roles what each of them may see', () => {
    const both = { ...as('coordinator', 'user-1'), roles: ['coordinator', 'peer_mentor'] as const }
    expect(mentor.scopes(both)).toEqual([
      { orgId: 'org-1', coordinatorId: 'user-1' },
      { orgId: 'org-1', userId: 'user-1' },
    ])
    expect(mentor.scopes(as('student'))).toEqual([])
  })

  it('registers users of the organisation only', async () => {
    const settings = { expiringWindowDays: 30, reminderDays: [], ...input.policy }
    const lookup = {
      organisation: (id: string) => Promise.resolve({ id, settings }),
      userOrganisation: (id: string) => Promise.resolve(id === 'stranger' ? 'org-2' : 'org-1'),
    } as unknown as Lookup
    const register = (userId: string) =>
      mentor.create.register({
        id: 'mentor-1',
        payload: { userId, coordinatorId: 'coordinator-1' },
        principal: as('admin'),
        at,
        lookup,
        newId: () => 'new',
      })
    expect(await register('user-1')).toEqual({ ok: true, input })
    expect(await register('stranger')).toMatchObject({ ok: false, error: { code: 'not_found' } })
  })

  it('the view holds what the contract promises', () => {
    const story = given(mentorMachine, input).when(
      told('c1@1', 'valid'),
      told('c1@2', 'expired'),
      pause('user-1'),
    )
    expect(mentor.view(story.snapshot as never, 'mentor-1')).toEqual({
      id: 'mentor-1',
      ...who,
      active: false,
      holds: [
        { hold: 'certification', reason: lapsed },
        { hold: 'voluntary', reason: 'holiday' },
      ],
      certifications: [
        {
          certificationId: 'c1',
          certType: 'first_aid',
          standing: 'expired',
          expiresAt: '2028-01-01T00:00:00.000Z',
        },
      ],
    })
  })

  it('reads yes and no from a query string as well', () => {
    const { input: list } = mentorContract.queries.list
    expect(list.parse({ active: 'false' })).toEqual({ active: false })
    expect(list.parse({ active: true })).toEqual({ active: true })
    expect(list.safeParse({ active: 'perhaps' }).success).toBe(false)
  })
})

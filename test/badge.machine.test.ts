import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { badge } from '../actors/badge.ts'
import { badgeContract } from '../contracts/badge.ts'
import { badgeMachine, type BadgeInput } from '../machines/badge.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const later = '2026-02-01T09:00:00.000Z'
const input: BadgeInput = {
  id: 'badge-1',
  orgId: 'org-1',
  definitionId: 'definition-1',
  recipientId: 'mentor-1',
  recipientUserId: 'user-1',
  coordinatorId: 'coordinator-1',
  name: 'Helper',
  description: 'Helped ten times',
  iconKey: 'hand',
  criteria: 'At least 10 activities.',
  period: '',
  ordinal: 1,
  awardedBy: 'system',
  awardedById: null,
  evidence: null,
  isFirst: true,
  notices: { earned: 'notice-1', revoked: 'notice-2' },
  at,
}
const facts = {
  definitionId: 'definition-1',
  recipientId: 'mentor-1',
  recipientUserId: 'user-1',
  name: 'Helper',
  period: '',
}
const award = { type: 'award', definitionId: 'definition-1', recipientId: 'mentor-1', at: later } as const
const revoke = { type: 'revoke', reason: 'by mistake', at: later, by: 'admin-1' } as const
const lost = { type: 'criteria.lost', reason: 'criteria_no_longer_met', at: later } as const
const accept = { type: 'accept', at: later, by: 'user-1' } as const
const decline = { type: 'decline', at: later, by: 'user-1' } as const
const made = { type: 'notification.made', at: later } as const
const reassigned = (coordinatorId: string, version: number) =>
  ({
    type: 'mentor.reassigned',
    coordinatorId,
    at: later,
    source: { actor: 'mentor', id: 'mentor-1', version },
  }) as const
const notice = (id: string, topic: string, text: string) => ({
  name: 'create',
  params: {
    actor: 'notification',
    id,
    input: {
      orgId: 'org-1',
      recipientId: 'user-1',
      topic,
      subject: { actor: 'badge', id: 'badge-1' },
      text,
      data: { badgeId: 'badge-1', definitionId: 'definition-1', name: 'Helper' },
    },
  },
})
const earnedNotice = notice('notice-1', 'badge.earned', 'You have earned the badge “Helper”.')
const tell = (actor: string, id: string, message: object) => ({
  name: 'tell',
  params: { actor, id, message },
})
const filed = tell('mentor', 'mentor-1', { type: 'badge.filed', coordinatorId: 'coordinator-1' })

const earned = given(badgeMachine, input)

describe('a badge', () => {
  it('S1.1 S1.5 S1.10 is earned at an instant, and asks for one notification of it', () =>
    earned.expect({
      state: 'earned',
      events: [{ type: 'badge.earned', ...facts, awardedBy: 'system' }],
      effects: [tell('badgeDefinition', 'definition-1', { type: 'badge.awarded' }), filed, earnedNotice],
      context: { earnedAt: at, revokedAt: null, shown: true },
    }))

  it('locks its definition only when it is the first one', () =>
    expect(given(badgeMachine, { ...input, isFirst: false }).effects).toEqual([filed, earnedNotice]))

  it('of somebody who is no mentor tells no mentor', () => {
    const own = { recipientId: 'user-1', coordinatorId: null, isFirst: false }
    expect(given(badgeMachine, { ...input, ...own }).effects).toEqual([earnedNotice])
  })

  it('S1.6 that is awarded again stays the one that it is', () =>
    earned.when(award).expect({ state: 'earned', events: [], effects: [], refused: true }))

  it('S1.12 C9 is revoked for good, with a reason, and stays on record', () => {
    const gone = earned.when(revoke)
    gone.expect({
      state: 'revoked',
      events: [{ type: 'badge.revoked', ...facts, reason: 'by mistake' }],
      effects: [notice('notice-2', 'badge.revoked', 'The badge “Helper” has been taken back.')],
      context: { revokedAt: later, revokedBy: 'admin', revokeReason: 'by mistake', earnedAt: at },
    })
    for (const message of [award, revoke, lost, accept, decline])
      gone.when(message).expect({ state: 'revoked', refused: true, effects: [] })
  })

  it('S1.12 is taken back by the evaluation when the evaluation has awarded it', () => {
    earned.when(lost).expect({
      state: 'revoked',
      events: [{ type: 'badge.revoked', ...facts, reason: 'criteria_no_longer_met' }],
      context: { revokedBy: 'system' },
    })
    given(badgeMachine, { ...input, awardedBy: 'admin' })
      .when(lost)
      .expect({ state: 'earned', refused: true })
  })

  it('STATECHARTS 2.6 is accepted and declined by its recipient, which changes nothing else', () =>
    earned
      .when(accept)
      .expect({ state: 'earned', refused: true })
      .when(decline)
      .expect({
        state: 'earned',
        events: [{ type: 'badge.declined', ...facts }],
        effects: [],
        context: { shown: false },
      })
      .when(decline)
      .expect({ state: 'earned', refused: true })
      .when(accept)
      .expect({ state: 'earned', events: [{ type: 'badge.accepted', ...facts }], context: { shown: true } }))

  it('notes when its notification is there, revoked or not, once', () => {
    earned.when(made).expect({ state: 'earned', context: { notifiedAt: later } })
    earned.when(revoke, made).expect({
      state: 'revoked',
      events: [{ type: 'badge.revoked', ...facts, reason: 'by mistake' }],
      context: { notifiedAt: later },
    })
    earned
      .when(made)
      .when({ ...made, at: '2026-03-01T00:00:00.000Z' })
      .expect({ state: 'earned', refused: true })
  })

  it('goes to the coordinator that its mentor names last, in whatever order that is heard', () => {
    const moved = { type: 'badge.reassigned', ...facts, coordinatorId: 'coordinator-2' }
    earned.when(reassigned('coordinator-2', 5)).expect({
      state: 'earned',
      events: [moved],
      context: { coordinatorId: 'coordinator-2' },
    })
    // There and back again, heard the other way round.
    earned.when(reassigned('coordinator-1', 6), reassigned('coordinator-2', 5)).expect({
      state: 'earned',
      refused: true,
      context: { coordinatorId: 'coordinator-1', mentorVersion: 6 },
    })
  })
})

test('S1.6 in no order of messages is a badge earned or revoked twice', () => {
  const message = fc.constantFrom(award, revoke, lost, accept, decline, made, reassigned('coordinator-2', 3))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 20 }), (sent) => {
      const { facts: heard, effects, snapshot } = earned.when(...(sent as never[]))
      const count = (type: string) => heard.filter(({ event }) => event.type === type).length
      expect(count('badge.earned')).toBe(0)
      const isRevoked = snapshot.value === 'revoked'
      expect(count('badge.revoked')).toBe(isRevoked ? 1 : 0)
      expect(effects).toHaveLength(isRevoked ? 1 : 0)
      expect(snapshot.context.revokedAt !== null).toBe(isRevoked)
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(badgeMachine, {
    input,
    events: [revoke],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(badgeMachine.states)))
})

describe('the rules', () => {
  const as = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => {
    return { userId, orgId, roles: [role] }
  }
  it.each([
    ['an administrator', as('admin'), ['award', 'revoke']],
    ['S1.14 the system', as('system'), ['award', 'revoke']],
    ['C30 the mentor', as('peer_mentor', 'user-1'), ['accept', 'decline']],
    ['another mentor', as('peer_mentor', 'user-2'), []],
    ['S1.13 the coordinator in charge', as('coordinator', 'coordinator-1'), []],
    ['csm', as('csm'), []],
    ['an administrator of another organisation', as('admin', 'somebody', 'org-2'), []],
    ['the same user in another organisation', as('peer_mentor', 'user-1', 'org-2'), []],
  ] as const)('%s may %#', (_, principal, commands) => {
    const may = Object.entries(badge.allow).filter(([, rule]) => rule(principal, earned.snapshot as never))
    expect(may.map(([name]) => name)).toEqual(commands)
  })

  it('the view holds what the contract promises, and nothing of the inside', () => {
    const view = badge.view(earned.when(revoke).snapshot as never, 'badge-1')
    expect(Object.keys(view).toSorted()).toEqual(Object.keys(badgeContract.view.shape).toSorted())
  })
})

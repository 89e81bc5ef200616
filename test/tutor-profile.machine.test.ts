import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { tutorProfileMachine } from '../machines/tutor-profile.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const facts = { tutorId: 'tutor-1', displayName: 'Ada Lovelace' }
const input = {
  id: 'profile-1',
  orgId: 'org-1',
  ...facts,
  certifications: [],
  experience: null,
  subjects: ['Music'],
  bio: null,
  profilePhoto: null,
  at,
}

const approve = { type: 'approve', at, by: 'admin-1' } as const
const reject = { type: 'reject', note: 'no certificates', at, by: 'admin-1' } as const
const resubmit = { type: 'resubmit', at, by: 'tutor-1' } as const
const leave = { type: 'delete', at, by: 'tutor-1' } as const
const update = (fields: object) => ({ type: 'update', ...fields, at, by: 'tutor-1' }) as const
const made = (approved: boolean, displayName = facts.displayName) =>
  ({
    type: 'offering.created',
    approved,
    displayName,
    at,
    source: { actor: 'offering', id: 'offering-1', version: 1 },
  }) as const
const news = (approved: boolean, displayName = facts.displayName) => ({
  type: 'tutor.changed',
  approved,
  displayName,
})
const toAll = (approved: boolean, displayName?: string) => ({
  name: 'tellAll',
  params: {
    actor: 'offering',
    where: { tutorProfileId: 'profile-1' },
    message: news(approved, displayName),
  },
})
const toOne = (approved: boolean) => ({
  name: 'tell',
  params: { actor: 'offering', id: 'offering-1', message: news(approved) },
})

const pending = given(tutorProfileMachine, input)

describe('a profile', () => {
  it('waits for approval, and its offerings hear of it', () =>
    pending
      .expect({ state: 'pending', events: [{ type: 'tutorProfile.created', ...facts }], effects: [] })
      .when(approve)
      .expect({
        state: 'approved',
        events: [{ type: 'tutorProfile.approved', ...facts }],
        effects: [toAll(true)],
      }))

  it('that is rejected hides its offerings, says why, and may be sent in again', () =>
    pending
      .when(approve, reject)
      .expect({
        state: 'rejected',
        events: [
          { type: 'tutorProfile.approved', ...facts },
          { type: 'tutorProfile.rejected', ...facts, note: 'no certificates' },
        ],
        effects: [toAll(true), toAll(false)],
        context: { note: 'no certificates' },
      })
      .when(approve)
      .expect({ state: 'rejected', refused: true })
      .when(resubmit)
      .expect({
        state: 'pending',
        events: [{ type: 'tutorProfile.resubmitted', ...facts }],
        context: { note: null },
      }))

  it('S2.18 tells its offerings another name, as approved as it is', () => {
    const renamed = { type: 'tutorProfile.updated', tutorId: 'tutor-1', displayName: 'Ada' }
    pending.when(update({ displayName: 'Ada' })).expect({
      state: 'pending',
      events: [{ ...renamed, fields: ['displayName'] }],
      effects: [toAll(false, 'Ada')],
    })
    pending
      .when(approve)
      .when(update({ displayName: 'Ada', bio: 'I teach.' }))
      .expect({
        state: 'approved',
        events: [{ ...renamed, fields: ['displayName', 'bio'] }],
        effects: [toAll(true, 'Ada')],
        context: { bio: 'I teach.' },
      })
      .when(update({ subjects: [] }))
      .expect({
        state: 'approved',
        events: [{ ...renamed, fields: ['subjects'] }],
        effects: [],
        context: { subjects: [] },
      })
  })

  it('S2.66.4 is decided by its field as by the command', () => {
    pending
      .when(update({ profileStatus: 'approved', bio: 'I teach.' }))
      .expect({
        state: 'approved',
        events: [
          { type: 'tutorProfile.updated', ...facts, fields: ['bio'] },
          { type: 'tutorProfile.approved', ...facts },
        ],
        effects: [toAll(true)],
      })
      .when(update({ profileStatus: 'approved' }))
      .expect({ state: 'approved', events: [{ type: 'tutorProfile.updated', ...facts, fields: [] }] })
      .when(update({ profileStatus: 'pending' }))
      .expect({ state: 'approved', refused: true })
      .when(update({ profileStatus: 'rejected' }))
      .expect({
        state: 'rejected',
        events: [
          { type: 'tutorProfile.updated', ...facts, fields: [] },
          { type: 'tutorProfile.rejected', ...facts, note: null },
        ],
      })
      .when(update({ profileStatus: 'pending' }))
      .expect({
        state: 'pending',
        events: [
          { type: 'tutorProfile.updated', ...facts, fields: [] },
          { type: 'tutorProfile.resubmitted', ...facts },
        ],
      })
  })

  it('corrects an offering that was made with what is out of date', () => {
    expect(pending.when(made(false)).effects).toEqual([])
    expect(pending.when(approve).when(made(false)).effects).toEqual([toOne(true)])
    expect(pending.when(approve).when(made(true, 'Ada')).effects).toEqual([toOne(true)])
    expect(pending.when(approve, leave).when(made(true)).effects).toEqual([toOne(false)])
  })
})

test('whatever is told last says whether it is approved now', () => {
  const messages = [
    approve,
    reject,
    resubmit,
    leave,
    made(true),
    made(false),
    update({ displayName: 'Ada' }),
    update({ profileStatus: 'approved' }),
    update({ profileStatus: 'rejected' }),
    update({ profileStatus: 'pending' }),
  ] as const
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...messages), { maxLength: 30 }), (sent) => {
      const { snapshot, effects } = pending.when(...sent)
      const told = effects.map(
        ({ params }) => (params as { message: { approved: boolean } }).message.approved,
      )
      expect(told.at(-1) ?? false).toBe(snapshot.value === 'approved')
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(tutorProfileMachine, { input, events: [approve, reject, resubmit, leave] })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(
    new Set(Object.keys(tutorProfileMachine.states)),
  )
})

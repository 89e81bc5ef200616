import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { badgeDefinition } from '../actors/badge-definition.ts'
import { badgeDefinitionContract, type Criteria } from '../contracts/badge-definition.ts'
import { badgeDefinitionMachine } from '../machines/badge-definition.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const later = '2026-02-01T09:00:00.000Z'
const criteria: Criteria = { match: 'all', rules: [{ kind: 'activity_count', value: 10 }] }
const input = {
  id: 'definition-1',
  orgId: 'org-1',
  name: 'Helper',
  iconKey: 'hand',
  description: 'Helped ten times',
  criteria,
  repeatable: null,
  revocable: true,
  edition: 1,
  predecessorId: null,
  predecessorName: null,
  at,
}
const by = { at: later, by: 'admin-1' }
const activate = { type: 'activate', ...by } as const
const archive = { type: 'archive', ...by } as const
const update = (changes: object) => ({ type: 'update', ...changes, ...by }) as const
const from = (actor: string, id: string) => ({ at: later, source: { actor, id, version: 1 } })
const awarded = { type: 'badge.awarded', ...from('badge', 'badge-1') } as const
const superseding = { type: 'edition.superseding', ...from('badgeDefinition', 'definition-2') } as const
const superseded = (id: string) => ({ type: 'edition.superseded', ...from('badgeDefinition', id) }) as const
const named = { name: 'Helper', edition: 1 }
const look = {
  name: 'tellAll',
  params: { actor: 'achievement', where: { orgId: 'org-1' }, message: { type: 'badgeDefinition.changed' } },
}

const draft = given(badgeDefinitionMachine, input)
const active = draft.when(activate)
const locked = active.when(awarded)
const second = given(badgeDefinitionMachine, {
  ...input,
  id: 'definition-2',
  edition: 2,
  predecessorId: 'definition-1',
  predecessorName: input.name,
})

describe('a badge definition', () => {
  it('S1.3 is drafted, and is earned by nobody before it is activated', () => {
    draft.expect({ state: 'draft', events: [{ type: 'badgeDefinition.defined', ...named }], effects: [] })
    draft.when(update({ criteria, description: 'Other' })).expect({
      state: 'draft',
      events: [{ type: 'badgeDefinition.updated', ...named, fields: ['description', 'criteria'] }],
      effects: [],
      context: { description: 'Other' },
    })
  })

  it('looks at everybody who has done something already when it is activated, or changed after that', () => {
    active.expect({
      state: 'active',
      events: [{ type: 'badgeDefinition.activated', ...named }],
      effects: [look],
      context: { activatedAt: later },
    })
    expect(active.when(update({ criteria })).effects).toEqual([look])
  })

  it('is locked by the first award, once: what it takes to earn it stays as it is', () => {
    locked.expect({
      state: 'locked',
      events: [{ type: 'badgeDefinition.locked', ...named }],
      effects: [],
      context: { lockedAt: later },
    })
    locked.when({ ...awarded, at: '2026-03-01T00:00:00.000Z' }).expect({ state: 'locked', refused: true })
    for (const change of [{ name: 'Other' }, { criteria }, { repeatable: null }, { revocable: false }])
      locked.when(update({ iconKey: 'star', ...change })).expect({ state: 'locked', refused: true })
    locked.when(update({ iconKey: 'star', description: 'Nicer' })).expect({
      state: 'locked',
      events: [{ type: 'badgeDefinition.updated', ...named, fields: ['iconKey', 'description'] }],
      context: { iconKey: 'star', description: 'Nicer' },
    })
  })

  it('is archived from wherever it is, for good', () => {
    for (const one of [draft, active, locked]) {
      const gone = one.when(archive)
      gone.expect({ state: 'archived', events: [{ type: 'badgeDefinition.archived', ...named }] })
      for (const message of [archive, activate, update({ iconKey: 'star' }), awarded])
        gone.when(message).expect({ state: 'archived', refused: true })
    }
  })

  it('gives way to its next edition, which waits until it has', () => {
    const told = (id: string, type: string) => ({
      name: 'tell',
      params: { actor: 'badgeDefinition', id, message: { type } },
    })
    const waiting = second.when(activate)
    waiting.expect({ state: 'superseding', effects: [told('definition-1', 'edition.superseding')] })
    for (const one of [active, locked])
      one.when(superseding).expect({
        state: 'archived',
        events: [{ type: 'badgeDefinition.archived', ...named }],
        effects: [told('definition-2', 'edition.superseded')],
      })
    // Somebody has archived it before: the answer is the same.
    locked
      .when(archive)
      .when(superseding)
      .expect({
        state: 'archived',
        effects: [told('definition-2', 'edition.superseded')],
      })
    waiting.when(superseded('somebody-else')).expect({ state: 'superseding', refused: true })
    waiting.when(superseded('definition-1')).expect({
      state: 'active',
      events: [{ type: 'badgeDefinition.activated', name: 'Helper', edition: 2 }],
      effects: [look],
    })
  })

  it('holds its name from the beginning, and a next edition only when it has taken over', () => {
    const { holdsName } = badgeDefinition.columns
    const holds = (story: { snapshot: unknown }) => holdsName.of(story.snapshot as never)
    expect([draft, active, locked, locked.when(archive)].map(holds)).toEqual([true, true, true, false])
    const waiting = second.when(activate)
    expect([second, waiting, waiting.when(superseded('definition-1'))].map(holds)).toEqual([
      false,
      false,
      true,
    ])
  })
})

test('whatever is said in whatever order, what it takes to earn it never changes after the first award', () => {
  const message = fc.oneof(
    fc.constantFrom(activate, archive, awarded, superseding),
    fc.constantFrom('A', 'B').map((name) => update({ name })),
    fc
      .integer({ min: 1, max: 5 })
      .map((value) => update({ criteria: { match: 'any', rules: [{ kind: 'activity_count', value }] } })),
    fc.constantFrom('star', 'hand').map((iconKey) => update({ iconKey })),
  )
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(message, { maxLength: 12 }),
      (some, others) => {
        const before = draft.when(...(some as never[]))
        const after = before.when(...(others as never[]))
        if (before.snapshot.context.lockedAt === null) return
        const fixed = ({ snapshot: { context } }: typeof before) => [
          context.name,
          context.criteria,
          context.lockedAt,
        ]
        expect(fixed(after)).toEqual(fixed(before))
      },
    ),
  )
})

test('every state can be reached', () => {
  const states = [input, { ...input, predecessorId: 'definition-1' }].flatMap((one) =>
    getShortestPaths(badgeDefinitionMachine, {
      input: one,
      events: [activate, archive, awarded, superseded('definition-1')],
      serializeState: ({ value }) => JSON.stringify(value),
    }).map(({ state }) => state.value),
  )
  expect(new Set(states)).toEqual(new Set(Object.keys(badgeDefinitionMachine.states)))
})

test('the view holds what the contract promises, and the criteria in words', () => {
  const view = badgeDefinition.view(locked.snapshot as never, 'definition-1')
  expect(Object.keys(view).toSorted()).toEqual(Object.keys(badgeDefinitionContract.view.shape).toSorted())
  expect(view).toMatchObject({ status: 'locked', criteriaText: 'At least 10 activities.' })
})

import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { roster, rosterId } from '../actors/roster.ts'
import { RosterView } from '../contracts/roster.ts'
import { rosterMachine, type RosterContext } from '../machines/roster.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const input = { id: 'roster-1', orgId: 'org-1', offeringId: 'offering-1', at }

const from = (actor: string, id: string) => ({ at, source: { actor, id, version: 1 } })
const opened = (id = 'a') => ({ type: 'enrollment.opened', ...from('enrollment', id) }) as const
const ended = (id = 'a', admitted = true) =>
  ({ type: 'enrollment.ended', admitted, ...from('enrollment', id) }) as const
const deleting = { type: 'offering.deleting', ...from('offering', 'offering-1') } as const
const removed = {
  type: 'offering.removed',
  removalId: 'removal-1',
  title: 'First aid',
  reason: 'taken down',
  by: 'admin-1',
  ...from('offering', 'offering-1'),
} as const
const paidAlone = { type: 'purchase.paid', ...from('purchase', 'purchase-1') } as const

const tell = (actor: string, id: string, message: object, others: object = {}) => ({
  name: 'tell',
  params: { actor, id, message, ...others },
})
const tellPurchases = (reason: string) => ({
  name: 'tellAll',
  params: {
    actor: 'purchase',
    where: { offeringId: 'offering-1' },
    message: { type: 'offering.closed', reason },
  },
})
const closed = (why: 'deleted' | 'removed') =>
  ({ type: 'roster.closed', offeringId: 'offering-1', closed: why }) as const
const turnedAway = (why: string, id = 'a') => tell('enrollment', id, { type: 'roster.closed', closed: why })

const open = given(rosterMachine, input)

const removalMayCount = tell(
  'removal',
  'removal-1',
  { type: 'roster.closed', closed: 'removed' },
  {
    orCreate: {
      orgId: 'org-1',
      offeringId: 'offering-1',
      title: 'First aid',
      reason: 'taken down',
      startedBy: 'admin-1',
      dryRun: false,
    },
  },
)

describe('a roster', () => {
  it('lets in and counts whoever asks, until they are gone', () =>
    open
      .when(opened())
      .expect({
        state: 'open',
        effects: [tell('enrollment', 'a', { type: 'roster.admitted' })],
        context: { enrolled: 1 },
      })
      .when(ended())
      .expect({ state: 'open', effects: [], context: { enrolled: 0 } }))

  it('does not count what was over before it was let in', () =>
    open.when(ended('a', false)).expect({ state: 'open', context: { enrolled: 0 } }))

  it('S2.66.10 keeps an offering from being deleted while somebody is in it', () =>
    open
      .when(opened(), opened('b'), deleting)
      .expect({
        state: 'open',
        effects: [
          tell('enrollment', 'a', { type: 'roster.admitted' }),
          tell('enrollment', 'b', { type: 'roster.admitted' }),
          tell('offering', 'offering-1', { type: 'roster.busy', count: 2 }),
        ],
      })
      .when(ended(), ended('b'))
      .when(deleting)
      .expect({
        state: 'closed',
        events: [closed('deleted')],
        effects: [
          tell('offering', 'offering-1', { type: 'roster.emptied' }),
          tellPurchases('deleted by its tutor'),
        ],
      })
      .when(deleting)
      .expect({ state: 'closed', effects: [tell('offering', 'offering-1', { type: 'roster.emptied' })] }))

  it('tells a removal that began while its tutor deleted it that it may count', () =>
    open
      .when(deleting)
      .when(removed)
      .expect({ state: 'closed', effects: [removalMayCount] }))

  it('closes for good before its offering is removed, and then the removal may count', () =>
    open
      .when(opened())
      .when(removed)
      .expect({
        state: 'closed',
        events: [closed('removed')],
        effects: [tellPurchases('taken down'), removalMayCount],
      })
      .when(opened('b'))
      .expect({ state: 'closed', effects: [turnedAway('removed', 'b')], context: { enrolled: 1 } })
      .when(removed)
      .expect({ state: 'closed', refused: true, effects: [] })
      .when(ended())
      .expect({ state: 'closed', context: { enrolled: 0 } }))

  it('sends money back that comes after it has closed, and minds none before', () => {
    open.when(paidAlone).expect({ state: 'open', refused: true, effects: [] })
    open
      .when(removed)
      .when(paidAlone)
      .expect({
        state: 'closed',
        effects: [tell('purchase', 'purchase-1', { type: 'offering.closed', reason: 'taken down' })],
      })
  })
})

/** Enrollments as the roster sees them: each speaks in its own order, and what they say arrives in any. */
test('M8 it counts exactly those it has let in and that are not over, whatever comes in which order', () => {
  const step = fc.record({ who: fc.constantFrom('a', 'b', 'c', 'd'), what: fc.nat(3), pick: fc.nat(9) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), fc.nat(40), (steps, closesAt) => {
      let story = open
      const said: ReturnType<typeof opened | typeof ended>[] = []
      const answers: { id: string; message: { type: string } }[] = []
      const lives = new Map<string, { over: boolean; admitted: boolean }>()
      const send = (message: Parameters<typeof story.when>[0]) => {
        story = story.when(message)
        for (const { params } of story.effects) {
          const told = params as { actor: string; id: string; message: { type: string } }
          if (told.actor === 'enrollment') answers.push(told)
        }
      }
      const hear = ({ id, message }: (typeof answers)[number]) => {
        const life = lives.get(id)!
        if (message.type !== 'roster.admitted') {
          if (life.over) return
          life.over = true
          said.push(ended(id, false))
        } else {
          life.admitted = true
          if (life.over) said.push(ended(id, true))
        }
      }
      const end = (id: string) => {
        const life = lives.get(id)
        if (!life || life.over) return
        life.over = true
        said.push(ended(id, life.admitted))
      }
      for (const [index, { who, what, pick }] of steps.entries()) {
        if (index === closesAt) send(removed)
        if (what === 0 && !lives.has(who)) {
          lives.set(who, { over: false, admitted: false })
          said.push(opened(who))
        }
        if (what === 1) end(who)
        const word = what === 2 && said.length > 0 ? said.splice(pick % said.length, 1)[0] : undefined
        if (word) send(word)
        const answer =
          what === 3 && answers.length > 0 ? answers.splice(pick % answers.length, 1)[0] : undefined
        if (answer) hear(answer)
      }
      while (said.length + answers.length > 0) {
        for (const word of said.splice(0)) send(word)
        for (const answer of answers.splice(0)) hear(answer)
      }
      const { enrolled } = story.snapshot.context as RosterContext
      expect(enrolled).toBe([...lives.values()].filter(({ over, admitted }) => admitted && !over).length)
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(rosterMachine, {
    input,
    events: [deleting],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(rosterMachine.states)))
})

describe('the rules', () => {
  it('is for operators only, and one for each offering', () => {
    const as = (role: 'admin' | 'csm' | 'system' | 'student' | 'instructor' | 'coordinator') =>
      roster.scopes({ userId: 'user-1', orgId: 'org-1', roles: [role] })
    for (const role of ['admin', 'csm', 'system'] as const) expect(as(role)).toEqual([{ orgId: 'org-1' }])
    for (const role of ['student', 'instructor', 'coordinator'] as const) expect(as(role)).toEqual([])
    expect(roster.allow).toEqual({})
    expect(rosterId('offering-1')).toBe(rosterId('offering-1'))
    expect(rosterId('offering-1')).not.toBe(rosterId('offering-2'))
  })

  it('the view holds what the contract promises', () => {
    const view = (story: typeof open) => RosterView.safeParse(viewOf(story))
    const viewOf = ({ snapshot }: typeof open) => roster.view(snapshot as never, 'roster-1')
    expect(viewOf(open.when(opened()))).toEqual({
      id: 'roster-1',
      offeringId: 'offering-1',
      enrolled: 1,
      closed: null,
    })
    expect(viewOf(open.when(removed))).toMatchObject({ closed: 'removed' })
    expect(view(open).error?.issues.map(({ path }) => path[0])).toEqual(['id', 'offeringId'])
  })
})

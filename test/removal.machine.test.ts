import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { CreationRequest, Principal, Role } from '../actors/actor.ts'
import { removal } from '../actors/removal.ts'
import { RemovalView } from '../contracts/removal.ts'
import type { SettlementNews } from '../contracts/settlement.ts'
import { removalMachine, type RemovalContext } from '../machines/removal.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const input = {
  id: 'removal-1',
  orgId: 'org-1',
  offeringId: 'offering-1',
  title: 'First aid',
  reason: 'taken down',
  startedBy: 'admin-1',
  dryRun: false,
  at,
}
const started = {
  type: 'removal.started',
  offeringId: 'offering-1',
  title: 'First aid',
  reason: 'taken down',
} as const
const by = { at, by: 'admin-1' }
const run = { type: 'run', ...by } as const
const pause = { type: 'pause', ...by } as const
const resume = { type: 'resume', ...by } as const
const discard = { type: 'discard', ...by } as const
const rosterClosed = { type: 'roster.closed', closed: 'removed', at } as const
const offeringGone = { type: 'offering.gone', at } as const
const finished = (total: number, minor = total * 100) =>
  ({ type: 'planner.finished', total, planned: { NGN: minor }, at }) as const
const broken = { type: 'effect.failed', effect: 'planRemoval', reason: 'no database', at } as const
const news = (id: string, said: SettlementNews) =>
  ({ ...said, at, source: { actor: 'settlement', id, version: 1 } }) as const
const processed = (id: string, minor = 100) =>
  news(id, { type: 'settlement.ended', outcome: 'processed', refunded: { minor, currency: 'NGN' } })
const stuck = (id: string, outcome: 'failed' | 'review' = 'failed') =>
  news(id, { type: 'settlement.ended', outcome, refunded: null })
const reopened = (id: string, from: 'failed' | 'review' = 'failed') =>
  news(id, { type: 'settlement.reopened', from })
const resolved = (id: string, from: 'failed' | 'review' = 'failed') =>
  news(id, { type: 'settlement.resolved', from })

const endPlan = {
  name: 'tellAll',
  params: { actor: 'settlement', where: { removalId: 'removal-1' }, message: { type: 'removal.discarded' } },
}
const plan = { name: 'planRemoval', params: { removalId: 'removal-1' } }
const runner = { name: 'runRemoval', params: { removalId: 'removal-1' } }
const tell = (actor: string, id: string, message: object) => ({
  name: 'tell',
  params: { actor, id, message },
})
const counts = (total: number, pending: number, done: number, failed = 0, review = 0) => ({
  offeringId: 'offering-1',
  total,
  pending,
  processed: done,
  failed,
  review,
})
const fact = (type: string, of: object, refunded: object = {}) => ({
  type: `removal.${type}`,
  ...of,
  refunded,
})

const closing = given(removalMachine, input)
const counting = closing.when(rosterClosed)
const running = (total = 2) => counting.when(finished(total))
const dry = given(removalMachine, { ...input, dryRun: true })
const planned = dry.when(finished(2))

describe('a removal', () => {
  it('waits until nobody is let in any more, then counts, then begins', () => {
    closing.expect({ state: 'closing', events: [started], effects: [] })
    counting.expect({ state: 'counting', effects: [plan] })
    running().expect({
      state: { running: 'moving' },
      events: [{ type: 'removal.planned', ...counts(2, 2, 0), refunded: {}, planned: { NGN: 200 } }],
      effects: [runner],
    })
  })

  it('is done when nothing is pending, and C12 says what was settled', () =>
    running()
      .when(processed('a'))
      .expect({
        state: { running: 'moving' },
        events: [fact('progressed', counts(2, 1, 1), { NGN: 100 })],
        effects: [],
      })
      .when(processed('b', 50))
      .expect({
        state: 'done',
        events: [fact('finished', counts(2, 0, 2), { NGN: 150 })],
        context: { endedAt: at },
      }))

  it('S2.55 of what nobody is in is done at once', () =>
    counting.when(finished(0, 0)).expect({
      state: 'done',
      events: [
        { type: 'removal.planned', ...counts(0, 0, 0), refunded: {}, planned: { NGN: 0 } },
        fact('finished', counts(0, 0, 0)),
      ],
    }))

  it('S2.60 goes on when one is stuck, and tells it that it is counted', () =>
    running()
      .when(stuck('a'))
      .expect({
        state: { running: 'moving' },
        events: [fact('progressed', counts(2, 1, 0, 1))],
        effects: [tell('settlement', 'a', { type: 'removal.counted' })],
      })
      .when(stuck('b', 'review'))
      .expect({
        state: 'done',
        events: [fact('finished', counts(2, 0, 0, 1, 1))],
        effects: [tell('settlement', 'b', { type: 'removal.counted' })],
      }))

  it('begins one again that is reopened, also when it was done', () => {
    const order = tell('settlement', 'a', { type: 'removal.run' })
    const done = running(1).when(stuck('a'))
    done
      .when(reopened('a'))
      .expect({
        state: { running: 'again' },
        events: [fact('progressed', counts(1, 1, 0))],
        effects: [order],
        context: { pending: 1, failed: 0, endedAt: null },
      })
      .when(processed('a'))
      .expect({ state: 'done', events: [fact('finished', counts(1, 0, 1), { NGN: 100 })] })
    done.when(resolved('a')).expect({ state: 'done', effects: [], context: { failed: 0, processed: 1 } })
    running()
      .when(stuck('a', 'review'))
      .when(reopened('a', 'review'))
      .expect({
        state: { running: 'moving' },
        events: [fact('progressed', counts(2, 2, 0))],
        effects: [order],
        context: { pending: 2, review: 0 },
      })
  })

  it('pauses and goes on, and counts meanwhile what had begun', () =>
    running()
      .when(pause)
      .expect({ state: { running: 'paused' }, events: [fact('paused', counts(2, 2, 0))], effects: [] })
      .when(processed('a'))
      .expect({ state: { running: 'paused' }, events: [fact('progressed', counts(2, 1, 1), { NGN: 100 })] })
      .when(resume)
      .expect({
        state: { running: 'moving' },
        events: [fact('resumed', counts(2, 1, 1), { NGN: 100 })],
        effects: [runner],
      }))

  it('tells a hundred times at most how far it is', () => {
    const all = Array.from({ length: 1_000 }, (_, index) => processed(`s${index}`))
    const { facts } = running(1_000).when(...all)
    expect(facts.filter(({ event }) => event.type === 'removal.progressed').length).toBeLessThanOrEqual(100)
    expect(facts.at(-1)?.event).toMatchObject({ type: 'removal.finished', processed: 1_000 })
  })
})

describe('a dry run', () => {
  it('makes the same plan and does nothing', () => {
    dry.expect({ state: 'planning', events: [started], effects: [plan] })
    planned.expect({
      state: 'planned',
      events: [{ type: 'removal.planned', ...counts(2, 2, 0), refunded: {}, planned: { NGN: 200 } }],
      effects: [],
    })
  })

  it('is carried out on command, and counts anew', () =>
    planned
      .when(run)
      .expect({
        state: 'closing',
        effects: [
          tell('offering', 'offering-1', {
            type: 'removal.started',
            reason: 'taken down',
            startedBy: 'admin-1',
          }),
        ],
      })
      .when(rosterClosed)
      .expect({ state: 'counting', effects: [plan] })
      .when(finished(3))
      .expect({
        state: { running: 'moving' },
        events: [{ type: 'removal.planned', ...counts(3, 3, 0), refunded: {}, planned: { NGN: 300 } }],
        effects: [runner],
      }))

  it('is thrown away on command, or when the offering is gone', () => {
    for (const story of [dry, planned])
      story.when(discard).expect({
        state: 'discarded',
        events: [{ type: 'removal.discarded', offeringId: 'offering-1', reason: 'discarded' }],
        effects: [endPlan],
      })
    planned
      .when(run)
      .when(offeringGone)
      .expect({
        state: 'discarded',
        events: [{ type: 'removal.discarded', offeringId: 'offering-1', reason: 'offering_gone' }],
        effects: [endPlan],
      })
  })

  it('tells what was planned meanwhile, too', () => {
    for (const late of [finished(2), broken])
      dry
        .when(discard)
        .when(late)
        .expect({ state: 'discarded', effects: [endPlan] })
  })
})

describe('a plan that cannot be made', () => {
  const failed = { type: 'removal.failed', offeringId: 'offering-1', reason: 'no database' } as const

  it('begins nothing while the offering is still offered', () =>
    dry
      .when(broken)
      .expect({ state: 'failed', events: [failed], context: { failure: 'no database' } })
      .when(run)
      .expect({ state: 'planning', effects: [plan], context: { failure: null } }))

  it('is made again when the offering has gone, and cannot be thrown away any more', () => {
    const story = counting.when(broken).expect({ state: 'failed', events: [failed] })
    story.when(discard).expect({ state: 'failed', refused: true })
    story.when(run).expect({ state: 'counting', effects: [plan] })
    planned.when(run, rosterClosed, broken, run).expect({ state: 'counting', events: [failed] as never })
  })

  it('has nothing to do with a message that was not delivered', () =>
    dry.when({ ...broken, effect: 'tell' }).expect({ state: 'planning', refused: true }))
})

/** A settlement as its removal sees it: it waits for each answer before it goes on, and what is said arrives in any order. */
type Row = { id: string; state: 'planned' | 'begun' | 'ended' | 'failed' | 'review'; counted: boolean }

test('C12 processed, failed, review and pending make the total, always', () => {
  const step = fc.record({ what: fc.nat(6), pick: fc.nat(30), outcome: fc.nat(3) })
  fc.assert(
    fc.property(fc.nat(5), fc.array(step, { maxLength: 60, size: 'max' }), (total, steps) => {
      let story = running(total)
      const rows: Row[] = Array.from({ length: total }, (_, n) => ({
        id: `s${n}`,
        state: 'planned',
        counted: false,
      }))
      const said: ReturnType<typeof news>[] = []
      let refunded = 0
      const check = () => {
        const of = story.snapshot.context as RemovalContext
        expect(of.pending + of.processed + of.failed + of.review).toBe(of.total)
        for (const part of [of.pending, of.processed, of.failed, of.review])
          expect(part).toBeGreaterThanOrEqual(0)
        expect(story.snapshot.matches('done')).toBe(of.pending === 0)
      }
      const send = (message: Parameters<typeof story.when>[0]) => {
        story = story.when(message)
        for (const { name, params } of story.effects) {
          if (name !== 'tell') continue
          const { id, message: order } = params as { id: string; message: { type: string } }
          const row = rows.find((one) => one.id === id)!
          if (order.type === 'removal.counted') row.counted = true
          else row.state = 'begun'
        }
        check()
      }
      const settle = (row: Row, outcome: number) => {
        if (outcome < 2) {
          refunded += 100
          row.state = 'ended'
          said.push(processed(row.id))
        } else {
          row.state = outcome === 2 ? 'failed' : 'review'
          row.counted = false
          said.push(stuck(row.id, row.state))
        }
      }
      const one = <Item>(items: readonly Item[], pick: number) => items[pick % Math.max(items.length, 1)]
      const stuckOnes = () =>
        rows.filter(({ state, counted }) => counted && (state === 'failed' || state === 'review'))
      for (const { what, pick, outcome } of steps) {
        const isMoving = story.snapshot.matches({ running: 'moving' })
        if (what === 0 && isMoving) for (const row of rows) if (row.state === 'planned') row.state = 'begun'
        const begun = one(
          rows.filter(({ state }) => state === 'begun'),
          pick,
        )
        if (what === 1 && begun) settle(begun, outcome)
        const row = one(stuckOnes(), pick)
        if (what === 2 && row) {
          said.push(reopened(row.id, row.state as 'failed'))
          Object.assign(row, { state: 'waiting', counted: false })
        }
        if (what === 3 && row) {
          said.push(resolved(row.id, row.state as 'failed'))
          row.state = 'ended'
        }
        if (what === 4) send(outcome < 2 ? pause : resume)
        if (what > 4 && said.length > 0) send(said.splice(pick % said.length, 1)[0]!)
      }
      for (let left = 1_000; left > 0; left -= 1) {
        if (said.length > 0) send(said.pop()!)
        else if (stuckOnes().length > 0) {
          const row = stuckOnes()[0]!
          said.push(reopened(row.id, row.state as 'failed'))
          Object.assign(row, { state: 'waiting', counted: false })
        } else if (rows.some(({ state }) => state === 'planned' || state === 'begun'))
          for (const row of rows) if (row.state === 'planned' || row.state === 'begun') settle(row, 0)
      }
      const end = story.snapshot.context as RemovalContext
      expect(end).toMatchObject({ pending: 0, failed: 0, review: 0, processed: total })
      expect(end.refunded['NGN'] ?? 0).toBe(refunded)
    }),
    { numRuns: 60 },
  )
})

test('every state can be reached', () => {
  const reached = (of: typeof input) =>
    getShortestPaths(removalMachine, {
      input: of,
      events: [
        run,
        pause,
        discard,
        rosterClosed,
        offeringGone,
        finished(1),
        broken,
        stuck('a'),
        reopened('a'),
      ],
      serializeState: ({ value, context }) => JSON.stringify([value, context.pending > 0, context.dryRun]),
    }).map(({ state: { value } }) => value)
  const all = [...reached(input), ...reached({ ...input, dryRun: true })]
  const names = new Set(all.map((value) => (typeof value === 'string' ? value : 'running')))
  // It begins without stopping there.
  expect(names).toEqual(new Set(Object.keys(removalMachine.states).filter((name) => name !== 'begun')))
  const parts = new Set(all.flatMap((value) => (typeof value === 'string' ? [] : [value.running])))
  expect(parts).toEqual(new Set(['moving', 'paused', 'again']))
})

describe('the rules', () => {
  const as = (role: Role, orgId = 'org-1'): Principal => ({ userId: 'somebody', orgId, roles: [role] })

  it('is for administrators to decide, and for operators to see', () => {
    for (const role of ['student', 'instructor', 'coordinator', 'peer_mentor', 'csm'] as const)
      for (const may of Object.values(removal.allow))
        expect(may(as(role), planned.snapshot as never)).toBe(false)
    for (const may of Object.values(removal.allow)) {
      expect(may(as('admin'), planned.snapshot as never)).toBe(true)
      expect(may(as('admin', 'org-2'), planned.snapshot as never)).toBe(false)
    }
    expect(removal.scopes(as('csm'))).toEqual([{ orgId: 'org-1' }])
    expect(removal.scopes(as('instructor'))).toEqual([])
  })

  it('does not tell anybody else which offerings there are', async () => {
    const lookup = { actor: () => Promise.resolve(undefined) } as never
    const request = (principal: Principal) =>
      ({
        id: 'removal-1',
        payload: { offeringId: 'offering-1', reason: 'x' },
        principal,
        at,
        lookup,
        newId: () => 'x',
      }) satisfies CreationRequest<object>
    expect(await removal.create.plan(request(as('instructor')))).toMatchObject({
      error: { code: 'forbidden' },
    })
    expect(await removal.create.plan(request(as('admin')))).toMatchObject({ error: { code: 'not_found' } })
  })

  it('the view holds what the contract promises', () => {
    const stories = [
      [closing, 'closing'],
      [counting, 'closing'],
      [running(), 'running'],
      [running().when(pause), 'paused'],
      [planned, 'planned'],
      [running(0), 'done'],
    ] as const
    for (const [{ snapshot }, status] of stories) {
      const view = removal.view(snapshot as never, 'removal-1')
      expect(view).toMatchObject({ id: 'removal-1', status })
      expect(Object.keys(view).toSorted()).toEqual(Object.keys(RemovalView.shape).toSorted())
    }
  })
})

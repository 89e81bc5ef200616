import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Lookup, Principal, Role } from '../actors/actor.ts'
import { start } from '../actors/engine/step.ts'
import { importActor, mayImport } from '../actors/import.ts'
import { ImportView, importContract, type Counts } from '../contracts/import.ts'
import { doneOf, importMachine } from '../machines/import.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const later = '2026-01-01T00:00:05.000Z'
const input = { id: 'import-1', orgId: 'org-1', startedBy: 'user-1', rows: 1_000, at, by: 'user-1' }

const progressed = (issued: number, unchanged = 0, refused = 0) =>
  ({ type: 'importer.progressed', issued, unchanged, refused, at }) as const
const finished = (issued: number, unchanged = 0, refused = 0) =>
  ({ type: 'importer.finished', issued, unchanged, refused, at: later }) as const
const failed = { type: 'importer.failed', reason: 'forbidden', at: later } as const

describe('an import', () => {
  const running = given(importMachine, input)

  it('starts with the rows as an effect', () =>
    running.expect({
      state: 'running',
      events: [{ type: 'import.started', startedBy: 'user-1', rows: 1_000 }],
      effects: [{ name: 'importRows', params: { importId: 'import-1' } }],
      timers: {},
    }))

  it('tells how far it has come', () =>
    running.when(progressed(490, 7, 3)).expect({
      state: 'running',
      events: [{ type: 'import.progressed', rows: 1_000, done: 500, issued: 490, unchanged: 7, refused: 3 }],
      effects: [],
      context: { issued: 490, unchanged: 7, refused: 3 },
    }))

  it('never goes back, whoever reports late', () =>
    running.when(progressed(500), progressed(400, 50)).expect({
      state: 'running',
      refused: true,
      events: [{ type: 'import.progressed', rows: 1_000, done: 500, issued: 500, unchanged: 0, refused: 0 }],
      context: { issued: 500, unchanged: 0 },
    }))

  it('completes with what became of each row', () =>
    running.when(progressed(500), finished(990, 8, 2)).expect({
      state: 'completed',
      events: [
        { type: 'import.progressed', rows: 1_000, done: 500, issued: 500, unchanged: 0, refused: 0 },
        { type: 'import.completed', rows: 1_000, done: 1_000, issued: 990, unchanged: 8, refused: 2 },
      ],
      context: { issued: 990, unchanged: 8, refused: 2, finishedAt: later, failure: null },
    }))

  it('keeps what was issued before it failed', () =>
    running.when(progressed(500), failed).expect({
      state: 'failed',
      events: [
        { type: 'import.progressed', rows: 1_000, done: 500, issued: 500, unchanged: 0, refused: 0 },
        {
          type: 'import.failed',
          reason: 'forbidden',
          rows: 1_000,
          done: 500,
          issued: 500,
          unchanged: 0,
          refused: 0,
        },
      ],
      context: { issued: 500, finishedAt: later, failure: 'forbidden' },
    }))

  it.each([
    ['completed', finished(1_000)],
    ['failed', failed],
  ] as const)('hears nothing more when it has %s', (state, last) => {
    running.when(last).when(progressed(1_000), finished(0), failed).expect({ state, refused: true })
  })
})

test('M8 reports may come in any order and any number of times', () => {
  const parts = fc.array(
    fc.tuple(fc.nat(300), fc.nat(100), fc.nat(100)).filter((part) => part.some((count) => count > 0)),
    { minLength: 1, maxLength: 8 },
  )
  const deliveries = parts.chain((all) => {
    let counts: [number, number, number] = [0, 0, 0]
    const reports = all.map((part) => {
      counts = [counts[0] + part[0], counts[1] + part[1], counts[2] + part[2]]
      return progressed(...counts)
    })
    return fc.record({
      total: fc.constant(counts),
      told: fc.array(fc.constantFrom(...reports), { maxLength: 20 }),
    })
  })
  fc.assert(
    fc.property(deliveries, ({ total, told }) => {
      const rows = total[0] + total[1] + total[2]
      const story = given(importMachine, { ...input, rows }).when(...told)
      const steps = story.facts.map(({ event }) => (event as unknown as { done: number }).done)
      expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b))
      const { snapshot } = story.when(finished(...total), ...told, finished(...total))
      expect(snapshot.value).toBe('completed')
      const [issued, unchanged, refused] = total
      expect(snapshot.context).toMatchObject({ issued, unchanged, refused })
      expect(doneOf(snapshot.context as Counts)).toBe(rows)
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(importMachine, {
    input,
    events: [progressed(500), finished(1_000), failed],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(importMachine.states)))
})

describe('the rules', () => {
  const as = (role: Role, userId = 'user-1', orgId = 'org-1'): Principal => ({ userId, orgId, roles: [role] })
  const { snapshot } = start(importMachine, input)

  it.each([
    ['admin', true],
    ['coordinator', true],
    ['peer_mentor', false],
    ['csm', false],
    ['instructor', false],
    ['student', false],
  ] as const)('%s may import: %s', (role, may) => {
    expect(mayImport(as(role))).toBe(may)
    expect(importActor.allow.start(as(role), snapshot as never)).toBe(may)
  })

  it('operators see the imports of their organisation, coordinators their own, others none', () => {
    expect(importActor.scopes(as('admin'))).toEqual([{ orgId: 'org-1' }])
    expect(importActor.scopes(as('csm'))).toEqual([{ orgId: 'org-1' }])
    expect(importActor.scopes(as('coordinator'))).toEqual([{ orgId: 'org-1', startedBy: 'user-1' }])
    expect(importActor.scopes(as('peer_mentor'))).toEqual([])
  })

  it('starts a file of one’s own only', async () => {
    const upload = { orgId: 'org-1', userId: 'user-1', rows: 1_000 }
    const lookup = {
      upload: (id: string) => Promise.resolve(id === 'import-1' ? upload : undefined),
    } as unknown as Lookup
    const begin = (principal: Principal, id = 'import-1') =>
      importActor.create.start({ id, payload: {}, principal, at, lookup, newId: () => 'new' })
    const created = { id: 'import-1', orgId: 'org-1', startedBy: 'user-1', rows: 1_000, at }
    expect(await begin(as('coordinator'))).toEqual({ ok: true, input: created })
    for (const other of [
      begin(as('coordinator', 'user-2')),
      begin(as('admin', 'user-1', 'org-2')),
      begin(as('coordinator'), 'import-2'),
    ])
      expect(await other).toMatchObject({ ok: false, error: { code: 'not_found' } })
  })

  it('the view holds what the contract promises', () => {
    const shape = ImportView.extend({ id: ImportView.shape.startedAt, startedBy: ImportView.shape.startedAt })
    for (const story of [
      given(importMachine, input),
      given(importMachine, input).when(finished(1_000)),
      given(importMachine, input).when(failed),
    ])
      shape.parse(importActor.view(story.snapshot as never, 'import-1'))
  })

  it('reads the pages of a report from a query string as well', () => {
    const { input: report } = importContract.queries.report
    const id = '01980000-0000-7000-8000-000000000000'
    expect(report.parse({ id, after: '12', limit: '5' })).toEqual({ id, after: 12, limit: 5 })
    expect(report.safeParse({ id, limit: '5000' }).success).toBe(false)
  })
})

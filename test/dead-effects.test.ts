import { randomUUID } from 'node:crypto'
import { assign, enqueueActions, setup } from 'xstate'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineActor } from '../actors/actor.ts'
import { deadLetter } from '../actors/dead-letter.ts'
import { derivedId } from '../actors/derived-id.ts'
import type { Message } from '../actors/engine/message.ts'
import { defineContract } from '../contracts/contract.ts'
import { openDatabase } from '../persistence/database.ts'
import { actorTable } from '../persistence/migrations/actor-table.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { ALL_ROLES } from '../src/roles.ts'
import { createRuntime } from '../src/runtime.ts'
import { aClock } from './support/clock.ts'
import { aDatabaseAddress } from './support/database.ts'
import { aHandler, eventually } from './support/effect-table.ts'

/** An actor that wants one thing done and remembers whatever it hears. */
const view = z.strictObject({ heard: z.array(z.string()) })
const contract = defineContract({
  actor: 'wisher',
  namespace: 'wishers',
  commands: {},
  queries: {},
  events: {},
  view,
})

type Heard = { type: string; effect?: string; reason?: string; name?: string; params?: object }
type Context = { orgId: string; heard: string[] }

const machine = setup({
  types: { context: {} as Context, input: {} as { orgId: string; first?: string }, events: {} as Heard },
  actions: {
    work: (_, _params: object) => {},
    tell: (_, _params: object) => {},
    create: (_, _params: object) => {},
  },
}).createMachine({
  id: 'wisher@1',
  context: ({ input: { orgId, first } }) => ({ orgId, heard: first ? [first] : [] }),
  on: {
    wish: {
      actions: enqueueActions(({ event: { name, params = {} }, enqueue }) =>
        enqueue({ type: name as 'work', params }),
      ),
    },
    '*': {
      actions: assign({
        heard: ({ context, event }) => [
          ...context.heard,
          [event.type, event.effect, event.reason].join(' ').trim(),
        ],
      }),
    },
  },
})

const wisher = defineActor({
  contract,
  machine,
  columns: { orgId: { type: 'uuid', indexed: true, of: ({ context }) => context.orgId } },
  topics: { wisher: 'id' },
  scopes: () => [],
  allow: {},
  create: {},
  queries: {},
  view: ({ context }) => ({ heard: [...context.heard] }),
})

const definitions = [wisher, deadLetter]
const withTable = [
  ...migrations,
  { name: '9000-wisher', class: actorTable('wisher', { orgId: 'uuid, indexed' }) },
]

const aScene = async (work: Parameters<typeof aHandler>[0] = {}) => {
  const address = await aDatabaseAddress()
  const database = await openDatabase(address.database, withTable, definitions)
  await database.migrator.up()
  const clock = aClock()
  const runtime = createRuntime({
    database,
    definitions,
    engineLimits: undefined,
    timerPollMs: undefined,
    fallbackOrgId: randomUUID(),
    link: undefined,
    roles: ALL_ROLES,
    now: clock.now,
    failed: () => {},
  })
  runtime.handle('work', aHandler(work))
  runtime.start()
  onTestFinished(async () => {
    await runtime.stop()
    await database.close()
    await address.remove()
  })
  const { engine } = runtime
  const orgId = randomUUID()
  const send = (type: string, id: string, rest: Pick<Message, 'type'> & Partial<Message>) =>
    engine.send({
      id: randomUUID(),
      actor: { type, id },
      cause: 'signal',
      payload: {},
      at: clock.at(),
      ...rest,
    })
  const id = randomUUID()
  await send('wisher', id, { type: 'made', creation: { input: { orgId } } })
  const contextOf = async (type: string, of: string) => (await engine.peek(type, of))?.snapshot.context
  const query = <Found>(name: string, text: string, values: unknown[] = []) =>
    database.sql.query<Found>({ name: `test_${name}`, text }, values)
  const letterId = derivedId('dead letter', `wisher:${id}@2.0`)
  return {
    id,
    orgId,
    clock,
    query,
    letterId,
    wish: (name: string, params: object = {}) =>
      send('wisher', id, { type: 'wish', payload: { name, params } }),
    heard: async (of = id): Promise<string[] | undefined> => (await contextOf('wisher', of))?.heard,
    letter: () => engine.peek('deadLetter', letterId),
    decide: (type: 'retry' | 'discard') => {
      const principal = { userId: randomUUID(), orgId, roles: ['admin' as const] }
      return send('deadLetter', letterId, {
        type,
        cause: 'command',
        payload: { reason: 'why not' },
        principal,
      })
    },
    effects: () => query<Row>('effects', ROWS),
    make: (of: string, first: string) =>
      send('wisher', of, { type: 'made', creation: { input: { orgId, first } } }),
  }
}

type Row = { id: string; name: string; status: string; taken: number; deaths: number; announced: boolean }
const ROWS = 'select id, name, status, taken, deaths, announced from effect order by id'

describe('an effect that has failed for good', () => {
  it('is heard of by its owner, and opens a dead letter of its organisation', async () => {
    const scene = await aScene({ run: async () => ({ final: 'never' }) })
    await scene.wish('work', { secret: 'x', amount: 5 })
    await eventually(scene.effects).toMatchObject([{ status: 'dead', deaths: 1, announced: true }])
    expect(await scene.heard()).toEqual(['effect.failed work never'])
    expect(await scene.letter()).toMatchObject({
      version: 1,
      columns: { orgId: scene.orgId, effect: `wisher:${scene.id}@2.0` },
      snapshot: {
        context: { name: 'work', owner: { type: 'wisher', id: scene.id }, attempts: 1, reason: 'never' },
      },
    })
  })

  it('is announced once, also when the announcement was cut off, and when nobody had heard before', async () => {
    const scene = await aScene({ run: async () => ({ final: 'never' }) })
    await scene.wish('work')
    await eventually(scene.effects).toMatchObject([{ announced: true }])
    await scene.query('forget', 'update effect set announced = false, next_at = clock_timestamp()')
    // As an earlier version left them.
    await scene.query(
      'old',
      `insert into effect (id, actor_type, actor_id, version, name, params, next_at, status, attempts)
        values ('wisher:${scene.id}@1.7', 'wisher', $1, 1, 'work', '{}', '2026-01-01', 'dead', 3)`,
      [scene.id],
    )
    await eventually(scene.effects).toMatchObject([
      { announced: true, deaths: 0 },
      { announced: true, deaths: 1 },
    ])
    expect(await scene.heard()).toEqual(['effect.failed work never', 'effect.failed work'])
    expect(await scene.letter()).toMatchObject({ version: 1 })
    expect(await scene.query('letters', 'select id from dead_letter')).toHaveLength(2)
  })

  it('is tried again when somebody says so, and may die again', async () => {
    let attempts = 0
    const scene = await aScene({ run: async () => ({ final: `no ${++attempts}` }) })
    await scene.wish('work')
    await eventually(scene.effects).toMatchObject([{ announced: true }])
    expect(await scene.decide('retry')).toMatchObject({ ok: true })
    await eventually(scene.effects).toMatchObject([{ status: 'dead', deaths: 2, announced: true }])
    await eventually(scene.heard).toEqual(['effect.failed work no 1', 'effect.failed work no 2'])
    expect(await scene.letter()).toMatchObject({ state: 'open', snapshot: { context: { reason: 'no 2' } } })
  })

  it('is gone when somebody gives it up', async () => {
    const scene = await aScene({ run: async () => ({ final: 'never' }) })
    await scene.wish('work')
    await eventually(scene.effects).toMatchObject([{ announced: true }])
    expect(await scene.decide('discard')).toMatchObject({ ok: true })
    await eventually(scene.effects).toEqual([])
    expect(await scene.letter()).toMatchObject({ state: 'discarded' })
  })
})

describe('one actor and another', () => {
  it('a message makes its receiver when there is none, and does not when there is', async () => {
    const scene = await aScene()
    const other = randomUUID()
    const params = {
      actor: 'wisher',
      id: other,
      message: { type: 'hello' },
      orCreate: { orgId: scene.orgId, first: 'made' },
    }
    await Promise.all([scene.wish('tell', params), scene.wish('tell', params)])
    await eventually(() => scene.heard(other)).toEqual(['made', 'hello', 'hello'])
    await eventually(scene.effects).toEqual([])
  })

  it('a message to nobody is a dead letter', async () => {
    const scene = await aScene()
    await scene.wish('tell', { actor: 'wisher', id: randomUUID(), message: { type: 'hello' } })
    await eventually(scene.heard).toEqual(['effect.failed tell not_found: no such wisher'])
  })

  it('one makes another, once, and not in the place of a third', async () => {
    const scene = await aScene()
    const other = randomUUID()
    const params = { actor: 'wisher', id: other, input: { orgId: scene.orgId, first: 'one' } }
    await scene.wish('create', params)
    await eventually(() => scene.heard(other)).toEqual(['one'])
    await eventually(scene.effects).toEqual([])
    // The result was committed, and the effect comes back all the same.
    await scene.query(
      'again',
      `insert into effect (id, actor_type, actor_id, version, name, params, next_at)
        values ($1, 'wisher', $2, 2, 'create', $3, clock_timestamp())`,
      [`wisher:${scene.id}@2.0`, scene.id, params],
    )
    await eventually(scene.effects).toMatchObject([{ status: 'pending', taken: 1 }])
    const third = randomUUID()
    await scene.make(third, 'third')
    await scene.wish('create', { ...params, id: third })
    await eventually(scene.heard).toEqual(['effect.failed create this id is taken'])
    expect(await scene.heard(third)).toEqual(['third'])
  })
})

import { randomUUID } from 'node:crypto'
import { assign, emit, enqueueActions, setup } from 'xstate'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineActor } from '../actors/actor.ts'
import { createEngine } from '../actors/engine/engine.ts'
import { timerMessage } from '../actors/engine/turn.ts'
import { actorJournal, getActor, listActors } from '../actors/queries.ts'
import { actors } from '../actors/registry.ts'
import { defineContract, type CommandOf, type EventOf } from '../contracts/contract.ts'
import { GetInput, JournalInput, JournalPage, PageFields, pageOf } from '../contracts/queries.ts'
import { createActorStore } from '../persistence/actor-store.ts'
import { openDatabase } from '../persistence/database.ts'
import { actorTable } from '../persistence/migrations/actor-table.ts'
import { migrations } from '../persistence/migrations/list.ts'
import { days } from './support/clock.ts'
import { aDatabaseAddress } from './support/database.ts'
import { aServer, aUser, connect, signIn, type Client, type TestServer } from './support/server.ts'

/** An actor that can do everything that an engine has to get right, good or bad. */
const view = z.strictObject({ total: z.int(), rings: z.array(z.string()), heard: z.int() })
const contract = defineContract({
  actor: 'probe',
  namespace: 'probes',
  commands: {
    make: { summary: 'Make', creates: true, input: z.strictObject({ label: z.string() }) },
    add: { summary: 'Add', input: z.strictObject({ amount: z.int() }) },
    label: { summary: 'Change the value of a column', input: z.strictObject({ label: z.string() }) },
    explode: { summary: 'Throw', input: z.strictObject({}) },
    wind: { summary: 'Set the timers', input: z.strictObject({ soonMs: z.int(), lateMs: z.int() }) },
    tell: { summary: 'Tell another one', input: z.strictObject({ other: z.uuid(), times: z.int() }) },
  },
  queries: {
    get: { summary: 'One', input: GetInput, output: view },
    list: { summary: 'All', input: z.strictObject(PageFields), output: pageOf(view) },
    journal: { summary: 'History', input: JournalInput, output: JournalPage },
  },
  events: {
    'probe.made': z.strictObject({}),
    'probe.added': z.strictObject({ amount: z.int() }),
    'probe.rang': z.strictObject({ name: z.string() }),
    'probe.heard': z.strictObject({ from: z.string() }),
  },
  view,
})

type Context = {
  owner: string
  label: string
  total: number
  rings: string[]
  heard: number
  soonMs: number
  lateMs: number
}
type Heard = { type: 'probe.said'; source: { id: string } }

const machine = setup({
  types: {
    context: {} as Context,
    input: {} as { owner: string; label: string },
    events: {} as CommandOf<typeof contract> | Heard,
    emitted: {} as EventOf<typeof contract>,
  },
  actions: {
    tell: (_, _params: { actor: 'probe'; id: string; message: { type: 'probe.said' } }) => {},
    ring: enqueueActions(({ context, enqueue }, { name }: { name: string }) => {
      enqueue.emit({ type: 'probe.rang', name })
      enqueue.assign({ rings: [...context.rings, name] })
    }),
    explode: assign(() => {
      throw new Error('a bug in a machine')
    }),
  },
  delays: { soon: ({ context }) => context.soonMs, late: ({ context }) => context.lateMs },
}).createMachine({
  id: 'probe@1',
  context: ({ input }) => ({ ...input, total: 0, rings: [], heard: 0, soonMs: 0, lateMs: 0 }),
  entry: emit({ type: 'probe.made' }),
  initial: 'idle',
  on: {
    add: {
      actions: [
        assign({ total: ({ context, event }) => context.total + event.amount }),
        emit(({ event }) => ({ type: 'probe.added', amount: event.amount })),
      ],
    },
    label: { actions: assign({ label: ({ event }) => event.label }) },
    explode: { actions: 'explode' },
    wind: {
      target: '.waiting',
      reenter: true,
      actions: assign({ soonMs: ({ event }) => event.soonMs, lateMs: ({ event }) => event.lateMs }),
    },
    tell: {
      actions: {
        type: 'tell',
        params: ({ event }) => ({ actor: 'probe', id: event.other, message: { type: 'probe.said' } }),
      },
    },
    'probe.said': {
      actions: [
        assign({ heard: ({ context }) => context.heard + 1 }),
        emit(({ event }) => ({ type: 'probe.heard', from: event.source.id })),
      ],
    },
  },
  states: {
    idle: {},
    waiting: {
      after: {
        soon: { actions: { type: 'ring', params: { name: 'soon' } } },
        late: { target: 'idle', actions: { type: 'ring', params: { name: 'late' } } },
      },
    },
  },
})

const probe = defineActor({
  contract,
  machine,
  columns: {
    owner: { type: 'uuid', indexed: true, of: ({ context }) => context.owner },
    // A label that is no instant is what the database refuses: rows like it poison a batch.
    moment: { type: 'instant', of: ({ context }) => context.label },
  },
  topics: { probe: 'id', user: 'owner' },
  scopes: ({ userId }) => [{ owner: userId }],
  allow: {
    make: () => true,
    add: () => true,
    label: () => true,
    explode: () => true,
    wind: () => true,
    tell: () => true,
  },
  create: {
    make: async ({ payload, principal }) => ({ ok: true, input: { ...payload, owner: principal.userId } }),
  },
  queries: { get: getActor, list: listActors, journal: actorJournal },
  view: ({ context: { total, rings, heard } }) => ({ total, rings: [...rings], heard }),
})

const GOOD = '2026-01-01T00:00:00.000Z'
const OTHER = '2027-01-01T00:00:00.000Z'
/** Tokens last for a quarter of an hour, so open sockets see no more than that. */
const MINUTE = 60_000
const POISON = 'not an instant'

const house = {
  definitions: [...actors, probe],
  migrations: [
    ...migrations,
    { name: '9000-probe', class: actorTable('probe', { owner: 'uuid, indexed', moment: 'instant' }) },
  ],
}

const aScene = async (options: object = {}) => {
  const server = await aServer({ ...house, ...options })
  const person = await aUser(server, ['student'])
  const client = await connect(server, person)
  return { server, person, client, make: (id?: string) => makeProbe(client, id) }
}

const makeProbe = async (client: Client, id?: string): Promise<string> => {
  const made = await client.call('probes.make', { label: GOOD, ...(id ? { id } : {}) })
  expect(made).toMatchObject({ ok: true, version: 1 })
  return made.id
}

/** Every position of the journal, as its rows say it: each turn takes as many as it has events, at least one. */
const expectGapless = async ({ database: { sql } }: TestServer) => {
  const rows = await sql.query<{ position: string; n: number }>({
    name: 'positions',
    text: `select position, greatest(jsonb_array_length(events), 1) as n from journal order by position`,
  })
  let last = 0
  for (const { position, n } of rows) {
    expect(Number(position)).toBe(last + n)
    last += n
  }
  const [head] = await sql.query<{ position: string }>({
    name: 'head',
    text: 'select position from journal_head',
  })
  expect(Number(head!.position)).toBe(last)
}

describe('a turn', () => {
  it('is applied once for each commandId, and answered the same each time', async () => {
    const { client, make, server } = await aScene()
    const id = await make()
    const commandId = randomUUID()
    const add = () => client.call('probes.add', { id, amount: 5, commandId })
    const [first, ...others] = await Promise.all([add(), add(), add()])
    expect(first).toMatchObject({ ok: true, version: 2, data: { total: 5 } })
    for (const other of others) expect(other).toEqual(first)
    await client.call('probes.add', { id, amount: 1 })
    const again = await server.restart()
    const later = await connect(again, sameToken(client))
    expect(await later.call('probes.add', { id, amount: 5, commandId })).toEqual(first)
    expect(await later.call('probes.add', { id, amount: 6, commandId })).toMatchObject({
      error: { code: 'command_id_reused' },
    })
    expect(await later.call('probes.get', { id })).toMatchObject({ data: { total: 6 }, version: 3 })
  })

  it('makes one actor for each creating commandId, also when it comes twice at once', async () => {
    const { client } = await aScene()
    const commandId = randomUUID()
    const make = () => client.call('probes.make', { label: GOOD, commandId })
    const replies = await Promise.all([make(), make(), make(), make()])
    expect(replies[0]).toMatchObject({ ok: true, version: 1 })
    for (const reply of replies) expect(reply).toEqual(replies[0])
    expect((await client.call('probes.list')).data.items).toHaveLength(1)
    expect(await client.call('probes.make', { label: OTHER, commandId })).toMatchObject({
      error: { code: 'command_id_reused' },
    })
  })

  it('lets a client choose the id, once', async () => {
    const { client, make } = await aScene()
    const id = await make(randomUUID())
    expect(await client.call('probes.make', { label: GOOD, id })).toMatchObject({
      error: { code: 'already_exists' },
    })
  })

  it('is refused when the actor has moved on from the expected version', async () => {
    const { client, make } = await aScene()
    const id = await make()
    expect(await client.call('probes.add', { id, amount: 1, expectedVersion: 1 })).toMatchObject({ ok: true })
    expect(await client.call('probes.add', { id, amount: 1, expectedVersion: 1 })).toMatchObject({
      error: { code: 'version_conflict' },
      version: 2,
    })
  })

  it('of one actor among many in a batch is in order, and each has its own version and position', async () => {
    const { client, make, server } = await aScene()
    const id = await make()
    const replies = await Promise.all(
      Array.from({ length: 500 }, () => client.call('probes.add', { id, amount: 1 })),
    )
    expect(replies.map(({ version }) => version)).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 2),
    )
    expect(new Set(replies.map(({ position }) => position)).size).toBe(500)
    expect(replies.at(-1).data.total).toBe(500)
    await expectGapless(server)
  })
})

describe('one bad turn', () => {
  it('that the database refuses does not take its neighbours with it, in the same actor or in others', async () => {
    const { client, make, server } = await aScene()
    const ids = await Promise.all(Array.from({ length: 20 }, () => make()))
    const replies = await Promise.all(
      ids.flatMap((id, index) => [
        client.call('probes.add', { id, amount: 1 }),
        client.call('probes.label', { id, label: index % 3 === 0 ? POISON : GOOD }),
        client.call('probes.add', { id, amount: 1 }),
      ]),
    )
    replies.forEach((reply, index) => {
      const poisonous = index % 3 === 1 && Math.floor(index / 3) % 3 === 0
      expect(reply).toMatchObject(poisonous ? { ok: false, error: { code: 'internal' } } : { ok: true })
    })
    for (const id of ids)
      expect(await client.call('probes.get', { id })).toMatchObject({ data: { total: 2 } })
    await expectGapless(server)
  })

  it('that throws in the machine is refused alone, and writes nothing', async () => {
    const { client, make } = await aScene()
    const id = await make()
    const [before, bad, after] = await Promise.all([
      client.call('probes.add', { id, amount: 1 }),
      client.call('probes.explode', { id }),
      client.call('probes.add', { id, amount: 1 }),
    ])
    expect([before.ok, bad.error?.code, after.version]).toEqual([true, 'internal', 3])
  })
})

describe('timers', () => {
  it('fire in due order with their own instants after the server was away, each once', async () => {
    const { server, client, make, person } = await aScene()
    const id = await make()
    const wound = await client.call('probes.wind', { id, soonMs: days(400), lateMs: days(800) })
    expect(wound).toMatchObject({ ok: true, state: 'waiting' })
    await server.close()
    server.clock.advance(days(1_000))
    const again = await server.restart()
    const later = await connect(again, await signIn(again, person.email))
    await expect
      .poll(async () => (await later.call('probes.get', { id })).data.rings)
      .toEqual(['soon', 'late'])
    const { items } = (await later.call('probes.journal', { id })).data
    const [set, soon, late] = items.slice(1)
    expect(Date.parse(soon.at) - Date.parse(set.at)).toBe(days(400))
    expect(Date.parse(late.at) - Date.parse(set.at)).toBe(days(800))
    expect([soon.type, late.type]).toEqual(['soon', 'late'])
    expect(items).toHaveLength(4)
  })

  it('that were due come before a command that was sent later, also when nobody has fired them yet', async () => {
    // The scheduler looks at the timers once in ten minutes only, so the command is always first.
    const { server, client, make } = await aScene({ timerPollMs: 600_000 })
    const id = await make()
    await client.call('probes.wind', { id, soonMs: MINUTE, lateMs: 2 * MINUTE })
    server.clock.advance(3 * MINUTE)
    const added = await client.call('probes.add', { id, amount: 1 })
    expect(added).toMatchObject({ version: 5, state: 'idle', data: { rings: ['soon', 'late'], total: 1 } })
    const { items } = (await client.call('probes.journal', { id })).data
    expect(items.slice(2).map(({ type, cause }: { type: string; cause: string }) => [type, cause])).toEqual([
      ['soon', 'timer'],
      ['late', 'timer'],
      ['add', 'command'],
    ])
    expect(await server.database.sql.query({ name: 'timers', text: 'select 1 from timer' })).toEqual([])
  })

  it('that are fired while a command has them committed are answered, too', async () => {
    const address = await aDatabaseAddress()
    const database = await openDatabase(address.database, house.migrations, house.definitions)
    onTestFinished(async () => {
      await database.close()
      await address.remove()
    })
    await database.migrator.up()
    const store = createActorStore(database)
    let held = Promise.resolve()
    const engine = createEngine({
      store: { ...store, commit: (...batch) => held.then(() => store.commit(...batch)) },
      definitions: house.definitions,
      committed: () => {},
      failed: () => {},
    })
    const actor = { type: 'probe', id: randomUUID() }
    const send = (type: string, payload: object, more: object = {}) =>
      engine.send({ id: randomUUID(), actor, cause: 'signal', type, payload, at: GOOD, ...more })
    await send('made', {}, { creation: { input: { owner: randomUUID(), label: GOOD } } })
    await send('wind', { soonMs: MINUTE, lateMs: days(800) })
    const { timers } = (await engine.peek(actor.type, actor.id))!
    const [[name, timer]] = Object.entries(timers).filter(([one]) => one.includes('soon')) as [
      [string, (typeof timers)[string]],
    ]

    const { promise, resolve: release } = Promise.withResolvers<void>()
    held = promise
    const added = send('add', { amount: 1 }, { at: OTHER })
    await new Promise((resolve) => setTimeout(resolve, 50))
    const fired = engine.send(timerMessage({ ...timer, actor, name, event: {} }))
    release()
    expect(await added).toMatchObject({ ok: true, data: { rings: ['soon'], total: 1 } })
    expect(await fired).toMatchObject({ error: { code: 'not_found' } })
    expect(engine.stats()).toMatchObject({ ready: 0, inFlight: 0 })
    await engine.drain()
  })

  it('that were replaced do not fire', async () => {
    const { server, client, make } = await aScene()
    const id = await make()
    await client.call('probes.wind', { id, soonMs: MINUTE, lateMs: 2 * MINUTE })
    await client.call('probes.wind', { id, soonMs: 5 * MINUTE, lateMs: 10 * MINUTE })
    server.clock.advance(3 * MINUTE)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await client.call('probes.get', { id })).toMatchObject({ data: { rings: [] }, version: 3 })
    server.clock.advance(8 * MINUTE)
    await expect
      .poll(async () => (await client.call('probes.get', { id })).data.rings)
      .toEqual(['soon', 'late'])
  })
})

describe('telling', () => {
  it('reaches the other actor once for each turn, across a restart', async () => {
    const { server, client, make } = await aScene()
    const [from, to] = [await make(), await make()]
    await Promise.all(
      Array.from({ length: 50 }, () => client.call('probes.tell', { id: from, other: to, times: 1 })),
    )
    const again = await server.restart()
    const later = await connect(again, sameToken(client))
    again.clock.advance(60_000)
    await expect
      .poll(async () => (await later.call('probes.get', { id: to })).data.heard, { timeout: 20_000 })
      .toBe(50)
    const [effects] = await again.database.sql.query<{ n: string }>({
      name: 'e',
      text: 'select count(*) as n from effect',
    })
    expect(Number(effects!.n)).toBe(0)
  })

  it('an actor that does not exist ends as a dead letter', async () => {
    const { server, client, make } = await aScene()
    const id = await make()
    await client.call('probes.tell', { id, other: randomUUID(), times: 1 })
    await expect
      .poll(
        async () =>
          server.database.sql.query({
            name: 'dead',
            text: `select status, last_error from effect where status = 'dead'`,
          }),
        { timeout: 20_000 },
      )
      .toMatchObject([{ status: 'dead', last_error: expect.stringContaining('not_found') }])
  })
})

describe('limits', () => {
  it('answer overloaded when too many messages wait for one actor, and lose none that was taken', async () => {
    const { client, make } = await aScene({ engineLimits: { mailbox: 20 } })
    const id = await make()
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => client.call('probes.add', { id, amount: 1 })),
    )
    const taken = replies.filter(({ ok }) => ok).length
    expect(taken).toBeGreaterThan(0)
    for (const reply of replies)
      if (!reply.ok)
        expect(reply).toMatchObject({ error: { code: 'overloaded' }, retryAfterMs: expect.any(Number) })
    expect((await client.call('probes.get', { id })).data.total).toBe(taken)
  })

  it('passivate idle actors, which come back as they were', async () => {
    const { client, make, server } = await aScene({ engineLimits: { active: 10 } })
    const ids = await Promise.all(Array.from({ length: 50 }, () => make()))
    await Promise.all(ids.map((id) => client.call('probes.add', { id, amount: 1 })))
    expect(server.engine.stats().active).toBeLessThanOrEqual(10)
    for (const id of ids)
      expect(await client.call('probes.add', { id, amount: 1 })).toMatchObject({ data: { total: 2 } })
  })
})

describe.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')('two servers on one database', () => {
  it('share every actor without losing or doubling a turn, and both deliver everything in order', async () => {
    const one = await aServer(house)
    const two = await one.another()
    const person = await aUser(one, ['student'])
    const clients = [await connect(one, person), await connect(two, person)]
    const ids = await Promise.all(Array.from({ length: 5 }, () => makeProbe(clients[0]!)))
    const topic = `user:${person.id}`
    const watchers = [await connect(one, person), await connect(two, person)]
    const start = await Promise.all(watchers.map((watcher) => watcher.subscribe({ topics: [topic] })))
    expect(start.every(({ ok }) => ok)).toBe(true)

    const replies = await Promise.all(
      clients.flatMap((client) =>
        Array.from({ length: 200 }, (_, index) =>
          client.call('probes.add', { id: ids[index % 5], amount: 1 }),
        ),
      ),
    )
    expect(replies.every(({ ok }) => ok)).toBe(true)
    expect(new Set(replies.map(({ position }) => position)).size).toBe(400)
    for (const id of ids) {
      const versions = replies.filter((reply) => reply.id === id).map(({ version }) => version)
      expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, index) => index + 2))
    }
    await expectGapless(one)
    for (const watcher of watchers) {
      const added = () =>
        watcher.received.filter(([name]) => name === 'probe.added').map(([, frame]) => frame)
      await expect.poll(() => added().length, { timeout: 10_000 }).toBe(400)
      const positions = added().map(({ position }) => position)
      expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    }
  })

  it('fire each timer once', async () => {
    const one = await aServer(house)
    await one.another()
    const client = await connect(one, await aUser(one, ['student']))
    const ids = await Promise.all(Array.from({ length: 30 }, () => makeProbe(client)))
    await Promise.all(ids.map((id) => client.call('probes.wind', { id, soonMs: 1_000, lateMs: 2_000 })))
    one.clock.advance(5_000)
    for (const id of ids)
      await expect
        .poll(async () => (await client.call('probes.get', { id })).data.rings)
        .toEqual(['soon', 'late'])
    expect(await one.database.sql.query({ name: 'timers', text: 'select 1 from timer' })).toEqual([])
  })
})

/** For a server that was started again: the token of before is still good there. */
const sameToken = ({ socket }: Client) => socket.auth as { token: string }

import { expect, it } from 'vitest'
import type { DueEffect } from '../actors/engine/effects.ts'
import { actors } from '../actors/registry.ts'
import { createActorIds } from '../persistence/actor-ids.ts'
import { createTellAll, type ActorIds } from '../src/effects/tell-all.ts'
import { ALL_ROLES, type NodeRole } from '../src/roles.ts'
import { aCatalogue, anActor, aPack, aTutor, done } from './support/catalog-scene.ts'
import { aServer, connect, signIn, type TestServer } from './support/server.ts'

/** More than two of the effect's pages. */
const MANY = 150

/** A server that promises effects and leaves them to others. */
const aGateway = () => aServer({ roles: new Set<NodeRole>(['gateway', 'scheduler']) })

const ask = <Row>(server: TestServer, name: string, text: string, values: unknown[] = []) =>
  server.database.sql.query<Row>({ name: `test_${name}`, text }, values)

const promised = (server: TestServer, owner: string) =>
  ask<DueEffect>(
    server,
    'promised',
    `select id, actor_type as "actorType", actor_id as "actorId", version, name, params,
      correlation_id as "correlationId", attempts, taken
    from effect where name = 'tellAll' and actor_id = $1`,
    [owner],
  )

/** How often each offering took this message, and said that something has changed. */
const heard = async (server: TestServer, effect: string, event: string) => {
  const rows = await ask<{ taken: number; said: number }>(
    server,
    'heard',
    `select count(*) filter (where message_id = 'effect:' || $1 || ':' || actor_id)::integer as taken,
      count(*) filter (where events @> jsonb_build_array(jsonb_build_object('type', $2::text)))::integer as said
    from journal where actor_type = 'offering' group by actor_id`,
    [effect, event],
  )
  return { offerings: rows.length, once: rows.filter(({ taken, said }) => taken === 1 && said === 1).length }
}

it(
  'reaches each offering of a tutor once, though it is cut off in the middle',
  { timeout: 90_000 },
  async () => {
    const gateway = await aGateway()
    const { orgId, admin, learner } = await aCatalogue(gateway)
    const tutor = await aTutor(gateway, { orgId, admin, approved: false })
    await Promise.all(Array.from({ length: MANY }, () => aPack(tutor)))
    await done(admin, 'tutorProfiles.approve', { id: tutor.profileId })
    const [effect] = await promised(gateway, tutor.profileId)

    const ids = createActorIds(gateway.database.sql, actors)
    const cutOff: ActorIds = async (page) => {
      if (page.after !== undefined) throw new Error('cut off')
      return ids(page)
    }
    const { run } = createTellAll({ engine: gateway.engine, ids: cutOff, now: gateway.now })
    await expect(run(effect!, new AbortController().signal)).rejects.toThrow('cut off')
    const some = await heard(gateway, effect!.id, 'offering.tutorChanged')
    expect(some.once).toBeGreaterThan(0)
    expect(some.once).toBeLessThan(MANY)

    await gateway.close()
    const server = await gateway.another({ roles: ALL_ROLES })
    await expect.poll(() => promised(server, tutor.profileId), { timeout: 60_000 }).toEqual([])
    expect(await heard(server, effect!.id, 'offering.tutorChanged')).toEqual({ offerings: MANY, once: MANY })
    const again = await connect(server, await signIn(server, learner.email))
    const { data } = await done(again, 'offerings.list', { tutorProfileId: tutor.profileId, limit: 200 })
    expect(data.items).toHaveLength(MANY)
    const { items } = (
      await done(await connect(server, await signIn(server, tutor.email)), 'tutorProfiles.journal', {
        id: tutor.profileId,
        afterVersion: 1,
      })
    ).data
    expect(items.filter(({ type }: { type: string }) => type === 'effect.told')).toHaveLength(1)
  },
)

it('stops between two pages when its time is over', async () => {
  const gateway = await aGateway()
  const { orgId, admin } = await aCatalogue(gateway)
  const tutor = await aTutor(gateway, { orgId, admin, approved: false })
  await Promise.all(Array.from({ length: 70 }, () => aPack(tutor)))
  await done(admin, 'tutorProfiles.approve', { id: tutor.profileId })
  const [effect] = await promised(gateway, tutor.profileId)
  const controller = new AbortController()
  const ids = createActorIds(gateway.database.sql, actors)
  const stopping: ActorIds = async (page) => {
    controller.abort(new Error('this process stops'))
    return ids(page)
  }
  const { run } = createTellAll({ engine: gateway.engine, ids: stopping, now: gateway.now })
  await expect(run(effect!, controller.signal)).rejects.toThrow('this process stops')
  expect((await heard(gateway, effect!.id, 'offering.tutorChanged')).once).toBe(64)
  expect(await promised(gateway, tutor.profileId)).toHaveLength(1)
})

it('reaches those behind one that cannot be told, and says so', async () => {
  const before = await aGateway()
  const { orgId, admin } = await aCatalogue(before)
  const tutor = await aTutor(before, { orgId, admin, approved: false })
  await Promise.all(Array.from({ length: 70 }, () => aPack(tutor)))
  await done(admin, 'tutorProfiles.approve', { id: tutor.profileId })
  const [effect] = await promised(before, tutor.profileId)
  const gateway = await before.restart()
  await ask(
    gateway,
    'break',
    `update offering set snapshot = '{"value": {"no": "such state"}, "context": 7}'
    where id = (select id from offering order by id limit 1)`,
  )
  const ids = createActorIds(gateway.database.sql, actors)
  const { run } = createTellAll({ engine: gateway.engine, ids, now: gateway.now })
  const outcome = await run(effect!, new AbortController().signal)
  expect(outcome).toMatchObject({ retry: expect.stringContaining('internal') })
  expect((await heard(gateway, effect!.id, 'offering.tutorChanged')).once).toBe(69)
})

it('asks for columns that there are only', async () => {
  const gateway = await aGateway()
  const ids = createActorIds(gateway.database.sql, actors)
  const page = { after: undefined, limit: 10 }
  await expect(ids({ ...page, actor: 'offering', where: { 'id" or true --': 'x' } })).rejects.toThrow(
    'no column',
  )
  await expect(ids({ ...page, actor: 'nothing', where: {} })).rejects.toThrow('no such type')
})

it('C17 what is filed under a name that has just changed hears of the new one', async () => {
  const server = await aServer()
  const { orgId, admin, tutor } = await aCatalogue(server)
  const { id } = await done(admin, 'categories.create', { name: 'Music' })
  const watcher = await anActor(server, ['admin'], orgId)
  const before = await aPack(tutor, { category: 'Music' })
  // Some read the old name and some the new one; the renaming itself passes by in between.
  const [, ...packs] = await Promise.all([
    done(admin, 'categories.update', { id, name: 'Sounds' }),
    ...Array.from({ length: 20 }, () => aPack(tutor, { category: id })),
  ])
  await expect
    .poll(
      async () => {
        const { data } = await done(watcher, 'offerings.list', { category: 'Sounds', limit: 100 })
        return data.items.filter(({ view }: { view: { category: string } }) => view.category === 'Sounds')
          .length
      },
      { timeout: 15_000 },
    )
    .toBe([before, ...packs].length)
})

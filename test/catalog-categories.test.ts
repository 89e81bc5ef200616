import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aCatalogue, anActor, aPack, codeOf, deleted, done, offeringFor } from './support/catalog-scene.ts'
import { anOrganisation, aServer, type Client, type TestServer } from './support/server.ts'

let server: TestServer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})

const namesOf = async (client: Client, filters: object = {}) =>
  (await done(client, 'categories.list', filters)).data.items.map(
    ({ view }: { view: { name: string } }) => view.name,
  )

describe('a category', () => {
  it('S2.9 S2.46 S2.47 S2.48 begins with what the defaults say', async () => {
    const { admin } = await aCatalogue(server)
    const { id, data, state } = await done(admin, 'categories.create')
    expect(data).toEqual({ id, name: 'default', description: null, icon: '📚' })
    expect(state).toBe('active')
    const music = { name: 'Música', description: 'Notes.\nAnd rests.', icon: '🎵' }
    expect((await done(admin, 'categories.create', music)).data).toMatchObject(music)
  })

  it('S2.7 S2.66.16 is read by everybody of the organisation, and written by administrators', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const { id } = await done(admin, 'categories.create', { name: 'Music' })
    for (const client of [learner, tutor, await anActor(server, ['csm', 'coordinator'], orgId)]) {
      expect(await done(client, 'categories.get', { id })).toMatchObject({ allowed: [] })
      expect(await codeOf(client, 'categories.create', { name: 'Art' })).toBe('forbidden')
      expect(await codeOf(client, 'categories.update', { id, name: 'Art' })).toBe('forbidden')
      expect(await codeOf(client, 'categories.delete', { id })).toBe('forbidden')
    }
    const stranger = await anActor(server, ['admin'], await anOrganisation(server))
    expect(await codeOf(stranger, 'categories.get', { id })).toBe('not_found')
    expect(await codeOf(stranger, 'categories.delete', { id })).toBe('not_found')
    expect(await namesOf(stranger)).toEqual([])
    expect(await namesOf(learner, { name: 'Music' })).toEqual(['Music'])
    expect(await namesOf(learner, { name: 'music' })).toEqual([])
  })

  it('C17 its offerings follow its name, whether they were filed by its id or its name', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const { id } = await done(admin, 'categories.create', { name: 'Music' })
    const [byName, byId] = [await aPack(tutor, { category: 'Music' }), await aPack(tutor, { category: id })]
    const plain = await aPack(tutor)
    await done(tutor, 'offerings.update', { id: plain, category: 'Music' })
    await learner.subscribe({ topics: [byName, byId, plain].map((offeringId) => `offering:${offeringId}`) })
    await done(admin, 'categories.update', { id, name: 'Sounds' })
    for (const offeringId of [byName, byId, plain]) {
      const changed = await learner.next('offering.categoryChanged', ({ actor }) => actor.id === offeringId)
      expect(changed).toMatchObject({
        data: { category: 'Sounds' },
        view: { category: 'Sounds', categoryId: id },
      })
    }
    const { data } = await done(learner, 'offerings.list', { category: 'Sounds' })
    expect(data.items).toHaveLength(3)
    expect(await codeOf(tutor, 'offerings.update', { id: plain, category: 'Music' })).toBe('not_found')
    await done(tutor, 'offerings.update', { id: plain, category: null })
    expect(await offeringFor(learner, plain)).toMatchObject({ category: null, categoryId: null })
  })

  it('S2.66.20 is not deleted while an offering uses it', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const { id } = await done(admin, 'categories.create', { name: 'Music' })
    const offeringId = await aPack(tutor, { category: 'Music', isPublished: false })
    expect(await admin.call('categories.delete', { id })).toMatchObject({
      error: { code: 'category_in_use', details: { count: 1 } },
    })
    await deleted(tutor, offeringId)
    expect(await done(admin, 'categories.delete', { id })).toMatchObject({ state: 'deleted' })
    expect(await namesOf(learner)).toEqual([])
    await expect(aPack(tutor, { category: 'Music' })).rejects.toThrow('not_found')
  })

  it('S2.66.20 is deleted when the offerings that used it are removed', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const { id } = await done(admin, 'categories.create', { name: 'Music' })
    const [offeringId, flagged] = [await aPack(tutor, { category: id }), await aPack(tutor, { category: id })]
    await done(admin, 'offerings.remove', { id: offeringId, reason: 'copied' })
    await done(admin, 'offerings.flag', { id: flagged, note: 'copied?' })
    expect(await admin.call('categories.delete', { id })).toMatchObject({
      error: { code: 'category_in_use', details: { count: 1 } },
    })
    await done(admin, 'offerings.remove', { id: flagged, reason: 'copied' })
    expect(await codeOf(admin, 'categories.delete', { id })).toBe('ok')
  })

  it('S2.66.20 an offering that is filed at the moment of the deletion is in none afterwards', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const { id } = await done(admin, 'categories.create', { name: 'Music' })
    const [outcome, ...packs] = await Promise.all([
      codeOf(admin, 'categories.delete', { id }),
      ...Array.from({ length: 5 }, () => aPack(tutor, { category: id }).catch(() => undefined)),
    ])
    const made = packs.filter((pack) => pack !== undefined)
    await expect
      .poll(async () =>
        (await Promise.all(made.map((pack) => offeringFor(tutor, pack)))).map(({ category }) => category),
      )
      .toEqual(made.map(() => (outcome === 'ok' ? null : 'Music')))
  })
})

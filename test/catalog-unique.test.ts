import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  aCatalogue,
  aCourse,
  anActor,
  aPack,
  aTutor,
  codeOf,
  deleted,
  done,
} from './support/catalog-scene.ts'
import { aServer, connect, type Client, type TestServer } from './support/server.ts'

/** What there may be once, with many who want it at once; the database decides, and everybody hears how. */

let server: TestServer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})

const outcomes = (codes: readonly string[]) => codes.toSorted((one, other) => (one < other ? -1 : 1))
const once = (times: number) => [...Array.from({ length: times - 1 }, () => 'already_exists'), 'ok']

describe('what there may be once', () => {
  it('S2.35 two packs of one title at once: one stands, the others are refused', async () => {
    const { tutor } = await aCatalogue(server)
    const pack = { tutorProfileId: tutor.profileId, title: 'Piano', preliminaryMeetingRequired: true }
    const codes = await Promise.all(
      Array.from({ length: 8 }, () => codeOf(tutor, 'offerings.createCoursePack', pack)),
    )
    expect(outcomes(codes)).toEqual(once(8))
    const { data } = await done(tutor, 'offerings.list', { title: 'Piano' })
    expect(data.items).toHaveLength(1)
    expect(await tutor.call('offerings.createCoursePack', pack)).toMatchObject({
      ok: false,
      error: { code: 'already_exists', message: 'title: a pack of this title exists' },
    })
  })

  it('S2.35 a title that a later command takes is refused as well, and everything else of it', async () => {
    const { tutor } = await aCatalogue(server)
    await aPack(tutor, { title: 'Piano' })
    const ids = await Promise.all(Array.from({ length: 5 }, () => aPack(tutor)))
    const codes = await Promise.all(
      ids.map((id) => codeOf(tutor, 'offerings.update', { id, title: 'Violin', description: 'New' })),
    )
    expect(outcomes(codes)).toEqual(once(5))
    const id = ids[codes.indexOf('already_exists')]!
    expect(await codeOf(tutor, 'offerings.update', { id, title: 'Piano', description: 'New' })).toBe(
      'already_exists',
    )
    expect(await done(tutor, 'offerings.get', { id })).toMatchObject({
      version: 1,
      data: { description: null },
    })
    expect(await codeOf(tutor, 'offerings.update', { id, title: 'Guitar' })).toBe('ok')
  })

  it('S2.35 what fails beside it in one commit does not fail with it', async () => {
    const { tutor } = await aCatalogue(server)
    const titles = Array.from({ length: 40 }, (_, index) => `Pack ${Math.floor(index / 2)}`)
    const codes = await Promise.all(
      titles.map((title) =>
        codeOf(tutor, 'offerings.createCoursePack', {
          tutorProfileId: tutor.profileId,
          title,
          preliminaryMeetingRequired: false,
        }),
      ),
    )
    expect(codes.filter((code) => code === 'ok')).toHaveLength(20)
    expect(codes.filter((code) => code === 'already_exists')).toHaveLength(20)
  })

  it.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
    'S2.35 two nodes that are asked at once agree on who was first',
    async () => {
      const { tutor } = await aCatalogue(server)
      const elsewhere = await server.another()
      onTestFinished(() => elsewhere.close())
      const there = await connect(elsewhere, tutor)
      const titles = Array.from({ length: 30 }, (_, index) => `Pack ${index}`)
      const make = (client: Client) => (title: string) =>
        codeOf(client, 'offerings.createCoursePack', {
          tutorProfileId: tutor.profileId,
          title,
          preliminaryMeetingRequired: false,
        })
      const [here, other] = await Promise.all([
        Promise.all(titles.map(make(tutor))),
        Promise.all(titles.toReversed().map(make(there))),
      ])
      for (const [index, code] of here.entries())
        expect(outcomes([code, other.toReversed()[index]!])).toEqual(once(2))
    },
  )

  it('S2.35 belongs to the tutor and the kind: another tutor, and a course, may have the same title', async () => {
    const { orgId, admin, tutor } = await aCatalogue(server)
    const other = await aTutor(server, { orgId, admin })
    await aPack(tutor, { title: 'Piano' })
    await aPack(other, { title: 'Piano' })
    await aCourse(tutor, { title: 'Piano' })
    await expect(aCourse(tutor, { title: 'Piano' })).rejects.toThrow('already_exists')
  })

  it('C38 the title of a deleted pack, or of one that was removed, is free again', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const first = await aPack(tutor, { title: 'Piano' })
    await deleted(tutor, first)
    const second = await aPack(tutor, { title: 'Piano' })
    await done(admin, 'offerings.remove', { id: second, reason: 'copied' })
    await aPack(tutor, { title: 'Piano' })
    await expect(aPack(tutor, { title: 'Piano' })).rejects.toThrow('already_exists')
  })

  it('S2.11 a tutor has one profile, and may have another one when it is deleted', async () => {
    const { orgId } = await aCatalogue(server)
    const tutor = await anActor(server, ['instructor'], orgId)
    const codes = await Promise.all(Array.from({ length: 4 }, () => codeOf(tutor, 'tutorProfiles.create')))
    expect(outcomes(codes)).toEqual(once(4))
    const { data } = await done(tutor, 'tutorProfiles.list', { tutorId: tutor.id })
    await done(tutor, 'tutorProfiles.delete', { id: data.items[0].id })
    expect(await codeOf(tutor, 'tutorProfiles.create')).toBe('ok')
  })

  it('S2.49 a category has its name for itself in its organisation, whoever makes or renames it', async () => {
    const [here, elsewhere] = await Promise.all([aCatalogue(server), aCatalogue(server)])
    await done(here.admin, 'categories.create', { name: 'Music' })
    expect(await codeOf(elsewhere.admin, 'categories.create', { name: 'Music' })).toBe('ok')
    const { id } = await done(here.admin, 'categories.create', { name: 'Art' })
    expect(await codeOf(here.admin, 'categories.update', { id, name: 'Music' })).toBe('already_exists')
    expect(await codeOf(here.admin, 'categories.create', { name: ' Music ' })).toBe('already_exists')
  })

  it('S2.43 a material has its title for itself in its offering', async () => {
    const { tutor } = await aCatalogue(server)
    const [one, other] = [await aPack(tutor), await aPack(tutor)]
    const { id } = await done(tutor, 'materials.create', { offeringId: one, title: 'Scales' })
    expect(await codeOf(tutor, 'materials.create', { offeringId: one, title: 'Scales' })).toBe(
      'already_exists',
    )
    expect(await codeOf(tutor, 'materials.create', { offeringId: other, title: 'Scales' })).toBe('ok')
    await done(tutor, 'materials.delete', { id })
    expect(await codeOf(tutor, 'materials.create', { offeringId: one, title: 'Scales' })).toBe('ok')
  })

  it('a repeated command gets the answer of the first one, and one that was refused is decided again', async () => {
    const { tutor } = await aCatalogue(server)
    const pack = { tutorProfileId: tutor.profileId, title: 'Piano', preliminaryMeetingRequired: true }
    const [mine, theirs] = [randomUUID(), randomUUID()]
    const first = await done(tutor, 'offerings.createCoursePack', { ...pack, commandId: mine })
    expect(await tutor.call('offerings.createCoursePack', { ...pack, commandId: mine })).toMatchObject({
      ok: true,
      id: first.id,
    })
    expect(await codeOf(tutor, 'offerings.createCoursePack', { ...pack, commandId: theirs })).toBe(
      'already_exists',
    )
    await deleted(tutor, first.id)
    expect(await codeOf(tutor, 'offerings.createCoursePack', { ...pack, commandId: theirs })).toBe('ok')
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { offeringIdsOf, tutorProfileIdsOf } from '../actors/material-queries.ts'
import { createJournal } from '../persistence/journal.ts'
import { createRead } from '../persistence/read.ts'
import {
  aCatalogue,
  anActor,
  aPack,
  aTutor,
  codeOf,
  deleted,
  done,
  type Actor,
} from './support/catalog-scene.ts'
import { actors } from '../actors/registry.ts'
import { anActiveEnrollment } from './support/by-system.ts'
import { anEnrollment, becomes } from './support/enrollments.ts'
import { anOrganisation, aServer, type Client, type TestServer } from './support/server.ts'

let server: TestServer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})

const titlesOf = async (client: Client, filters: object = {}) =>
  (await done(client, 'materials.list', filters)).data.items.map(
    ({ view }: { view: { title: string } }) => view.title,
  )
const see = (client: Client, id: string) => codeOf(client, 'materials.get', { id })

/** A pack with one material, somebody who learns from it, and somebody who does not. */
const aLesson = async () => {
  const catalogue = await aCatalogue(server)
  const { orgId, learner, tutor } = catalogue
  const offeringId = await aPack(tutor)
  const { id } = await done(tutor, 'materials.create', { offeringId, title: 'Scales' })
  const enrollmentId = await anEnrollment(learner, offeringId)
  const other = await anActor(server, ['student'], orgId)
  return { ...catalogue, offeringId, id: id as string, enrollmentId, other }
}

describe('a material', () => {
  it('S2.9 S2.38 S2.39 S2.40 S2.41 S2.42 S4.40 begins with what the defaults say', async () => {
    const { tutor, offeringId } = await aLesson()
    const { id, data } = await done(tutor, 'materials.create', { offeringId })
    expect(data).toEqual({
      id,
      ownerId: tutor.id,
      offeringId,
      kind: 'file',
      title: 'default',
      description: null,
      fileUrl: 'default',
      linkUrl: null,
      position: 0,
      uploadedAt: expect.any(String),
    })
    const link = {
      kind: 'externalLink',
      title: 'More',
      description: 'To read',
      linkUrl: 'https://example.test/',
      position: 3,
    }
    expect((await done(tutor, 'materials.create', { offeringId, ...link })).data).toMatchObject(link)
    expect(await codeOf(tutor, 'materials.create', { offeringId, kind: 'externalLink', title: 'None' })).toBe(
      'invalid_input',
    )
  })

  it('S2.37 C37 belongs to an offering that there is, for good', async () => {
    const { admin, tutor, id } = await aLesson()
    const offeringId = await aPack(tutor)
    expect(await codeOf(tutor, 'materials.create', { title: 'Alone' })).toBe('invalid_input')
    expect(await codeOf(tutor, 'materials.create', { offeringId: randomUUID() })).toBe('not_found')
    for (const client of [tutor, admin])
      expect(await codeOf(client, 'materials.update', { id, offeringId })).toBe('field_forbidden')
  })

  it('S2.66.11 is written by its tutor and by administrators', async () => {
    const { orgId, admin, learner, tutor, offeringId, id } = await aLesson()
    const rival = await aTutor(server, { orgId, admin })
    expect(await codeOf(rival, 'materials.create', { offeringId, title: 'Foreign' })).toBe('not_found')
    expect(await codeOf(learner, 'materials.create', { offeringId, title: 'Foreign' })).toBe('forbidden')
    for (const client of [rival, learner]) {
      expect(await codeOf(client, 'materials.update', { id, title: 'Stolen' })).toBe('not_found')
      expect(await codeOf(client, 'materials.delete', { id })).toBe('not_found')
    }
    await done(tutor, 'materials.update', { id, title: 'Scales II', position: 7 })
    expect(await done(admin, 'materials.update', { id, kind: 'video' })).toMatchObject({
      version: 3,
      data: { title: 'Scales II', position: 7, kind: 'video', ownerId: tutor.id },
    })
    const made = await done(admin, 'materials.create', { offeringId, title: 'From above' })
    expect(made.data).toMatchObject({ ownerId: tutor.id })
  })

  it('S2.6 is deleted softly', async () => {
    const { admin, learner, tutor, id } = await aLesson()
    await done(tutor, 'materials.delete', { id })
    for (const client of [admin, tutor, learner]) {
      expect(await see(client, id)).toBe('not_found')
      expect(await titlesOf(client)).toEqual([])
    }
  })
})

describe('who sees materials', () => {
  it('S2.45 S2.52 their tutor, whoever is actively enrolled, and administrators; nobody else', async () => {
    const { orgId, admin, learner, tutor, other, offeringId, id, enrollmentId } = await aLesson()
    const rival = await aTutor(server, { orgId, admin })
    const csm = await anActor(server, ['csm', 'coordinator'], orgId)
    const nobody = await anActor(server, [], orgId)
    const stranger = await anActor(server, ['admin'], await anOrganisation(server))
    for (const client of [tutor, learner, admin]) {
      expect(await see(client, id)).toBe('ok')
      expect(await titlesOf(client, { offeringId })).toEqual(['Scales'])
    }
    for (const client of [other, rival, csm, nobody, stranger]) {
      expect(await see(client, id)).toBe('not_found')
      expect(await titlesOf(client, { offeringId })).toEqual([])
      expect(await client.subscribe({ topics: [`material:${id}`] })).toMatchObject({ ok: false })
    }
    const isHidden = async () => {
      expect(await see(learner, id)).toBe('not_found')
      expect(await titlesOf(learner)).toEqual([])
    }
    await done(admin, 'enrollments.suspend', { id: enrollmentId, reason: 'Asked about' })
    await isHidden()
    await done(admin, 'enrollments.resume', { id: enrollmentId })
    expect(await see(learner, id)).toBe('ok')
    await done(learner, 'enrollments.drop', { id: enrollmentId })
    await isHidden()
  })

  it('S2.6 S2.52 neither its tutor nor its learners see one of an offering that is removed', async () => {
    const { orgId, admin, learner, tutor, offeringId, id, enrollmentId } = await aLesson()
    await done(admin, 'offerings.remove', { id: offeringId, reason: 'copied' })
    // As one that the removal has not come to yet.
    const of = { orgId, userId: learner.id, offeringId, ownerId: tutor.id }
    await becomes(learner, enrollmentId, 'cancelled')
    await anActiveEnrollment(server, of)
    for (const client of [tutor, learner]) {
      expect(await see(client, id)).toBe('not_found')
      expect(await titlesOf(client)).toEqual([])
    }
    expect(await see(admin, id)).toBe('ok')
    for (const client of [tutor, admin])
      expect(await codeOf(client, 'materials.create', { offeringId, title: 'More' })).toBe('not_found')
  })

  it('S2.52 nobody sees what is not paid yet, or what has been completed', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const priced = await aPack(tutor, { price: { minor: 500_000, currency: 'NGN' } })
    const { id: unpaid } = await done(tutor, 'materials.create', { offeringId: priced, title: 'Scales' })
    const { id: reserved } = await done(learner, 'enrollments.enroll', { offeringId: priced })
    await becomes(learner, reserved, 'pending_payment')
    expect(await see(learner, unpaid)).toBe('not_found')

    const short = await aPack(tutor, { requiredClassesCount: 1 })
    const { id } = await done(tutor, 'materials.create', { offeringId: short, title: 'Scales' })
    const enrollmentId = await anEnrollment(learner, short)
    expect(await see(learner, id)).toBe('ok')
    const startsAt = server.clock.at(-3_600_000)
    const { id: lessonId } = await done(tutor, 'lessons.schedule', { enrollmentId, startsAt })
    await done(tutor, 'lessons.complete', { id: lessonId })
    await becomes(learner, enrollmentId, 'completed')
    expect(await see(learner, id)).toBe('not_found')
    expect(await see(admin, id)).toBe('ok')
  })

  it('S2.52 what belongs to a deleted offering is there for administrators only', async () => {
    const { admin, learner, tutor, offeringId, id, enrollmentId } = await aLesson()
    await done(learner, 'enrollments.drop', { id: enrollmentId })
    await deleted(tutor, offeringId)
    for (const client of [tutor, learner]) {
      expect(await see(client, id)).toBe('not_found')
      expect(await titlesOf(client)).toEqual([])
    }
    expect(await see(admin, id)).toBe('ok')
  })

  it('S2.52 a flagged offering keeps its learners', async () => {
    const { admin, learner, offeringId, id } = await aLesson()
    await done(admin, 'offerings.flag', { id: offeringId, note: 'Copied?' })
    expect(await see(learner, id)).toBe('ok')
  })

  it('S2.53 C14 a list has those of own and learned offerings, however many those are', async () => {
    const { learner, tutor } = await aCatalogue(server)
    const packs = await Promise.all(Array.from({ length: 205 }, () => aPack(tutor)))
    await Promise.all(packs.map((offeringId) => anEnrollment(learner, offeringId)))
    const last = packs.toSorted().at(-1)!
    await done(tutor, 'materials.create', { offeringId: last, title: 'The last one' })
    expect(await titlesOf(learner)).toEqual(['The last one'])
    expect(await titlesOf(tutor)).toEqual(['The last one'])
  }, 90_000)

  it('S2.39 S2.44 S4.40 in their order, by kind, in pages', async () => {
    const { learner, tutor, offeringId } = await aLesson()
    const add = (title: string, position: number, kind: string) =>
      done(tutor, 'materials.create', { offeringId, title, position, kind })
    await add('Third', 30, 'video')
    await add('Second', 2, 'document')
    await add('First', 1, 'video')
    expect(await titlesOf(learner, { offeringId })).toEqual(['Scales', 'First', 'Second', 'Third'])
    expect(await titlesOf(learner, { kind: 'video' })).toEqual(['First', 'Third'])
    const { data } = await done(learner, 'materials.list', { limit: 2 })
    expect(await titlesOf(learner, { limit: 2, after: data.next })).toEqual(['Second', 'Third'])
    for (const after of ['x', '1', `NaN_${randomUUID()}`, `-1_${randomUUID()}`, "' or true --"])
      expect(await titlesOf(learner, { after })).toEqual([])
  })
})

describe('what a session owns', () => {
  const readOf = () => {
    const { database } = server
    const organisation = async () => undefined
    return createRead(database, createJournal(database.sql), actors, organisation)
  }
  const sessionOf = ({ id: userId, orgId }: Actor) => ({ userId, orgId, roles: ['instructor'] as const })

  it('S2.50 S2.51 are the profiles and the offerings of its user that are not deleted', async () => {
    const { learner, tutor } = await aCatalogue(server)
    const [kept, hidden, gone] = [
      await aPack(tutor),
      await aPack(tutor, { isPublished: false }),
      await aPack(tutor),
    ]
    await deleted(tutor, gone)
    const read = readOf()
    expect(await tutorProfileIdsOf(read, sessionOf(tutor))).toEqual([tutor.profileId])
    expect((await offeringIdsOf(read, sessionOf(tutor))).toSorted()).toEqual([kept, hidden].toSorted())
    expect(await tutorProfileIdsOf(read, sessionOf(learner))).toEqual([])
    expect(await offeringIdsOf(read, sessionOf(learner))).toEqual([])
  })
})

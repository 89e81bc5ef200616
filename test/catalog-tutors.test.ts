import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aCatalogue, aCourse, anActor, aPack, aTutor, codeOf, done } from './support/catalog-scene.ts'
import { anOrganisation, aServer, type Client, type TestServer } from './support/server.ts'

let server: TestServer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})

const idsOf = async (client: Client, filters: object = {}) =>
  (await done(client, 'tutorProfiles.list', filters)).data.items.map(({ id }: { id: string }) => id)
const get = (client: Client, id: string) => client.call('tutorProfiles.get', { id })
const gone = { ok: false, error: { code: 'not_found' } }

describe("a tutor's profile", () => {
  it('S2.12 S2.13 S2.14 S2.15 S2.16 S2.17 S2.18 begins as pending, with what the tutor says and the name of the account', async () => {
    const { orgId } = await aCatalogue(server)
    const tutor = await anActor(server, ['instructor'], orgId)
    const about = {
      certifications: ['Grade 8', 'PGCE'],
      experience: 'Ten years.',
      subjects: ['Music', 'موسيقى'],
      bio: 'I teach 🎹.',
      profilePhoto: 'https://example.test/ada.jpg',
    }
    const made = await done(tutor, 'tutorProfiles.create', about)
    expect(made).toMatchObject({ state: 'pending', version: 1, allowed: ['update', 'delete'] })
    expect(made.data).toMatchObject({
      tutorId: tutor.id,
      displayName: tutor.email,
      ...about,
      profileStatus: 'pending',
    })
    const { data } = await done(await anActor(server, ['instructor'], orgId), 'tutorProfiles.create')
    expect(data).toMatchObject({
      certifications: [],
      experience: null,
      subjects: [],
      bio: null,
      profilePhoto: null,
    })
  })

  it('S2.7 S2.66.1 S2.66.2 is public when it is approved; before, its tutor and administrators see it', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const pending = await aTutor(server, { orgId, admin, approved: false })
    expect(await get(learner, tutor.profileId)).toMatchObject({ ok: true, allowed: [] })
    expect(await get(learner, pending.profileId)).toMatchObject(gone)
    expect(await get(tutor, pending.profileId)).toMatchObject(gone)
    expect(await get(pending, pending.profileId)).toMatchObject({ ok: true })
    expect(await get(admin, pending.profileId)).toMatchObject({
      ok: true,
      allowed: ['update', 'approve', 'reject', 'delete'],
    })
    const stranger = await anActor(server, ['admin'], await anOrganisation(server))
    expect(await get(stranger, tutor.profileId)).toMatchObject(gone)
    expect(await idsOf(learner)).toEqual([tutor.profileId])
    expect(await idsOf(learner, { profileStatus: 'pending' })).toEqual([])
    expect(await idsOf(admin, { profileStatus: 'pending' })).toEqual([pending.profileId])
    expect(await idsOf(admin, { tutorId: tutor.id })).toEqual([tutor.profileId])
  })

  it('S2.66.3 is made by instructors for themselves', async () => {
    const { orgId, admin, learner } = await aCatalogue(server)
    for (const nobody of [learner, admin])
      expect(await codeOf(nobody, 'tutorProfiles.create')).toBe('forbidden')
    const tutor = await anActor(server, ['instructor'], orgId)
    expect(await codeOf(tutor, 'tutorProfiles.create', { tutorId: admin.id })).toBe('field_forbidden')
    expect(await codeOf(tutor, 'tutorProfiles.create', { profileStatus: 'approved' })).toBe('field_forbidden')
    expect(await codeOf(tutor, 'tutorProfiles.create', { tutorId: tutor.id, profileStatus: 'pending' })).toBe(
      'ok',
    )
  })

  it('C41 is approved by administrators only, and never given to somebody else', async () => {
    const { orgId, admin } = await aCatalogue(server)
    const { profileId: id, ...tutor } = await aTutor(server, { orgId, admin, approved: false })
    expect(await codeOf(tutor, 'tutorProfiles.approve', { id })).toBe('forbidden')
    expect(await codeOf(tutor, 'tutorProfiles.update', { id, profileStatus: 'approved' })).toBe(
      'field_forbidden',
    )
    for (const client of [tutor, admin])
      expect(await codeOf(client, 'tutorProfiles.update', { id, tutorId: admin.id })).toBe('field_forbidden')
    expect(await get(tutor, id)).toMatchObject({ version: 1, data: { profileStatus: 'pending' } })
    expect(await done(admin, 'tutorProfiles.update', { id, profileStatus: 'approved' })).toMatchObject({
      state: 'approved',
    })
    expect(await codeOf(admin, 'tutorProfiles.update', { id, profileStatus: 'pending' })).toBe(
      'not_allowed_in_state',
    )
  })

  it('S2.19 S2.66.4 is changed by its tutor, and its offerings follow the name', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = tutor.profileId
    const offeringId = await aCourse(tutor)
    for (const nobody of [learner, await aTutor(server, { orgId: tutor.orgId, admin })])
      expect(await codeOf(nobody, 'tutorProfiles.update', { id, bio: 'Hacked' })).toBe('forbidden')
    const watcher = await anActor(server, ['student'], tutor.orgId)
    await watcher.subscribe({ topics: [`offering:${offeringId}`] })
    await done(tutor, 'tutorProfiles.update', { id, displayName: 'Ada 🎹', bio: null, subjects: ['Piano'] })
    expect(await watcher.next('offering.tutorChanged')).toMatchObject({
      data: { approved: true, displayName: 'Ada 🎹' },
      view: { tutorName: 'Ada 🎹' },
    })
    expect(await get(learner, id)).toMatchObject({ data: { displayName: 'Ada 🎹', subjects: ['Piano'] } })
  })

  it('2.11 is rejected with a reason and sent in again; its offerings come and go with it, live', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = tutor.profileId
    const offeringId = await aPack(tutor)
    await tutor.subscribe({ topics: [`user:${tutor.id}`] })
    expect(await codeOf(admin, 'tutorProfiles.reject', { id })).toBe('invalid_input')
    await done(admin, 'tutorProfiles.reject', { id, note: 'The certificate has expired' })
    expect(await tutor.next('tutorProfile.rejected')).toMatchObject({
      data: { note: 'The certificate has expired' },
    })
    expect(await tutor.next('offering.tutorChanged')).toMatchObject({
      actor: { id: offeringId },
      view: { visibility: 'private' },
    })
    expect(await learner.call('offerings.get', { id: offeringId })).toMatchObject(gone)
    expect(await codeOf(admin, 'tutorProfiles.resubmit', { id })).toBe('forbidden')
    await done(tutor, 'tutorProfiles.resubmit', { id })
    await done(admin, 'tutorProfiles.approve', { id })
    await tutor.next('offering.tutorChanged', ({ view }) => view.visibility === 'public')
    expect(await learner.call('offerings.get', { id: offeringId })).toMatchObject({ ok: true })
  })

  it('S2.6 S2.66.5 is deleted softly: by its tutor without offerings, by administrators in any case', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = tutor.profileId
    const offeringId = await aPack(tutor)
    await tutor.subscribe({ topics: [`user:${tutor.id}`] })
    expect(await codeOf(learner, 'tutorProfiles.delete', { id })).toBe('forbidden')
    expect(await tutor.call('tutorProfiles.delete', { id })).toMatchObject({
      error: { code: 'has_offerings', details: { count: 1 } },
    })
    expect(await done(admin, 'tutorProfiles.delete', { id })).toMatchObject({ state: 'deleted' })
    for (const client of [admin, tutor, learner]) {
      expect(await get(client, id)).toMatchObject(gone)
      expect(await idsOf(client)).toEqual([])
      expect(await codeOf(client, 'tutorProfiles.update', { id, bio: 'Back' })).toBe('not_found')
    }
    await tutor.next('offering.tutorChanged', ({ view }) => view.visibility === 'private')
    expect(await codeOf(learner, 'offerings.get', { id: offeringId })).toBe('not_found')
    const rows = await server.database.sql.query<{ standing: string; standing_idx: number }>(
      { name: 'test_profile_row', text: 'select standing, standing_idx from tutor_profile where id = $1' },
      [id],
    )
    expect(rows).toEqual([{ standing: 'deleted', standing_idx: 1 }])
  })

  it('S2.11 C36 keeps its tutor: an account that has one is not removed', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const removal = { name: 'test_delete_user', text: 'delete from user_account where id = $1' }
    await expect(server.database.sql.query(removal, [tutor.id])).rejects.toThrow('foreign key')
    expect(await get(learner, tutor.profileId)).toMatchObject({ data: { tutorId: tutor.id } })
    expect(await idsOf(admin, { tutorId: tutor.id })).toEqual([tutor.profileId])
  })

  it('the journal is for its tutor and for operators', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const journal = { id: tutor.profileId }
    expect(await codeOf(learner, 'tutorProfiles.journal', journal)).toBe('not_found')
    for (const client of [admin, tutor])
      expect((await done(client, 'tutorProfiles.journal', journal)).data.items[0]).toMatchObject({
        type: 'create',
        to: 'pending',
      })
  })
})

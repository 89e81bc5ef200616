import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LEAST_MINOR } from '../contracts/least-minor.ts'
import { CURRENCIES } from '../contracts/money.ts'
import { createOrganisation } from '../src/auth/organisations.ts'
import {
  aCatalogue,
  aCourse,
  anActor,
  aPack,
  aTutor,
  codeOf,
  deleted,
  done,
  offeringFor,
  type Tutor,
} from './support/catalog-scene.ts'
import { anEnrollment } from './support/enrollments.ts'
import { http } from './support/http.ts'
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
  (await done(client, 'offerings.list', filters)).data.items.map(({ id }: { id: string }) => id)
const get = (client: Client, id: string) => client.call('offerings.get', { id })
const naira = (minor: number) => ({ minor, currency: 'NGN' })
const bare = ({ profileId: tutorProfileId }: Tutor) => ({ tutorProfileId, preliminaryMeetingRequired: true })

describe('what a course pack begins with', () => {
  it('S2.9 S2.21 S2.22 S2.23 S2.24 S2.25 S2.26 S2.28 S2.29 S2.30 S2.31 S2.32 S2.33 S2.34 is what the defaults say', async () => {
    const { tutor } = await aCatalogue(server)
    const made = await done(tutor, 'offerings.createCoursePack', bare(tutor))
    expect(made).toMatchObject({ state: 'published.approved', version: 1 })
    expect(made.data).toEqual({
      id: made.id,
      kind: 'course_pack',
      ownerId: tutor.id,
      tutorProfileId: tutor.profileId,
      tutorName: tutor.email,
      title: 'default',
      description: null,
      price: naira(0),
      categoryId: null,
      category: null,
      modules: [],
      rating: null,
      publication: 'published',
      moderation: 'approved',
      moderationNote: null,
      visibility: 'public',
      createdAt: expect.any(String),
      schedulingType: 'flexible',
      minWeeklyClasses: null,
      preliminaryMeetingRequired: true,
      maxDailyLessons: null,
      requiredClassesCount: null,
      maxPeriodValue: null,
      maxPeriodUnit: null,
    })
  })

  it('S2.27 C37 never makes up a preliminary meeting or a profile', async () => {
    const { tutor } = await aCatalogue(server)
    const { tutorProfileId, preliminaryMeetingRequired } = bare(tutor)
    for (const payload of [{ tutorProfileId }, { preliminaryMeetingRequired }, {}])
      expect(await codeOf(tutor, 'offerings.createCoursePack', payload)).toBe('invalid_input')
    const nobody = '00000000-0000-0000-0000-000000000000'
    expect(
      await codeOf(tutor, 'offerings.createCoursePack', { ...bare(tutor), tutorProfileId: nobody }),
    ).toBe('not_found')
  })

  it('S2.31 is approved, even if the body says otherwise', async () => {
    const { tutor } = await aCatalogue(server)
    const { data } = await done(tutor, 'offerings.createCoursePack', {
      ...bare(tutor),
      moderationStatus: 'removed',
    })
    expect(data).toMatchObject({ moderation: 'approved', visibility: 'public' })
  })

  it('S2.20 has the profile of the caller, and of nobody else', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const other = await aTutor(server, { orgId, admin })
    const create = (client: Client, of: Tutor) => codeOf(client, 'offerings.createCoursePack', bare(of))
    expect(await create(tutor, other)).toBe('not_found')
    expect(await create(learner, tutor)).toBe('forbidden')
    expect(await create(admin, tutor)).toBe('forbidden')
    const without = await anActor(server, ['instructor'], orgId)
    expect(await create(without, tutor)).toBe('not_found')
    expect(await codeOf(without, 'offerings.createCourse', { title: 'Piano' })).toBe('profile_required')
    expect(await idsOf(admin)).toEqual([])
  })

  it('takes no id that something else has in the list of prices', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const id = randomUUID()
    const body = { title: 'First aid', price: naira(500_000) }
    expect(await http(server, admin)('PUT', `/api/v1/prices/${id}`, { body })).toMatchObject({ status: 200 })
    const pack = { ...bare(tutor), id }
    expect(await codeOf(tutor, 'offerings.createCoursePack', pack)).toBe('already_exists')
    expect(await codeOf(tutor, 'offerings.createCourse', { title: 'Piano', id })).toBe('already_exists')
    const own = { ...bare(tutor), id: randomUUID(), commandId: randomUUID() }
    // The first sending is answered again.
    for (let sent = 0; sent < 2; sent++)
      expect(await done(tutor, 'offerings.createCoursePack', own)).toMatchObject({ id: own.id, version: 1 })
  })

  it('U2 S4.32 S4.33 a course has terms of its own, and begins as a draft', async () => {
    const { tutor } = await aCatalogue(server)
    const terms = { durationMinutes: 90, difficulty: 'advanced', coverImageUrl: 'https://example.test/a.png' }
    const { data, state } = await done(tutor, 'offerings.createCourse', { title: 'Piano', ...terms })
    expect(state).toBe('draft.approved')
    expect(data).toMatchObject({ kind: 'course', ...terms, rating: null, publication: 'draft' })
    expect(data).not.toHaveProperty('schedulingType')
  })
})

describe('who sees an offering', () => {
  it('C16 a pack of a tutor who is not approved is made and not shown', async () => {
    const { orgId, admin, learner } = await aCatalogue(server)
    const tutor = await aTutor(server, { orgId, admin, approved: false })
    const id = await aPack(tutor, { price: naira(500_000) })
    expect(await offeringFor(tutor, id)).toMatchObject({
      publication: 'published',
      moderation: 'approved',
      visibility: 'private',
    })
    expect(await get(learner, id)).toMatchObject({ error: { code: 'not_found' } })
    await tutor.subscribe({ topics: [`offering:${id}`] })
    await done(admin, 'tutorProfiles.approve', { id: tutor.profileId })
    await tutor.next('offering.tutorChanged')
    expect(await get(learner, id)).toMatchObject({ ok: true, allowed: [] })
  })

  it('S2.1 S2.7 S2.66.6 S2.66.7 everybody what is public, its tutor and operators the rest', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const other = await aTutor(server, { orgId, admin })
    const [open, draft, archived, flagged, removed] = await Promise.all([
      aPack(tutor),
      aPack(tutor, { isPublished: false }),
      aPack(tutor),
      aPack(tutor),
      aPack(tutor),
    ])
    await done(tutor, 'offerings.archive', { id: archived })
    await done(admin, 'offerings.flag', { id: flagged, note: 'Copied?' })
    await done(admin, 'offerings.remove', { id: removed, reason: 'Copied' })
    const hidden = [draft, archived, flagged, removed]
    const csm = await anActor(server, ['csm'], orgId)
    const stranger = await anActor(server, ['admin', 'student'], await anOrganisation(server))
    for (const client of [tutor, admin, csm]) {
      expect(await idsOf(client)).toEqual([open, ...hidden].toSorted())
      for (const id of hidden) expect(await get(client, id)).toMatchObject({ ok: true })
    }
    for (const client of [learner, other]) {
      expect(await idsOf(client)).toEqual([open])
      for (const id of hidden) expect(await codeOf(client, 'offerings.get', { id })).toBe('not_found')
    }
    expect(await idsOf(stranger)).toEqual([])
    expect(await codeOf(stranger, 'offerings.get', { id: open })).toBe('not_found')
    expect(await learner.subscribe({ topics: [`offering:${draft}`] })).toMatchObject({ ok: false })
    expect(await learner.subscribe({ topics: [`offering:${open}`] })).toMatchObject({ ok: true })
  })

  it('S2.45 whoever is enrolled keeps it when the catalogue hides it, until that ends', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    const enrollmentId = await anEnrollment(learner, id)
    await done(admin, 'offerings.flag', { id, note: 'Copied?' })
    expect(await get(learner, id)).toMatchObject({
      ok: true,
      allowed: [],
      data: { visibility: 'private', moderation: 'flagged' },
    })
    expect(await codeOf(await anActor(server, ['student'], orgId), 'offerings.get', { id })).toBe('not_found')
    expect(await idsOf(learner)).toEqual([])
    await done(learner, 'enrollments.drop', { id: enrollmentId })
    expect(await codeOf(learner, 'offerings.get', { id })).toBe('not_found')
  })

  it('S2.32 what administrators note about it is for them and its tutor, not for who is enrolled', async () => {
    const { admin, tutor, learner } = await aCatalogue(server)
    const id = await aPack(tutor)
    await anEnrollment(learner, id)
    const noteFor = async (client: Client) =>
      (await done(client, 'offerings.get', { id })).data.moderationNote
    await done(admin, 'offerings.flag', { id, note: 'looks copied' })
    for (const client of [admin, tutor]) expect(await noteFor(client)).toBe('looks copied')
    expect(await done(learner, 'offerings.get', { id })).toMatchObject({
      data: { moderation: 'flagged', moderationNote: null },
    })
    const path = `/v1/coursepacks/${id}`
    expect((await http(server, learner)('GET', path)).body.data.moderationNote).toBeNull()
    expect((await http(server, tutor)('GET', path)).body.data.moderationNote).toBe('looks copied')
    await done(admin, 'offerings.remove', { id, reason: 'it was copied' })
    expect(await noteFor(tutor)).toBe('it was copied')
    const kept = await learner.call('offerings.get', { id })
    if (kept.ok) expect(kept.data.moderationNote).toBeNull()
  })

  it('S2.1 whoever watches what is public hears nothing any more when it is hidden', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const [id, other] = [await aPack(tutor), await aPack(tutor)]
    const topics = [`offering:${id}`, `offering:${other}`]
    for (const client of [learner, tutor])
      expect(await client.subscribe({ topics })).toMatchObject({ ok: true })
    const inBatches = await anActor(server, ['student'], tutor.orgId)
    await inBatches.subscribe({ topics, mode: 'batch' })
    await done(tutor, 'offerings.update', { id, title: 'Piano' })
    await done(admin, 'offerings.flag', { id, note: 'Copied from somebody' })
    await done(tutor, 'offerings.update', { id, title: 'Still copied' })
    await done(tutor, 'offerings.update', { id: other, title: 'Violin' })
    expect(await tutor.next('offering.flagged')).toMatchObject({ data: { note: 'Copied from somebody' } })
    await tutor.next('offering.updated', ({ view }) => view.title === 'Still copied')
    for (const client of [learner, inBatches]) {
      expect(await client.next('topic.closed')).toEqual({ topic: `offering:${id}`, reason: 'forbidden' })
      const name = client === learner ? 'offering.updated' : 'events'
      await client.next(name, (heard) => JSON.stringify(heard).includes('Violin'))
      expect(JSON.stringify(client.received)).toContain('"Piano"')
      expect(JSON.stringify(client.received)).not.toMatch(/opied/)
    }
    await done(admin, 'offerings.clear', { id })
    expect(await learner.subscribe({ topics })).toMatchObject({ ok: true })
  })

  it('S2.1 what was said while it was hidden is not replayed afterwards', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor, { isPublished: false, title: 'Secret draft' })
    await done(tutor, 'offerings.update', { id, title: 'Another secret' })
    const published = await done(tutor, 'offerings.publish', { id })
    const flagged = await done(admin, 'offerings.flag', { id, note: 'Secret note' })
    const cleared = await done(admin, 'offerings.clear', { id })
    await done(tutor, 'offerings.update', { id, description: 'Open' })
    const resume = (client: Client, after: number) => client.subscribe({ topics: [`offering:${id}`], after })
    for (const after of [0, published.position - 1, flagged.position])
      for (const client of [learner, tutor])
        expect(await resume(client, after)).toMatchObject({ error: { code: 'resync_required' } })
    expect(await resume(learner, cleared.position)).toMatchObject({ ok: true })
    expect(await learner.next('offering.updated')).toMatchObject({ data: { fields: ['description'] } })
    expect(JSON.stringify(learner.received)).not.toContain('ecret n')
    // Whoever has the other topics of the actor may see all of it.
    await tutor.subscribe({ topics: [`user:${tutor.id}`], after: published.position - 1 })
    expect(await tutor.next('offering.flagged')).toMatchObject({ data: { note: 'Secret note' } })
  })

  it('its journal is for its tutor and for operators', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    expect(await codeOf(learner, 'offerings.journal', { id })).toBe('not_found')
    for (const client of [admin, tutor])
      expect((await done(client, 'offerings.journal', { id })).data.items).toMatchObject([
        { type: 'createCoursePack', to: 'published.approved' },
      ])
  })
})

describe('filters', () => {
  it('S2.20 S2.21 S2.24 S2.25 S2.28 S2.31 S4.10 each by itself, and all together', async () => {
    const { orgId, admin, tutor } = await aCatalogue(server)
    const other = await aTutor(server, { orgId, admin })
    const { id: music } = await done(admin, 'categories.create', { name: 'Music' })
    const strict = { schedulingType: 'strict', maxPeriodValue: 3, maxPeriodUnit: 'months' }
    const [piano, draft, art, short, long] = await Promise.all([
      aPack(tutor, { title: 'Piano', category: 'Music', ...strict }),
      aPack(tutor, { isPublished: false }),
      aPack(other, { title: 'Piano', category: music }),
      aCourse(tutor, { durationMinutes: 30, difficulty: 'beginner', category: 'Music' }),
      aCourse(tutor, { durationMinutes: 90, difficulty: 'advanced' }),
    ])
    await done(admin, 'offerings.flag', { id: art, note: 'Copied?' })
    const filtered = async (filters: object) => (await idsOf(admin, filters)).toSorted()
    const sorted = (...ids: string[]) => ids.toSorted()
    expect(await filtered({ tutorProfileId: other.profileId })).toEqual([art])
    expect(await filtered({ ownerId: other.id })).toEqual([art])
    expect(await filtered({ title: 'Piano' })).toEqual(sorted(piano, art))
    expect(await filtered({ category: 'Music' })).toEqual(sorted(piano, art, short))
    expect(await filtered({ category: music })).toEqual(sorted(piano, art, short))
    expect(await filtered({ scheduling: 'strict' })).toEqual([piano])
    expect(await filtered({ published: 'false' })).toEqual([draft])
    expect(await filtered({ published: true })).toEqual(sorted(piano, art, short, long))
    expect(await filtered({ moderation: 'flagged' })).toEqual([art])
    expect(await filtered({ kind: 'course' })).toEqual(sorted(short, long))
    expect(await filtered({ difficulty: 'beginner' })).toEqual([short])
    expect(await filtered({ durationMinutes: 90 })).toEqual([long])
    expect(await filtered({ minDurationMinutes: '31' })).toEqual([long])
    expect(await filtered({ maxDurationMinutes: 60 })).toEqual([short])
    expect(
      await filtered({
        tutorProfileId: tutor.profileId,
        title: 'Piano',
        category: 'Music',
        scheduling: 'strict',
        published: true,
        moderation: 'approved',
      }),
    ).toEqual([piano])
    expect(await filtered({ title: 'piano' })).toEqual([])
    expect(await filtered({ category: 'No such' })).toEqual([])
  })

  it('come in pages, each offering once', async () => {
    const { learner, tutor } = await aCatalogue(server)
    const ids = await Promise.all(Array.from({ length: 7 }, () => aPack(tutor)))
    const seen: string[] = []
    let after: string | undefined
    do {
      const { data } = await done(learner, 'offerings.list', { limit: 3, ...(after ? { after } : {}) })
      seen.push(...data.items.map(({ id }: { id: string }) => id))
      after = data.next
    } while (after)
    expect(seen).toEqual(ids.toSorted())
  })

  it('S2.8 every enumeration has its ordinal beside it', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const id = await aPack(tutor, {
      schedulingType: 'strict',
      maxPeriodValue: 3,
      maxPeriodUnit: 'weeks',
    })
    await done(admin, 'offerings.flag', { id, note: 'Copied?' })
    const rows = await server.database.sql.query(
      {
        name: 'test_ordinals',
        text: `select kind, kind_idx, scheduling, scheduling_idx, difficulty, difficulty_idx, moderation,
          moderation_idx, visibility, visibility_idx from offering where id = $1`,
      },
      [id],
    )
    expect(rows).toEqual([
      {
        kind: 'course_pack',
        kind_idx: 1,
        scheduling: 'strict',
        scheduling_idx: 1,
        difficulty: null,
        difficulty_idx: null,
        moderation: 'flagged',
        moderation_idx: 1,
        visibility: 'private',
        visibility_idx: 1,
      },
    ])
  })
})

describe('changes', () => {
  it('S2.66.9 are made by its tutor and by administrators, and seen live', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    const stranger = await anActor(server, ['admin'], await anOrganisation(server))
    const others = [learner, await aTutor(server, { orgId, admin }), await anActor(server, ['csm'], orgId)]
    for (const client of others)
      expect(await codeOf(client, 'offerings.update', { id, title: 'Stolen' })).toBe('forbidden')
    expect(await codeOf(stranger, 'offerings.update', { id, title: 'Stolen' })).toBe('not_found')
    await learner.subscribe({ topics: [`offering:${id}`] })
    await done(tutor, 'offerings.update', { id, title: 'Piano', price: { minor: 500_000, currency: 'KES' } })
    expect(await learner.next('offering.updated')).toMatchObject({
      data: { fields: ['title', 'price'], title: 'Piano' },
      view: { price: { minor: 500_000, currency: 'KES' } },
    })
    expect(await done(admin, 'offerings.update', { id, description: 'Good' })).toMatchObject({ version: 3 })
    expect(await offeringFor(learner, id)).toMatchObject({ title: 'Piano', description: 'Good' })
  })

  it('C41 never give it to somebody else, and decide on moderation for administrators only', async () => {
    const { orgId, admin, tutor } = await aCatalogue(server)
    const other = await aTutor(server, { orgId, admin })
    const id = await aPack(tutor)
    const update = (client: Client, fields: object) => codeOf(client, 'offerings.update', { id, ...fields })
    for (const client of [tutor, admin]) {
      expect(await update(client, { tutorProfileId: other.profileId })).toBe('field_forbidden')
      expect(await update(client, { ownerId: other.id, title: 'Piano' })).toBe('field_forbidden')
    }
    expect(await update(tutor, { moderationStatus: 'approved' })).toBe('field_forbidden')
    expect(await update(tutor, { moderationNote: 'Fine' })).toBe('field_forbidden')
    expect(await offeringFor(tutor, id)).toMatchObject({ ownerId: tutor.id, moderationNote: null })
    expect(await update(admin, { moderationStatus: 'flagged', moderationNote: 'Copied?' })).toBe('ok')
    expect(await offeringFor(tutor, id)).toMatchObject({ moderation: 'flagged', moderationNote: 'Copied?' })
    expect(await update(admin, { moderationStatus: 'approved' })).toBe('ok')
    expect(await update(admin, { moderationStatus: 'approved' })).toBe('not_allowed_in_state')
    expect(await update(admin, { moderationStatus: 'removed', moderationNote: 'Copied' })).toBe(
      'invalid_input',
    )
    expect(await update(admin, { moderationNote: 'Alone' })).toBe('invalid_input')
    expect(await update(admin, { moderationStatus: 'flagged', title: 'Both' })).toBe('invalid_input')
  })

  it('C18 a price is nothing or what the provider takes, when it is published', async () => {
    const { tutor } = await aCatalogue(server)
    for (const currency of CURRENCIES) {
      const least = LEAST_MINOR[currency]
      const price = (minor: number) => ({ price: { minor, currency } })
      await expect(aPack(tutor, price(least - 1))).rejects.toThrow('price_below_minimum')
      const id = await aPack(tutor, { ...price(least - 1), isPublished: false })
      expect(await tutor.call('offerings.publish', { id })).toMatchObject({
        error: { code: 'price_below_minimum', details: { leastMinor: least, currency } },
      })
      expect(await codeOf(tutor, 'offerings.update', { id, ...price(least) })).toBe('ok')
      expect(await codeOf(tutor, 'offerings.publish', { id })).toBe('ok')
      expect(await codeOf(tutor, 'offerings.update', { id, ...price(least - 1) })).toBe('price_below_minimum')
      expect(await codeOf(tutor, 'offerings.update', { id, ...price(0) })).toBe('ok')
    }
  })

  it("C18 a price that names no currency is in the organisation's", async () => {
    const orgId = randomUUID()
    const createdAt = server.now()
    await createOrganisation(server.database, {
      id: orgId,
      name: orgId,
      createdAt,
      settings: { currency: 'GHS' },
    })
    const admin = await anActor(server, ['admin'], orgId)
    const tutor = await aTutor(server, { orgId, admin })
    const id = await aPack(tutor, { price: { minor: 5_000 } })
    expect(await offeringFor(tutor, id)).toMatchObject({ price: { minor: 5_000, currency: 'GHS' } })
    await done(tutor, 'offerings.update', { id, price: { minor: 5_000, currency: 'KES' } })
    await done(tutor, 'offerings.update', { id, price: { minor: 6_000 } })
    expect(await offeringFor(tutor, id)).toMatchObject({ price: { minor: 6_000, currency: 'KES' } })
  })

  it('S2.25 S2.26 S2.33 scheduling is consistent when it is published', async () => {
    const { tutor } = await aCatalogue(server)
    await expect(aPack(tutor, { schedulingType: 'strict' })).rejects.toThrow('scheduling_inconsistent')
    await expect(aPack(tutor, { minWeeklyClasses: 8, maxDailyLessons: 1 })).rejects.toThrow(
      'scheduling_inconsistent',
    )
    const id = await aPack(tutor, { schedulingType: 'strict', isPublished: false })
    expect(await codeOf(tutor, 'offerings.publish', { id })).toBe('scheduling_inconsistent')
    await done(tutor, 'offerings.update', {
      id,
      maxPeriodValue: 3,
      maxPeriodUnit: 'months',
      isPublished: true,
    })
    expect(await offeringFor(tutor, id)).toMatchObject({ publication: 'published' })
    expect(await codeOf(tutor, 'offerings.update', { id, maxPeriodUnit: null })).toBe(
      'scheduling_inconsistent',
    )
  })

  it('of the other kind are refused', async () => {
    const { tutor } = await aCatalogue(server)
    const [pack, course] = [await aPack(tutor), await aCourse(tutor)]
    expect(await codeOf(tutor, 'offerings.update', { id: pack, durationMinutes: 90 })).toBe('invalid_input')
    expect(await codeOf(tutor, 'offerings.update', { id: course, schedulingType: 'strict' })).toBe(
      'invalid_input',
    )
  })

  it('S4.11 its modules keep their ids and their order', async () => {
    const { learner, tutor } = await aCatalogue(server)
    const id = await aCourse(tutor)
    const first = await done(tutor, 'offerings.setModules', {
      id,
      modules: [{ title: 'Scales' }, { title: 'Chords' }],
    })
    const [scales, chords] = first.data.modules
    const modules = [{ ...chords, title: 'Chords II' }, scales]
    await done(tutor, 'offerings.setModules', { id, modules })
    expect((await offeringFor(learner, id)).modules).toEqual(modules)
    const many = Array.from({ length: 201 }, (_, index) => ({ title: `Module ${index}` }))
    expect(await codeOf(tutor, 'offerings.setModules', { id, modules: many })).toBe('invalid_input')
    expect(await codeOf(tutor, 'offerings.setModules', { id, modules: [scales, scales] })).toBe(
      'invalid_input',
    )
    expect(await codeOf(learner, 'offerings.setModules', { id, modules: [] })).toBe('forbidden')
  })
})

describe('deletion', () => {
  it('S2.6 is soft, and hides it from everybody', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    expect(await codeOf(learner, 'offerings.delete', { id })).toBe('forbidden')
    // Whether anybody is enrolled is asked first.
    expect(await done(tutor, 'offerings.delete', { id })).toMatchObject({ state: 'deleting', allowed: [] })
    await deleted(tutor, id)
    for (const client of [tutor, admin, learner]) {
      expect(await codeOf(client, 'offerings.get', { id })).toBe('not_found')
      expect(await codeOf(client, 'offerings.update', { id, title: 'Back' })).toBe('not_found')
      expect(await idsOf(client)).toEqual([])
    }
    const rows = await server.database.sql.query(
      { name: 'test_offering_row', text: 'select visibility from offering where id = $1' },
      [id],
    )
    expect(rows).toEqual([{ visibility: 'deleted' }])
  })

  it('S2.54 S2.66.10 is refused while somebody is enrolled, which says how many', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    const enrollmentId = await anEnrollment(learner, id)
    for (const client of [tutor, admin])
      expect(await client.call('offerings.delete', { id })).toMatchObject({
        error: {
          code: 'has_enrollments',
          details: { count: 1 },
          message: expect.stringContaining('unpublish'),
        },
      })
    expect(await codeOf(learner, 'offerings.delete', { id })).toBe('forbidden')
    await done(learner, 'enrollments.drop', { id: enrollmentId })
    expect(await codeOf(tutor, 'offerings.delete', { id })).toBe('ok')
  })

  it('S2.54 is refused while nobody can say whether somebody is enrolled', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    await anEnrollment(learner, id)
    const rename = (from: string, to: string) =>
      server.database.sql.query({ name: `${from}_${to}`, text: `alter table ${from} rename to ${to}` })
    await rename('enrollment', 'broken')
    try {
      for (const client of [tutor, admin])
        expect(await codeOf(client, 'offerings.delete', { id })).toBe('internal')
    } finally {
      await rename('broken', 'enrollment')
    }
    expect(await get(tutor, id)).toMatchObject({ ok: true, state: 'published.approved' })
  })

  it('S2.66.10 removal is for administrators, who say why', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    expect(await codeOf(admin, 'offerings.remove', { id })).toBe('invalid_input')
    expect(await codeOf(admin, 'offerings.remove', { id, reason: '  ' })).toBe('invalid_input')
    for (const client of [tutor, learner])
      expect(await codeOf(client, 'offerings.remove', { id, reason: 'Copied' })).toBe('forbidden')
    await tutor.subscribe({ topics: [`user:${tutor.id}`] })
    expect(await done(admin, 'offerings.remove', { id, reason: 'Copied' })).toMatchObject({
      state: 'removed',
      data: { moderation: 'removed', moderationNote: 'Copied', visibility: 'private' },
    })
    expect(await tutor.next('offering.removed')).toMatchObject({ data: { reason: 'Copied' } })
    expect(await codeOf(admin, 'offerings.clear', { id })).toBe('not_allowed_in_state')
    expect(await codeOf(tutor, 'offerings.publish', { id })).toBe('not_allowed_in_state')
  })
})

it('an offering that is on sale is paid for at its own price, and nothing else is', async () => {
  const paystack = { url: 'http://127.0.0.1:9', secretKey: 'sk_test_0123456789abcdef' }
  const shop = await aServer({ paystack })
  const { admin, learner, tutor } = await aCatalogue(shop)
  const offeringId = await aCourse(tutor, { title: 'Piano', price: naira(500_000) })
  // The list of prices is for what the catalogue does not know.
  const listed = { title: 'Cheap', price: naira(5_000) }
  const asAdmin = http(shop, admin)
  for (const id of [offeringId, UNKNOWN])
    expect(await asAdmin('PUT', `/api/v1/prices/${id}`, { body: listed })).toMatchObject({ status: 200 })
  const initiate = (of: string, amountMinor: number) =>
    learner.call('payments.initiate', { offeringId: of, method: 'paystack', amountMinor })
  const mismatch = (minor: number) => ({
    error: { code: 'amount_mismatch', details: { price: naira(minor) } },
  })
  expect(await initiate(offeringId, 5_000)).toMatchObject(mismatch(500_000))
  expect(await initiate(UNKNOWN, 500_000)).toMatchObject(mismatch(5_000))
  await done(tutor, 'offerings.unpublish', { id: offeringId })
  expect(await initiate(offeringId, 5_000)).toMatchObject({ error: { code: 'not_found' } })
  await done(tutor, 'offerings.publish', { id: offeringId })
  expect(await initiate(offeringId, 500_000)).toMatchObject({ ok: true })
})

const UNKNOWN = randomUUID()

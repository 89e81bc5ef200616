import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { http, outcomeOf, refusal, type Http } from './support/http.ts'
import { aServer, aUser, connect, type Person, type TestServer } from './support/server.ts'

/** In the default organisation of the server, which is the one that nobody in particular sees. */
let server: TestServer
let admin: Person
let tutor: Person
let student: Person
let asAdmin: Http
let asTutor: Http
let asStudent: Http
let nobody: Http
let tutorProfileId: string
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
  admin = await aUser(server, ['admin'])
  student = await aUser(server, ['student'])
  asAdmin = http(server, admin)
  asStudent = http(server, student)
  nobody = http(server)
})
afterAll(async () => {
  for (const end of ends) await end()
})
beforeEach(async () => {
  tutor = await aUser(server, ['instructor'])
  asTutor = http(server, tutor)
  const { body } = await asTutor('POST', '/v1/tutorprofiles', { body: { subjects: ['music'] } })
  tutorProfileId = body.data.id
  await asAdmin('PATCH', `/v1/tutorprofiles/${tutorProfileId}`, { body: { profileStatus: 'approved' } })
})

const aPack = async (fields: object = {}) => {
  const body = { tutorProfileId, title: `Pack ${randomUUID()}`, preliminaryMeetingRequired: true, ...fields }
  const answer = await asTutor('POST', '/v1/coursepacks', { body })
  expect(answer.body.error).toBeUndefined()
  return answer.body.data as { id: string; title: string }
}

const aCourse = async (fields: object = {}) => {
  const body = { title: `Course ${randomUUID()}`, isPublished: true, ...fields }
  const answer = await asTutor('POST', '/api/courses', { body })
  expect(answer.body.error).toBeUndefined()
  return answer.body.data as { courseId: string; title: string }
}

const aCategory = async () => {
  const { body } = await asAdmin('POST', '/v1/coursecategories', {
    body: { name: `Category ${randomUUID()}` },
  })
  return body.data as { id: string; name: string }
}

const idsOf = (answer: { body: { data: { items: { id: string }[] } } }) =>
  answer.body.data.items.map(({ id }) => id).toSorted()

describe('tutor profiles', () => {
  it('S2.66.1 S2.66.3 S2.66.4 S2.66.5 S2.6 are made, shown, changed and deleted', async () => {
    const person = await aUser(server, ['instructor'])
    const ask = http(server, person)
    const about = {
      certifications: ['Grade 8'],
      experience: 'Ten years',
      subjects: ['piano'],
      bio: 'I teach',
      profilePhoto: 'https://example.test/me.jpg',
    }
    const made = await ask('POST', '/v1/tutorprofiles', { body: about })
    const { id } = made.body.data
    expect([made.status, made.headers.get('location'), made.headers.get('etag')]).toEqual([
      201,
      `/v1/tutorprofiles/${id}`,
      '"1"',
    ])
    expect(made.body.data).toMatchObject({
      tutorId: person.id,
      ...about,
      profileStatus: 'pending',
      displayName: person.email,
      isActive: true,
    })
    const path = `/v1/tutorprofiles/${id}`
    expect((await ask('GET', path)).body.data).toEqual(made.body.data)
    const changed = await ask('PATCH', path, { body: { bio: null }, headers: { 'if-match': '"1"' } })
    expect([changed.status, changed.headers.get('etag'), changed.body.data.bio]).toEqual([200, '"2"', null])
    expect(await ask('PATCH', path, { body: { bio: 'x' }, headers: { 'if-match': '"1"' } })).toMatchObject(
      refusal(412, 'version_conflict'),
    )
    expect(await ask('POST', '/v1/tutorprofiles', { body: {} })).toMatchObject(refusal(409, 'already_exists'))
    const key = { 'idempotency-key': randomUUID() }
    for (let time = 1; time <= 2; time++)
      expect(await ask('DELETE', path, { headers: key })).toMatchObject({
        status: 200,
        body: { data: { id, isActive: false } },
      })
    expect(await ask('GET', path)).toMatchObject(refusal(404, 'not_found'))
  })

  it('S2.66.2 are listed by tutor and status, and to everybody when they are approved', async () => {
    const person = await aUser(server, ['instructor'])
    const { body } = await http(server, person)('POST', '/v1/tutorprofiles', { body: {} })
    const { id } = body.data
    const list = (ask: Http, query: string) => ask('GET', `/v1/tutorprofiles?limit=200&${query}`)
    expect(idsOf(await list(nobody, `tutorId=${tutor.id}`))).toEqual([tutorProfileId])
    expect(idsOf(await list(nobody, `tutorId=${person.id}`))).toEqual([])
    expect(idsOf(await list(nobody, 'profileStatus=pending'))).toEqual([])
    expect(idsOf(await list(asAdmin, 'profileStatus=pending'))).toContain(id)
    expect(idsOf(await list(asAdmin, `profileStatus=approved&tutorId=${person.id}`))).toEqual([])
    expect(idsOf(await list(nobody, 'profileStatus=approved'))).toContain(tutorProfileId)
  })

  it('C41 S2.66.4 a tutor approves nobody, and nobody moves a profile', async () => {
    const path = `/v1/tutorprofiles/${tutorProfileId}`
    expect(await asTutor('PATCH', path, { body: { profileStatus: 'approved' } })).toMatchObject(
      refusal(403, 'field_forbidden', { details: [{ path: ['profileStatus'] }] }),
    )
    for (const ask of [asTutor, asAdmin])
      expect(await ask('PATCH', path, { body: { tutorId: student.id } })).toMatchObject(
        refusal(403, 'field_forbidden'),
      )
  })
})

describe('course packs', () => {
  it('S2.66.8 S2.9 have the defaults of the source, and prices in major units with the exact one beside them', async () => {
    const body = { tutorProfileId, preliminaryMeetingRequired: false, moderationStatus: 'removed' }
    const made = await asTutor('POST', '/v1/coursepacks', { body })
    expect([made.status, made.headers.get('location')]).toEqual([201, `/v1/coursepacks/${made.body.data.id}`])
    expect(made.body.data).toEqual({
      id: expect.any(String),
      tutorProfileId,
      tutorId: tutor.id,
      tutorName: tutor.email,
      title: 'default',
      description: null,
      price: 0,
      priceMinor: 0,
      currency: 'NGN',
      category: null,
      categoryId: null,
      schedulingType: 'flexible',
      minWeeklyClasses: null,
      preliminaryMeetingRequired: false,
      isPublished: true,
      maxDailyLessons: null,
      requiredClassesCount: null,
      moderationStatus: 'approved',
      moderationNote: null,
      maxPeriodValue: null,
      maxPeriodUnit: null,
      modules: [],
      isActive: true,
      createdAt: expect.stringMatching(/Z$/),
    })
    for (const missing of [{ preliminaryMeetingRequired: true }, { tutorProfileId }])
      expect(await asTutor('POST', '/v1/coursepacks', { body: missing })).toMatchObject(
        refusal(400, 'invalid_input'),
      )
  })

  it('C6 S2.23 reads major units exactly, and nothing that is none', async () => {
    const { id } = await aPack({ price: 1.15, currency: 'GHS' })
    const path = `/v1/coursepacks/${id}`
    expect((await nobody('GET', path)).body.data).toMatchObject({
      price: 1.15,
      priceMinor: 115,
      currency: 'GHS',
    })
    expect((await asTutor('PATCH', path, { body: { price: 49.99 } })).body.data).toMatchObject({
      price: 49.99,
      priceMinor: 4_999,
      currency: 'GHS',
    })
    for (const price of [-1, 0.001, 1e21, 1e-7, 100_000_000, '49.99', null, [1], { minor: 1 }, true])
      expect([price, outcomeOf(await asTutor('PATCH', path, { body: { price } }))]).toEqual([
        price,
        '400 invalid_input',
      ])
    for (const body of ['{"price":NaN}', '{"price":Infinity}', '{"price":1e999}'])
      expect([body, outcomeOf(await asTutor('PATCH', path, { body }))]).toEqual([body, '400 invalid_input'])
    expect(await asTutor('PATCH', path, { body: { currency: 'USD' } })).toMatchObject(
      refusal(400, 'invalid_input', { details: [{ path: ['currency'] }] }),
    )
    expect((await nobody('GET', path)).body.data.priceMinor).toBe(4_999)
  })

  it('C18 a price that the provider does not take is refused when the pack is published', async () => {
    const body = { tutorProfileId, preliminaryMeetingRequired: true, price: 49.99, currency: 'NGN' }
    expect(await asTutor('POST', '/v1/coursepacks', { body })).toMatchObject(
      refusal(400, 'price_below_minimum'),
    )
    const { id } = await aPack({ price: 49.99, currency: 'NGN', isPublished: false })
    expect(await asTutor('PATCH', `/v1/coursepacks/${id}`, { body: { isPublished: true } })).toMatchObject(
      refusal(400, 'price_below_minimum'),
    )
  })

  it('S2.66.7 are listed by each filter of the source', async () => {
    const category = await aCategory()
    const { id, title } = await aPack({
      category: category.name,
      schedulingType: 'strict',
      maxPeriodValue: 3,
      maxPeriodUnit: 'months',
    })
    const draft = await aPack({ isPublished: false })
    const list = async (ask: Http, query: string) =>
      idsOf(await ask('GET', `/v1/coursepacks?tutorProfileId=${tutorProfileId}&${query}`))
    expect(await list(asTutor, '')).toEqual([id, draft.id].toSorted())
    expect(await list(nobody, '')).toEqual([id])
    for (const query of [
      `courseTitle=${encodeURIComponent(title)}`,
      `category=${encodeURIComponent(category.name)}`,
      `category=${category.id}`,
      'scheduling=strict',
      'published=true',
      `published=true&scheduling=strict&moderationStatus=approved&category=${category.id}`,
    ])
      expect([query, await list(asTutor, query)]).toEqual([query, [id]])
    expect(await list(asTutor, 'scheduling=flexible')).toEqual([draft.id])
    expect(await list(asTutor, 'published=false')).toEqual([draft.id])
    expect(await list(nobody, 'published=false')).toEqual([])
    expect(await list(asTutor, 'moderationStatus=approved')).toEqual([id, draft.id].toSorted())
    expect(await list(asTutor, 'moderationStatus=flagged')).toEqual([])
    const first = await asTutor('GET', `/v1/coursepacks?tutorProfileId=${tutorProfileId}&limit=1`)
    const { next } = first.body.data
    const second = await asTutor(
      'GET',
      `/v1/coursepacks?tutorProfileId=${tutorProfileId}&limit=1&after=${next}`,
    )
    expect([...idsOf(first), ...idsOf(second)]).toEqual([id, draft.id].toSorted())
    expect(second.body.data.next).toBeUndefined()
  })

  it('S2.35 have one title for each tutor', async () => {
    const { title } = await aPack()
    const body = { tutorProfileId, title, preliminaryMeetingRequired: true }
    expect(await asTutor('POST', '/v1/coursepacks', { body })).toMatchObject(refusal(409, 'already_exists'))
  })

  it('S2.66.9 C41 a tutor moderates nothing, and moves nothing to somebody else', async () => {
    const { id } = await aPack()
    const path = `/v1/coursepacks/${id}`
    for (const body of [
      { moderationStatus: 'approved' },
      { moderationNote: 'fine' },
      { tutorProfileId },
      { title: 'x', tutorProfileId: randomUUID() },
    ])
      expect(await asTutor('PATCH', path, { body })).toMatchObject(refusal(403, 'field_forbidden'))
    const body = { moderationStatus: 'flagged', moderationNote: 'looks copied' }
    expect((await asAdmin('PATCH', path, { body })).body.data).toMatchObject(body)
    expect(await nobody('GET', path)).toMatchObject(refusal(404, 'not_found'))
    expect((await asTutor('GET', path)).body.data).toMatchObject(body)
  })

  it('S2.66.10 S2.6 are deleted by their tutor, and taken away by administrators, who say why', async () => {
    const [own, body, query, other] = [await aPack(), await aPack(), await aPack(), await aPack()]
    const path = (pack: { id: string }) => `/v1/coursepacks/${pack.id}`
    expect((await asTutor('DELETE', path(own))).body.data).toMatchObject({
      isActive: false,
      isPublished: false,
    })
    expect(await asTutor('GET', path(own))).toMatchObject(refusal(404, 'not_found'))
    // It is kept, and nobody finds it.
    const [kept] = await server.database.sql.query<{ visibility: string; visibility_idx: number }>(
      { name: 'kept', text: 'select visibility, visibility_idx from offering where id = $1' },
      [own.id],
    )
    expect(kept).toMatchObject({ visibility: 'deleted', visibility_idx: expect.any(Number) })
    expect((await asAdmin('DELETE', path(body), { body: { reason: 'copied' } })).body.data).toMatchObject({
      isActive: false,
      moderationStatus: 'removed',
    })
    expect((await asAdmin('DELETE', `${path(query)}?reason=copied`)).body.data.moderationStatus).toBe(
      'removed',
    )
    for (const wrong of [{}, { reason: '' }, { reason: '   ' }, { reason: 1 }, { reason: 'x', force: true }])
      expect([wrong, outcomeOf(await asAdmin('DELETE', path(other), { body: wrong }))]).toEqual([
        wrong,
        '400 invalid_input',
      ])
    expect(await asAdmin('DELETE', `${path(other)}?reason=a&reason=b`)).toMatchObject(
      refusal(400, 'invalid_input'),
    )
    expect(await asTutor('DELETE', path(other), { body: { reason: 'x' } })).toMatchObject(
      refusal(403, 'forbidden'),
    )
    expect((await nobody('GET', path(other))).body.data.isActive).toBe(true)
  })

  it('are no courses', async () => {
    const { courseId } = await aCourse()
    const path = `/v1/coursepacks/${courseId}`
    expect(await asTutor('GET', path)).toMatchObject(refusal(404, 'not_found'))
    expect(await asTutor('PATCH', path, { body: { title: 'x' } })).toMatchObject(refusal(404, 'not_found'))
    expect(await asTutor('DELETE', path)).toMatchObject(refusal(404, 'not_found'))
    expect(idsOf(await asTutor('GET', `/v1/coursepacks?tutorProfileId=${tutorProfileId}`))).toEqual([])
    const { id } = await aPack()
    for (const [method, body] of [
      ['GET'],
      ['PATCH', { title: 'x' }],
      ['PUT', { title: 'x' }],
      ['DELETE'],
    ] as const)
      expect(await asTutor(method, `/api/courses/${id}`, body ? { body } : {})).toMatchObject(
        refusal(404, 'not_found'),
      )
  })
})

describe('course materials', () => {
  it('S2.66.11–15 S2.39 are made, shown, listed by type, changed and deleted', async () => {
    const { id: coursePackId } = await aPack()
    const body = {
      coursePackId,
      title: 'Scales',
      fileType: 'externalLink',
      linkUrl: 'https://example.test/scales',
    }
    const made = await asTutor('POST', '/v1/coursematerials', { body })
    expect([made.status, made.body.error]).toEqual([201, undefined])
    expect(made.body.data).toMatchObject({ ...body, fileUrl: 'default', description: null, isActive: true })
    const { id } = made.body.data
    const path = `/v1/coursematerials/${id}`
    const plain = await asTutor('POST', '/v1/coursematerials', { body: { coursePackId } })
    expect(plain.body.data).toMatchObject({
      title: 'default',
      fileType: 'file',
      fileUrl: 'default',
      linkUrl: null,
    })

    const list = (query: string) => asTutor('GET', `/v1/coursematerials?coursePackId=${coursePackId}${query}`)
    expect(idsOf(await list('&type=externalLink'))).toEqual([id])
    expect(idsOf(await list(''))).toEqual([id as string, plain.body.data.id as string].toSorted())
    expect(idsOf(await asTutor('GET', '/v1/coursematerials?type=file'))).toEqual([plain.body.data.id])
    expect(await list('&type=zip')).toMatchObject(
      refusal(400, 'invalid_input', { details: [{ path: ['type'] }] }),
    )

    expect((await asTutor('PATCH', path, { body: { description: 'All of them' } })).body.data).toMatchObject({
      description: 'All of them',
      coursePackId,
    })
    expect(await asTutor('PATCH', path, { body: { coursePackId: randomUUID() } })).toMatchObject(
      refusal(403, 'field_forbidden'),
    )
    expect(await asTutor('POST', '/v1/coursematerials', { body })).toMatchObject(
      refusal(409, 'already_exists'),
    )
    expect((await asTutor('DELETE', path)).body.data).toMatchObject({ isActive: false })
    expect(await asTutor('GET', path)).toMatchObject(refusal(404, 'not_found'))
  })

  it('C37 S2.37 want a pack, which is the caller’s own', async () => {
    const { id: coursePackId } = await aPack()
    expect(await asTutor('POST', '/v1/coursematerials', { body: {} })).toMatchObject(
      refusal(400, 'invalid_input', { details: [{ path: ['coursePackId'] }] }),
    )
    const other = http(server, await aUser(server, ['instructor']))
    expect(await other('POST', '/v1/coursematerials', { body: { coursePackId } })).toMatchObject(
      refusal(404, 'not_found'),
    )
  })

  it('S2.45 S2.53 are nobody’s in particular', async () => {
    const { id: coursePackId } = await aPack()
    const { body } = await asTutor('POST', '/v1/coursematerials', { body: { coursePackId } })
    for (const ask of [nobody, asStudent]) {
      expect(await ask('GET', `/v1/coursematerials/${body.data.id}`)).toMatchObject(refusal(404, 'not_found'))
      expect(idsOf(await ask('GET', `/v1/coursematerials?coursePackId=${coursePackId}`))).toEqual([])
      expect(idsOf(await ask('GET', '/v1/coursematerials'))).toEqual([])
    }
  })
})

describe('course categories', () => {
  it('S2.66.16–20 are made, shown, listed by name, changed and deleted', async () => {
    const { id, name } = await aCategory()
    const path = `/v1/coursecategories/${id}`
    expect((await nobody('GET', path)).body.data).toEqual({
      id,
      name,
      description: null,
      icon: '📚',
      isActive: true,
    })
    const find = async (wanted: string) =>
      idsOf(await nobody('GET', `/v1/coursecategories?name=${encodeURIComponent(wanted)}`))
    expect(await find(name)).toEqual([id])
    const changed = await asAdmin('PATCH', path, { body: { icon: '🎹' } })
    expect([changed.status, changed.body.data.icon]).toEqual([200, '🎹'])
    expect(await asAdmin('POST', '/v1/coursecategories', { body: { name } })).toMatchObject(
      refusal(409, 'already_exists'),
    )
    expect(await asTutor('POST', '/v1/coursecategories', { body: { name: 'Mine' } })).toMatchObject(
      refusal(403, 'forbidden'),
    )
    const pack = await aPack({ category: name })
    expect(await asAdmin('DELETE', path)).toMatchObject(refusal(409, 'category_in_use'))
    await asTutor('DELETE', `/v1/coursepacks/${pack.id}`)
    expect((await asAdmin('DELETE', path)).body.data).toMatchObject({ isActive: false })
    expect(await find(name)).toEqual([])
  })
})

describe('whoever is not signed in', () => {
  it('S2.5 S2.7 reads what is public, and nothing else', async () => {
    const { id } = await aPack()
    expect((await nobody('GET', `/v1/coursepacks/${id}`)).headers.get('cache-control')).toBe('no-store')
    for (const path of [
      `/v1/coursepacks/${id}`,
      `/v1/coursepacks?tutorProfileId=${tutorProfileId}`,
      `/v1/tutorprofiles/${tutorProfileId}`,
      '/v1/coursecategories',
      '/api/courses/catalog/list',
      `/api/v1/offerings/${id}`,
      '/api/v1/offerings?kind=course_pack',
      `/api/v1/tutorProfiles/${tutorProfileId}`,
    ])
      expect([path, outcomeOf(await nobody('GET', path))]).toEqual([path, '200 ok'])
    for (const [method, path] of [
      ['POST', '/v1/coursepacks'],
      ['PATCH', `/v1/coursepacks/${id}`],
      ['DELETE', `/v1/coursepacks/${id}`],
      ['PUT', `/v1/coursepacks/${id}`],
      ['POST', '/api/courses'],
      ['POST', `/api/courses/${id}/media`],
      ['GET', `/api/v1/offerings/${id}/journal`],
      ['GET', `/api/v1/tutorProfiles/${tutorProfileId}/journal`],
      ['POST', `/api/v1/offerings/${id}/publish`],
      ['GET', '/api/v1/mentors'],
    ] as const)
      expect([method, path, outcomeOf(await nobody(method, path))]).toEqual([
        method,
        path,
        '401 unauthenticated',
      ])
  })

  it('S2.5 a token that is sent has to be good, also where none is needed', async () => {
    for (const authorization of ['Bearer nonsense', 'Basic eDp5', `Bearer ${student.token}x`])
      for (const path of ['/v1/coursecategories', '/api/courses/catalog/list', '/api/v1/categories'])
        expect([authorization, outcomeOf(await nobody('GET', path, { headers: { authorization } }))]).toEqual(
          [authorization, '401 unauthenticated'],
        )
  })

  it('S4.45 is counted by address, apart from those who are signed in', async () => {
    const limited = await aServer({ requestsPerMinute: 3, trustedProxies: ['127.0.0.1'] })
    const person = http(limited, await aUser(limited, ['student']))
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
    const ask = (address: string) => http(limited)('GET', '/v1/coursecategories', from(address))
    for (let time = 1; time <= 3; time++) expect((await ask('203.0.113.7')).status).toBe(200)
    const refused = await ask('203.0.113.7')
    expect(refused).toMatchObject(refusal(429, 'rate_limited', { retryAfterMs: expect.any(Number) }))
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await ask('203.0.113.8')).status).toBe(200)
    expect((await person('GET', '/v1/coursecategories', from('203.0.113.7'))).status).toBe(200)
    // One customer has as many addresses of version 6 as he likes.
    for (let time = 1; time <= 3; time++) expect((await ask(`2001:db8::${time}`)).status).toBe(200)
    expect((await ask('2001:db8::9')).status).toBe(429)
  })
})

describe('methods', () => {
  it('PATCH is one of them, and what is not possible says what is', async () => {
    const { id } = await aPack()
    for (const [method, path, allow] of [
      ['PUT', `/v1/coursepacks/${id}`, 'GET, PATCH, DELETE'],
      ['POST', `/v1/coursepacks/${id}`, 'GET, PATCH, DELETE'],
      ['PATCH', '/v1/coursepacks', 'GET, POST'],
      ['DELETE', '/v1/coursematerials', 'GET, POST'],
      ['POST', '/api/courses/catalog/list', 'GET'],
      ['POST', `/api/courses/${randomUUID()}`, 'GET, PATCH, PUT, DELETE'],
      ['PATCH', '/api/v1/offerings', 'GET, POST'],
    ] as const) {
      const answer = await asTutor(method, path, { body: {} })
      expect([path, outcomeOf(answer)]).toEqual([path, '405 unknown_command'])
      const given = answer.headers.get('allow')!.split(', ').toSorted()
      expect([path, given]).toEqual([path, allow.split(', ').toSorted()])
    }
  })
})

describe('filters that are none', () => {
  const HOSTILE = [
    `' or 1=1 --`,
    `'; drop table offering; --`,
    '%',
    '_',
    '\\',
    '{"$ne":null}',
    '$1',
    '١٢',
    '🎹',
  ]

  it('find nothing, or are refused; nothing is written and nothing fails', async () => {
    await aPack()
    for (const hostile of HOSTILE) {
      const value = encodeURIComponent(hostile)
      for (const query of ['coursepacks?courseTitle', 'coursepacks?category', 'coursecategories?name']) {
        const answer = await nobody('GET', `/v1/${query}=${value}`)
        expect([query, hostile, outcomeOf(answer)]).toEqual([query, hostile, '200 ok'])
        expect(answer.body.data.items).toEqual([])
      }
      for (const query of [
        '/v1/coursepacks?scheduling',
        '/v1/coursepacks?published',
        '/v1/coursepacks?moderationStatus',
        '/v1/coursepacks?tutorProfileId',
        '/v1/tutorprofiles?tutorId',
        '/v1/tutorprofiles?profileStatus',
        '/v1/coursematerials?type',
        '/v1/coursepacks?limit',
        '/api/courses/catalog/list?difficulty',
        '/api/courses/catalog/list?duration',
      ])
        expect([query, hostile, outcomeOf(await nobody('GET', `${query}=${value}`))]).toEqual([
          query,
          hostile,
          '400 invalid_input',
        ])
    }
  })

  it('are refused when they are lists, operators, unknown or said twice', async () => {
    for (const query of [
      'coursepacks?courseTitle=a&courseTitle=b',
      'coursepacks?courseTitle[]=a',
      'coursepacks?courseTitle[$ne]=a',
      'coursepacks?price[$gt]=0',
      'coursepacks?visibility=private',
      'coursepacks?kind=course',
      'coursepacks?ownerId=x',
      'coursepacks?isActive=false',
      'coursepacks?__proto__=x',
      'coursepacks?constructor=x',
      'coursepacks?published=true&published=false',
      'coursepacks?published=1',
      'coursepacks?limit=0',
      'coursepacks?limit=201',
      'coursepacks?courseTitle=',
      `coursepacks?courseTitle=${'x'.repeat(101)}`,
      `coursepacks?category=${'x'.repeat(101)}`,
      'coursepacks?courseTitle=%00',
      'tutorprofiles?standing=deleted',
      'coursematerials?position=1',
      'coursecategories?name=a&name=b',
      `coursecategories/${randomUUID()}?name=x`,
      'coursecategories/not-an-id',
    ])
      for (const ask of [nobody, asAdmin])
        expect([query, outcomeOf(await ask('GET', `/v1/${query}`))]).toEqual([query, '400 invalid_input'])
    // A cursor that nobody gave out finds nothing.
    expect(idsOf(await nobody('GET', '/v1/coursepacks?after=x'))).toEqual([])
  })
})

describe('bodies that are none', () => {
  it('are refused with a reason, and nothing is written', async () => {
    const { id } = await aPack()
    for (const body of [
      '{',
      '[]',
      'null',
      '"x"',
      '1',
      '{"__proto__":{}}',
      '{"title":"a\\u0000"}',
      '{"title":"\\ud800"}',
    ]) {
      expect([body, outcomeOf(await asTutor('PATCH', `/v1/coursepacks/${id}`, { body }))]).toEqual([
        body,
        '400 invalid_input',
      ])
      expect([body, outcomeOf(await asTutor('POST', '/v1/coursepacks', { body }))]).toEqual([
        body,
        '400 invalid_input',
      ])
    }
    for (const title of ['', '   ', 'x'.repeat(10_000), 'a\nb', 1, null, ['x'], { $ne: 1 }])
      expect([
        title,
        outcomeOf(await asTutor('PATCH', `/v1/coursepacks/${id}`, { body: { title } })),
      ]).toEqual([title, '400 invalid_input'])
    for (const title of ['דרך 🎹', 'مقدمة', 'x'.repeat(100)])
      expect((await asTutor('PATCH', `/v1/coursepacks/${id}`, { body: { title } })).body.data.title).toBe(
        title,
      )
    for (const fields of [
      { durationMinutes: 1 },
      { difficulty: 'beginner' },
      { kind: 'course' },
      { id },
      { ownerId: tutor.id },
    ])
      expect([fields, outcomeOf(await asTutor('PATCH', `/v1/coursepacks/${id}`, { body: fields }))]).toEqual([
        fields,
        '400 invalid_input',
      ])
    expect(await asTutor('PATCH', `/v1/coursepacks/${id}?title=x`, { body: {} })).toMatchObject(
      refusal(400, 'invalid_input'),
    )
  })
})

describe('courses', () => {
  it('S4.10 are listed for everybody, with the fields of the source', async () => {
    const category = await aCategory()
    const { courseId } = await aCourse({
      category: category.name,
      difficulty: 'advanced',
      duration: 90,
      price: 49.99,
      currency: 'USD',
      coverImageUrl: 'https://example.test/cover.png',
      description: 'Everything',
      title: 'Harmony',
    })
    const list = (query: string) =>
      nobody('GET', `/api/courses/catalog/list?category=${category.id}&${query}`)
    const found = await list('')
    expect(found.body).toEqual({
      status: 'success',
      data: {
        courses: [
          {
            courseId,
            title: 'Harmony',
            instructor: tutor.email,
            rating: null,
            duration: 90,
            category: category.name,
            coverImageUrl: 'https://example.test/cover.png',
            description: 'Everything',
            price: 49.99,
            priceMinor: 4_999,
            currency: 'USD',
            difficulty: 'advanced',
          },
        ],
      },
      timestamp: expect.stringMatching(/Z$/),
    })
    for (const [query, count] of [
      ['difficulty=advanced&duration=90', 1],
      ['duration=60-120', 1],
      ['duration=90-', 1],
      ['duration=-90', 1],
      ['duration=91-', 0],
      ['duration=-89', 0],
      ['duration=60', 0],
      ['difficulty=beginner', 0],
    ] as const)
      expect([query, (await list(query)).body.data.courses.length]).toEqual([query, count])
    for (const query of [
      'duration=x',
      'duration=1-2-3',
      'duration=-',
      'duration=1.5',
      'difficulty=hard',
      'page=1',
    ])
      expect([query, outcomeOf(await list(query))]).toEqual([query, '400 invalid_input'])
  })

  it('S4.10 are the same for their instructor and administrators: those that everybody sees', async () => {
    const category = await aCategory()
    const { courseId } = await aCourse({ category: category.name })
    await aCourse({ category: category.name, isPublished: false })
    await aPack({ category: category.name })
    for (const ask of [nobody, asStudent, asTutor, asAdmin]) {
      const { body } = await ask('GET', `/api/courses/catalog/list?category=${category.id}`)
      expect(body.data.courses.map((course: { courseId: string }) => course.courseId)).toEqual([courseId])
    }
  })

  it('C21 are made, shown, changed by PATCH and PUT, and deleted', async () => {
    const body = { title: `Course ${randomUUID()}`, duration: 60 }
    const made = await asTutor('POST', '/api/courses', { body })
    const { courseId } = made.body.data
    expect([made.status, made.headers.get('location')]).toEqual([201, `/api/courses/${courseId}`])
    expect(made.body.data).toMatchObject({
      ...body,
      isPublished: false,
      isActive: true,
      instructorId: tutor.id,
    })
    const path = `/api/courses/${courseId}`
    expect(await nobody('GET', path)).toMatchObject(refusal(404, 'not_found'))
    const published = await asTutor('PATCH', path, { body: { isPublished: true } })
    expect([published.status, published.body.data.isPublished]).toEqual([200, true])
    expect((await asTutor('PUT', path, { body: { duration: null, price: 0 } })).body.data).toMatchObject({
      title: body.title,
      duration: null,
      price: 0,
      isPublished: true,
    })
    expect((await nobody('GET', path)).body.data).toMatchObject({ courseId, duration: null })
    expect(await asStudent('PUT', path, { body: { title: 'Mine' } })).toMatchObject(refusal(403, 'forbidden'))
    expect(await asTutor('PUT', path, { body: { schedulingType: 'strict' } })).toMatchObject(
      refusal(400, 'invalid_input'),
    )
    expect(await asAdmin('DELETE', path)).toMatchObject(refusal(400, 'invalid_input'))
    expect((await asTutor('DELETE', path)).body.data).toMatchObject({ isActive: false })
    expect(await asTutor('GET', path)).toMatchObject(refusal(404, 'not_found'))
    const other = await aCourse()
    expect(
      (await asAdmin('DELETE', `/api/courses/${other.courseId}`, { body: { reason: 'copied' } })).body.data,
    ).toMatchObject({ isActive: false, moderationStatus: 'removed' })
  })

  it('S4.40 S4.11 C21 have media, in their order', async () => {
    const { courseId } = await aCourse()
    const path = `/api/courses/${courseId}/media`
    const add = (index: number, fields: object = {}) =>
      asTutor('POST', path, {
        body: { mediaType: 'video', mediaUrl: `https://example.test/${index}.mp4`, index, ...fields },
      })
    const made = await add(7)
    expect([made.status, made.headers.get('location')]).toEqual([
      201,
      `/v1/coursematerials/${made.body.data.mediaId}`,
    ])
    expect(made.body.data).toMatchObject({
      courseId,
      instructorId: tutor.id,
      mediaType: 'video',
      mediaUrl: 'https://example.test/7.mp4',
      index: 7,
      uploadedAt: expect.stringMatching(/Z$/),
    })
    for (const index of [3, 11, 0, 5]) expect((await add(index)).status).toBe(201)
    expect((await add(3, { mediaType: 'image' })).status).toBe(201)
    const indexes: number[] = []
    let after = ''
    do {
      const { body } = await asTutor('GET', `${path}?limit=2${after}`)
      indexes.push(...body.data.media.map(({ index }: { index: number }) => index))
      after = body.data.next ? `&after=${encodeURIComponent(body.data.next)}` : ''
    } while (after)
    expect(indexes).toEqual([0, 3, 3, 5, 7, 11])

    for (const fields of [
      { mediaType: 'file' },
      { index: -1 },
      { index: 1.5 },
      { mediaUrl: 'javascript:alert(1)' },
    ])
      expect([fields, outcomeOf(await add(20, fields))]).toEqual([fields, '400 invalid_input'])
    expect(await add(3)).toMatchObject(refusal(409, 'already_exists'))
    expect((await nobody('GET', path)).body.data.media).toEqual([])
    for (const ask of [nobody, asTutor, asAdmin])
      for (const id of [randomUUID(), (await aPack()).id])
        expect(await ask('GET', `/api/courses/${id}/media`)).toMatchObject(refusal(404, 'not_found'))
    expect(
      await asStudent('POST', path, {
        body: { mediaType: 'image', mediaUrl: 'https://x.test/a.png', index: 1 },
      }),
    ).toMatchObject(refusal(403, 'forbidden'))
  })
})

describe('S2.66 /catalog', () => {
  it('has the operations of the catalogue under their names, and all others under those of /live', async () => {
    const client = await connect(server, tutor, '/catalog')
    const title = `Pack ${randomUUID()}`
    const made = await client.call('createCoursePack', {
      tutorProfileId,
      title,
      preliminaryMeetingRequired: true,
      price: { minor: 10_000, currency: 'NGN' },
    })
    expect(made).toMatchObject({ ok: true, version: 1, state: 'published.approved', data: { title } })
    const { id } = made
    expect(await client.call('getCoursePack', { id })).toMatchObject({ ok: true, data: { title } })
    expect((await client.call('listCoursePacks', { tutorProfileId })).data.items).toHaveLength(1)
    await client.subscribe({ topics: [`offering:${id}`] })
    expect(await client.call('updateCoursePack', { id, description: 'New' })).toMatchObject({
      ok: true,
      version: 2,
    })
    expect(await client.next('offering.updated')).toMatchObject({ actor: { id }, version: 2 })
    expect(await client.call('offerings.unpublish', { id })).toMatchObject({ ok: true })
    expect(await client.call('categories.list')).toMatchObject({ ok: true })
    for (const foreign of ['mentors.list', 'payments.list', 'unpublish', 'removeCoursePack', 'toString'])
      expect(await client.call(foreign, { id })).toMatchObject({ error: { code: 'unknown_command' } })

    const course = await client.call('offerings.createCourse', { title: `Course ${randomUUID()}` })
    expect(course).toMatchObject({ ok: true })
    const gone = { ok: false, error: { code: 'not_found', message: 'no such course pack' } }
    expect(await client.call('getCoursePack', { id: course.id })).toMatchObject(gone)
    expect(await client.call('updateCoursePack', { id: course.id, title: 'x' })).toMatchObject(gone)
    expect(await client.call('deleteCoursePack', { id: course.id })).toMatchObject(gone)
    for (const wrong of [
      { kind: 'course' },
      { difficulty: 'beginner' },
      { title: { $ne: 1 } },
      [],
      'x',
      null,
    ])
      expect(await client.call('listCoursePacks', wrong as object)).toMatchObject({
        error: { code: 'invalid_input' },
      })
  })

  it('S2.66.10 deleteCoursePack is what its owner asks for, and with a reason what administrators decide', async () => {
    const asOwner = await connect(server, tutor, '/catalog')
    const asDecider = await connect(server, admin, '/catalog')
    const [own, other] = [await aPack(), await aPack()]
    const commandId = randomUUID()
    const first = await asOwner.call('deleteCoursePack', { id: own.id, commandId })
    expect(first).toMatchObject({ ok: true, state: 'deleting' })
    expect(await asOwner.call('deleteCoursePack', { id: own.id, commandId })).toEqual(first)
    expect(await asDecider.call('deleteCoursePack', { id: other.id })).toMatchObject({
      error: { code: 'invalid_input', details: [{ path: ['reason'] }] },
    })
    expect(await asOwner.call('deleteCoursePack', { id: other.id, reason: 'mine' })).toMatchObject({
      error: { code: 'forbidden' },
    })
    expect(await asDecider.call('deleteCoursePack', { id: other.id, reason: 'copied' })).toMatchObject({
      ok: true,
      state: 'removed',
      data: { moderation: 'removed' },
    })
  })
})

import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { offering } from '../actors/offering.ts'
import { searchText } from '../persistence/text-search.ts'
import { aDatabase } from './support/database.ts'
import { http } from './support/http.ts'
import { anOrganisation, aServer, aUser, connect, type Client, type TestServer } from './support/server.ts'

/** Search over offerings, profiles and materials, through the socket (where a route is named: HTTP). */

let server: TestServer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})

/** An organisation with an administrator, a tutor whose profile is approved, and a learner. */
const aCatalog = async (home?: string) => {
  const orgId = home ?? (await anOrganisation(server))
  const [adminUser, tutorUser, learnerUser] = await Promise.all([
    aUser(server, ['admin'], orgId),
    aUser(server, ['instructor'], orgId),
    aUser(server, ['student'], orgId),
  ])
  const admin = await connect(server, adminUser)
  const tutor = await connect(server, tutorUser)
  const learner = await connect(server, learnerUser)
  const profile = await tutor.call('tutorProfiles.create', { subjects: ['Music'] })
  // Until then it is called by a random address, parts of which might be found.
  await done(tutor, 'tutorProfiles.update', { id: profile.id, displayName: 'Ada' })
  await done(admin, 'tutorProfiles.approve', { id: profile.id })
  const offer = async (title: string, others: object = {}) =>
    (await done(tutor, 'offerings.createCourse', { title, isPublished: true, ...others })).id as string
  return { orgId, admin, tutor, learner, learnerUser, profileId: profile.id as string, offer }
}

const done = async (client: Client, name: string, payload: object) => {
  const reply = await client.call(name, payload)
  if (!reply.ok) throw new Error(`${name}: ${reply.error.code} ${reply.error.message}`)
  return reply
}

type Item = { view: { title: string; displayName: string } }

const titles = async (client: Client, text: string, others: object = {}): Promise<string[]> => {
  const { data } = await done(client, 'offerings.search', { text, ...others })
  return data.items.map(({ view }: Item) => view.title)
}

/** All pages, one after another. */
const allPages = async (client: Client, text: string, limit: number) => {
  const pages: string[][] = []
  let after: string | undefined
  do {
    const { data } = await done(client, 'offerings.search', { text, limit, ...(after ? { after } : {}) })
    pages.push(data.items.map(({ id }: { id: string }) => id))
    after = data.next
  } while (after !== undefined && pages.length < 100)
  return pages
}

describe('what is found first', () => {
  it('is the title that is the text, then whole words of titles, beginnings of words, and the rest', async () => {
    const { learner, offer } = await aCatalog()
    await offer('Drawing', { description: 'One hour of piano music beside every lesson.' })
    await offer('Pianos and how they are built')
    await offer('Jazz piano for adults')
    await offer('Piano')
    expect(await titles(learner, 'piano')).toEqual([
      'Piano',
      'Jazz piano for adults',
      'Pianos and how they are built',
      'Drawing',
    ])
  })

  it('S2.10 S2.36 has all words of the text, wherever they stand', async () => {
    const { learner, offer } = await aCatalog()
    await offer('Spanish conversation', { description: 'In the evening, for travellers.' })
    await offer('Spanish grammar')
    await offer('French conversation')
    expect(await titles(learner, 'travellers spanish')).toEqual(['Spanish conversation'])
    expect(await titles(learner, 'conversation, SPANISH!')).toEqual(['Spanish conversation'])
  })

  it('may be found by its category and by the terms of a pack', async () => {
    const { admin, tutor, learner, profileId, offer } = await aCatalog()
    await done(admin, 'categories.create', { name: 'Natural sciences' })
    await offer('Beetles', { category: 'Natural sciences', difficulty: 'advanced' })
    await done(tutor, 'offerings.createCoursePack', {
      tutorProfileId: profileId,
      title: 'Twelve lessons',
      preliminaryMeetingRequired: false,
      schedulingType: 'flexible',
    })
    expect(await titles(learner, 'sciences')).toEqual(['Beetles'])
    expect(await titles(learner, 'advanced')).toEqual(['Beetles'])
    expect(await titles(learner, 'flexible')).toEqual(['Twelve lessons'])
  })
})

it('is read page by page to the end, each one once, misspelt or not', async () => {
  const { learner, offer } = await aCatalog()
  const made = await Promise.all(
    Array.from({ length: 8 }, (_, index) => offer(`Chemistry, part ${index}`, { description: 'Acids' })),
  )
  for (const text of ['chemistry', 'chemsitry', 'acids', 'chem'])
    for (const limit of [1, 3, 8]) {
      const pages = await allPages(learner, text, limit)
      expect(pages.flat().toSorted()).toEqual(made.toSorted())
      expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true)
    }
})

it.each([
  ['pyhton', 'Python from zero'],
  ['pythn', 'Python from zero'],
  ['gitar', 'Guitar for beginners'],
  ['gutiar begginers', 'Guitar for beginners'],
  ['enlgish', 'English conversation'],
  ['mathmatics', 'Mathematics year 9'],
  ['photografy', 'Photography'],
  ['фортепьяно', 'Уроки фортепиано'],
])('finds %s although it is misspelt', async (text, title) => {
  const { learner, offer } = await aCatalog()
  await offer(title)
  await offer('Swimming')
  expect(await titles(learner, text)).toEqual([title])
})

it('puts what was said before what is similar', async () => {
  const { learner, offer } = await aCatalog()
  await offer('German for adults')
  await offer('Germanic languages')
  await offer('Germany, a history')
  expect((await titles(learner, 'germany')).at(0)).toBe('Germany, a history')
})

it.each(['gui', 'guit', 'guitar les', 'Guitar lessons f'])('finds what begins with %s', async (text) => {
  const { learner, offer } = await aCatalog()
  await offer('Guitar lessons for beginners')
  await offer('Violin for beginners')
  expect(await titles(learner, text)).toEqual(['Guitar lessons for beginners'])
})

it.each([
  ['Гитара для начинающих', ['гитара', 'ГИТАРА', 'гит', 'начинающих гитара']],
  ['اللغة العربية للمبتدئين', ['العربية', 'للمبتدئين']],
  ['עברית למתחילים', ['עברית']],
  ['數學入門', ['數學', '數']],
  ['Ελληνικά για αρχάριους', ['ΕΛΛΗΝΙΚΆ', 'ελλην']],
  ['🎸 Rock & Roll 🤘', ['🎸', '🤘🎸', 'rock 🎸', 'rock roll']],
  ['C++ and node.js, step-by-step', ['c++', 'node', 'js', 'step-by-step', 'step by step']],
  ["L'école d'été", ['école', 'été', "l'école", 'ÉCOLE']],
])('finds %s in its own script', async (title, texts) => {
  const { learner, offer } = await aCatalog()
  await offer(title)
  await offer('Something else')
  for (const text of texts) expect([text, await titles(learner, text)]).toEqual([text, [title]])
})

describe('what may not be seen', () => {
  it('is not found, and takes no place on a page', async () => {
    const { admin, tutor, learner, profileId, offer } = await aCatalog()
    const stranger = await aCatalog()
    await stranger.offer('Astronomy elsewhere')
    await offer('Astronomy draft', { isPublished: false })
    const flagged = await offer('Astronomy flagged')
    await done(admin, 'offerings.flag', { id: flagged, note: 'zanzibar' })
    await done(tutor, 'offerings.delete', { id: await offer('Astronomy deleted') })
    await offer('Astronomy one')
    await offer('Astronomy two')
    const { data } = await done(learner, 'offerings.search', { text: 'astronomy', limit: 2 })
    expect(data.items.map(({ view }: Item) => view.title).toSorted()).toEqual([
      'Astronomy one',
      'Astronomy two',
    ])
    expect(data).not.toHaveProperty('next')
    expect((await titles(tutor, 'astronomy')).toSorted()).toEqual([
      'Astronomy draft',
      'Astronomy flagged',
      'Astronomy one',
      'Astronomy two',
    ])
    expect(await titles(learner, 'elsewhere')).toEqual([])

    await done(admin, 'tutorProfiles.reject', { id: profileId, note: 'not now' })
    await expect.poll(() => titles(learner, 'astronomy'), { timeout: 10_000 }).toEqual([])
  })

  it('S2.36 is no word of a note of moderation, not even for those who wrote it', async () => {
    const { admin, tutor, offer } = await aCatalog()
    const id = await offer('Geology')
    await done(admin, 'offerings.flag', { id, note: 'zanzibar' })
    expect((await done(admin, 'offerings.get', { id })).data).toMatchObject({ moderationNote: 'zanzibar' })
    for (const client of [admin, tutor]) {
      expect(await titles(client, 'geology')).toEqual(['Geology'])
      expect(await titles(client, 'zanzibar')).toEqual([])
    }
  })

  it('is what an offering said before it was changed', async () => {
    const { tutor, learner, offer } = await aCatalog()
    const id = await offer('Knitting')
    await done(tutor, 'offerings.update', { id, title: 'Weaving' })
    expect(await titles(learner, 'knitting')).toEqual([])
    expect(await titles(learner, 'weavin')).toEqual(['Weaving'])
  })

  it('cannot be asked for with the values that the index keeps for itself', async () => {
    const { orgId, learner, offer } = await aCatalog()
    await offer('Ceramics')
    for (const text of [`org_id=${orgId}`, 'visibility=public', `'visibility=public'`, 'kind=course'])
      expect(await titles(learner, text)).toEqual([])
  })
})

it('is narrowed by every filter, and by several', async () => {
  const { admin, tutor, learner, profileId, offer } = await aCatalog()
  await done(admin, 'categories.create', { name: 'Languages' })
  await offer('Dutch cheap', { price: { minor: 100_000 }, difficulty: 'beginner', category: 'Languages' })
  await offer('Dutch dear', { price: { minor: 900_000 }, difficulty: 'advanced' })
  await done(tutor, 'offerings.createCoursePack', {
    tutorProfileId: profileId,
    title: 'Dutch pack',
    preliminaryMeetingRequired: true,
    schedulingType: 'strict',
    maxPeriodValue: 3,
    maxPeriodUnit: 'months',
    category: 'Languages',
  })
  const found = (filters: object) => titles(learner, 'dutch', filters).then((all) => all.toSorted())
  expect(await found({})).toEqual(['Dutch cheap', 'Dutch dear', 'Dutch pack'])
  expect(await found({ kind: 'course' })).toEqual(['Dutch cheap', 'Dutch dear'])
  expect(await found({ category: 'Languages' })).toEqual(['Dutch cheap', 'Dutch pack'])
  expect(await found({ category: 'Nothing' })).toEqual([])
  expect(await found({ scheduling: 'strict' })).toEqual(['Dutch pack'])
  expect(await found({ difficulty: 'advanced' })).toEqual(['Dutch dear'])
  expect(await found({ maxPriceMinor: 100_000 })).toEqual(['Dutch cheap', 'Dutch pack'])
  expect(await found({ kind: 'course', maxPriceMinor: 100_000, category: 'Languages' })).toEqual([
    'Dutch cheap',
  ])
})

it('is the same over HTTP', async () => {
  const { learnerUser, offer } = await aCatalog()
  await offer('Beekeeping')
  const get = http(server, learnerUser)
  const { status, body } = await get('GET', '/api/v1/offerings/search?text=bekeeping&maxPriceMinor=0&limit=5')
  expect(status).toBe(200)
  expect(body.data.items.map(({ view }: Item) => view.title)).toEqual(['Beekeeping'])
})

it('needs no sign-in, and finds then what everybody sees', async () => {
  const { tutor, offer } = await aCatalog(server.defaultOrgId)
  await offer('Glassblowing')
  await offer('Glassblowing draft', { isPublished: false })
  const nobody = http(server)
  const { status, body } = await nobody('GET', '/api/v1/offerings/search?text=glassblow')
  expect(status).toBe(200)
  expect(body.data.items.map(({ view }: Item) => view.title)).toEqual(['Glassblowing'])
  expect(await titles(tutor, 'glassblow')).toHaveLength(2)
  expect((await nobody('GET', '/api/v1/tutorProfiles/search?text=ada')).body.data.items).toHaveLength(1)
  expect((await nobody('GET', '/api/v1/offerings/search')).status).toBe(400)
})

it('S2.10 finds tutors by name, subject and what they say, and only those that are approved', async () => {
  const { admin, tutor, learner, orgId, profileId } = await aCatalog()
  const about = { displayName: 'Zoë Müller', subjects: ['Piano', 'Music theory'], bio: 'Taught in Lagos.' }
  await done(tutor, 'tutorProfiles.update', { id: profileId, ...about })
  const pending = await connect(server, await aUser(server, ['instructor'], orgId))
  await done(pending, 'tutorProfiles.create', { subjects: ['Piano'] })
  const names = async (client: Client, text: string, others: object = {}) => {
    const { data } = await done(client, 'tutorProfiles.search', { text, ...others })
    return data.items.map(({ view }: Item) => view.displayName)
  }
  for (const text of ['zoë', 'muller', 'mülelr', 'piano', 'theory', 'lagos'])
    expect([text, await names(learner, text)]).toEqual([text, ['Zoë Müller']])
  expect(await names(admin, 'piano')).toHaveLength(2)
  expect(await names(admin, 'piano', { profileStatus: 'approved' })).toEqual(['Zoë Müller'])
})

it('S2.10 finds materials for whom they are, best first', async () => {
  const { admin, tutor, learner, offer } = await aCatalog()
  const offeringId = await offer('Botany')
  for (const [title, description] of [
    ['Herbarium', 'Ferns, pressed'],
    ['Ferns', null],
    ['Mosses', null],
  ])
    await done(tutor, 'materials.create', { offeringId, title, description, kind: 'document' })
  const found = async (client: Client, filters: object) => {
    const { data } = await done(client, 'materials.list', filters)
    return data.items.map(({ view }: Item) => view.title)
  }
  for (const client of [tutor, admin]) {
    expect(await found(client, { text: 'ferns' })).toEqual(['Ferns', 'Herbarium'])
    expect(await found(client, { text: 'fenrs', offeringId })).toEqual(['Ferns', 'Herbarium'])
    expect(await found(client, { text: 'ferns', kind: 'video' })).toEqual([])
  }
  expect(await found(learner, { text: 'ferns' })).toEqual([])
})

describe('any text', () => {
  it('is only a text: no query, no pattern, no statement', async () => {
    const { learner, offer } = await aCatalog()
    await offer('Harmless')
    const texts = [
      `'; drop table offering; --`,
      `harmless' or '1'='1`,
      `harmless & !nothing | (something <-> else):*`,
      `"harmless" -harmless`,
      '%',
      '_%_',
      '\\',
      String.raw`harmless\' \\ \0`,
      `''''''`,
      ':*',
      '!!!',
      '<script>alert(1)</script>',
      '$1 ${harmless} {{harmless}}',
      'https://example.test/?harmless=1&b=%00#c',
      'a'.repeat(200),
      'a b c d e f g h i j k l m n o p q r s t u v w x y z'.repeat(3),
      '🎸'.repeat(100),
      '‮harmless‬',
    ]
    for (const text of texts)
      expect([text, await learner.call('offerings.search', { text })]).toEqual([
        text,
        expect.objectContaining({ ok: true }),
      ])
    expect(await titles(learner, 'harmless')).toEqual(['Harmless'])
  })

  it('is found or refused, whatever it is', async () => {
    const { learner } = await aCatalog()
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), async (text) => {
        const reply = await learner.call('offerings.search', { text })
        expect(reply.ok ? 'ok' : reply.error.code).toMatch(/^(ok|invalid_input|pan_not_accepted)$/)
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    ['nothing', ''],
    ['only spaces', '   '],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['a zero byte', 'har\u0000mless'],
    ['a list', ['harmless']],
    ['an operator', { $ne: '' }],
    ['a number', 7],
  ])('is refused when it is %s', async (_, text) => {
    const { learner } = await aCatalog()
    expect(await learner.call('offerings.search', { text })).toMatchObject({
      error: { code: 'invalid_input' },
    })
  })

  it('goes on from no page that nobody was given', async () => {
    const { learner, offer } = await aCatalog()
    await offer('Harmless')
    for (const after of [
      'x',
      `1_${randomUUID()}' or true`,
      `-1_${randomUUID()}`,
      `99999999999_${randomUUID()}`,
    ])
      expect(await titles(learner, 'harmless', { after })).toEqual([])
  })
})

it('finds what was stored before there was any search', async () => {
  const database = await aDatabase()
  const orgId = randomUUID()
  await database.migrator.down({ to: '0018-material' })
  const context = {
    title: 'Falconry',
    tutor: {},
    category: null,
    terms: { kind: 'course' },
    price: {},
    modules: [],
  }
  const value = { offered: { publication: 'published', moderation: 'approved' } }
  await database.sql.query(
    {
      name: 'store',
      text: `insert into offering (id, version, machine, state, snapshot, timers, org_id, visibility, title)
        values ($1, 1, 'offering@1', 'published.approved', $2, '{}', $3, 'public', 'Falconry')`,
    },
    [
      randomUUID(),
      JSON.stringify({ value, context, status: 'active', children: {}, historyValue: {} }),
      orgId,
    ],
  )
  await database.migrator.up()
  const scopes = [{ orgId, visibility: 'public' }]
  for (const text of ['falconry', 'flaconry', 'falc'])
    expect((await searchText(database, offering, { text, scopes, limit: 5 })).found).toHaveLength(1)
  await database.close()
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  aCatalogue,
  aCourse,
  anActor,
  aPack,
  aTutor,
  codeOf,
  done,
  offeringFor,
} from './support/catalog-scene.ts'
import { http, outcomeOf } from './support/http.ts'
import { aServer, type TestServer } from './support/server.ts'

/** What clients should not send to the catalogue: each with a code, and nothing is written. */

let server: TestServer
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})

const position = async () => {
  const [head] = await server.database.sql.query<{ position: string }>({
    name: 'test_head',
    text: 'select position from journal_head',
  })
  return Number(head!.position)
}

/** Waits until what was told before has arrived. */
const quiet = async () => {
  const pending = () =>
    server.database.sql.query({
      name: 'test_pending',
      text: `select id from effect where status = 'pending'`,
    })
  await expect.poll(pending, { timeout: 10_000 }).toEqual([])
}

const refusedEach = async (cases: readonly (readonly [string, () => Promise<string>, string])[]) => {
  await quiet()
  const before = await position()
  for (const [name, call, code] of cases) expect([name, await call()]).toEqual([name, code])
  expect(await position()).toBe(before)
}

describe('prices', () => {
  it('C18 that are negative, no number, huge, in parts or in money that nobody takes', async () => {
    const { tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    const prices: unknown[] = [
      -1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e300,
      2 ** 53,
      10_000_000_000,
      0.5,
      '5000',
      null,
      [5_000],
      { $gt: 0 },
      true,
    ]
    const minors = prices.flatMap((minor) => {
      const price = { minor, currency: 'NGN' }
      const pack = { tutorProfileId: tutor.profileId, title: 'Bad', preliminaryMeetingRequired: true, price }
      return [
        [`create ${String(minor)}`, () => codeOf(tutor, 'offerings.createCoursePack', pack), 'invalid_input'],
        [`update ${String(minor)}`, () => codeOf(tutor, 'offerings.update', { id, price }), 'invalid_input'],
      ] as const
    })
    const others = ['EUR', 'ngn', '', 566, { $ne: 'NGN' }].map(
      (currency) =>
        [
          `currency ${JSON.stringify(currency)}`,
          () => codeOf(tutor, 'offerings.update', { id, price: { minor: 5_000, currency } }),
          'invalid_input',
        ] as const,
    )
    const least = () => codeOf(tutor, 'offerings.update', { id, price: { minor: 4_999 } })
    await refusedEach([...minors, ...others, ['below the minimum', least, 'price_below_minimum']])
  })
})

describe('titles', () => {
  const bad: [string, unknown][] = [
    ['nothing', ''],
    ['spaces', '   \t '],
    ['spaces of all kinds', '\u00a0\u2003\ufeff'],
    ['what nobody sees', '\u200b\u200d\u2060'],
    ['too much', 'x'.repeat(101)],
    ['10,000 characters', 'x'.repeat(10_000)],
    ['several lines', 'Piano\nViolin'],
    ['NUL', 'Piano\0'],
    ['half a character', 'Piano \ud83c'],
    ['a number', 42],
    ['a list', ['Piano']],
    ['an operator', { $ne: null }],
  ]

  it('of 10,000 characters, of spaces only, and of what is no text, are refused', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const [id, { id: categoryId }] = [
      await aPack(tutor),
      await done(admin, 'categories.create', { name: 'A' }),
    ]
    const { id: materialId } = await done(tutor, 'materials.create', { offeringId: id })
    await refusedEach(
      bad.flatMap(([name, title]) => [
        [`course: ${name}`, () => codeOf(tutor, 'offerings.createCourse', { title }), 'invalid_input'],
        [`pack: ${name}`, () => codeOf(tutor, 'offerings.update', { id, title }), 'invalid_input'],
        [
          `category: ${name}`,
          () => codeOf(admin, 'categories.update', { id: categoryId, name: title }),
          'invalid_input',
        ],
        [
          `material: ${name}`,
          () => codeOf(tutor, 'materials.update', { id: materialId, title }),
          'invalid_input',
        ],
        [`filter: ${name}`, () => codeOf(tutor, 'offerings.list', { title }), 'invalid_input'],
      ]),
    )
  })

  it('with the number of a card are refused, and descriptions keep none', async () => {
    const { tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    const card = '4242 4242 4242 4242'
    await refusedEach([
      ['title', () => codeOf(tutor, 'offerings.update', { id, title: card }), 'pan_not_accepted'],
      [
        'link',
        () =>
          codeOf(tutor, 'materials.create', {
            offeringId: id,
            linkUrl: `https://example.test/?c=${card.replaceAll(' ', '')}`,
          }),
        'pan_not_accepted',
      ],
    ])
    await done(tutor, 'offerings.update', { id, description: `Pay with ${card}.` })
    expect((await offeringFor(tutor, id)).description).toBe('Pay with [card …4242].')
  })

  it('in other scripts, from right to left and of emoji, are as good as any', async () => {
    const { learner, tutor } = await aCatalogue(server)
    for (const title of ['דפוס עברי 101', 'موسيقى للمبتدئين', '🎹🎻', '音楽', 'Ünïcödé', 'x'.repeat(100)]) {
      const id = await aCourse(tutor, { title })
      expect(await offeringFor(learner, id)).toMatchObject({ title })
    }
    await aCourse(tutor, { title: 'Caf\u00e9' })
    await expect(aCourse(tutor, { title: ' Cafe\u0301 ' })).rejects.toThrow('already_exists')
  })
})

describe('what belongs to others', () => {
  it('is not edited, filed or approved', async () => {
    const { orgId, admin, learner, tutor } = await aCatalogue(server)
    const rival = await aTutor(server, { orgId, admin })
    const pending = await aTutor(server, { orgId, admin, approved: false })
    const id = await aPack(tutor)
    const { id: category } = await done(admin, 'categories.create', { name: 'Music' })
    await done(tutor, 'offerings.update', { id, category })
    const profile = { id: pending.profileId }
    await refusedEach([
      [
        'a pack of another tutor',
        () => codeOf(rival, 'offerings.update', { id, title: 'Mine' }),
        'forbidden',
      ],
      ['its modules', () => codeOf(rival, 'offerings.setModules', { id, modules: [] }), 'forbidden'],
      ['its end', () => codeOf(rival, 'offerings.delete', { id }), 'forbidden'],
      ['its moderation', () => codeOf(tutor, 'offerings.clear', { id }), 'forbidden'],
      ['own profile', () => codeOf(pending, 'tutorProfiles.approve', profile), 'forbidden'],
      [
        'own profile by its field',
        () => codeOf(pending, 'tutorProfiles.update', { ...profile, profileStatus: 'approved' }),
        'field_forbidden',
      ],
      ['a category in use', () => codeOf(admin, 'categories.delete', { id: category }), 'category_in_use'],
      ['removal without a reason', () => codeOf(admin, 'offerings.remove', { id }), 'invalid_input'],
      ['removal by a learner', () => codeOf(learner, 'offerings.remove', { id, reason: 'x' }), 'forbidden'],
    ])
  })
})

describe('filters', () => {
  it('with operators, lists and SQL in them find nothing or are refused', async () => {
    const { learner, tutor } = await aCatalogue(server)
    const id = await aPack(tutor, { title: 'Piano' })
    const list = (filters: object) => learner.call('offerings.list', filters)
    const odd: unknown[] = [{ $ne: null }, { $gt: '' }, ['Piano'], [], {}, null, 1]
    await refusedEach(
      [
        'title',
        'category',
        'tutorProfileId',
        'ownerId',
        'scheduling',
        'moderation',
        'kind',
        'difficulty',
        'after',
      ]
        .flatMap((name) => odd.map((value) => [name, value] as const))
        .map(([name, value]) => [
          `${name} ${JSON.stringify(value)}`,
          () => codeOf(learner, 'offerings.list', { [name]: value }),
          'invalid_input',
        ]),
    )
    for (const sql of ["' or 1=1 --", 'Piano"; drop table offering; --', '%', '_iano', '$1', '\\']) {
      expect(await list({ title: sql })).toMatchObject({ ok: true, data: { items: [] } })
      expect(await list({ category: sql })).toMatchObject({ ok: true, data: { items: [] } })
      expect(await list({ after: sql })).toMatchObject({ ok: true, data: { items: [] } })
    }
    for (const filters of [
      { tutorProfileId: "' or 1=1 --" },
      { published: { $ne: false } },
      { limit: 0 },
      { limit: 1_000_000 },
      { limit: '1; drop table offering' },
      { durationMinutes: -1 },
      { visibility: 'private' },
      { orgId: tutor.orgId },
      { $or: [{}] },
      { __proto__: null, constructor: 'x' },
    ])
      expect([filters, await codeOf(learner, 'offerings.list', filters)]).toEqual([filters, 'invalid_input'])
    expect(await list({ title: 'Piano' })).toMatchObject({ data: { items: [{ id }] } })
  })

  it('S2.53 say nothing about what the caller may not see', async () => {
    const { admin, learner, tutor } = await aCatalogue(server)
    await aPack(tutor, { isPublished: false })
    const flagged = await aPack(tutor)
    await done(admin, 'offerings.flag', { id: flagged, note: 'Copied?' })
    for (const filters of [{ published: false }, { moderation: 'flagged' }, { moderation: 'removed' }, {}])
      expect((await done(learner, 'offerings.list', filters)).data.items).toEqual([])
  })
})

describe('addresses', () => {
  it('lead somewhere on the web', async () => {
    const { tutor } = await aCatalogue(server)
    const id = await aPack(tutor)
    await refusedEach(
      [
        'javascript:alert(1)',
        'data:text/html,<script>',
        'ftp://example.test/a',
        '//example.test',
        '/etc/passwd',
        'https://',
        `https://example.test/${'x'.repeat(2_000)}`,
        ' ',
        7,
      ].flatMap((address) => [
        [
          `file ${String(address).slice(0, 30)}`,
          () => codeOf(tutor, 'materials.create', { offeringId: id, fileUrl: address }),
          'invalid_input',
        ],
        [
          `photo ${String(address).slice(0, 30)}`,
          () => codeOf(tutor, 'tutorProfiles.update', { id: tutor.profileId, profilePhoto: address }),
          'invalid_input',
        ],
      ]),
    )
  })
})

describe('numbers and fields', () => {
  it('that make no sense are refused', async () => {
    const { orgId, tutor } = await aCatalogue(server)
    const [pack, course] = [await aPack(tutor), await aCourse(tutor)]
    const { id: materialId } = await done(tutor, 'materials.create', { offeringId: pack })
    const fresh = await anActor(server, ['instructor'], orgId)
    const bad: [string, string, object][] = [
      ['offerings.update', pack, { minWeeklyClasses: 0 }],
      ['offerings.update', pack, { minWeeklyClasses: 169 }],
      ['offerings.update', pack, { maxDailyLessons: 25 }],
      ['offerings.update', pack, { requiredClassesCount: 1.5 }],
      ['offerings.update', pack, { maxPeriodValue: '3' }],
      ['offerings.update', pack, { maxPeriodUnit: 'years' }],
      ['offerings.update', pack, { schedulingType: 'whenever' }],
      ['offerings.update', pack, { preliminaryMeetingRequired: null }],
      ['offerings.update', pack, { isPublished: 'true' }],
      ['offerings.update', pack, { visibility: 'public' }],
      ['offerings.update', pack, { tutorApproved: true }],
      ['offerings.update', pack, { description: 'x'.repeat(10_001) }],
      ['offerings.update', course, { durationMinutes: 0 }],
      ['offerings.update', course, { difficulty: 'impossible' }],
      ['offerings.update', course, { rating: 5 }],
      ['offerings.update', course, { price: 5_000 }],
      ['offerings.setModules', course, { modules: [{ title: '' }] }],
      ['offerings.setModules', course, { modules: [{ id: 'one', title: 'One' }] }],
      ['offerings.setModules', course, { modules: 'all' }],
      ['materials.update', materialId, { position: -1 }],
      ['materials.update', materialId, { kind: 'hologram' }],
      ['tutorProfiles.update', tutor.profileId, { subjects: Array.from({ length: 51 }, (_, n) => `S${n}`) }],
      ['tutorProfiles.update', tutor.profileId, { certifications: 'PGCE' }],
      ['tutorProfiles.update', tutor.profileId, { bio: '' }],
    ]
    await refusedEach([
      ...bad.map(
        ([name, id, fields]) =>
          [
            `${name} ${JSON.stringify(fields).slice(0, 60)}`,
            () => codeOf(tutor, name, { id, ...fields }),
            'invalid_input',
          ] as const,
      ),
      [
        'a status that is none',
        () => codeOf(fresh, 'tutorProfiles.create', { profileStatus: 'great' }),
        'invalid_input',
      ],
    ])
  })
})

describe('an update', () => {
  it('that says nothing is refused, of whatever it is, and takes no turn', async () => {
    const { admin, tutor } = await aCatalogue(server)
    const offeringId = await aPack(tutor)
    const courseId = await aCourse(tutor)
    const materialId = (await done(tutor, 'materials.create', { offeringId, title: 'A material' })).id
    const categoryId = (await done(admin, 'categories.create', { name: 'A category' })).id
    const commandId = '0198a5a5-0000-7000-8000-000000000001'
    await refusedEach([
      ...(
        [
          [tutor, 'tutorProfiles.update', tutor.profileId],
          [tutor, 'offerings.update', offeringId],
          [tutor, 'materials.update', materialId],
          [admin, 'categories.update', categoryId],
        ] as const
      ).flatMap(([client, name, id]) =>
        [{}, { commandId }, { expectedVersion: 1 }].map(
          (fields) => [name, () => codeOf(client, name, { id, ...fields }), 'invalid_input'] as const,
        ),
      ),
      ...(
        [
          [tutor, 'PATCH', `/v1/tutorprofiles/${tutor.profileId}`],
          [tutor, 'PATCH', `/v1/coursepacks/${offeringId}`],
          [tutor, 'PATCH', `/v1/coursematerials/${materialId}`],
          [admin, 'PATCH', `/v1/coursecategories/${categoryId}`],
          [tutor, 'PATCH', `/api/courses/${courseId}`],
          [tutor, 'PUT', `/api/courses/${courseId}`],
          [tutor, 'POST', `/api/v1/offerings/${courseId}/update`],
        ] as const
      ).map(
        ([person, method, path]) =>
          [
            path,
            async () => outcomeOf(await http(server, person)(method, path, { body: {} })),
            '400 invalid_input',
          ] as const,
      ),
    ])
    expect(await tutor.call('offerings.update', { id: offeringId })).toMatchObject({
      error: {
        message: 'give at least one field',
        details: [{ path: [], reason: 'give at least one field' }],
      },
    })
  })
})

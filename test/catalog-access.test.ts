import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { actors } from '../actors/registry.ts'
import { businessCalls, catalogActors } from '../src/gateway/catalog/business-calls.ts'
import { catalogAccess, type OBJECTS, type Somebody, type Thing } from './catalog-access.ts'
import { createTrials, type Fields } from './support/access-trials.ts'
import { http, type Http, type HttpAnswer } from './support/http.ts'
import { anOrganisation, aServer, aUser, connect, type Person, type TestServer } from './support/server.ts'

const REST = {
  'tutor profile': '/v1/tutorprofiles',
  'course pack': '/v1/coursepacks',
  'course material': '/v1/coursematerials',
  'course category': '/v1/coursecategories',
}

let server: TestServer
let people: Record<Exclude<Somebody, 'anybody' | 'owner'>, Person>
let owner: Person
/** Of the owner, and approved. */
let profileId: string
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
  const [student, tutor, coordinator, csm, admin, outsider] = await Promise.all([
    aUser(server, ['student']),
    aUser(server, ['instructor']),
    aUser(server, ['coordinator']),
    aUser(server, ['csm']),
    aUser(server, ['admin']),
    aUser(server, ['admin'], await anOrganisation(server)),
  ])
  people = { student, tutor, coordinator, csm, admin, outsider }
  const made = await aTutor('approved')
  owner = made.owner
  profileId = made.id
})
afterAll(async () => {
  for (const end of ends) await end()
})

/** `word` is in what it says, and nowhere else. */
type Made = { id: string; owner: Person; word: string }

const LETTERS = 'abcdefghijklmnop'

const aWord = () =>
  randomBytes(8).reduce((word, byte) => word + LETTERS[byte >> 4]! + LETTERS[byte & 15]!, '')

const done = (answer: HttpAnswer): string => {
  if (answer.body?.status !== 'success') throw new Error(JSON.stringify(answer.body))
  return answer.body.data.id
}

const as = (person: Person): Http => http(server, person)

const aTutor = async (state: 'pending' | 'approved' | 'rejected'): Promise<Made> => {
  const tutor = await aUser(server, ['instructor'])
  const word = aWord()
  const id = done(await as(tutor)('POST', REST['tutor profile'], { body: { bio: `I like ${word}` } }))
  if (state !== 'pending')
    done(
      await as(people.admin)('PATCH', `${REST['tutor profile']}/${id}`, { body: { profileStatus: state } }),
    )
  return { id, owner: tutor, word }
}

const PACK = { preliminaryMeetingRequired: false }

const aPack = async (
  fields: object = {},
  by: Pick<Made, 'id' | 'owner'> = { id: profileId, owner },
): Promise<Made> => {
  const word = aWord()
  const body = { ...PACK, tutorProfileId: by.id, title: `All of ${word}`, ...fields }
  return { id: done(await as(by.owner)('POST', REST['course pack'], { body })), owner: by.owner, word }
}

const aMaterial = async (pack: Made): Promise<Made> => {
  const body = { coursePackId: pack.id, title: randomUUID() }
  return { ...pack, id: done(await as(pack.owner)('POST', REST['course material'], { body })) }
}

const aCategory = async (): Promise<Made> => {
  const word = aWord()
  return {
    id: done(await as(people.admin)('POST', REST['course category'], { body: { name: word } })),
    owner,
    word,
  }
}

const nothing = (whose: Person): Made => ({ id: randomUUID(), owner: whose, word: aWord() })

const removed = async (thing: Thing, made: Made, by: Person, body: object = {}) => {
  done(await as(by)('DELETE', `${REST[thing]}/${made.id}`, { body }))
  return made
}

/** Brings an object into a state, for somebody to try something with it. */
const MAKE: { [One in Thing]: { [State in keyof (typeof OBJECTS)[One]]: () => Promise<Made> } } = {
  'tutor profile': {
    none: async () => nothing(await aUser(server, ['instructor'])),
    pending: () => aTutor('pending'),
    approved: () => aTutor('approved'),
    rejected: () => aTutor('rejected'),
    offering: async () => {
      const tutor = await aTutor('approved')
      await aPack({}, tutor)
      return tutor
    },
    deleted: async () => {
      const tutor = await aTutor('pending')
      return removed('tutor profile', tutor, tutor.owner)
    },
  },
  'course pack': {
    none: async () => nothing(owner),
    draft: () => aPack({ isPublished: false }),
    published: () => aPack(),
    unapproved: async () => aPack({}, await aTutor('pending')),
    flagged: async () => {
      const pack = await aPack()
      const body = { moderationStatus: 'flagged', moderationNote: 'to be looked at' }
      done(await as(people.admin)('PATCH', `${REST['course pack']}/${pack.id}`, { body }))
      return pack
    },
    archived: async () => {
      const pack = await aPack()
      done(await as(owner)('POST', `/api/v1/offerings/${pack.id}/archive`))
      return pack
    },
    removed: async () => removed('course pack', await aPack(), people.admin, { reason: 'copied' }),
    deleted: async () => removed('course pack', await aPack(), owner),
  },
  'course material': {
    none: () => aPack(),
    published: async () => aMaterial(await aPack()),
    draft: async () => aMaterial(await aPack({ isPublished: false })),
    orphaned: async () => {
      const pack = await aPack()
      const made = await aMaterial(pack)
      await removed('course pack', pack, owner)
      return made
    },
    deleted: async () => removed('course material', await aMaterial(await aPack()), owner),
  },
  'course category': {
    none: async () => nothing(owner),
    unused: aCategory,
    used: async () => {
      const made = await aCategory()
      await aPack({ category: made.id })
      return made
    },
    deleted: async () => removed('course category', await aCategory(), people.admin),
  },
}

const FIELDS: Record<string, (made: Made) => Fields> = {
  createTutorProfile: () => ({ rest: { bio: 'me' } }),
  updateTutorProfile: () => ({ rest: { bio: randomUUID() } }),
  'updateTutorProfile: profileStatus': () => ({ rest: { profileStatus: 'rejected' } }),
  'updateTutorProfile: tutorId': () => ({ rest: { tutorId: randomUUID() } }),
  createCoursePack: () => ({ rest: { ...PACK, tutorProfileId: profileId, title: randomUUID() } }),
  updateCoursePack: () => ({ rest: { title: randomUUID() } }),
  'updateCoursePack: moderationStatus': () => ({
    rest: { moderationStatus: 'flagged', moderationNote: randomUUID() },
  }),
  'updateCoursePack: tutorProfileId': () => ({ rest: { tutorProfileId: randomUUID() } }),
  'deleteCoursePack: reason': () => ({ rest: { reason: 'copied' } }),
  createCourseMaterial: ({ id }) => ({
    rest: { coursePackId: id, title: randomUUID() },
    socket: { offeringId: id, title: randomUUID() },
  }),
  updateCourseMaterial: () => ({ rest: { title: randomUUID() } }),
  'updateCourseMaterial: coursePackId': () => ({
    rest: { coursePackId: randomUUID() },
    socket: { offeringId: randomUUID() },
  }),
  createCourseCategory: () => ({ rest: { name: `Category ${randomUUID()}` } }),
  'tutorProfiles.reject': () => ({ rest: { note: 'not convincing' } }),
  'tutorProfiles.search': ({ word }) => ({ rest: { text: word } }),
  'offerings.createCourse': () => ({ rest: { title: randomUUID() } }),
  'offerings.setModules': () => ({ rest: { modules: [{ title: randomUUID() }] } }),
  'offerings.flag': () => ({ rest: { note: 'to be looked at' } }),
  'offerings.remove': () => ({ rest: { reason: 'copied' } }),
  'offerings.search': ({ word }) => ({ rest: { text: word } }),
  updateCourseCategory: () => ({ rest: { description: randomUUID() } }),
}

const personOf = async (somebody: string, made: Made, operation: string) => {
  if (somebody === 'anybody') return undefined
  if (somebody === 'owner') return made.owner
  // Whoever introduces himself as a tutor can do so once.
  if (operation === 'createTutorProfile' && somebody === 'tutor') return aUser(server, ['instructor'])
  return people[somebody as keyof typeof people]
}

const trials = createTrials<Made>({
  server: () => server,
  definitions: actors,
  namespace: '/catalog',
  make: ({ thing, state }) =>
    new Map(Object.entries<() => Promise<Made>>(MAKE[thing as Thing])).get(state)!(),
  fields: (operation, made) => FIELDS[operation]?.(made),
  personOf,
  ends: (end) => ends.unshift(end),
})

describe.each(trials)('S2.66 who may do what in the catalogue, %s', (_, tried) => {
  it.each(catalogAccess.map((access) => [access.thing, access.state, access.operation, access] as const))(
    '%s, %s: %s',
    async (_thing, _state, _operation, access) => expect(await tried(access)).toEqual(access.verdicts),
  )
})

it('S2.66 the table has every operation, and every command and query that is none of them', () => {
  const operations = new Set(catalogAccess.map(({ operation }) => operation.split(':')[0]!))
  const twenty = Object.values(businessCalls)
  expect([...operations]).toEqual(expect.arrayContaining(twenty.map(({ name }) => name)))
  for (const definition of catalogActors) {
    const { namespace, commands, queries } = definition.contract
    for (const name of Object.keys({ ...commands, ...queries })) {
      const isOne = twenty.some((call) => call.definition === definition && call.like === name)
      expect([namespace, name, isOne || operations.has(`${namespace}.${name}`)]).toEqual([
        namespace,
        name,
        true,
      ])
    }
  }
})

it('S2.5 a socket wants a sign-in, in /catalog as everywhere', async () => {
  await expect(connect(server, { token: 'none' }, '/catalog')).rejects.toThrow('Sign in first')
})

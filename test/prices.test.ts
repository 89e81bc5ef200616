import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LEAST_MINOR } from '../contracts/least-minor.ts'
import { CURRENCIES } from '../contracts/money.ts'
import { http, outcomeOf, refusal, type Http } from './support/http.ts'
import { anOrganisation, aServer, aUser, type Person, type TestServer } from './support/server.ts'

const ends: (() => Promise<void>)[] = []
let server: TestServer
let orgId: string
let admin: Person
let asAdmin: Http
let asStudent: Http

beforeAll(async () => {
  server = await aServer({}, (end) => ends.unshift(end))
})
afterAll(async () => {
  for (const end of ends) await end()
})
beforeEach(async () => {
  orgId = await anOrganisation(server)
  admin = await aUser(server, ['admin'], orgId)
  asAdmin = http(server, admin)
  asStudent = http(server, await aUser(server, ['student'], orgId))
})

const naira = (minor: number) => ({ minor, currency: 'NGN' })
const aPrice = (changes: object = {}) => ({ title: 'First aid', price: naira(500_000), ...changes })
const pathOf = (offeringId: string) => `/api/v1/prices/${offeringId}`
const set = (ask: Http, offeringId: string, body: unknown) => ask('PUT', pathOf(offeringId), { body })

describe('prices', () => {
  it('are set and replaced by administrators, and everybody of the organisation sees them', async () => {
    const offeringId = randomUUID()
    expect(await set(asAdmin, offeringId, aPrice())).toMatchObject({
      status: 200,
      body: {
        status: 'success',
        data: { offeringId, title: 'First aid', price: naira(500_000), active: true },
      },
    })
    const replaced = { title: 'First aid II', price: { minor: 9_999_999_999, currency: 'KES' } }
    await set(asAdmin, offeringId.toUpperCase(), replaced)
    const { status, body } = await asStudent('GET', '/api/v1/prices')
    expect(status).toBe(200)
    expect(body.data).toEqual({ items: [{ offeringId, ...replaced, active: true }] })
  })

  it('of what is not for sale are for administrators only', async () => {
    const [gone, open] = [randomUUID(), randomUUID()]
    await set(asAdmin, gone, aPrice({ active: false }))
    await set(asAdmin, open, aPrice())
    const idsFor = async (ask: Http) =>
      (await ask('GET', '/api/v1/prices')).body.data.items.map(
        ({ offeringId }: { offeringId: string }) => offeringId,
      )
    expect(await idsFor(asStudent)).toEqual([open])
    expect(await idsFor(asAdmin)).toEqual([gone, open].toSorted())
  })

  it('are not for anybody else to change', async () => {
    const offeringId = randomUUID()
    for (const role of ['student', 'instructor', 'coordinator', 'peer_mentor', 'csm', 'system'] as const) {
      const ask = http(server, await aUser(server, [role], orgId))
      expect([role, outcomeOf(await set(ask, offeringId, aPrice()))]).toEqual([role, '403 forbidden'])
    }
    for (const [method, path] of [
      ['PUT', pathOf(offeringId)],
      ['GET', '/api/v1/prices'],
    ] as const)
      expect(await http(server)(method, path)).toMatchObject(refusal(401, 'unauthenticated'))
    expect((await asAdmin('GET', '/api/v1/prices')).body.data.items).toEqual([])
  })

  it('of another organisation are not there', async () => {
    const offeringId = randomUUID()
    await set(asAdmin, offeringId, aPrice())
    const stranger = http(server, await aUser(server, ['admin'], await anOrganisation(server)))
    expect(await set(stranger, offeringId, aPrice({ price: naira(0) }))).toMatchObject(
      refusal(404, 'not_found', { message: 'Offering not found' }),
    )
    expect((await stranger('GET', '/api/v1/prices')).body.data.items).toEqual([])
    expect((await asAdmin('GET', '/api/v1/prices')).body.data.items).toMatchObject([
      { price: naira(500_000) },
    ])
  })

  it('belong to one of two organisations that set them at once', async () => {
    const offeringId = randomUUID()
    const others = await Promise.all(
      Array.from({ length: 5 }, async () =>
        http(server, await aUser(server, ['admin'], await anOrganisation(server))),
      ),
    )
    const answers = await Promise.all([asAdmin, ...others].map((ask) => set(ask, offeringId, aPrice())))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(5)
  })
})

describe('changes of a price', () => {
  const ask = (text: string, values: unknown[] = []) =>
    server.database.sql.query<{ at: number }>({ name: '', text }, values)
  const changesOf = (offeringId: string) =>
    ask(
      `select org_id as "orgId", title, amount_minor::int as "amountMinor", currency, active, changed_by as by,
        (extract(epoch from changed_at) * 1000)::float8 as at from price_change where offering_id = $1 order by id`,
      [offeringId],
    )

  it('are each there once, with who and when, in their order', async () => {
    const offeringId = randomUUID()
    const first = { orgId, title: 'First aid', amountMinor: 500_000, currency: 'NGN', active: true }
    const colleague = await aUser(server, ['admin'], orgId)
    const from = server.now()
    await set(asAdmin, offeringId, aPrice())
    await set(http(server, colleague), offeringId, aPrice({ price: naira(5_000), active: false }))
    const changes = await changesOf(offeringId)
    expect(changes.map(({ at: _, ...change }) => change)).toEqual([
      { ...first, by: admin.id },
      { ...first, amountMinor: 5_000, active: false, by: colleague.id },
    ])
    const times = changes.map(({ at }) => at)
    expect(times).toEqual([from, ...times, server.now()].toSorted((one, other) => one - other).slice(1, -1))
  })

  it('that were refused are not there', async () => {
    const offeringId = randomUUID()
    await set(asAdmin, offeringId, aPrice())
    const stranger = http(server, await aUser(server, ['admin'], await anOrganisation(server)))
    await set(stranger, offeringId, aPrice({ price: naira(0) }))
    await set(asStudent, offeringId, aPrice({ price: naira(0) }))
    await set(asAdmin, offeringId, aPrice({ price: naira(1) }))
    expect(await changesOf(offeringId)).toMatchObject([{ amountMinor: 500_000, by: admin.id }])
  })

  it('cannot be changed or removed', async () => {
    await set(asAdmin, randomUUID(), aPrice())
    for (const text of [
      'update price_change set amount_minor = 0',
      'delete from price_change',
      'truncate price_change',
    ])
      await expect(ask(text)).rejects.toThrow('append-only')
  })
})

describe('what a price may be', () => {
  it('C18 is what the provider takes, or nothing', async () => {
    for (const currency of CURRENCIES) {
      const least = LEAST_MINOR[currency]
      const withMinor = async (minor: number) =>
        outcomeOf(await set(asAdmin, randomUUID(), aPrice({ price: { minor, currency } })))
      expect([currency, await withMinor(least)]).toEqual([currency, '200 ok'])
      expect([currency, await withMinor(0)]).toEqual([currency, '200 ok'])
      expect([currency, await withMinor(least - 1)]).toEqual([currency, '400 price_below_minimum'])
    }
    expect(await set(asAdmin, randomUUID(), aPrice({ price: naira(4_999) }))).toMatchObject(
      refusal(400, 'price_below_minimum', { details: { leastMinor: 5_000, currency: 'NGN' } }),
    )
  })

  it('C18 is in a currency that the provider takes', async () => {
    for (const currency of ['EUR', 'ngn', '', 566])
      expect(outcomeOf(await set(asAdmin, randomUUID(), aPrice({ price: { minor: 5_000, currency } })))).toBe(
        '400 invalid_input',
      )
  })

  it('is written in whole minor units, and nothing else is read', async () => {
    for (const body of [
      aPrice({ price: 5_000 }),
      aPrice({ price: { minor: '5000', currency: 'NGN' } }),
      aPrice({ price: naira(5_000.5) }),
      aPrice({ price: naira(-5_000) }),
      aPrice({ price: naira(10_000_000_000) }),
      aPrice({ price: naira(2 ** 53) }),
      aPrice({ price: { ...naira(5_000), major: 50 } }),
      aPrice({ title: '' }),
      aPrice({ title: 'x'.repeat(101) }),
      aPrice({ title: 'nul\0' }),
      aPrice({ title: 'half \ud800' }),
      aPrice({ active: 'yes' }),
      aPrice({ orgId }),
      { title: 'First aid' },
      { price: naira(5_000) },
      [],
      'null',
      '{',
      undefined,
    ])
      expect([body, outcomeOf(await set(asAdmin, randomUUID(), body))]).toEqual([body, '400 invalid_input'])
    expect(outcomeOf(await set(asAdmin, 'first-aid', aPrice()))).toBe('400 invalid_input')
    expect(outcomeOf(await asAdmin('GET', '/api/v1/prices?orgId=x'))).toBe('400 invalid_input')
  })
})

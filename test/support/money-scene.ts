import { hash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, vi } from 'vitest'
import type { Role } from '../../actors/actor.ts'
import type { LiveEvent } from '../../contracts/protocol.ts'
import type { ServerOptions } from '../../src/server/options.ts'
import type { ScenarioName } from '../../src/paystack-simulator/scenarios.ts'
import { createSimulator, type Simulator } from '../../src/paystack-simulator/simulator.ts'
import { http } from './http.ts'
import { PATIENCE } from './payment-scene.ts'
import {
  anOrganisation,
  aServer,
  aUser,
  connect,
  signIn,
  type Client,
  type Person,
  type TestServer,
} from './server.ts'

export const SECRET = 'sk_test_of_the_money_tests'

/** A person with a socket on `/live` that has listened since they are there. */
export type Party = Person & { live: Client; topics: string[]; since: number }

export const naira = (minor: number) => ({ minor, currency: 'NGN' })

type Row = Record<string, unknown>

/**
 * One server and one simulator, which go by the same clock, for a whole test file; for each test an organisation with an
 * admin and somebody who pays.
 */
export const moneyScene = (options: Partial<ServerOptions> = {}) => {
  const ends: (() => Promise<void>)[] = []
  const keepEnd = (end: () => Promise<void>) => ends.unshift(end)
  let paystack: Simulator
  let server: TestServer
  let orgId: string
  let parties: Party[] = []
  let admin: Party
  let payer: Party

  beforeAll(async () => {
    const now = () => server.clock.now()
    paystack = await createSimulator({ port: 0, host: '127.0.0.1', secretKey: SECRET, now })
    keepEnd(paystack.close)
    server = await aServer({ ...options, paystack: { url: paystack.url, secretKey: SECRET } }, keepEnd)
    paystack.control.setWebhookUrl(`${server.url}/webhooks/paystack`)
  })
  afterAll(async () => {
    for (const end of ends) await end()
  })
  beforeEach(async () => {
    paystack.control.calm()
    parties = []
    orgId = await anOrganisation(server)
    admin = await aParty(['admin'], [`org:${orgId}`, `finance:${orgId}`])
    payer = await aParty(['student'])
  })

  const aParty = async (roles: readonly Role[], topics?: string[], theirs = orgId): Promise<Party> => {
    const person = await aUser(server, roles, theirs)
    const live = await connect(server, person)
    const party = { ...person, live, topics: topics ?? [`user:${person.id}`], since: 0 }
    const reply = await live.subscribe({ topics: party.topics })
    if (!reply.ok) throw new Error(reply.error.message)
    party.since = reply.data.position
    parties.push(party)
    return party
  }

  /** Sessions are over after a quarter of an hour, so everybody comes back, and hears what there was. */
  const comeBack = async () => {
    for (const party of parties) {
      party.live.socket.disconnect()
      Object.assign(party, await signIn(server, party.email))
      party.live = await connect(server, party)
      const { live, topics, since: after } = party
      expect(await live.subscribe({ topics, after })).toMatchObject({ ok: true })
      // What there was has been sent before the position that it ends with.
      for (const topic of topics) await live.next('position', (frame) => frame.topic === topic)
    }
  }

  /** 5,000 naira, unless it says otherwise. */
  const anOffering = async (minor = 500_000, currency = 'NGN'): Promise<string> => {
    const offeringId = randomUUID()
    const body = { title: 'First aid', price: { minor, currency } }
    const { status } = await http(server, admin)('PUT', `/api/v1/prices/${offeringId}`, { body })
    expect(status).toBe(200)
    return offeringId
  }

  const initiate = (offeringId: string, { live }: Party = payer, changes: object = {}) =>
    live.call('payments.initiate', { offeringId, method: 'paystack', ...changes })

  const reaches = (name: 'payments' | 'refunds' | 'disputes', id: string, state: string, { live } = admin) =>
    vi.waitFor(async () => {
      const reply = await live.call(`${name}.get`, { id })
      expect(reply).toMatchObject({ ok: true, state })
      return reply
    }, PATIENCE)

  /** A payment whose page waits for the customer. */
  const aCheckout = async (offeringId?: string, party = payer, changes: object = {}): Promise<string> => {
    const reply = await initiate(offeringId ?? (await anOffering()), party, changes)
    expect(reply).toMatchObject({ ok: true })
    await reaches('payments', reply.id, 'awaitingCustomer', party)
    return reply.id
  }

  const paid = async (scenario: ScenarioName = 'success', party = payer, changes: object = {}) => {
    const id = await aCheckout(undefined, party, changes)
    paystack.control.pay(id, { scenario })
    await reaches('payments', id, 'settled', party)
    return id
  }

  const rows = (text: string, values: readonly unknown[] = []) =>
    server.database.sql.query<Row>({ name: hash('md5', text), text }, values)

  return {
    server: () => server,
    paystack: () => paystack.control,
    /** Those of the present test. */
    people: () => ({ orgId, admin, payer }),
    aParty,
    anOffering,
    initiate,
    reaches,
    aCheckout,
    paid,
    /** A card that the payer has kept; the scenario says what it does when it is charged again. */
    aSavedCard: async (scenario: ScenarioName = 'success'): Promise<string> => {
      await paid(scenario, payer, { method: 'card' })
      const { body } = await http(server, payer)('GET', '/api/v1/payments/authorizations')
      return body.data.items[0].id
    },
    later: async (ms: number) => {
      server.clock.advance(ms)
      await comeBack()
    },
    /** The server ends and begins again, after everything that it had in hand has become free. */
    restart: async () => {
      server = await server.restart()
      paystack.control.setWebhookUrl(`${server.url}/webhooks/paystack`)
      server.clock.advance(60_000)
      await comeBack()
    },
    rows,
    /**
     * The database refuses to record what the provider has answered to this actor, as if the process ended each time
     * before it could. @returns what ends that
     */
    withoutRecords: async (actorId: string) => {
      const name = `without_records_${actorId.replaceAll('-', '')}`
      const refused = `actor_id = '${actorId}' and type like 'provider.%'`
      await rows(`alter table journal add constraint ${name} check (not (${refused}))`)
      return () => rows(`alter table journal drop constraint ${name}`)
    },
    /** When everything has been carried out that is due, and everybody has heard of it. */
    quiet: async () => {
      await vi.waitFor(async () => {
        await paystack.control.idle()
        expect(await rows(`select id from effect where status = 'pending'`)).toEqual([])
      }, PATIENCE)
      await vi.waitFor(() => expect(server.stats().delivery.behind).toBe(0), PATIENCE)
      // An answer comes after the events that were sent before it.
      for (const { live } of parties) expect(await live.call('payments.list')).toMatchObject({ ok: true })
    },
    callsFor: (endpoint: string, reference: string) =>
      paystack.control.calls().filter((call) => call.endpoint === endpoint && call.reference === reference),
  }
}

export type Heard = LiveEvent & { topic: string }

const isEvent = (payload: unknown): payload is Heard =>
  typeof payload === 'object' && payload !== null && 'actor' in payload

/** What somebody has heard about one actor on one topic, in order. */
export const heard = ({ live, topics }: Party, id: string, topic = topics[0]): Heard[] =>
  live.received
    .map(([, payload]): unknown => payload)
    .filter(isEvent)
    .filter((event) => event.topic === topic && event.actor.id === id)

export const typesOf = (events: readonly Heard[]) => events.map(({ type }) => type)

/** Waits until somebody has heard so about an actor. */
export const hears = ({ live, topics }: Party, type: string, id: string, topic = topics[0]): Promise<Heard> =>
  live.next(type, (event: Heard) => event.topic === topic && event.actor.id === id)

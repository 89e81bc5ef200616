import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { LiveEvent } from '../contracts/protocol.ts'
import { done } from './support/catalog-scene.ts'
import { enrollmentScene } from './support/enrollment-scene.ts'
import type { Party } from './support/money-scene.ts'
import { PATIENCE } from './support/payment-scene.ts'
import { connect, type Client, type Person } from './support/server.ts'

type Frame = LiveEvent & { topic: string; prev: number }

const scene = enrollmentScene()
let admin: Party
let learner: Party
let helper: Party
let topic: string

beforeEach(async () => {
  ;({ admin, payer: learner } = scene.people())
  helper = await scene.aParty(['csm'])
  topic = `user:${learner.id}`
})

const CONFIDENTIAL = /^(?:notification|inbox)\./

/** Everything that somebody has been sent on the topic, in either mode. */
const framesOf = ({ received }: Client): Frame[] =>
  received
    .flatMap(([name, payload]) => (name === 'events' ? (payload.events as Frame[]) : [payload as Frame]))
    .filter((frame) => frame?.topic === topic && 'prev' in frame)

const typesOf = (frames: readonly Frame[]) => frames.map(({ type }) => type)

const watching = async (person: Person, request: object = {}) => {
  const client = await connect(scene.server(), person)
  const reply = await client.subscribe({ topics: [topic], ...request })
  if (!reply.ok) throw new Error(reply.error.code)
  return { client, data: reply.data }
}

/** A learner is enrolled, is told so, has read it, and goes on. */
const aCourseOfEvents = async () => {
  const offeringId = await scene.aCourse()
  const [moduleId] = await scene.modulesOf(offeringId, 'The only one')
  const { id } = await scene.begun(offeringId, learner)
  await vi.waitFor(async () => {
    const { data } = await done(learner.live, 'notifications.list', { topic: 'enrollment.welcome' })
    expect(data.items).toHaveLength(1)
  }, PATIENCE)
  await done(learner.live, 'inboxes.readAll')
  // The inbox tells its notifications by and by; the last event of all is the one below.
  await vi.waitFor(async () => {
    const { data } = await done(learner.live, 'notifications.list', { status: 'unread' })
    expect(data.items).toEqual([])
  }, PATIENCE)
  const { position } = await done(learner.live, 'enrollments.recordProgress', { id, moduleId, progress: 0.5 })
  return position as number
}

const hasSeen = (client: Client, position: number) =>
  vi.waitFor(() => expect(framesOf(client).at(-1)?.position).toBe(position), PATIENCE)

/** The rule by which a client finds out that something is missing (PROTOCOL.md). */
const isWhole = (frames: readonly Frame[], from: number) => {
  let last = from
  for (const { prev, position } of frames) {
    expect(prev).toBeLessThanOrEqual(last)
    expect(position).toBeGreaterThan(last)
    last = position
  }
}

describe.each(['each', 'batch'] as const)('the topic of a user in mode %s', (mode) => {
  it('has their messages for themselves, and everything else for operators, live and replayed', async () => {
    const own = await watching(learner, { mode })
    const others = [await watching(admin, { mode }), await watching(helper, { mode })]
    const position = await aCourseOfEvents()
    await hasSeen(own.client, position)
    const all = framesOf(own.client)
    isWhole(all, own.data.position)
    expect(typesOf(all)).toEqual(
      expect.arrayContaining([
        'enrollment.activated',
        'notification.created',
        'inbox.readAll',
        'enrollment.progressed',
      ]),
    )
    const rest = typesOf(all).filter((type) => !CONFIDENTIAL.test(type))
    for (const { client, data } of others) {
      await hasSeen(client, position)
      expect(typesOf(framesOf(client))).toEqual(rest)
      isWhole(framesOf(client), data.position)
    }

    // The same for whoever was away.
    const after = own.data.position
    const again = await watching(learner, { mode, after })
    await again.client.next('position')
    expect(typesOf(framesOf(again.client))).toEqual(typesOf(all))
    for (const person of [admin, helper]) {
      const { client } = await watching(person, { mode, after })
      await client.next('position')
      expect(typesOf(framesOf(client))).toEqual(rest)
      isWhole(framesOf(client), after)
    }
  })
})

it('shows others no message in its snapshot, nor anything that says how many there are', async () => {
  await aCourseOfEvents()
  const kindsFor = async (person: Person) => {
    const { data } = await watching(person)
    const [{ snapshot } = { snapshot: [] }] = data.topics
    return new Set(snapshot.map(({ actor }) => actor.type))
  }
  expect(await kindsFor(learner)).toEqual(new Set(['enrollment', 'notification', 'inbox']))
  for (const person of [admin, helper]) expect(await kindsFor(person)).toEqual(new Set(['enrollment']))
})

it('is refused to everybody else, with all that was asked for in the same call', async () => {
  const coordinator = await scene.aParty(['coordinator'])
  const stranger = await scene.aParty(['student'])
  for (const person of [coordinator, stranger])
    for (const after of [{}, { after: 0 }]) {
      const topics = [`user:${person.id}`, topic]
      const client = await connect(scene.server(), person)
      expect(await client.subscribe({ topics, ...after })).toMatchObject({ error: { code: 'forbidden' } })
    }
})

it('goes on as before when an operator leaves it and comes back', async () => {
  const { client } = await watching(admin)
  await client.call('unsubscribe', { topics: [topic] })
  const { data } = await watching(admin)
  expect(await client.subscribe({ topics: [topic] })).toMatchObject({ ok: true })
  const position = await aCourseOfEvents()
  await hasSeen(client, position)
  isWhole(framesOf(client), data.position)
  expect(typesOf(framesOf(client)).filter((type) => CONFIDENTIAL.test(type))).toEqual([])
})

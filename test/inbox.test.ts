import { describe, expect, it, vi } from 'vitest'
import type { EventFrame } from '../contracts/protocol.ts'
import { notificationScene, PATIENCE, type Somebody } from './support/notification-scene.ts'
import { connect, signIn, type Client } from './support/server.ts'

const scene = notificationScene()
const { call, send, again } = scene
const user = () => scene.people().user
const inApp = { channels: ['in_app'] }

type Item = { id: string; state: string; view: { text: string } }

const list = async (person: Pick<Somebody, 'live'>, filter: object = {}): Promise<Item[]> => {
  const items: Item[] = []
  for (let after: string | undefined; ;) {
    const { data } = await call(person, 'notifications.list', { ...filter, ...(after ? { after } : {}) })
    items.push(...data.items)
    if (!data.next) return items
    after = data.next
  }
}

const textsOf = (items: readonly Item[]) => items.map(({ view }) => view.text)

/** How many are unread, as somebody counts who asked once and has listened since. */
const countedBy = ({ received }: Client, start: { unread: number; position: number }): number =>
  received.reduce((count, [type, frame]: [string, EventFrame]) => {
    const change = CHANGES[type]
    if (change === undefined || frame.position <= start.position) return count
    const { channels } = frame.data as { channels: string[] }
    return channels.includes('in_app') ? count + change : count
  }, start.unread)

const CHANGES: Record<string, number | undefined> = { 'notification.created': 1, 'notification.read': -1 }

const unread = async (person: Pick<Somebody, 'live'>) =>
  (await call(person, 'notifications.unread')).data as { unread: number; position: number }

describe('U7 an inbox', () => {
  it('has the newest first, in pages, by topic and by what is unread', async () => {
    for (const text of ['one', 'two', 'three', 'four', 'five']) await send({ text, ...inApp })
    const [{ id }] = (await list(user(), { topic: 'message' })) as [Item]
    await call(user(), 'notifications.markRead', { id })
    const reminder = await send({ text: 'six', topic: 'course.reminder', ...inApp })
    expect(textsOf(await list(user()))).toEqual(['six', 'five', 'four', 'three', 'two', 'one'])
    expect(textsOf(await list(user(), { limit: 2 }))).toEqual(['six', 'five', 'four', 'three', 'two', 'one'])
    expect(textsOf(await list(user(), { status: 'unread', limit: 3 }))).toEqual([
      'six',
      'four',
      'three',
      'two',
      'one',
    ])
    expect(await list(user(), { topic: 'course.reminder' })).toMatchObject([{ id: reminder }])
    expect(await list(scene.people().admin)).toEqual([])
  })

  it('C25 holds what goes to the inbox, and nothing that goes elsewhere only', async () => {
    const elsewhere = await send({ channels: ['email'] })
    const here = await send(inApp)
    expect((await list(user())).map(({ id }) => id)).toEqual([here])
    expect(await unread(user())).toMatchObject({ unread: 1 })
    expect((await call(user(), 'notifications.get', { id: elsewhere })).data.channels).toEqual(['email'])
  })

  it('C25 reading all of it reads nothing that was never in it', async () => {
    const elsewhere = await send({ channels: ['email'] })
    const here = await send(inApp)
    await call(user(), 'inboxes.readAll')
    await vi.waitFor(async () => expect(await list(user(), { status: 'unread' })).toEqual([]), PATIENCE)
    const statusOf = async (id: string) => (await call(user(), 'notifications.get', { id })).data.status
    expect([await statusOf(here), await statusOf(elsewhere)]).toEqual(['read', 'unread'])
  })

  it('counts what is unread live on every device', async () => {
    await send(inApp)
    const phone = await connect(scene.server(), user())
    const laptop = user().live
    await phone.subscribe({ topics: [`user:${user().id}`] })
    const start = await unread(user())
    expect(start.unread).toBe(1)
    const ids = [await send(inApp), await send(inApp), await send({ channels: ['email'] }), await send(inApp)]
    const both = (count: number) =>
      vi.waitFor(() => {
        for (const device of [phone, laptop]) expect(countedBy(device, start)).toBe(count)
      }, PATIENCE)
    await both(4)
    await phone.call('notifications.markRead', { id: ids[0] })
    await both(3)
    await laptop.call('inboxes.readAll')
    await both(0)
    expect(await unread(user())).toMatchObject({ unread: 0 })
  })

  it('is read up to an instant, and what came after it stays unread', async () => {
    const first = await send({ text: 'seen', ...inApp })
    const { createdAt } = (await call(user(), 'notifications.get', { id: first })).data
    await new Promise((resolve) => setTimeout(resolve, 5))
    await send({ text: 'unseen', ...inApp })
    const read = await call(user(), 'inboxes.readAll', { upTo: createdAt })
    expect(read).toMatchObject({ data: { userId: user().id, readUpTo: createdAt } })
    await vi.waitFor(
      async () => expect(textsOf(await list(user(), { status: 'unread' }))).toEqual(['unseen']),
      PATIENCE,
    )

    // There is one inbox for each user, and a retry does nothing twice.
    const commandId = '0198c1de-0000-7000-8000-000000000077'
    const rest = await call(user(), 'inboxes.readAll', { commandId })
    expect(rest).toMatchObject({ id: read.id, version: expect.any(Number) as unknown })
    expect(await user().live.call('inboxes.readAll', { commandId })).toMatchObject({ version: rest.version })
    await vi.waitFor(async () => expect(await unread(user())).toMatchObject({ unread: 0 }), PATIENCE)
    const future = await call(user(), 'inboxes.readAll', { upTo: '2199-01-01T00:00:00.000Z' })
    expect(future.data.readUpTo <= scene.server().clock.at()).toBe(true)
  })

  it('is read by many devices at once, once', async () => {
    for (let count = 0; count < 5; count++) await send(inApp)
    const start = await unread(user())
    const answers = await Promise.all(Array.from({ length: 8 }, () => user().live.call('inboxes.readAll')))
    expect(new Set(answers.map(({ ok, id }) => `${ok} ${id}`)).size).toBe(1)
    expect(answers[0]).toMatchObject({ ok: true })
    await vi.waitFor(() => expect(countedBy(user().live, start)).toBe(0), PATIENCE)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(countedBy(user().live, start)).toBe(0)
  })

  it('shows a phone that was off for a week what one shows that was there', async () => {
    const phone = await connect(scene.server(), user())
    const topics = [`user:${user().id}`]
    const subscribed = await phone.subscribe({ topics })
    if (!subscribed.ok) throw new Error('not subscribed')
    const { position, epoch } = subscribed.data
    const start = await unread(user())
    phone.socket.disconnect()

    const days = [await send({ text: 'Monday', ...inApp }), await send({ text: 'Tuesday', ...inApp })]
    scene.server().clock.advance(7 * 24 * 60 * 60_000)
    Object.assign(scene.people().admin, await again(scene.people().admin))
    const there = user().live
    const laptop = await again(user())
    await laptop.live.call('notifications.markRead', { id: days[0] })
    days.push(await send({ text: 'a week later', ...inApp }))

    const back = await connect(scene.server(), { ...user(), ...(await signIn(scene.server(), user().email)) })
    expect(await back.subscribe({ topics, after: position, epoch })).toMatchObject({ ok: true })
    await vi.waitFor(() => expect(countedBy(back, start)).toBe(2), PATIENCE)
    const kinds = ({ received }: Client) =>
      received.flatMap(([type, frame]) =>
        type.startsWith('notification.') && frame.position > position
          ? [[type, frame.actor.id, frame.position]]
          : [],
      )
    expect(kinds(back).map(([type, id]) => [type, id])).toEqual([
      ['notification.created', days[0]],
      ['notification.created', days[1]],
      ['notification.read', days[0]],
      ['notification.created', days[2]],
    ])
    // Who was there saw the same, as long as that connection was allowed to live.
    expect(kinds(back).slice(0, kinds(there).length)).toEqual(kinds(there))
    // Whoever lists instead ends the same.
    expect(textsOf(await list({ live: back }))).toEqual(['a week later', 'Tuesday', 'Monday'])
    expect(textsOf(await list({ live: back }, { status: 'unread' }))).toEqual(['a week later', 'Tuesday'])
    expect(await unread({ live: back })).toMatchObject({ unread: 2 })
  })
})

describe('§2.9 the dedupe key', () => {
  it('makes one notification of many, however many send it at once, and one delivery for each channel', async () => {
    const sending = {
      text: 'Thirty days left.',
      topic: 'certificate.expiring',
      dedupeKey: 'certificate-1:30d',
    }
    const { admin } = scene.people()
    const payload = { recipientId: user().id, ...sending }
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => admin.live.call('notifications.send', payload)),
    )
    for (const answer of answers) expect(answer).toMatchObject({ ok: true })
    const ids = new Set(answers.map(({ id }) => id))
    expect(ids.size).toBe(1)
    const [id] = [...ids] as [string]
    await scene.becomes(id, 'email', 'sent')
    await call(user(), 'notifications.markRead', { id })
    expect(await send(sending)).toBe(id)
    expect(await scene.deliveriesOf(id)).toHaveLength(2)
    expect(scene.mailsTo(user().email)).toHaveLength(1)
    expect(await list(user())).toMatchObject([{ id, state: 'read' }])
    // Another recipient, topic or key is another notification.
    const { id: other } = await scene.somebody(['student'])
    expect(
      new Set([
        await send({ ...sending, recipientId: other, ...inApp }),
        await send({ ...sending, topic: 'message', ...inApp }),
        await send({ ...sending, dedupeKey: 'certificate-1:14d', ...inApp }),
        id,
      ]).size,
    ).toBe(4)
  })
})

describe('preferences', () => {
  it('are there before anybody has said anything, and are one for each user', async () => {
    const { data: none } = await call(user(), 'preferences.own')
    const defaults = {
      language: 'en',
      timeZone: 'UTC',
      email: true,
      push: true,
      topics: {},
      quietHours: null,
    }
    expect(none).toEqual({ id: null, userId: user().id, ...defaults })
    const answers = await Promise.all(
      [
        { language: 'fr' },
        { push: false },
        { quietHours: { from: '22:00', to: '07:00' } },
        { email: false },
      ].map((change) => user().live.call('preferences.set', change)),
    )
    for (const answer of answers) expect(answer).toMatchObject({ ok: true })
    const { data } = await call(user(), 'preferences.own')
    expect(new Set(answers.map(({ id }) => id))).toEqual(new Set([data.id]))
    expect(data).toEqual({
      ...defaults,
      id: data.id,
      userId: user().id,
      language: 'fr',
      push: false,
      email: false,
      quietHours: { from: '22:00', to: '07:00' },
    })
    expect(await call(user(), 'preferences.set', { quietHours: null })).toMatchObject({
      id: data.id,
      data: { quietHours: null, language: 'fr' },
    })
    expect(await scene.people().admin.live.call('preferences.get', { id: data.id })).toMatchObject({
      error: { code: 'not_found' },
    })
  })
})

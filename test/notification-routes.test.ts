import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { quiet } from './support/badge-scene.ts'
import { madeBySystem } from './support/by-system.ts'
import { http, refusal } from './support/http.ts'
import { notificationScene, PATIENCE } from './support/notification-scene.ts'
import { anOrganisation } from './support/server.ts'

const scene = notificationScene()
const { becomes, call, logOf } = scene
const user = () => scene.people().user
const asAdmin = (...request: Parameters<ReturnType<typeof http>>) =>
  http(scene.server(), scene.people().admin)(...request)

const SEND = '/api/notifications/send'
const body = (change: object = {}) => ({ userId: user().id, type: 'email', message: 'It begins.', ...change })

/** So many were taken when everything that was promised has been done. */
const turns = async () => {
  await quiet(scene.server())
  const [row] = await scene
    .server()
    .database.sql.query<{ count: number }>(
      { name: 'turns', text: `select count(*)::int as count from journal` },
      [],
    )
  return row!.count
}

describe('S4.15 POST /api/notifications/send', () => {
  it('S4.15 answers 201 with the id of the notification, once for one key', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const sent = await asAdmin('POST', SEND, { body: body(), headers })
    expect(sent).toMatchObject({
      status: 201,
      body: {
        status: 'success',
        data: { notificationId: expect.any(String) as unknown, message: 'Notification sent successfully' },
      },
    })
    expect((await asAdmin('POST', SEND, { body: body(), headers })).body.data).toEqual(sent.body.data)
    await becomes(sent.body.data.notificationId, 'email', 'sent')
    expect(scene.mailsTo(user().email)).toHaveLength(1)
    expect(scene.mailsTo(user().email)[0]!.text).toContain('It begins.')
  })

  it.each(['email', 'in_app', 'push'])('C25 C26 sends over %s alone when that is its type', async (type) => {
    const { data } = (await asAdmin('POST', SEND, { body: body({ type }) })).body
    expect((await call(user(), 'notifications.get', { id: data.notificationId })).data).toMatchObject({
      channels: [type],
      topic: 'message',
    })
    expect((await call(user(), 'notifications.list')).data.items).toHaveLength(type === 'in_app' ? 1 : 0)
  })

  it('S4.38 is stored with its user, its type, its message and its instant, pending until it is sent', async () => {
    scene.mail().troubles.push({ at: 'rcpt', code: 451, text: 'later' })
    const { notificationId: id } = (await asAdmin('POST', SEND, { body: body() })).body.data
    const { data } = await call(user(), 'notifications.get', { id })
    expect(data).toMatchObject({ id, recipientId: user().id, channels: ['email'], text: 'It begins.' })
    expect(Math.abs(Date.parse(data.createdAt) - scene.server().now())).toBeLessThan(60_000)
    await becomes(id, 'email', 'queued')
    expect(await logOf(user().id)).toMatchObject([{ notificationId: id, deliveryStatus: 'pending' }])
    scene.server().clock.advance(2_000)
    await becomes(id, 'email', 'sent')
    expect((await logOf(user().id)).at(-1)).toMatchObject({ notificationId: id, deliveryStatus: 'sent' })
  })

  it('S4.15 C26 answers 400 to what it cannot be, and nothing is written', async () => {
    const before = await turns()
    for (const wrong of [
      body({ type: 'sms' }),
      body({ type: 'EMAIL' }),
      body({ type: undefined }),
      body({ message: '' }),
      body({ message: '   ' }),
      body({ message: 'x'.repeat(2_001) }),
      body({ userId: 'me' }),
      body({ channels: ['email'] }),
      [],
    ])
      expect(await asAdmin('POST', SEND, { body: wrong })).toMatchObject(refusal(400, 'invalid_input'))
    expect(await turns()).toBe(before)
  })

  it('S4.15 answers 400 for a user that is not there, here', async () => {
    const stranger = await scene.somebody(['student'], await anOrganisation(scene.server()))
    const before = await turns()
    for (const userId of [randomUUID(), stranger.id])
      expect(await asAdmin('POST', SEND, { body: body({ userId }) })).toMatchObject(refusal(400, 'not_found'))
    expect(await turns()).toBe(before)
  })

  it('S4.15 is for administrators', async () => {
    const before = await turns()
    const people = [
      user(),
      await scene.somebody(['instructor']),
      await scene.somebody(['coordinator', 'csm']),
    ]
    for (const person of people)
      for (const userId of [person.id, user().id, randomUUID()])
        expect(await http(scene.server(), person)('POST', SEND, { body: body({ userId }) })).toMatchObject(
          refusal(403, 'forbidden'),
        )
    expect(await http(scene.server())('POST', SEND, { body: body() })).toMatchObject(
      refusal(401, 'unauthenticated'),
    )
    expect(await turns()).toBe(before)
  })
})

describe('S4.16 GET /api/notifications/log', () => {
  it('S4.16 S4.39 has an entry for each attempt, with when it was delivered', async () => {
    await call(user(), 'preferences.set', { topics: { message: { push: false } } })
    scene.mail().troubles.push({ at: 'rcpt', code: 451, text: 'later' })
    const id = await scene.send()
    await becomes(id, 'email', 'queued')
    await becomes(id, 'push', 'suppressed')
    const entry = (channel: string, attempt: number, deliveryStatus: string, reason: string | null) => ({
      notificationId: id,
      channel,
      attempt,
      deliveryStatus,
      reason,
      topic: 'message',
      deliveredAt: deliveryStatus === 'sent' ? (expect.any(String) as unknown) : null,
    })
    const stored = entry('in_app', 1, 'sent', null)
    const off = entry('push', 0, 'suppressed', 'preference_off')
    expect(await logOf(user().id)).toMatchObject([stored, entry('email', 1, 'pending', 'smtp_451'), off])
    scene.server().clock.advance(2_000)
    await becomes(id, 'email', 'sent')
    const logs = await logOf(user().id, user())
    const first = entry('email', 1, 'pending', 'smtp_451')
    expect(logs).toMatchObject([stored, first, entry('email', 2, 'sent', null), off])
    expect(new Set(logs.map(({ logId }) => logId)).size).toBe(4)
    // An entry is the same whenever it is read.
    expect((await logOf(user().id)).map(({ logId }) => logId)).toEqual(logs.map(({ logId }) => logId))
  })

  it('S4.16 C24 answers 404 when there is none, and to whom it is none of their business', async () => {
    const ask = (userId: string, person = scene.people().admin) =>
      http(scene.server(), person)('GET', `/api/notifications/log?userId=${userId}`)
    const none = refusal(404, 'not_found', { message: 'No logs found' })
    expect(await ask(user().id)).toMatchObject(none)
    await scene.send({ channels: ['in_app'] })
    expect(await ask(user().id)).toMatchObject({ status: 200 })
    const other = await scene.somebody(['student'])
    const stranger = await scene.somebody(['admin'], await anOrganisation(scene.server()))
    for (const [userId, person] of [
      [randomUUID(), scene.people().admin],
      [user().id, other],
      [user().id, stranger],
      [other.id, user()],
    ] as const)
      expect(await ask(userId, person)).toMatchObject(none)
  })

  it('S4.16 wants to know whose', async () => {
    for (const query of ['', '?userId=me', `?userId=${user().id}&userId=${user().id}`, `?user=${user().id}`])
      expect(await asAdmin('GET', `/api/notifications/log${query}`)).toMatchObject(
        refusal(400, 'invalid_input'),
      )
  })

  it('S4.16 comes in pages, those of the newest notification first', async () => {
    const ids = []
    for (let count = 0; count < 5; count++) ids.unshift(await scene.send({ channels: ['in_app'] }))
    const seen: string[] = []
    for (let after = ''; ;) {
      const url = `/api/notifications/log?userId=${user().id}&limit=2${after}`
      const { logs, next } = (await asAdmin('GET', url)).body.data
      seen.push(...logs.map(({ notificationId }: { notificationId: string }) => notificationId))
      if (!next) break
      after = `&after=${next}`
    }
    expect(seen).toEqual(ids)
  })
})

describe('S4.29 the welcome', () => {
  it('S4.17 S4.29 comes as an e-mail, too, and an enrollment needs no mail server', async () => {
    scene.mail().troubles.push({ at: 'rcpt', code: 550, text: 'no such mailbox' })
    const { engine, clock } = scene.server()
    const notificationId = randomUUID()
    await madeBySystem(
      { engine, clock },
      { type: 'notification', id: notificationId },
      {
        orgId: scene.people().orgId,
        recipientId: user().id,
        topic: 'enrollment.welcome',
        subject: { actor: 'enrollment', id: randomUUID() },
        text: 'Welcome to First aid.',
        data: { offeringTitle: 'First aid' },
      },
    )
    await becomes(notificationId, 'email', 'failed')
    expect((await call(user(), 'notifications.list')).data.items).toMatchObject([
      { id: notificationId, state: 'unread', view: { text: 'Welcome to First aid.' } },
    ])
    await vi.waitFor(() => expect(scene.mail().troubles).toEqual([]), PATIENCE)
  })
})

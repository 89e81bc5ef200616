import { describe, expect, it, vi } from 'vitest'
import { notificationScene, PATIENCE } from './support/notification-scene.ts'
import { http } from './support/http.ts'
import { freePort } from './support/free-port.ts'
import { anOrganisation, aServer, aUser, connect, signIn } from './support/server.ts'

const scene = notificationScene()
const { call, send, becomes, mailTo, mailsTo, aBrowser, deliveriesOf } = scene
const user = () => scene.people().user
const DAY = 24 * 60 * 60_000

describe('S4.17 an e-mail', () => {
  it('S4.17 U7 goes to the recipient, in text and HTML, and the delivery says so', async () => {
    const id = await send({ text: 'The lesson is moved to <Tuesday>.' })
    const sent = await becomes(id, 'email', 'sent')
    const mail = await mailTo(user().email)
    expect(mail).toMatchObject({
      from: 'no-reply@laurel.example',
      to: [user().email],
      headers: {
        from: 'Laurel <no-reply@laurel.example>',
        subject: 'You have a new message',
        'message-id': `<${sent.id}@laurel.example>`,
        'auto-submitted': 'auto-generated',
        'content-language': 'en',
      },
    })
    expect(mail.text).toContain('The lesson is moved to <Tuesday>.')
    expect(mail.html).toContain('The lesson is moved to &#60;Tuesday&#62;.')
    expect(sent).toMatchObject({ attempts: [{ number: 1, outcome: 'sent', reason: null }], reason: null })
  })

  it('S4.17 is in the language and at the time of whoever gets it', async () => {
    await call(user(), 'preferences.set', { language: 'fr', timeZone: 'Europe/Paris' })
    await send({
      topic: 'course.reminder',
      data: { courseTitle: 'Secourisme', startsAt: '2026-03-02T23:30:00.000Z' },
      text: 'It begins.',
    })
    const mail = await mailTo(user().email)
    expect(mail.headers['subject']).toBe('Rappel : Secourisme')
    expect(mail.text.replaceAll(/\s/g, ' ')).toContain('le mardi 3 mars 2026 à 00:30.')

    await call(user(), 'preferences.set', { language: 'ar' })
    await send({ topic: 'badge.earned', data: { name: 'Helper' }, text: 'It is yours.' })
    const arabic = await mailTo(user().email, 2)
    expect(arabic.headers['subject']).toBe('حصلت على شارة: \u2068Helper\u2069')
    expect(arabic.html).toContain('dir="rtl"')
  })

  it('§2.9 S4.39 F42 is tried again when the server says later, with the same Message-ID, and each attempt is logged', async () => {
    scene
      .mail()
      .troubles.push(
        { at: 'rcpt', code: 451, text: `greylisted ${user().email}` },
        { at: 'data', code: 452, text: 'no room' },
        { at: 'silence' },
      )
    const id = await send()
    for (const [attempts, waitMs] of [
      [1, 2_000],
      [2, 8_000],
      [3, 45_000],
    ] as const) {
      await vi.waitFor(async () => {
        const [email] = (await deliveriesOf(id)).filter(({ channel }) => channel === 'email')
        expect(email).toMatchObject({ status: 'queued', attempts: { length: attempts } })
      }, PATIENCE)
      scene.server().clock.advance(waitMs)
    }
    const delivery = await becomes(id, 'email', 'sent')
    expect(delivery.attempts.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['retry', 'smtp_451'],
      ['retry', 'smtp_452'],
      ['retry', 'unreachable'],
      ['sent', null],
    ])
    // What was taken without an answer came twice, and says that it is the same.
    const mails = mailsTo(user().email)
    expect(mails).toHaveLength(2)
    expect(new Set(mails.map(({ headers }) => headers['message-id'])).size).toBe(1)

    const { data } = await call(scene.people().admin, 'deliveries.log', { userId: user().id })
    expect(
      data.logs
        .filter(({ channel }: { channel: string }) => channel === 'email')
        .map(({ attempt, deliveryStatus }: { attempt: number; deliveryStatus: string }) => [
          attempt,
          deliveryStatus,
        ]),
    ).toEqual([
      [1, 'pending'],
      [2, 'pending'],
      [3, 'pending'],
      [4, 'sent'],
    ])
  })

  it('§2.9 F42 is not tried again when the address is refused', async () => {
    scene.mail().troubles.push({ at: 'rcpt', code: 550, text: `no such mailbox: ${user().email}` })
    const id = await send()
    expect(await becomes(id, 'email', 'failed')).toMatchObject({
      reason: 'smtp_550',
      dueAt: null,
      attempts: [{ number: 1, outcome: 'failed', reason: 'smtp_550' }],
    })
    expect(mailsTo(user().email)).toEqual([])
  })

  it('A42 takes no header from a name or a text', async () => {
    const { orgId } = scene.people()
    const email = `evil.${Date.now()}@example.test`
    const name = 'Eve\r\nBcc: all@example.test\r\n\r\n<b>hello'
    const made = await scene.server().accounts.createUser({
      email,
      password: 'correct horse battery',
      name,
      orgId,
      roles: ['student'],
    })
    // Wherever such a name came from, it is a name.
    if (!made.ok) throw new Error('the account was refused')
    await send({
      recipientId: made.value.id,
      topic: 'badge.earned',
      data: { name: 'A\r\nBcc: all@example.test' },
      text: 'It is yours.',
    })
    const mail = await mailTo(email)
    expect(mail.to).toEqual([email])
    expect(Object.keys(mail.headers)).not.toContain('bcc')
    expect(mail.raw.split('\r\n\r\n')[0]).not.toMatch(/^bcc:/im)
  })

  it('§2.9 goes to nobody who does not want it, at that very moment', async () => {
    await call(user(), 'preferences.set', { topics: { badge: { email: false } } })
    const id = await send({ topic: 'badge.earned' })
    expect(await becomes(id, 'email', 'suppressed')).toMatchObject({ reason: 'preference_off', attempts: [] })
    await becomes(await send(), 'email', 'sent')
    expect(mailsTo(user().email)).toHaveLength(1)
  })

  it('goes to nobody who is blocked', async () => {
    const { admin } = scene.people()
    const blocked = await http(scene.server(), admin)('POST', `/api/v1/users/${user().id}/block`)
    expect(blocked.status).toBe(200)
    expect(await becomes(await send(), 'email', 'suppressed')).toMatchObject({
      reason: 'recipient_unavailable',
    })
  })
})

describe('quiet hours', () => {
  it('are waited for, unless it is urgent, and read meanwhile it need not come any more', async () => {
    // All day but one minute, which was a while ago.
    const now = new Date(scene.server().clock.now() - 5 * 60_000).toISOString()
    const before = new Date(Date.parse(now) - 60_000).toISOString()
    const quietHours = { from: now.slice(11, 16), to: before.slice(11, 16) }
    await call(user(), 'preferences.set', { quietHours, timeZone: 'UTC' })
    await aBrowser()
    const [late, read] = [await send(), await send()]
    const waiting = await becomes(late, 'email', 'queued')
    expect(waiting).toMatchObject({ reason: 'quiet_hours', attempts: [] })
    expect(waiting.dueAt!.slice(11, 16)).toBe(quietHours.to)
    await becomes(read, 'email', 'queued')
    await becomes(read, 'push', 'queued')
    await becomes(await send({ urgent: true }), 'email', 'sent')
    await call(user(), 'notifications.markRead', { id: read })

    scene.server().clock.advance(Date.parse(waiting.dueAt!) - scene.server().clock.now() + 1_000)
    Object.assign(scene.people().admin, await scene.again(scene.people().admin))
    await becomes(late, 'email', 'sent')
    for (const channel of ['email', 'push'])
      expect(await becomes(read, channel, 'suppressed')).toMatchObject({ reason: 'already_read' })
    expect(mailsTo(user().email)).toHaveLength(2)
  })
})

describe('a server', () => {
  it('without a mail server and a push service says that it sends neither, and the inbox works', async () => {
    const server = await aServer()
    const orgId = await anOrganisation(server)
    const [admin, recipient] = [
      await aUser(server, ['admin'], orgId),
      await aUser(server, ['student'], orgId),
    ]
    const [asAdmin, asUser] = [await connect(server, admin), await connect(server, recipient)]
    const { id } = await asAdmin.call('notifications.send', { recipientId: recipient.id, text: 'Hello.' })
    await vi.waitFor(async () => {
      const { data } = await asAdmin.call('deliveries.list', { notificationId: id })
      expect(
        data.items.map(({ view }: { view: { channel: string; reason: string } }) => view.reason).toSorted(),
      ).toEqual(['email_unavailable', 'push_unavailable'])
    }, PATIENCE)
    expect((await asUser.call('notifications.list')).data.items).toMatchObject([{ id, state: 'unread' }])
    expect((await asUser.call('push-subscriptions.key')).data).toEqual({ publicKey: null })
    const keys = {
      endpoint: 'https://push.example.com/x',
      p256dh: `B${'A'.repeat(86)}`,
      auth: 'A'.repeat(22),
    }
    expect(await asUser.call('push-subscriptions.add', keys)).toMatchObject({
      error: { code: 'push_unavailable' },
    })
  })

  it('whose mail server is away goes on, tries for over an hour, over a restart, and then gives up', async () => {
    const url = `smtp://127.0.0.1:${await freePort()}`
    const first = await aServer({ mail: { url, from: { name: '', address: 'no-reply@laurel.example' } } })
    const orgId = await anOrganisation(first)
    const [admin, recipient] = [await aUser(first, ['admin'], orgId), await aUser(first, ['student'], orgId)]
    const asAdmin = await connect(first, admin)
    const sent = { recipientId: recipient.id, text: 'Hello.', channels: ['in_app', 'email'] }
    const { id } = await asAdmin.call('notifications.send', sent)
    const attempts = async (client: typeof asAdmin) => {
      const { data } = await client.call('deliveries.list', { notificationId: id })
      return data.items[0]?.view ?? { attempts: [] }
    }
    await vi.waitFor(async () => expect((await attempts(asAdmin)).attempts).toHaveLength(1), PATIENCE)
    await first.close()
    first.clock.advance(DAY / 100)
    const second = await first.restart()
    let client = await connect(second, await signIn(second, admin.email))
    for (let count = 2; count <= 6; count++) {
      await vi.waitFor(async () => expect((await attempts(client)).attempts).toHaveLength(count), PATIENCE)
      second.clock.advance(DAY / 18)
      client = await connect(second, await signIn(second, admin.email))
    }
    expect(await attempts(client)).toMatchObject({ status: 'failed', reason: 'unreachable', dueAt: null })
    // What it was about is there nevertheless.
    const asUser = await connect(second, await signIn(second, recipient.email))
    expect((await asUser.call('notifications.list')).data.items).toMatchObject([{ id }])
  })
})

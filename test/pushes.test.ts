import { describe, expect, it, vi } from 'vitest'
import { aDefinition } from './support/badge-scene.ts'
import { notificationScene, PATIENCE } from './support/notification-scene.ts'
import { vapidClaims } from './support/push-server.ts'

const scene = notificationScene()
const { call, send, becomes, aBrowser, pushesTo, deliveriesOf } = scene
const user = () => scene.people().user

describe('S4.17 a push', () => {
  it('S4.17 U7 reaches every browser, encrypted for it and signed, and a browser may confirm it', async () => {
    const browsers = [await aBrowser(), await aBrowser(user(), 'Laptop')]
    const id = await send({ topic: 'badge.earned', data: { name: 'Helper' }, text: 'It is yours.' })
    const delivery = await becomes(id, 'push', 'sent')
    for (const { path } of browsers) {
      const [push, ...more] = pushesTo(path)
      expect(more).toEqual([])
      expect(push!.payload).toEqual({
        notificationId: id,
        deliveryId: delivery.id,
        topic: 'badge.earned',
        title: 'You have earned a badge: Helper',
        body: 'Congratulations! It is yours.',
        lang: 'en',
        dir: 'ltr',
        createdAt: expect.any(String) as unknown,
      })
      expect(push!.headers).toMatchObject({
        topic: id.replaceAll('-', ''),
        urgency: 'normal',
        'content-encoding': 'aes128gcm',
      })
      expect(Number(push!.headers['ttl'])).toBeGreaterThan(86_000)
      expect(vapidClaims(push!.headers, scene.vapid.publicKey)).toMatchObject({
        aud: scene.pushes().url,
        sub: 'mailto:operations@laurel.example',
      })
    }
    const { data } = await call(user(), 'push-subscriptions.key')
    expect(data).toEqual({ publicKey: scene.vapid.publicKey })
    await call(user(), 'deliveries.confirm', { id: delivery.id })
    await becomes(id, 'push', 'delivered')
  })

  it('S1.10 S1.11 S1.20 tells of a badge when it has been awarded; a service that is away takes nothing back', async () => {
    const browser = await aBrowser()
    const award = async () => {
      const definitionId = await aDefinition(scene.people().admin.live)
      const fields = { definitionId, recipientId: user().id }
      return (await call(scene.people().admin, 'badges.award', fields)).id as string
    }
    const first = await award()
    await vi.waitFor(() => expect(pushesTo(browser.path)).toHaveLength(1), PATIENCE)
    const { payload } = pushesTo(browser.path)[0]!
    expect(payload).toMatchObject({ topic: 'badge.earned' })
    await becomes(payload.notificationId, 'push', 'sent')

    scene.pushes().answers[browser.path] = [{ status: 400 }]
    const second = await award()
    await vi.waitFor(() => expect(pushesTo(browser.path)).toHaveLength(2), PATIENCE)
    const { data } = await call(user(), 'notifications.list', { topic: 'badge.earned' })
    const newest = data.items.find(({ id }: { id: string }) => id !== payload.notificationId)
    await becomes(newest.id, 'push', 'failed')
    for (const id of [first, second])
      expect(await call(user(), 'badges.get', { id })).toMatchObject({ state: 'earned' })
  })

  it('§2.9 drops a browser that is gone, and fails when there was no other', async () => {
    const [gone, stays] = [await aBrowser(), await aBrowser(user(), 'Laptop')]
    scene.pushes().answers[gone.path] = [{ status: 410 }]
    await becomes(await send(), 'push', 'sent')
    expect(pushesTo(stays.path)).toHaveLength(1)
    const view = async (id: string) => (await call(user(), 'push-subscriptions.get', { id })).data
    expect(await view(gone.id)).toMatchObject({ status: 'ended', endReason: 'gone' })

    scene.pushes().answers[stays.path] = [{ status: 404 }]
    expect(await becomes(await send(), 'push', 'failed')).toMatchObject({ reason: 'http_404' })
    expect(await becomes(await send(), 'push', 'suppressed')).toMatchObject({ reason: 'no_devices' })
    expect([pushesTo(gone.path).length, pushesTo(stays.path).length]).toEqual([1, 2])
  })

  it('does not wait for a service that hangs up, and goes on to the others', async () => {
    const [odd, well] = [await aBrowser(), await aBrowser(user(), 'Laptop')]
    const headers = { connection: 'Upgrade', upgrade: 'something' }
    scene.pushes().answers[odd.path] = [{ status: 101, headers }]
    const id = await send()
    const waiting = await becomes(id, 'push', 'queued')
    expect(waiting.attempts).toMatchObject([{ outcome: 'retry', reason: 'unreachable' }])
    scene.server().clock.advance(10_000)
    await becomes(id, 'push', 'sent')
    expect([pushesTo(odd.path).length, pushesTo(well.path).length]).toEqual([2, 1])
  })

  it('§2.9 is tried again where the service is busy, as late as it wants, and nowhere twice', async () => {
    const [busy, well] = [await aBrowser(), await aBrowser(user(), 'Laptop')]
    scene.pushes().answers[busy.path] = [{ status: 429, headers: { 'retry-after': '120' } }, { status: 503 }]
    const id = await send()
    const waiting = await becomes(id, 'push', 'queued')
    expect(waiting.attempts).toMatchObject([{ outcome: 'retry', reason: 'http_429' }])
    expect(Date.parse(waiting.dueAt!) - Date.parse(waiting.attempts[0]!.at)).toBe(120_000)
    scene.server().clock.advance(121_000)
    await vi.waitFor(async () => {
      const [push] = (await deliveriesOf(id)).filter(({ channel }) => channel === 'push')
      expect(push).toMatchObject({ status: 'queued', attempts: { length: 2 } })
    }, PATIENCE)
    scene.server().clock.advance(10_000)
    await becomes(id, 'push', 'sent')
    expect([pushesTo(busy.path).length, pushesTo(well.path).length]).toEqual([3, 1])
  })

  it('goes to whom the browser belongs to now, once however often it subscribes', async () => {
    const browser = await aBrowser()
    const { id, keys } = browser
    const again = await user().live.call('push-subscriptions.add', keys)
    expect(again).toMatchObject({ ok: true, id })
    const next = await scene.somebody(['student'])
    await call(next, 'push-subscriptions.add', keys)
    await vi.waitFor(async () => {
      const { data } = await call(user(), 'push-subscriptions.get', { id })
      expect(data).toMatchObject({ status: 'ended', endReason: 'superseded' })
    }, PATIENCE)
    const [old, fresh] = [await send(), await send({ recipientId: next.id })]
    expect(await becomes(old, 'push', 'suppressed')).toMatchObject({ reason: 'no_devices' })
    await becomes(fresh, 'push', 'sent')
    expect(pushesTo(browser.path).map(({ payload }) => payload.notificationId)).toEqual([fresh])
  })

  it('A44 goes to no address of a network of its own, and to nobody without keys', async () => {
    const { keys } = scene.pushes().browser()
    for (const endpoint of [
      'http://10.0.0.8/push',
      'https://169.254.169.254/latest/meta-data',
      'https://intranet/push',
      'https://user:secret@push.example.com/x',
      'http://push.example.com/x',
    ])
      expect(await user().live.call('push-subscriptions.add', { ...keys, endpoint })).toMatchObject({
        error: { code: 'invalid_input', details: [{ path: ['endpoint'] }] },
      })
    for (const change of [{ p256dh: 'short' }, { auth: 'short' }, { endpoint: 'ftp://push.example.com/' }])
      expect(await user().live.call('push-subscriptions.add', { ...keys, ...change })).toMatchObject({
        error: { code: 'invalid_input' },
      })
    expect((await call(user(), 'push-subscriptions.list')).data.items).toEqual([])
    // A point that is none on the curve is found out when it is used.
    const p256dh = `B${'A'.repeat(86)}`
    const { id } = await call(user(), 'push-subscriptions.add', { ...keys, p256dh })
    expect(await becomes(await send(), 'push', 'failed')).toMatchObject({ reason: 'keys_refused' })
    expect((await call(user(), 'push-subscriptions.get', { id })).data).toMatchObject({ endReason: 'gone' })
  })

  it('has at most 20 browsers of one person', async () => {
    for (let count = 0; count < 20; count++) await aBrowser()
    const { keys } = scene.pushes().browser()
    expect(await user().live.call('push-subscriptions.add', keys)).toMatchObject({
      error: { code: 'too_many_devices' },
    })
  })
})

describe('what is nobody’s business', () => {
  it('C42 S4.39 neither addresses nor texts nor keys are in a log, a delivery, an effect or a history', async () => {
    const browser = await aBrowser()
    const secret = 'the exam questions are under the mat'
    scene.mail().troubles.push({ at: 'rcpt', code: 450, text: `later, ${user().email}: ${secret}` })
    const id = await send({ text: secret })
    const { id: deliveryId } = await becomes(id, 'email', 'queued')
    await becomes(id, 'push', 'sent')
    const { sql } = scene.server().database
    const rows = async (text: string) =>
      JSON.stringify(await sql.query({ name: `leak ${text.length}`, text }, []))
    const places = [
      scene.log.join(''),
      await rows(`select * from effect`),
      await rows(`select * from delivery`),
      await rows(`select snapshot from push_subscription`),
      await rows(`select message, events, view from journal where actor_type = 'pushSubscription'`),
      await rows(`select message, events, view from journal where actor_type = 'delivery'`),
      JSON.stringify(await call(user(), 'push-subscriptions.get', { id: browser.id })),
      JSON.stringify(await call(user(), 'push-subscriptions.journal', { id: browser.id })),
      JSON.stringify(await call(scene.people().admin, 'deliveries.journal', { id: deliveryId })),
    ]
    for (const [index, place] of places.entries())
      for (const leak of [
        secret,
        user().email,
        browser.keys.endpoint,
        browser.path,
        browser.keys.p256dh,
        browser.keys.auth,
      ])
        expect([index, place.includes(leak)]).toEqual([index, false])
    scene.server().clock.advance(5_000)
    await becomes(id, 'email', 'sent')
  })
})

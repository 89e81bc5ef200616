import { request } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { http } from './support/http.ts'
import { aDatabaseAddress } from './support/database.ts'
import { PATIENCE } from './support/notification-scene.ts'
import { run } from './support/program.ts'
import { aServer, aUser, connect, type TestServer } from './support/server.ts'

const showing = async () => {
  const server = await aServer({ showMessages: true, basePath: '/laurel' })
  const admin = await aUser(server, ['admin'])
  const recipient = await aUser(server, ['student'])
  return { server, admin, recipient, desk: await connect(server, admin) }
}

/** With whatever headers a browser would not let anybody choose. */
const statusOf = ({ url }: Pick<TestServer, 'url'>, path: string, headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    request(`${url}${path}`, { headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

const PATHS = ['/dev/messages', '/dev/messages.json'] as const

describe('S4.17 messages in development', () => {
  it('are shown where nobody is sent them: a page, each as HTML, and JSON', async () => {
    const { server, recipient, desk } = await showing()
    const evil = '<script>alert(1)</script> "&\''
    const { id } = await desk.call('notifications.send', { recipientId: recipient.id, text: evil })
    const nobody = http(server)
    const [message] = await vi.waitFor(async () => {
      const { body } = await nobody('GET', '/dev/messages.json')
      expect(body.data.items).toHaveLength(1)
      return body.data.items
    }, PATIENCE)
    expect(message).toMatchObject({ to: { address: recipient.email }, subject: 'You have a new message' })
    expect(message.text).toContain(evil)
    await vi.waitFor(async () => {
      const { data } = await desk.call('deliveries.list', { notificationId: id, channel: 'email' })
      expect(data.items).toMatchObject([{ id: message.id, view: { status: 'sent' } }])
    }, PATIENCE)

    for (const base of ['', '/laurel']) {
      const list = await nobody('GET', `${base}/dev/messages`)
      expect(list.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(list.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(list.headers.get('cache-control')).toBe('no-store')
      expect(list.body).not.toContain('<script')
      expect(list.body).toContain('&#60;script&#62;alert(1)')
      const [, address] = /href="([^"]*\/dev\/messages\/[^"]*)"/.exec(list.body)!
      expect(address).toBe(`${base}/dev/messages/${message.id}`)
      const letter = await nobody('GET', address!)
      expect(letter.body).toBe(message.html)
      expect(letter.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
    }
    expect((await nobody('GET', `/dev/messages/${id}`)).status).toBe(404)
  })

  it('A60 are for this machine only: through a proxy, or by another name, there are none, for administrators neither', async () => {
    const { server, admin } = await showing()
    const authorization = `Bearer ${admin.token}`
    for (const path of PATHS) {
      expect(await statusOf(server, path, {})).toBe(200)
      for (const host of ['localhost', '[::1]:3000', '127.0.0.1'])
        expect([host, await statusOf(server, path, { host })]).toEqual([host, 200])
      for (const headers of [
        { 'x-forwarded-for': '127.0.0.1' },
        { forwarded: 'for=127.0.0.1' },
        { via: '1.1 proxy' },
        { host: 'evil.example' },
        { host: 'localhost.evil.example' },
        { host: '127.0.0.1.evil.example:80' },
      ])
        expect([headers, await statusOf(server, path, { authorization, ...headers })]).toEqual([headers, 404])
    }
  })

  it('are in no server that is not told to show them', async () => {
    const server = await aServer()
    for (const path of PATHS) expect((await http(server)('GET', path)).status).toBe(404)
  })
})

it('S4.17 with a mail server nothing is kept to be shown', async () => {
  const from = { name: 'Laurel', address: 'no-reply@laurel.example' }
  const server = await aServer({ showMessages: true, mail: { url: 'smtp://127.0.0.1:1', from } })
  for (const path of PATHS) expect((await http(server)('GET', path)).status).toBe(404)
})

describe('S4.17 the start', () => {
  const LAUREL_TOKEN_SECRET = 'a secret for tests, long enough for anybody'
  const settings = {
    LAUREL_TOKEN_SECRET,
    PORT: '0',
    LAUREL_DEMO: 'off',
    PAYSTACK_SECRET_KEY: 'sk_test_of_no_account',
  }
  const asProduction = {
    NODE_ENV: 'production',
    LAUREL_ENCRYPTION_KEYS: `test:${Buffer.alloc(32, 7).toString('base64')}`,
  }
  const answerOf = async (url: string) => (await fetch(`${url}/dev/messages`)).status

  it.each([
    ['names the address in development', {}, 200],
    ['shows none in production', asProduction, 404],
    ['shows none where others are served', { LAUREL_BASE_PATH: '/laurel' }, 404],
    ['shows none in tests', { NODE_ENV: 'test' }, 404],
  ])('%s', async (_, mode, status) => {
    const { database, remove } = await aDatabaseAddress()
    onTestFinished(remove)
    const place = 'url' in database ? { DATABASE_URL: database.url } : { DATA_DIR: database.folder! }
    const program = run(['src/main.ts'], { ...settings, ...mode, ...(place as Record<string, string>) })
    const [, url] = await program.prints(/(http:\/\/127\.0\.0\.1:\d+)/)
    await vi.waitFor(async () => expect(await answerOf(url!)).toBe(status), PATIENCE)
    if (status === 200) await program.prints(/Messages +http:\/\/127\.0\.0\.1:\d+\/dev\/messages/)
    else expect(program.output()).not.toContain('/dev/messages')
  })
})

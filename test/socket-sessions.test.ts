import { randomUUID } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { io, type Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Role } from '../actors/actor.ts'
import { days } from './support/clock.ts'
import {
  aServer,
  aTeam,
  aUser,
  connect,
  signIn,
  type Client,
  type Person,
  type TestServer,
} from './support/server.ts'

/** Far longer than anything here takes: a test that hangs ends, a slow machine does not matter. */
const PATIENCE = { timeout: 300_000 }
const MINUTE = 60_000
const SECRET = 'a secret that only this test knows, long enough'

const rest = async (
  { url }: Pick<TestServer, 'url'>,
  { token }: { token?: string },
  [method, path, body]: readonly [string, string, object?],
) => {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as { status: string; data: { token: string; refreshToken: string } }
  expect(answer).toMatchObject({ status: 'success' })
  return answer.data
}

const refreshed = (server: TestServer, { refreshToken }: { refreshToken: string }) =>
  rest(server, {}, ['POST', '/api/auth/token/refresh', { refreshToken }])

const signOut = ['POST', '/api/auth/user/logout'] as const
const block = ({ id }: Person) => ['POST', `/api/v1/users/${id}/block`] as const
const roles = ({ id }: Person, ...names: Role[]) =>
  ['PUT', `/api/v1/users/${id}/roles`, { roles: names }] as const

/** How the server ended the connection: what it said, and whether it closed it. */
const ending = async (client: Client) => {
  const { code } = await client.next('closing')
  if (client.socket.connected) await new Promise((resolve) => client.socket.once('disconnect', resolve))
  return code as string
}

/** A second namespace on the same connection. */
const alsoIn = async ({ socket }: Client, namespace: string, { token }: { token: string }) => {
  const other = socket.io.socket(namespace, { auth: { token } })
  const received: string[] = []
  other.onAny((name: string) => received.push(name))
  await new Promise((resolve, reject) => {
    other.once('connect', () => resolve(undefined))
    other.once('connect_error', reject)
  })
  return { socket: other, received }
}

/** The answer, or that there is none because the connection has ended. */
const attempt = (socket: Socket, name: string, payload: object) =>
  new Promise<{ ok: boolean; error?: { code: string } } | 'disconnected'>((resolve) => {
    socket.once('disconnect', () => resolve('disconnected'))
    if (!socket.connected) return resolve('disconnected')
    return socket.emit(name, payload, resolve)
  })

const versionOf = async (client: Client, mentorId: string) =>
  (await client.call('mentors.get', { id: mentorId })).version as number

describe('the handshake', () => {
  const refusedWith = (server: TestServer, auth: object, query: Record<string, string> = {}) => {
    const socket = io(`${server.url}/live`, {
      transports: ['websocket'],
      auth,
      query,
      forceNew: true,
      reconnection: false,
    })
    onTestFinished(() => void socket.disconnect())
    return new Promise((resolve) => {
      socket.once('connect', () => resolve('connected'))
      socket.once('connect_error', ({ message, data }: Error & { data?: unknown }) =>
        resolve({ message, data }),
      )
    })
  }

  it('refuses whatever is no access token of ours, in the same words', PATIENCE, async () => {
    const server = await aServer({ tokenSecret: SECRET })
    const { admin, coordinator } = await aTeam(server)
    const { token } = admin
    const [header, body, signature] = token.split('.') as [string, string, string]
    const claims = jwt.decode(token) as jwt.JwtPayload
    const typ = 'at+jwt'
    const signed = (changes: object, secret = SECRET, head: object = {}) => {
      const payload = Object.fromEntries(
        Object.entries({ ...claims, ...changes }).filter(([, value]) => value !== undefined),
      )
      return jwt.sign(payload, secret, { algorithm: 'HS256', header: { alg: 'HS256', typ, ...head } })
    }
    const unsigned = (alg: string) =>
      `${Buffer.from(JSON.stringify({ alg, typ })).toString('base64url')}.${body}.`
    const now = Math.floor(server.now() / 1000)
    // Otherwise every forgery below is refused for a reason of its own.
    expect(await refusedWith(server, { token: signed({}) })).toBe('connected')

    const tokens: Record<string, unknown> = {
      nothing: undefined,
      null: null,
      'an empty text': '',
      'an empty array': [],
      'an array': [token],
      'an object': { token },
      'a number': 5,
      yes: true,
      'a text': 'x',
      'a huge text': 'x'.repeat(60_000),
      'a text that no frame may hold': 'x'.repeat(200_000),
      'a huge token': `${token}${'x'.repeat(5_000)}`,
      'a header of HTTP': `Bearer ${token}`,
      'a blank': ` ${token}`,
      'a refresh token': admin.refreshToken,
      'alg none': unsigned('none'),
      'alg None': unsigned('None'),
      'alg nOnE': unsigned('nOnE'),
      'alg none with a signature': `${unsigned('none')}${signature}`,
      'alg HS512': jwt.sign(claims, SECRET, { algorithm: 'HS512', header: { alg: 'HS512', typ } }),
      'no signature': `${header}.${body}.`,
      'a cut signature': token.slice(0, -1),
      'two signatures': `${token}.${signature}`,
      'the wrong key': signed({}, 'another secret, which is long enough as well'),
      'the signature of another token': `${header}.${body}.${coordinator.token.split('.')[2]}`,
      'claims of somebody else': `${header}.${coordinator.token.split('.')[1]}.${signature}`,
      crit: signed({}, SECRET, { crit: ['x'] }),
      kid: signed({}, SECRET, { kid: '../../dev/null' }),
      jku: signed({}, SECRET, { jku: 'https://evil.example' }),
      'the type of an id token': signed({}, SECRET, { typ: 'JWT' }),
      'another audience': signed({ aud: 'another-api' }),
      'no audience': signed({ aud: undefined }),
      'another issuer': signed({ iss: 'another' }),
      'no issuer': signed({ iss: undefined }),
      'the past': signed({ iat: now - 900, exp: now - 60 }),
      'the future': signed({ iat: now + 600, exp: now + 900 }),
      'not yet': signed({ nbf: now + 600 }),
      'no end': signed({ exp: undefined }),
      'an end too far': signed({ exp: now + 86_400 }),
      'a session that there is not': signed({ sid: randomUUID() }),
      "another user's session": signed({ sid: (jwt.decode(coordinator.token) as jwt.JwtPayload)['sid'] }),
      'another subject': signed({ sub: coordinator.id }),
      'no subject': signed({ sub: undefined }),
      'a role that there is not': signed({ roles: ['root'] }),
    }
    for (const [name, bad] of Object.entries(tokens))
      expect([name, await refusedWith(server, { token: bad })]).toEqual([
        name,
        { message: 'Sign in first', data: { code: 'unauthenticated' } },
      ])
    for (const [auth, query] of [
      [{}, { token }],
      [{ Token: token }, {}],
      [{ auth: { token } }, {}],
      [JSON.parse(`{"__proto__":{"token":"${token}"}}`) as object, {}],
    ] as const)
      expect(await refusedWith(server, auth, query)).toMatchObject({ data: { code: 'unauthenticated' } })
  })

  it('refuses a token that has ended, with its session or by itself', PATIENCE, async () => {
    const server = await aServer()
    const { admin, coordinator, mentorUser } = await aTeam(server)
    await rest(server, coordinator, signOut)
    await rest(server, admin, block(mentorUser))
    server.clock.advance(16 * MINUTE)
    for (const { token } of [admin, coordinator, mentorUser])
      expect(await refusedWith(server, { token })).toEqual({
        message: 'Sign in first',
        data: { code: 'unauthenticated' },
      })
  })

  it('gives the roles of now, not of when the token was made', PATIENCE, async () => {
    const server = await aServer()
    const { admin, coordinator, mentorId } = await aTeam(server)
    await rest(server, admin, roles(coordinator, 'student'))
    const client = await connect(server, coordinator)
    expect(await client.call('mentors.get', { id: mentorId })).toMatchObject({ error: { code: 'not_found' } })
  })
})

describe('the end of a token', () => {
  it('is announced a minute before; under a new token everything goes on', PATIENCE, async () => {
    const server = await aServer()
    const { admin, coordinator, mentorId } = await aTeam(server)
    const client = await connect(server, coordinator)
    const other = await alsoIn(client, '/mentors', coordinator)
    const topic = `coordinator:${coordinator.id}`
    await client.subscribe({ topics: [topic] })
    const { exp } = jwt.decode(coordinator.token) as { exp: number }
    const expiresAt = new Date(exp * 1000).toISOString()

    server.clock.advance(14 * MINUTE)
    expect(await client.next('session.expiring')).toEqual({ expiresAt })
    const renewed = await refreshed(server, coordinator)
    const answer = await client.call('session.refresh', { token: renewed.token })
    expect(answer.ok).toBe(true)
    expect(Date.parse(answer.data.expiresAt)).toBeGreaterThan(Date.parse(expiresAt) + 10 * MINUTE)

    // The first token has ended; the second one is announced in its turn, which proves that the clock has been looked at.
    server.clock.advance(14 * MINUTE)
    await client.next('session.expiring', ({ expiresAt: at }) => at === answer.data.expiresAt)
    const boss = await connect(server, await signIn(server, admin.email))
    await boss.call('mentors.pause', { id: mentorId, reason: 'holiday' })
    expect(await client.next('mentor.held')).toMatchObject({ topic, actor: { id: mentorId } })
    expect(await client.call('mentors.get', { id: mentorId })).toMatchObject({ ok: true, version: 2 })
    expect(await other.socket.emitWithAck('get', { id: mentorId })).toMatchObject({ ok: true })
    const names = client.received.map(([name]) => name)
    expect(names.filter((name) => name === 'session.expiring')).toHaveLength(2)
    expect(names).not.toContain('session.expired')
    expect(names).not.toContain('topic.closed')
  })

  it('ends the connection, and what comes after it is not done', PATIENCE, async () => {
    const server = await aServer()
    const { admin, coordinator, mentorId } = await aTeam(server)
    const client = await connect(server, coordinator)
    const other = await alsoIn(client, '/mentors', coordinator)
    const { exp } = jwt.decode(coordinator.token) as { exp: number }

    server.clock.advance(15 * MINUTE)
    const late = await Promise.all([
      attempt(client.socket, 'mentors.pause', { id: mentorId, reason: 'x' }),
      attempt(client.socket, 'mentors.get', { id: mentorId }),
      attempt(client.socket, 'subscribe', { topics: [`coordinator:${coordinator.id}`] }),
      attempt(client.socket, 'session.refresh', { token: (await refreshed(server, coordinator)).token }),
      attempt(other.socket, 'pause', { id: mentorId, reason: 'x' }),
    ])
    for (const answer of late)
      if (answer !== 'disconnected') expect(answer).toMatchObject({ error: { code: 'unauthenticated' } })
    expect(await ending(client)).toBe('session_expired')
    expect(await client.next('session.expired')).toEqual({ expiresAt: new Date(exp * 1000).toISOString() })
    expect(client.received.map(([name]) => name).slice(-2)).toEqual(['session.expired', 'closing'])
    expect(other.received.slice(-2)).toEqual(['session.expired', 'closing'])
    expect(client.socket.active).toBe(false)

    const boss = await connect(server, await signIn(server, admin.email))
    expect(await versionOf(boss, mentorId)).toBe(1)
  })
})

describe('session.refresh', () => {
  it('with a bad token changes nothing', PATIENCE, async () => {
    const server = await aServer()
    const { admin, mentorId } = await aTeam(server)
    const client = await connect(server, admin)
    for (const token of ['', 'x', admin.refreshToken, `${admin.token}x`])
      expect(await client.call('session.refresh', { token })).toMatchObject({
        error: { code: 'unauthenticated' },
      })
    expect(await client.call('mentors.get', { id: mentorId })).toMatchObject({ ok: true })
  })

  it("with another user's token ends the connection", PATIENCE, async () => {
    const server = await aServer()
    const { admin, coordinator, mentorId } = await aTeam(server)
    const client = await connect(server, coordinator)
    expect(await client.call('session.refresh', { token: admin.token })).toMatchObject({
      error: { code: 'forbidden' },
    })
    expect(await ending(client)).toBe('forbidden')
    expect(client.socket.active).toBe(false)
    const boss = await connect(server, admin)
    expect(await versionOf(boss, mentorId)).toBe(1)
  })

  it('renews the sockets of its user only', PATIENCE, async () => {
    const server = await aServer()
    const { admin, coordinator, mentorUser, mentorId } = await aTeam(server)
    const client = await connect(server, admin)
    const theirs = await alsoIn(client, '/mentors', mentorUser)
    const { token } = await signIn(server, admin.email)
    expect(await client.call('session.refresh', { token })).toMatchObject({ ok: true })
    const payload = { id: mentorId, coordinatorId: coordinator.id }
    expect(await theirs.socket.emitWithAck('reassign', payload)).toMatchObject({
      error: { code: 'forbidden' },
    })
  })

  it('moves the connection to the new sign-in', PATIENCE, async () => {
    const server = await aServer()
    const { admin, mentorId } = await aTeam(server)
    const client = await connect(server, admin)
    const second = await signIn(server, admin.email)
    expect(await client.call('session.refresh', { token: second.token })).toMatchObject({ ok: true })
    await rest(server, admin, signOut)
    expect(await versionOf(client, mentorId)).toBe(1)
    await rest(server, second, signOut)
    expect(await ending(client)).toBe('session_expired')
  })
})

/** What ends or changes sign-ins, seen by sockets of one server and done on another one, or on the same. */
const reach = (servers: () => Promise<{ sockets: TestServer; changes: TestServer }>) => {
  it('a sign-out, and no other session of the user', PATIENCE, async () => {
    const { sockets, changes } = await servers()
    const { coordinator, mentorId, adminClient } = await aTeam(changes)
    const second = await signIn(changes, coordinator.email)
    const [client, other] = [await connect(sockets, coordinator), await connect(sockets, second)]
    const further = await alsoIn(client, '/certifications', coordinator)
    await rest(changes, coordinator, signOut)
    expect(await ending(client)).toBe('session_expired')
    expect(further.received).toContain('closing')
    expect(client.socket.active).toBe(false)
    expect(await attempt(client.socket, 'mentors.pause', { id: mentorId, reason: 'x' })).toBe('disconnected')
    expect(await other.call('mentors.get', { id: mentorId })).toMatchObject({ ok: true })
    expect(await versionOf(adminClient, mentorId)).toBe(1)
  })

  it('the blocking of a user', PATIENCE, async () => {
    const { sockets, changes } = await servers()
    const { admin, coordinator } = await aTeam(changes)
    const second = await signIn(changes, coordinator.email)
    const clients = [await connect(sockets, coordinator), await connect(sockets, second)]
    const bystander = await connect(sockets, admin)
    await rest(changes, admin, block(coordinator))
    for (const client of clients) expect(await ending(client)).toBe('session_expired')
    expect(bystander.socket.connected).toBe(true)
    await expect(connect(sockets, coordinator)).rejects.toMatchObject({ data: { code: 'unauthenticated' } })
  })

  it('a change of the password, but not the session that made it', PATIENCE, async () => {
    const { sockets, changes } = await servers()
    const { coordinator, mentorId } = await aTeam(changes)
    const second = await signIn(changes, coordinator.email)
    const [client, other] = [await connect(sockets, coordinator), await connect(sockets, second)]
    const passwords = {
      currentPassword: 'correct horse battery',
      newPassword: 'a staple that nobody guesses',
    }
    await rest(changes, second, ['POST', '/api/auth/user/password', passwords])
    expect(await ending(client)).toBe('session_expired')
    expect(await other.call('mentors.get', { id: mentorId })).toMatchObject({ ok: true })
  })

  it('a loss of roles, with the topics that are not allowed any more', PATIENCE, async () => {
    const { sockets, changes } = await servers()
    const { orgId, admin, coordinator, mentorId, adminClient } = await aTeam(changes)
    const client = await connect(sockets, coordinator)
    const boss = await connect(sockets, await aUser(changes, ['admin', 'coordinator'], orgId))
    const lost = [`coordinator:${coordinator.id}`, `mentor:${mentorId}`]
    const kept = `user:${coordinator.id}`
    expect(await client.subscribe({ topics: [...lost, kept] })).toMatchObject({ ok: true })
    await boss.subscribe({ topics: [`org:${orgId}`] })

    await rest(changes, admin, roles(coordinator, 'student'))
    for (const topic of lost)
      expect(await client.next('topic.closed', (closed) => closed.topic === topic)).toEqual({
        topic,
        reason: 'forbidden',
      })
    await adminClient.call('mentors.pause', { id: mentorId, reason: 'x' })
    await boss.next('mentor.held')
    for (const [name, payload] of [
      ['mentors.get', { id: mentorId }],
      ['mentors.pause', { id: mentorId, reason: 'y' }],
    ] as const)
      expect(await client.call(name, payload)).toMatchObject({ error: { code: 'not_found' } })
    expect(await client.subscribe({ topics: [lost[0]!] })).toMatchObject({ error: { code: 'forbidden' } })
    const names = client.received.map(([name]) => name)
    expect(names).not.toContain('mentor.held')
    expect(names.filter((name) => name === 'topic.closed')).toHaveLength(2)
    expect(await client.call('unsubscribe', { topics: lost })).toMatchObject({ data: { topics: [kept] } })
    expect(client.socket.connected).toBe(true)
  })

  it('a loss of roles while nobody can be asked about one of the topics', PATIENCE, async () => {
    const { sockets, changes } = await servers()
    const { admin, coordinator, mentorId } = await aTeam(changes)
    const client = await connect(sockets, coordinator)
    const [unsure, lost] = [`mentor:${mentorId}`, `coordinator:${coordinator.id}`]
    expect(await client.subscribe({ topics: [unsure, lost] })).toMatchObject({ ok: true })
    // It has been joined when the next one in its line has been answered.
    await client.call('unsubscribe', { topics: [`user:${coordinator.id}`] })
    const sql = (name: string, text: string) => changes.database.sql.query({ name, text })
    await sql('break', 'alter table mentor rename to broken')
    await rest(changes, admin, roles(coordinator, 'student'))
    for (const [topic, reason] of [
      [lost, 'forbidden'],
      [unsure, 'overloaded'],
    ])
      expect(await client.next('topic.closed', (closed) => closed.topic === topic)).toEqual({ topic, reason })
    await sql('mend', 'alter table broken rename to mentor')
    expect(await client.call('unsubscribe', { topics: [lost] })).toMatchObject({ data: { topics: [] } })
  })

  it('a gain of roles', PATIENCE, async () => {
    const { sockets, changes } = await servers()
    const { orgId, admin, mentorId } = await aTeam(changes)
    const student = await aUser(changes, ['student'], orgId)
    const client = await connect(sockets, student)
    expect(await client.subscribe({ topics: [`org:${orgId}`] })).toMatchObject({
      error: { code: 'forbidden' },
    })
    await rest(changes, admin, roles(student, 'student', 'admin'))
    await expect
      .poll(() => client.call('mentors.get', { id: mentorId }), PATIENCE)
      .toMatchObject({ ok: true, allowed: expect.arrayContaining(['reassign']) })
    expect(await client.subscribe({ topics: [`org:${orgId}`] })).toMatchObject({ ok: true })
    expect(
      await client.call('certifications.issue', {
        mentorId,
        certType: 'first_aid',
        issuedAt: changes.clock.at(),
        expiresAt: changes.clock.at(days(9)),
      }),
    ).toMatchObject({ ok: true })
    expect(await client.next('certification.issued')).toMatchObject({ topic: `org:${orgId}` })
  })
}

describe('open sockets hear of', () => {
  reach(async () => {
    const server = await aServer()
    return { sockets: server, changes: server }
  })
})

// Two servers cannot share a PGlite folder.
describe.runIf(process.env['LAUREL_TEST_DATABASE'] === 'postgres')(
  'open sockets of another server hear of',
  () => {
    reach(async () => {
      const changes = await aServer()
      return { sockets: await changes.another(), changes }
    })
  },
)

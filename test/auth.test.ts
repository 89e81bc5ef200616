import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anAuthServer, expectRefusal, PASSWORD, type AuthServer } from './support/auth-server.ts'

let server: AuthServer
beforeAll(async () => {
  server = await anAuthServer()
})
afterAll(() => server.close())

const register = (fields: object = {}) =>
  server.call('POST', '/api/auth/user/register', {
    body: { email: `${randomUUID()}@example.org`, password: PASSWORD, name: 'Ada Lovelace', ...fields },
  })
const login = (email: string, password: string, from?: string) =>
  server.call('POST', '/api/auth/user/login', { body: { email, password }, ...(from && { from }) })
const profile = (token: string) => server.call('GET', '/api/auth/user/profile', { token })

it('lets nobody in whose password everybody knows', async () => {
  const email = `${randomUUID()}@Demo.laurel.test`
  await register({ email })
  expectRefusal(await login(email, PASSWORD), 401, 'unauthenticated')
})

describe('registering', () => {
  it('makes a student of the default organisation, signed in', async () => {
    const { status, body } = await register({ email: 'Grace@Example.org', phone: '+234 801 234 5678' })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'success', data: { message: 'User registered successfully' } })
    const me = (await profile(body.data.token)).body.data
    expect(me).toMatchObject({
      userId: body.data.userId,
      publicId: body.data.publicId,
      orgId: server.defaultOrgId,
      email: 'grace@example.org',
      username: expect.stringMatching(/^grace-[0-9a-f]{8}$/),
      role: 'student',
      roles: ['student'],
    })
    expect(me.publicId).toBeTypeOf('number')
  })

  it.each([
    ['a role of one’s own choice', { role: 'admin' }],
    ['several', { roles: ['admin'] }],
    ['an organisation', { orgId: randomUUID() }],
    ['a short password', { password: 'seven77' }],
    ['a password of 129 characters', { password: 'x'.repeat(129) }],
    ['a NUL in the name', { name: 'a\0b' }],
    ['a lone surrogate in the name', { name: 'a\ud800' }],
    ['a script as avatar', { avatarUrl: 'javascript:alert(1)' }],
    ['an operator for an address', { email: { $ne: null } }],
  ])('refuses %s', async (_, fields) => {
    const answer = await register(fields)
    expectRefusal(answer, 400, 'invalid_input')
    expect(answer.body.error.details[0].reason).toEqual(expect.any(String))
  })

  it('takes a telephone number, and no card for one', async () => {
    for (const phone of ['378282246310005', '3782 822463 10005', '30569309025904'])
      expectRefusal(await register({ phone }), 400, 'pan_not_accepted')
    for (const phone of ['+378282246310005', '+34 600 123 456', '0803 123 4567', '34600123456'])
      expect([phone, (await register({ phone })).status]).toEqual([
        phone,
        phone === '+378282246310005' ? 400 : 200,
      ])
  })

  it('refuses a key that would reach the prototype', async () => {
    const body = `{"email":"x@example.org","password":"${PASSWORD}","name":"x","__proto__":{"role":"admin"}}`
    expectRefusal(await server.call('POST', '/api/auth/user/register', { body }), 400, 'invalid_input')
  })

  it('takes an address once, however many ask at the same time', async () => {
    const email = `${randomUUID()}@example.org`
    const answers = await Promise.all([1, 2, 3].map(() => register({ email })))
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 400, 400])
    expectRefusal(
      answers.find(({ status }) => status === 400)!,
      400,
      'invalid_input',
    )
  })
})

describe('signing in', () => {
  it('answers with both tokens and their end', async () => {
    const { email, userId } = await server.aUser()
    const { status, body, headers } = await login(email.toUpperCase(), PASSWORD)
    expect(status).toBe(200)
    expect(body.data).toEqual({
      userId,
      publicId: expect.any(Number),
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refreshToken: expect.stringMatching(/^[\w-]{43}$/),
      expiresAt: new Date(server.clock.ms + 15 * 60_000).toISOString(),
      message: 'Login successful',
    })
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('says the same, and works as hard, for wrong password, unknown and blocked', async () => {
    const { email, userId } = await server.aUser()
    const attempts = [
      () => login(email, 'wrong password'),
      () => login('nobody@example.org', PASSWORD),
      async () => {
        await server.sessions.block(userId)
        return login(email, PASSWORD)
      },
    ]
    const bodies = []
    for (const attempt of attempts) {
      const before = server.passwords.load().derived
      const answer = await attempt()
      expectRefusal(answer, 401, 'unauthenticated')
      expect(server.passwords.load().derived - before).toBe(1)
      bodies.push(answer.body)
    }
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
  })

  it('matches passwords that differ in Unicode form only', async () => {
    const { body } = await register({ password: 'cafe\u0301 au lait' })
    const me = (await profile(body.data.token)).body.data
    expect((await login(me.email, 'caf\u00e9 au lait')).status).toBe(200)
  })

  it('says that no provider is configured', async () => {
    const body = { provider: 'google', providerUserId: '1', accessToken: 'x' }
    expectRefusal(await server.call('POST', '/api/auth/user/login', { body }), 400, 'provider_not_configured')
  })

  it('slows down guessing from one address and leaves the others alone', async () => {
    const { email } = await server.aUser()
    const guesses = Array.from({ length: 11 }, () => login(email, 'wrong password', '192.0.2.1'))
    const answers = await Promise.all(guesses)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    const tooMany = await login(email, PASSWORD, '192.0.2.1')
    expectRefusal(tooMany, 429, 'rate_limited')
    expect(Number(tooMany.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await login(email, PASSWORD, '192.0.2.2')).status).toBe(200)
  })

  it('counts afresh after a success', async () => {
    const { email } = await server.aUser()
    for (let round = 0; round < 2; round++) {
      for (let guess = 0; guess < 6; guess++) await login(email, 'wrong password', '192.0.2.3')
      expect((await login(email, PASSWORD, '192.0.2.3')).status).toBe(200)
    }
  })
})

describe('one’s own account', () => {
  it('changes name and avatar, and nothing else', async () => {
    const { email, userId } = await server.aUser()
    const { token } = await server.signIn(email)
    const put = (body: object) => server.call('PUT', '/api/auth/user/profile', { token, body })
    const avatarUrl = 'https://images.example.org/ada.png'
    expect((await put({ name: 'Ada K.', avatarUrl })).body.data).toEqual({
      userId,
      message: 'Profile updated successfully',
    })
    expect((await profile(token)).body.data).toMatchObject({ name: 'Ada K.', avatarUrl, role: 'student' })
    for (const body of [{ role: 'admin' }, { email: 'x@example.org' }, { name: 'x', publicId: 1 }, {}])
      expectRefusal(await put(body), 400, 'invalid_input')
  })

  it('changes the password only for who knows it, and ends the other sign-ins', async () => {
    const { email } = await server.aUser()
    const here = await server.signIn(email)
    const there = await server.signIn(email)
    const change = (currentPassword: string) =>
      server.call('POST', '/api/auth/user/password', {
        token: here.token,
        body: { currentPassword, newPassword: 'another long one' },
      })
    expectRefusal(await change('wrong password'), 400, 'invalid_input')
    expect((await change(PASSWORD)).status).toBe(200)
    expect((await profile(here.token)).status).toBe(200)
    expectRefusal(await profile(there.token), 401, 'unauthenticated')
    expectRefusal(await login(email, PASSWORD), 401, 'unauthenticated')
    expect((await login(email, 'another long one')).status).toBe(200)
  })

  it.each([
    ['no header', {}],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['nonsense', { authorization: 'Bearer nonsense' }],
    ['a refresh token', { authorization: `Bearer ${'a'.repeat(43)}` }],
    ['two tokens', { authorization: 'Bearer a, Bearer b' }],
  ])('needs a token: %s', async (_, headers) => {
    const answer = await server.call('GET', '/api/auth/user/profile', { headers })
    expectRefusal(answer, 401, 'unauthenticated')
    expect(answer.body.error).toEqual({ errorCode: 401, code: 'unauthenticated', message: 'Sign in first' })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })
})

describe('what leaves the server', () => {
  it('has no secret in the log, whatever went wrong', async () => {
    const { body } = await register()
    const { token, refreshToken } = body.data
    await login((await profile(token)).body.data.email, 'a wrong password of mine')
    await server.call('POST', '/api/auth/user/login', { body: `{"password":"${PASSWORD}` })
    const text = server.log.join('\n')
    expect(text).toContain('/api/auth/user/login')
    for (const secret of [PASSWORD, 'a wrong password of mine', token, refreshToken, '$argon2id$'])
      expect(text).not.toContain(secret)
  })

  it('hides causes: unreadable, too large, unknown', async () => {
    const path = '/api/auth/user/login'
    expectRefusal(await server.call('POST', path, { body: '{' }), 400, 'invalid_input')
    expectRefusal(
      await server.call('POST', path, { body: { email: 'x'.repeat(20_000) } }),
      413,
      'payload_too_large',
    )
    expectRefusal(await server.call('GET', '/api/auth/nothing'), 404, 'not_found')
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { anAuthServer, expectRefusal, PASSWORD, type AuthServer } from './support/auth-server.ts'

let server: AuthServer
beforeAll(async () => {
  server = await anAuthServer()
})
afterAll(() => server.close())

const login = (email: string, password: string) =>
  server.call('POST', '/api/auth/user/login', { body: { email, password } })
const profile = (token: string) => server.call('GET', '/api/auth/user/profile', { token })

describe('administration', () => {
  const paths = (id: string) =>
    [
      ['PUT', `/api/v1/users/${id}/roles`, { roles: ['instructor'] }],
      ['POST', `/api/v1/users/${id}/block`, undefined],
      ['POST', `/api/v1/users/${id}/unblock`, undefined],
    ] as const

  it('is for administrators', async () => {
    const target = await server.aUser()
    const { token } = await server.signIn(
      (await server.aUser({ roles: ['coordinator', 'instructor'] })).email,
    )
    for (const [method, path, body] of paths(target.userId))
      expectRefusal(await server.call(method, path, { token, body }), 403, 'forbidden')
  })

  it('does not know users of other organisations', async () => {
    const stranger = await server.aUser({ orgId: await server.anOrganisation() })
    const { token } = await server.signIn((await server.aUser({ roles: ['admin'] })).email)
    for (const id of [stranger.userId, randomUUID()])
      for (const [method, path, body] of paths(id)) {
        const answer = await server.call(method, path, { token, body })
        expectRefusal(answer, 404, 'not_found')
        expect(answer.body.error.message).toBe('User not found')
      }
  })

  it('gives roles at once, also to those who are signed in', async () => {
    const target = await server.aUser()
    const theirs = await server.signIn(target.email)
    const other = await server.aUser()
    const roles = (id: string, token: string, names: string[]) =>
      server.call('PUT', `/api/v1/users/${id}/roles`, { token, body: { roles: names } })
    expectRefusal(await roles(other.userId, theirs.token, ['student']), 403, 'forbidden')
    const { token } = await server.signIn((await server.aUser({ roles: ['admin'] })).email)
    expectRefusal(await roles(target.userId, token, ['system']), 400, 'invalid_input')
    expect((await roles(target.userId, token, ['admin', 'instructor', 'admin'])).body.data.roles).toEqual([
      'admin',
      'instructor',
    ])
    // Who it was stands in the log.
    const [line] = server.log
      .filter((entry) => entry.includes('"roles set"'))
      .map((entry) => JSON.parse(entry))
    expect(line).toMatchObject({ userId: target.userId, by: expect.any(String) as unknown })
    expect((await roles(other.userId, theirs.token, ['student'])).status).toBe(200)
    expect((await profile(theirs.token)).body.data).toMatchObject({
      role: 'admin',
      roles: ['admin', 'instructor'],
    })
  })

  it('blocks and lets in again', async () => {
    const target = await server.aUser()
    const theirs = await server.signIn(target.email)
    const admin = await server.aUser({ roles: ['admin'] })
    const { token } = await server.signIn(admin.email)
    const set = (id: string, word: string) => server.call('POST', `/api/v1/users/${id}/${word}`, { token })
    expect((await set(target.userId, 'block')).body.data).toEqual({ userId: target.userId, blocked: true })
    expectRefusal(await profile(theirs.token), 401, 'unauthenticated')
    expectRefusal(
      await server.call('POST', '/api/auth/token/refresh', { body: { refreshToken: theirs.refreshToken } }),
      401,
      'unauthenticated',
    )
    expectRefusal(await login(target.email, PASSWORD), 401, 'unauthenticated')
    expect((await set(target.userId, 'unblock')).status).toBe(200)
    expect((await login(target.email, PASSWORD)).status).toBe(200)
    expectRefusal(await profile(theirs.token), 401, 'unauthenticated')
    expectRefusal(await set(admin.userId, 'block'), 409, 'not_allowed_in_state')
  })
})

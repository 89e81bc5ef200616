import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RefreshToken, Session } from '../persistence/identity.ts'
import { refreshTokenHash } from '../src/auth/tokens.ts'
import { anAuthServer, type AuthServer } from './support/auth-server.ts'

let server: AuthServer
beforeAll(async () => {
  server = await anAuthServer()
})
afterAll(() => server.close())

const refresh = async (refreshToken: string) => {
  const { status, body } = await server.call('POST', '/api/auth/token/refresh', { body: { refreshToken } })
  return { status, data: body.data as { token: string; refreshToken: string }, error: body.error }
}
const isSignedIn = async (token: string) =>
  (await server.call('GET', '/api/auth/user/profile', { token })).status === 200
const signedIn = async () => {
  const { email, userId } = await server.aUser()
  const first = await server.signIn(email)
  const verified = server.tokens.verify(first.token)
  if (!verified.ok) throw new Error('a fresh token is not valid')
  return { ...first, userId, email, sessionId: verified.sessionId }
}

describe('refresh tokens', () => {
  it('are exchanged for new ones, which work', async () => {
    const { refreshToken, token } = await signedIn()
    const first = await refresh(refreshToken)
    expect(first.status).toBe(200)
    expect(first.data.refreshToken).not.toBe(refreshToken)
    expect(first.data.token).not.toBe(token)
    expect(await isSignedIn(first.data.token)).toBe(true)
    expect((await refresh(first.data.refreshToken)).status).toBe(200)
  })

  it('may be repeated for ten seconds when the answer was lost', async () => {
    const { refreshToken } = await signedIn()
    const lost = await refresh(refreshToken)
    server.clock.ms += 10_000
    const repeated = await refresh(refreshToken)
    expect(repeated.data.refreshToken).toBe(lost.data.refreshToken)
    expect(await isSignedIn(repeated.data.token)).toBe(true)
    expect((await refresh(repeated.data.refreshToken)).status).toBe(200)
  })

  it('give many tabs that ask at once the same successor', async () => {
    const { refreshToken } = await signedIn()
    const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(refreshToken)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(new Set(answers.map(({ data }) => data.refreshToken)).size).toBe(1)
  })

  it('end the sign-in when one is repeated too late', async () => {
    const { refreshToken, token } = await signedIn()
    const next = await refresh(refreshToken)
    server.clock.ms += 10_001
    expect((await refresh(refreshToken)).status).toBe(401)
    expect((await refresh(next.data.refreshToken)).status).toBe(401)
    expect(await isSignedIn(token)).toBe(false)
    expect(await isSignedIn(next.data.token)).toBe(false)
  })

  it('end the sign-in when a grandparent is repeated, even at once', async () => {
    const { refreshToken, sessionId, userId } = await signedIn()
    const ended: object[] = []
    const unsubscribe = server.sessions.onEnded((end) => ended.push(end))
    const child = await refresh(refreshToken)
    const grandchild = await refresh(child.data.refreshToken)
    expect((await refresh(refreshToken)).status).toBe(401)
    expect((await refresh(grandchild.data.refreshToken)).status).toBe(401)
    unsubscribe()
    expect(ended).toEqual([{ kind: 'ended', userId, sessionId, reason: 'refresh_reuse' }])
  })

  it('leave the other sign-ins of the user alone when one family ends', async () => {
    const first = await signedIn()
    const second = await server.signIn(first.email)
    await refresh((await refresh(first.refreshToken)).data.refreshToken)
    await refresh(first.refreshToken)
    expect((await refresh(second.refreshToken)).status).toBe(200)
  })

  it('end after thirty days, and with the session', async () => {
    const { refreshToken, token } = await signedIn()
    await server.call('POST', '/api/auth/user/logout', { token })
    expect((await refresh(refreshToken)).status).toBe(401)
    const old = await signedIn()
    server.clock.ms += 30 * 24 * 3600 * 1000
    expect((await refresh(old.refreshToken)).status).toBe(401)
  })

  it('are refused alike, whatever is wrong with them', async () => {
    const { refreshToken, token } = await signedIn()
    await server.call('POST', '/api/auth/user/logout', { token })
    const [ended, unknown] = [await refresh(refreshToken), await refresh('a'.repeat(43))]
    expect(ended.error).toEqual(unknown.error)
  })

  it('are stored as hashes only', async () => {
    const { refreshToken } = await signedIn()
    const child = await refresh(refreshToken)
    const rows = JSON.stringify(
      (await server.database.read((em) => em.find(RefreshToken, {}, { fields: ['hash', 'parent'] }))).map(
        ({ hash, parent }) => [hash, parent],
      ),
    )
    expect(rows).toContain(refreshTokenHash(refreshToken))
    for (const secret of [refreshToken, child.data.refreshToken]) expect(rows).not.toContain(secret)
  })
})

describe('access tokens', () => {
  it('end after a quarter of an hour', async () => {
    const { token } = await signedIn()
    server.clock.ms += 14 * 60_000
    expect(await isSignedIn(token)).toBe(true)
    server.clock.ms += 66_000
    expect(await isSignedIn(token)).toBe(false)
  })

  it('end when their user signs out, and only there', async () => {
    const { token, email } = await signedIn()
    const other = await server.signIn(email)
    expect((await server.call('POST', '/api/auth/user/logout', { token })).status).toBe(200)
    expect(await isSignedIn(token)).toBe(false)
    expect((await server.call('POST', '/api/auth/user/logout', { token })).status).toBe(401)
    expect(await isSignedIn(other.token)).toBe(true)
  })
})

describe('purging', () => {
  it('removes what has expired and keeps what lives', async () => {
    const old = await signedIn()
    server.clock.ms += 15 * 24 * 3600 * 1000
    const younger = await signedIn()
    server.clock.ms += 15 * 24 * 3600 * 1000 + 1
    await server.sessions.purge()
    const left = await server.database.read((em) =>
      em.find(Session, { id: { $in: [old.sessionId, younger.sessionId] } }),
    )
    expect(left.map(({ id }) => id)).toEqual([younger.sessionId])
    expect((await refresh(younger.refreshToken)).status).toBe(200)
  })
})

describe('another node', () => {
  const heard = <News>(subscribe: (listener: (news: News) => void) => () => void) =>
    new Promise<News>((resolve) => {
      const unsubscribe = subscribe((news) => {
        unsubscribe()
        resolve(news)
      })
    })

  it('hears of ended sessions and changed roles by itself, each once', async () => {
    const { userId, sessionId } = await signedIn()
    const node = server.anotherNode()
    node.start((error) => {
      throw error
    })
    expect(await node.principalOf(sessionId)).toMatchObject({ userId, roles: ['student'] })

    const [roles] = await Promise.all([
      heard(node.onRolesChanged),
      server.sessions.changeRoles(userId, ['coordinator']),
    ])
    expect(roles).toMatchObject({ userId, roles: ['coordinator'] })
    expect((await node.principalOf(sessionId))?.roles).toEqual(['coordinator'])

    const all: object[] = []
    node.onEnded((end) => all.push(end))
    const [ended] = await Promise.all([heard(node.onEnded), server.sessions.block(userId)])
    expect(ended).toMatchObject({ userId, sessionId, reason: 'blocked' })
    expect(await node.isActive(sessionId)).toBe(false)

    const other = await signedIn()
    await Promise.all([heard(node.onEnded), server.sessions.signOut(other.sessionId)])
    await node.stop()
    expect(all.filter((end) => 'sessionId' in end && end.sessionId === sessionId)).toHaveLength(1)
  })

  it('asks the database within a second when it hears nothing', async () => {
    const { sessionId } = await signedIn()
    const deaf = server.anotherNode()
    expect(await deaf.isActive(sessionId)).toBe(true)
    await server.sessions.signOut(sessionId)
    server.clock.ms += 1_001
    expect(await deaf.isActive(sessionId)).toBe(false)
  })
})

describe('two things at once', () => {
  it('never leave a session to a user who is being blocked', async () => {
    const { userId, passwordHash } = await server.aUser()
    const user = { id: userId, passwordHash }
    for (let round = 0; round < 20; round++) {
      const [, , ...signIns] = await Promise.all([
        server.sessions.signIn(user),
        server.sessions.block(userId),
        server.sessions.signIn(user),
        server.sessions.signIn(user),
      ])
      for (const answer of signIns) if (answer) expect(await isSignedIn(answer.token)).toBe(false)
      expect(await server.sessions.signIn(user)).toBeUndefined()
      await server.sessions.unblock(userId)
    }
  })

  it('never leave a new token to a session that is being ended', async () => {
    for (let round = 0; round < 10; round++) {
      const { refreshToken, sessionId } = await signedIn()
      const [answer] = await Promise.all([
        server.sessions.refresh(refreshToken),
        server.sessions.signOut(sessionId),
      ])
      if (answer) expect(await isSignedIn(answer.token)).toBe(false)
      expect(await server.sessions.refresh(refreshToken)).toBeUndefined()
    }
  })

  it('never wait for each other for ever, whatever they are', async () => {
    const { userId, passwordHash } = await server.aUser()
    const user = { id: userId, passwordHash }
    const { sessions } = server
    const answers = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const first = await sessions.signIn(user)
        await Promise.all([
          first && sessions.refresh(first.refreshToken),
          first && sessions.refresh(first.refreshToken),
          sessions.changeRoles(userId, ['student', 'coordinator']),
          sessions.endAllOf(userId, 'signed_out'),
        ])
        return first
      }),
    )
    for (const answer of answers) expect(answer && (await isSignedIn(answer.token))).toBe(false)
  })
})

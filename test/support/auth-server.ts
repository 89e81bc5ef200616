import { randomUUID } from 'node:crypto'
import fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { Role } from '../../actors/actor.ts'
import { createAccounts } from '../../src/auth/accounts.ts'
import { createLoginLimits, type LimitOptions } from '../../src/auth/limits.ts'
import { createOrganisation, ensureDefaultOrganisation } from '../../src/auth/organisations.ts'
import { createPasswords } from '../../src/auth/passwords.ts'
import { authRoutes } from '../../src/auth/routes.ts'
import { createSessions } from '../../src/auth/sessions.ts'
import { createTokens } from '../../src/auth/tokens.ts'
import { answerErrors } from '../../src/gateway/http-envelope.ts'
import { isDemoEmail } from '../../src/demo/accounts.ts'
import { aDatabase } from './database.ts'

export const PASSWORD = 'correct horse battery'
const SECRET = 'a secret that is only for the tests'

export type Answer = { status: number; headers: Headers; body: any }
export type AuthServer = Awaited<ReturnType<typeof anAuthServer>>

const newId = () => randomUUID()

/** The routes of `src/auth` on a real port and a real database. Time stands still until `clock.ms` is moved. */
export const anAuthServer = async (limitOptions: Partial<LimitOptions> = {}) => {
  const database = await aDatabase()
  const clock = { ms: Date.parse('2026-11-23T09:00:00Z') }
  const now = () => clock.ms
  const log: string[] = []
  const defaultOrgId = await ensureDefaultOrganisation(database, {
    id: newId(),
    name: 'Laurel',
    createdAt: now(),
  })

  const tokens = createTokens({ secret: SECRET, now, newId })
  /** What another node would have: nothing in common but the database and the secret. */
  const anotherNode = () => createSessions({ database, tokens, now, newId })
  const sessions = anotherNode()
  const passwords = createPasswords()
  const limits = createLoginLimits({ registrationsPerAddress: 1000, ...limitOptions })
  const refusesSignIn = isDemoEmail
  const people = { database, sessions, passwords, limits, now, newId, defaultOrgId, refusesSignIn }
  const accounts = createAccounts(people)

  const app = fastify({
    trustProxy: true,
    genReqId: newId,
    logger: { level: 'debug', stream: { write: (line: string) => void log.push(line) } },
  })
  answerErrors(app, now)
  await app.register(authRoutes({ accounts, sessions, tokens, now }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const call = createCall(`http://127.0.0.1:${port}`)

  return {
    database,
    clock,
    log,
    tokens,
    sessions,
    passwords,
    accounts,
    defaultOrgId,
    call,
    anotherNode,
    /** A user who has never signed in. */
    aUser: async ({ roles = ['student'], orgId = defaultOrgId }: { roles?: Role[]; orgId?: string } = {}) => {
      const email = `${newId()}@example.org`
      const created = await accounts.createUser({ email, password: PASSWORD, name: 'Ada', orgId, roles })
      if (!created.ok) throw new Error(created.error.message)
      return { userId: created.value.id, email, passwordHash: created.value.passwordHash }
    },
    anOrganisation: async () => {
      const id = newId()
      await createOrganisation(database, { id, name: 'Another', createdAt: now() })
      return id
    },
    signIn: async (email: string) => {
      const { body } = await call('POST', '/api/auth/user/login', { body: { email, password: PASSWORD } })
      return body.data as { userId: string; token: string; refreshToken: string; expiresAt: string }
    },
    close: async () => {
      await app.close()
      await sessions.stop()
      await database.close()
    },
  }
}

type Call = { body?: unknown; token?: string; from?: string; headers?: Record<string, string> }

const createCall =
  (base: string) =>
  async (method: string, path: string, { body, token, from, headers }: Call = {}): Promise<Answer> => {
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(from !== undefined && { 'x-forwarded-for': from }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: await response.json() }
  }

/** The envelope of a refusal, and nothing else. */
export const expectRefusal = ({ status, body }: Answer, errorCode: number, code: string) => {
  expect({ status, body }).toMatchObject({
    status: errorCode,
    body: { status: 'error', data: null, error: { errorCode, code, message: expect.any(String) } },
  })
  expect(body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
}

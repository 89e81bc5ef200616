import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import { HttpRefusal, parsed, statusOf, success } from '../gateway/http-envelope.ts'
import type { Accounts, Outcome } from './accounts.ts'
import { authenticate, type AuthenticateDeps } from './authenticate.ts'
import {
  LoginBody,
  NoBody,
  PasswordBody,
  ProfileBody,
  ProviderLoginBody,
  RefreshBody,
  RegisterBody,
  RolesBody,
  UserParams,
} from './bodies.ts'
import type { SignedIn } from './sessions.ts'

export type AuthRouteDeps = AuthenticateDeps & { accounts: Accounts; now: () => number }

/** Larger than any body of these routes. */
const BODY_LIMIT_BYTES = 16 * 1024

/** Signing in and out, one's own profile, and what administrators do to users. `answerErrors` makes the refusals. */
export const authRoutes =
  (deps: AuthRouteDeps): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store')
    })
    app.addHook('onRoute', (route) => {
      route.bodyLimit = BODY_LIMIT_BYTES
    })
    signingIn(app, deps)
    ownAccount(app, deps)
    administration(app, deps)
  }

const signingIn = (app: FastifyInstance, { accounts, sessions, now }: AuthRouteDeps) => {
  app.post('/api/auth/user/register', async ({ body, ip }) => {
    const { phone, avatarUrl, ...required } = parsed(RegisterBody, body)
    const person = { ...required, ...(phone && { phone }), ...(avatarUrl && { avatarUrl }) }
    const { publicId, ...signedIn } = valueOf(await accounts.register(person, ip))
    return success({ ...tokensOf(signedIn), publicId, message: 'User registered successfully' }, now())
  })

  app.post('/api/auth/user/login', async ({ body, ip }) => {
    if (typeof body === 'object' && body !== null && 'provider' in body) {
      parsed(ProviderLoginBody, body)
      throw new HttpRefusal(
        { code: 'provider_not_configured', message: 'No sign-in provider is configured' },
        { httpStatus: 400 },
      )
    }
    const { publicId, ...signedIn } = valueOf(await accounts.login(parsed(LoginBody, body), ip))
    return success({ ...tokensOf(signedIn), publicId, message: 'Login successful' }, now())
  })

  app.post('/api/auth/token/refresh', async ({ body }) => {
    const signedIn = await sessions.refresh(parsed(RefreshBody, body).refreshToken)
    if (!signedIn) throw new HttpRefusal({ code: 'unauthenticated', message: 'Sign in again' })
    return success({ ...tokensOf(signedIn), message: 'Token refreshed' }, now())
  })
}

const ownAccount = (app: FastifyInstance, deps: AuthRouteDeps) => {
  const { accounts, sessions, now } = deps
  const callerOf = authenticate(deps)

  app.get('/api/auth/user/profile', async (request) => {
    const { principal } = await callerOf(request)
    const profile = await accounts.profile(principal.userId)
    if (!profile) throw noSuchUser()
    return success(profile, now())
  })

  app.get('/currentuser', async (request) => {
    const { principal, sessionId, expiresAt } = await callerOf(request)
    const profile = await accounts.profile(principal.userId)
    if (!profile) throw noSuchUser()
    return success({ sessionId, expiresAt, ...profile }, now())
  })

  app.put('/api/auth/user/profile', async (request) => {
    const { userId } = (await callerOf(request)).principal
    if (!(await accounts.updateProfile(userId, parsed(ProfileBody, request.body)))) throw noSuchUser()
    return success({ userId, message: 'Profile updated successfully' }, now())
  })

  app.post('/api/auth/user/password', async (request) => {
    const { principal, sessionId } = await callerOf(request)
    const { userId } = principal
    const passwords = parsed(PasswordBody, request.body)
    valueOf(await accounts.changePassword({ userId, sessionId, ...passwords }, request.ip))
    return success({ userId, message: 'Password changed successfully' }, now())
  })

  app.post('/api/auth/user/logout', async (request) => {
    const { principal, sessionId } = await callerOf(request)
    parsed(NoBody, request.body)
    await sessions.signOut(sessionId)
    return success({ userId: principal.userId, message: 'Logout successful' }, now())
  })
}

const administration = (app: FastifyInstance, deps: AuthRouteDeps) => {
  const { sessions, now } = deps
  const targetOf = createTargetOf(deps)

  app.put('/api/v1/users/:id/roles', async (request) => {
    const { userId, by, isSelf } = await targetOf(request)
    const { roles } = parsed(RolesBody, request.body)
    if (isSelf && !roles.includes('admin')) throw notYourself()
    if (!(await sessions.changeRoles(userId, roles))) throw noSuchUser()
    request.log.info({ userId, roles, by, correlationId: request.id }, 'roles set')
    return success({ userId, roles: [...new Set(roles)].toSorted() }, now())
  })

  app.post('/api/v1/users/:id/block', async (request) => {
    const { userId, by, isSelf } = await targetOf(request)
    parsed(NoBody, request.body)
    if (isSelf) throw notYourself()
    if (!(await sessions.block(userId))) throw noSuchUser()
    request.log.info({ userId, by, correlationId: request.id }, 'user blocked')
    return success({ userId, blocked: true }, now())
  })

  app.post('/api/v1/users/:id/unblock', async (request) => {
    const { userId, by } = await targetOf(request)
    parsed(NoBody, request.body)
    if (!(await sessions.unblock(userId))) throw noSuchUser()
    request.log.info({ userId, by, correlationId: request.id }, 'user unblocked')
    return success({ userId, blocked: false }, now())
  })
}

/** The user that an administrator addresses. Those of other organisations do not exist for him. */
const createTargetOf = (deps: AuthRouteDeps) => {
  const callerOf = authenticate(deps)
  return async (request: FastifyRequest) => {
    const { principal } = await callerOf(request)
    if (!principal.roles.includes('admin'))
      throw new HttpRefusal({ code: 'forbidden', message: 'Only administrators may do this' })
    const { id } = parsed(UserParams, request.params)
    const userId = id.toLowerCase()
    if ((await deps.accounts.userOrganisation(userId)) !== principal.orgId) throw noSuchUser()
    return { userId, by: principal.userId, isSelf: userId === principal.userId }
  }
}

const noSuchUser = () => new HttpRefusal({ code: 'not_found', message: 'User not found' })

/** Otherwise an organisation could lose its last administrator. */
const notYourself = () =>
  new HttpRefusal({ code: 'not_allowed_in_state', message: 'Another administrator has to do this to you' })

const tokensOf = ({ userId, token, refreshToken, expiresAt }: SignedIn) => ({
  userId,
  token,
  refreshToken,
  expiresAt,
})

const valueOf = <Value>(outcome: Outcome<Value>): Value => {
  if (outcome.ok) return outcome.value
  const { error, retryAfterMs } = outcome
  throw new HttpRefusal(error, { httpStatus: statusOf(error.code), retryAfterMs })
}

import { randomBytes } from 'node:crypto'
import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/postgresql'
import type { Role } from '../../actors/actor.ts'
import type { Refusal } from '../../contracts/protocol.ts'
import type { Database } from '../../persistence/database.ts'
import { User, UserRole } from '../../persistence/identity.ts'
import { sqlState } from '../../persistence/sql.ts'
import type { LoginLimits } from './limits.ts'
import { createDirectory } from './organisations.ts'
import type { Passwords } from './passwords.ts'
import type { Sessions, SignedIn } from './sessions.ts'

export type Outcome<Value> = { ok: true; value: Value } | { ok: false; error: Refusal; retryAfterMs?: number }

export type Person = { email: string; password: string; name: string; phone?: string; avatarUrl?: string }

export type NewUser = Person & { id?: string; orgId: string; roles: readonly Role[] }

export type Profile = {
  userId: string
  publicId: number
  orgId: string
  username: string
  email: string
  phone: string | null
  name: string
  avatarUrl: string | null
  /** The highest of student, instructor and admin; clients of the older routes know no others. */
  role: 'student' | 'instructor' | 'admin'
  roles: readonly Role[]
}

export type ProfileChange = { name?: string | undefined; avatarUrl?: string | null | undefined }

export type AccountDeps = {
  database: Database
  sessions: Sessions
  passwords: Passwords
  limits: LoginLimits
  now: () => number
  newId: () => string
  /** Where people go who register by themselves. */
  defaultOrgId: string
  /** Whose passwords everybody knows. */
  refusesSignIn: (email: string) => boolean
}

export type Accounts = ReturnType<typeof createAccounts>

/** People: how they come in, and what they may know and change about themselves. */
export const createAccounts = (deps: AccountDeps) => ({
  /** Self-registration. `address` is where the request came from. */
  register: (person: Person, address: string) => register(deps, person, address),
  /** For administrators and demo data: any roles, any organisation. */
  createUser: (user: NewUser) => createUser(deps, user),
  login: (credentials: Credentials, address: string) => login(deps, credentials, address),
  changePassword: (change: PasswordRequest, address: string) => changePassword(deps, change, address),
  profile: (userId: string) => deps.database.read((em) => profileOf(em, userId)),
  /** False when there is no such user. */
  updateProfile: (userId: string, change: ProfileChange) => updateProfile(deps, userId, change),
  ...createDirectory(deps.database),
})

type Welcome = SignedIn & { publicId: number }

const register = async (deps: AccountDeps, person: Person, address: string): Promise<Outcome<Welcome>> => {
  const admission = await deps.limits.registration(address)
  if (!admission.ok) return tooOften(admission.retryAfterMs)
  const created = await createUser(deps, { ...person, orgId: deps.defaultOrgId, roles: ['student'] })
  // 400 as the source has it, and no word of who else is here, though without a verified address one can guess.
  if (!created.ok) return invalid('email', 'cannot be used')
  const signedIn = await deps.sessions.signIn(created.value)
  return signedIn ? { ok: true, value: { ...signedIn, publicId: created.value.publicId } } : WRONG_CREDENTIALS
}

const createUser = async (
  { database, passwords, now, newId }: AccountDeps,
  { id = newId(), orgId, roles, password, email, name, phone, avatarUrl }: NewUser,
): Promise<Outcome<User>> => {
  // Before the address is looked up, so that a known one takes as long as a new one.
  const passwordHash = await passwords.hash(password)
  const at = new Date(now())
  const person = { email: email.toLowerCase(), name, phone: phone ?? null, avatarUrl: avatarUrl ?? null }
  try {
    return await database.transaction(async (em) => {
      const username = usernameFor(person.email)
      await em.insert(User, { id, orgId, username, passwordHash, createdAt: at, updatedAt: at, ...person })
      for (const role of new Set(roles)) await em.insert(UserRole, { userId: id, role })
      return { ok: true, value: await em.findOneOrFail(User, { id }) }
    })
  } catch (error) {
    if (sqlState(error) !== '23505') throw error
    return {
      ok: false,
      error: { code: 'already_exists', message: 'There is a user with this e-mail address' },
    }
  }
}

/** The start of the address and a random ending, so that a name neither collides nor says who else is here. */
const usernameFor = (email: string) => {
  const local = email.split('@')[0]?.replaceAll(/[^a-z0-9._-]/g, '') ?? ''
  return `${local.slice(0, 40) || 'user'}-${randomBytes(4).toString('hex')}`
}

export type Credentials = { email: string; password: string }

const login = async (
  { database, sessions, passwords, limits, refusesSignIn }: AccountDeps,
  { email, password }: Credentials,
  address: string,
): Promise<Outcome<Welcome>> => {
  const attempt = { account: email.toLowerCase(), address }
  const admission = await limits.attempt(attempt)
  if (!admission.ok) return tooOften(admission.retryAfterMs)
  const user = await database.read((em) => em.findOne(User, { email: attempt.account }))
  // Always one derivation, and one answer to "unknown", "wrong" and "blocked".
  if (!(await passwords.matches(password, user?.passwordHash)) || !user) return WRONG_CREDENTIALS
  if (refusesSignIn(attempt.account)) return WRONG_CREDENTIALS
  const signedIn = await sessions.signIn(user)
  if (!signedIn) return WRONG_CREDENTIALS
  await limits.succeeded(attempt)
  return { ok: true, value: { ...signedIn, publicId: user.publicId } }
}

export type PasswordRequest = {
  userId: string
  sessionId: string
  currentPassword: string
  newPassword: string
}

const changePassword = async (
  { database, sessions, passwords, limits }: AccountDeps,
  { userId, sessionId, currentPassword, newPassword }: PasswordRequest,
  address: string,
): Promise<Outcome<undefined>> => {
  const user = await database.read((em) => em.findOne(User, { id: userId }))
  if (!user) return NOT_CURRENT
  const attempt = { account: user.email, address }
  const admission = await limits.attempt(attempt)
  if (!admission.ok) return tooOften(admission.retryAfterMs)
  if (!(await passwords.matches(currentPassword, user.passwordHash))) return NOT_CURRENT
  const to = await passwords.hash(newPassword)
  const changed = await sessions.changePassword({ userId, from: user.passwordHash, to, keep: sessionId })
  if (!changed) return NOT_CURRENT
  await limits.succeeded(attempt)
  return { ok: true, value: undefined }
}

const WRONG_CREDENTIALS: Outcome<never> = {
  ok: false,
  error: { code: 'unauthenticated', message: 'Invalid credentials' },
}

const invalid = (path: string, reason: string): Outcome<never> => ({
  ok: false,
  error: { code: 'invalid_input', message: 'Invalid input data', details: [{ path, reason }] },
})

/** Not 401: the caller's session is sound. */
const NOT_CURRENT = invalid('currentPassword', 'is not the current password')

const tooOften = (retryAfterMs: number): Outcome<never> => ({
  ok: false,
  error: { code: 'rate_limited', message: 'Too many attempts; try again later' },
  retryAfterMs,
})

const profileOf = async (em: EntityManager, userId: string): Promise<Profile | undefined> => {
  const user = await em.findOne(User, { id: userId })
  if (!user) return undefined
  const roles = (await em.find(UserRole, { userId }, { orderBy: { role: 'asc' } })).map(({ role }) => role)
  const { publicId, orgId, username, email, phone, name, avatarUrl } = user
  return {
    userId,
    publicId,
    orgId,
    username,
    email,
    phone: phone ?? null,
    name,
    avatarUrl: avatarUrl ?? null,
    role: legacyRole(roles),
    roles,
  }
}

const legacyRole = (roles: readonly Role[]) =>
  roles.includes('admin') ? 'admin' : roles.includes('instructor') ? 'instructor' : 'student'

const updateProfile = ({ database, now }: AccountDeps, userId: string, { name, avatarUrl }: ProfileChange) =>
  database.transaction(async (em) => {
    const user = await em.findOne(User, { id: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE })
    if (!user) return false
    if (name !== undefined) user.name = name
    if (avatarUrl !== undefined) user.avatarUrl = avatarUrl
    user.updatedAt = new Date(now())
    await em.flush()
    return true
  })

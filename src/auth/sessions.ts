import { LockMode } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/postgresql'
import type { Principal, Role } from '../../actors/actor.ts'
import type { Database } from '../../persistence/database.ts'
import { RefreshToken, Session, User, UserRole, type EndReason } from '../../persistence/identity.ts'
import { createSessionCache } from './session-cache.ts'
import {
  createSessionChanges,
  type RecordChange,
  type RolesChanged,
  type SessionChanges,
  type SessionEnded,
} from './session-changes.ts'
import { sessionUpkeep } from './session-upkeep.ts'
import { refreshTokenHash, type Tokens } from './tokens.ts'

/** How long the parent of the active refresh token may be repeated: the answer was lost, or two tabs asked at once. */
const REPEAT_MS = 10_000
const REFRESH_LIFETIME_MS = 30 * 24 * 3600 * 1000

export type SignedIn = {
  userId: string
  sessionId: string
  token: string
  refreshToken: string
  /** When `token` ends. */
  expiresAt: string
}

/** Sign-ins, and everything that ends them. */
export type Sessions = {
  /** `undefined` when the user has been blocked, or the password has changed, since `user` was read. */
  signIn: (user: Pick<User, 'id' | 'passwordHash'>) => Promise<SignedIn | undefined>
  /** `undefined` for a token that is unknown, expired, of an ended session, or used before (which ends the session). */
  refresh: (refreshToken: string) => Promise<SignedIn | undefined>
  signOut: (sessionId: string) => Promise<void>
  endAllOf: (userId: string, reason: EndReason, options?: { except?: string }) => Promise<void>
  /** These three answer whether there is such a user. */
  block: (userId: string) => Promise<boolean>
  unblock: (userId: string) => Promise<boolean>
  changeRoles: (userId: string, roles: readonly Role[]) => Promise<boolean>
  /** Ends all other sessions. False when the password is no longer `from`. */
  changePassword: (change: PasswordChange) => Promise<boolean>
  /** Who the session speaks for now; `undefined` when it has ended. At most about a second behind. */
  principalOf: (sessionId: string) => Promise<Principal | undefined>
  isActive: (sessionId: string) => Promise<boolean>
  /** For open sockets. Both return the function that ends the subscription. */
  onEnded: (listener: (ended: SessionEnded) => void) => () => void
  onRolesChanged: (listener: (changed: RolesChanged) => void) => () => void
  /** Calls `listener` when this node has changed something that other nodes will want to know. */
  onRecorded: (listener: () => void) => void
  /** Another node has changed something. */
  look: () => void
  /** Removes what is past all use; done once an hour after `start`. */
  purge: () => Promise<void>
  /** Starts listening to other nodes; `report` hears of every failed attempt. */
  start: (report: (error: unknown) => void) => void
  stop: () => Promise<void>
}

/** Password hashes, and the session that goes on. */
export type PasswordChange = { userId: string; from: string; to: string; keep: string }

export type SessionDeps = { database: Database; tokens: Tokens; now: () => number; newId: () => string }

type Deps = SessionDeps & { changes: SessionChanges }

export const createSessions = (given: SessionDeps): Sessions => {
  const changes = createSessionChanges(given.database, given.now)
  const deps = { ...given, changes }
  const principalOf = createSessionCache(given.database, changes, given.now)
  return {
    signIn: (user) => signIn(deps, user),
    refresh: (refreshToken) => refresh(deps, refreshToken),
    signOut: (sessionId) => end(deps, { id: sessionId }, 'signed_out'),
    endAllOf: (userId, reason, { except } = {}) =>
      end(deps, { userId, ...(except !== undefined && { id: { $ne: except } }) }, reason),
    block: (userId) => block(deps, userId),
    unblock: (userId) => unblock(deps, userId),
    changeRoles: (userId, roles) => changeRoles(deps, userId, roles),
    changePassword: (change) => changePassword(deps, change),
    principalOf,
    isActive: async (sessionId) => (await principalOf(sessionId)) !== undefined,
    onEnded: (listener) => changes.subscribe((change) => change.kind === 'ended' && listener(change)),
    onRecorded: changes.onRecorded,
    look: changes.look,
    onRolesChanged: (listener) => changes.subscribe((change) => change.kind === 'roles' && listener(change)),
    ...sessionUpkeep(deps),
  }
}

const signIn = ({ changes, tokens, newId, now }: Deps, user: Pick<User, 'id' | 'passwordHash'>) =>
  changes.transaction(async (em) => {
    const current = await lockUser(em, user.id)
    if (!current || current.blockedAt || current.passwordHash !== user.passwordHash) return undefined
    const session = { id: newId(), userId: user.id, createdAt: new Date(now()) }
    const refreshToken = tokens.newRefreshToken()
    await em.insert(Session, session)
    await em.insert(RefreshToken, refreshRow(refreshToken, session.id, session.createdAt))
    return signedIn(tokens, await principalFor(em, current), session.id, refreshToken)
  })

const refresh = ({ changes, tokens, now }: Deps, refreshToken: string) =>
  changes.transaction(async (em, record) => {
    const hash = refreshTokenHash(refreshToken)
    const found = await em.findOne(RefreshToken, { hash })
    // One exchange at a time for each session: two tabs that ask at once are told the same child.
    const [session] = found ? await lockSessions(em, { id: found.sessionId }) : []
    const user = session && (await em.findOne(User, { id: session.userId, blockedAt: null }))
    if (!user) return undefined
    const token = await em.findOneOrFail(RefreshToken, { hash }, { refresh: true })
    const at = new Date(now())
    if (token.expiresAt <= at) return undefined

    const child = tokens.childOf(refreshToken)
    if (!token.usedAt) {
      token.usedAt = at
      await em.flush()
      await em.insert(RefreshToken, { ...refreshRow(child, session.id, at), parent: hash })
    } else if (!(await mayRepeat(em, token.usedAt, child, at))) {
      await endEach(em, record, [session], 'refresh_reuse', at)
      return undefined
    }
    return signedIn(tokens, await principalFor(em, user), session.id, child)
  })

/** Only the parent of the token that is active now, and only for a moment; everything else was stolen by somebody. */
const mayRepeat = async (em: EntityManager, usedAt: Date, child: string, at: Date) => {
  const active = await em.findOne(RefreshToken, { hash: refreshTokenHash(child), usedAt: null })
  return active !== null && at.getTime() - usedAt.getTime() <= REPEAT_MS
}

const end = ({ changes, now }: Deps, where: SessionFilter, reason: EndReason) =>
  changes.transaction(async (em, record) =>
    endEach(em, record, await lockSessions(em, where), reason, new Date(now())),
  )

const block = ({ changes, now }: Deps, userId: string) =>
  changes.transaction(async (em, record) => {
    const user = await lockUser(em, userId)
    if (!user) return false
    const at = new Date(now())
    user.blockedAt ??= at
    await em.flush()
    await endEach(em, record, await lockSessions(em, { userId }), 'blocked', at)
    return true
  })

const unblock = ({ changes }: Deps, userId: string) =>
  changes.transaction(async (em) => (await em.nativeUpdate(User, { id: userId }, { blockedAt: null })) === 1)

const changeRoles = ({ changes }: Deps, userId: string, roles: readonly Role[]) =>
  changes.transaction(async (em, record) => {
    if (!(await lockUser(em, userId))) return false
    const next = [...new Set(roles)].toSorted()
    await em.nativeDelete(UserRole, { userId })
    if (next.length > 0)
      await em.insertMany(
        UserRole,
        next.map((role) => ({ userId, role })),
      )
    await record({ kind: 'roles', userId, roles: next })
    return true
  })

const changePassword = ({ changes, now }: Deps, { userId, from, to, keep }: PasswordChange) =>
  changes.transaction(async (em, record) => {
    const at = new Date(now())
    const changed = await em.nativeUpdate(
      User,
      { id: userId, passwordHash: from },
      { passwordHash: to, updatedAt: at },
    )
    if (changed !== 1) return false
    await endEach(em, record, await lockSessions(em, { userId, id: { $ne: keep } }), 'password_changed', at)
    return true
  })

const lockUser = (em: EntityManager, id: string) =>
  em.findOne(User, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE })

type SessionFilter = { userId?: string; id?: string | { $ne: string } }

/** Those that have not ended, in one order, so that two who lock several cannot wait for each other. */
const lockSessions = (em: EntityManager, where: SessionFilter) =>
  em.find(
    Session,
    { ...where, endedAt: null },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  )

const endEach = async (
  em: EntityManager,
  record: RecordChange,
  sessions: readonly Session[],
  reason: EndReason,
  at: Date,
) => {
  for (const session of sessions) {
    session.endedAt = at
    session.endReason = reason
    await record({ kind: 'ended', userId: session.userId, sessionId: session.id, reason })
  }
  await em.flush()
}

const principalFor = async (em: EntityManager, { id, orgId }: User): Promise<Principal> => ({
  userId: id,
  orgId,
  roles: (await em.find(UserRole, { userId: id }, { orderBy: { role: 'asc' } })).map(({ role }) => role),
})

const refreshRow = (refreshToken: string, sessionId: string, createdAt: Date) => ({
  hash: refreshTokenHash(refreshToken),
  sessionId,
  createdAt,
  expiresAt: new Date(createdAt.getTime() + REFRESH_LIFETIME_MS),
})

const signedIn = (
  tokens: Tokens,
  principal: Principal,
  sessionId: string,
  refreshToken: string,
): SignedIn => ({
  userId: principal.userId,
  sessionId,
  refreshToken,
  ...tokens.issue(principal, sessionId),
})

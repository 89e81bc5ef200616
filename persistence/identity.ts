import { defineEntity, p } from '@mikro-orm/core'
import type { Role } from '../actors/actor.ts'
import type { Organisation as OrganisationRules } from '../actors/ports.ts'

/** What life cycles depend on, and free fields that only people read. */
export type OrganisationSettings = OrganisationRules['settings'] & {
  industrySector?: string
  employeeCount?: number
}

const OrganisationSchema = defineEntity({
  name: 'Organisation',
  tableName: 'organisation',
  properties: {
    id: p.uuid().primary(),
    name: p.text(),
    settings: p.json<OrganisationSettings>(),
    /** Where people go who register by themselves; at most one organisation. */
    isDefault: p.boolean(),
    createdAt: p.datetime(3),
  },
})
export class Organisation extends OrganisationSchema.class {}
OrganisationSchema.setClass(Organisation)

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'user_account',
  properties: {
    id: p.uuid().primary(),
    /** The number by which clients of the older routes know the user; given by the database. */
    publicId: p.integer().autoincrement(),
    orgId: p.uuid(),
    username: p.text(),
    /** In lower case; unique. */
    email: p.text(),
    phone: p.text().nullable(),
    /** Argon2id in PHC notation. */
    passwordHash: p.text().hidden(),
    name: p.text(),
    avatarUrl: p.text().nullable(),
    blockedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
})
export class User extends UserSchema.class {}
UserSchema.setClass(User)

const UserRoleSchema = defineEntity({
  name: 'UserRole',
  tableName: 'user_role',
  properties: {
    userId: p.uuid().primary(),
    role: p.text().$type<Role>().primary(),
  },
})
export class UserRole extends UserRoleSchema.class {}
UserRoleSchema.setClass(UserRole)

/** Why a session ended. */
export type EndReason = 'signed_out' | 'password_changed' | 'blocked' | 'refresh_reuse'

/** One sign-in on one device: a family of refresh tokens. */
const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'session',
  properties: {
    id: p.uuid().primary(),
    userId: p.uuid(),
    createdAt: p.datetime(3),
    endedAt: p.datetime(3).nullable(),
    endReason: p.text().$type<EndReason>().nullable(),
  },
})
export class Session extends SessionSchema.class {}
SessionSchema.setClass(Session)

const RefreshTokenSchema = defineEntity({
  name: 'RefreshToken',
  tableName: 'refresh_token',
  properties: {
    /** SHA-256 of the token, which has 256 random bits itself and is stored nowhere. */
    hash: p.text().primary().hidden(),
    sessionId: p.uuid(),
    /** The hash of the token that was exchanged for this one; the first of a session has none. */
    parent: p.text().nullable().hidden(),
    createdAt: p.datetime(3),
    /** When it was exchanged for its child. */
    usedAt: p.datetime(3).nullable(),
    expiresAt: p.datetime(3),
  },
})
export class RefreshToken extends RefreshTokenSchema.class {}
RefreshTokenSchema.setClass(RefreshToken)

const SessionChangeSchema = defineEntity({
  name: 'SessionChange',
  tableName: 'session_change',
  properties: {
    seq: p.bigint('number').primary().autoincrement(),
    userId: p.uuid(),
    /** The session that ended, and why; a change of roles has neither. */
    sessionId: p.uuid().nullable(),
    reason: p.text().$type<EndReason>().nullable(),
    roles: p.json<readonly Role[]>().nullable(),
    /** By the clock of the database. */
    at: p.datetime(3).defaultRaw('clock_timestamp()'),
  },
})
/** Append-only: what has happened to sign-ins lately, for the other nodes. */
export class SessionChange extends SessionChangeSchema.class {}
SessionChangeSchema.setClass(SessionChange)

export const identityEntities = [Organisation, User, UserRole, Session, RefreshToken, SessionChange]

import { z } from 'zod'
import { ROLES } from '../../actors/actor.ts'
import { importContract } from '../../contracts/import.ts'
import { Card } from '../../contracts/payment.ts'
import { Id, StoredInstant } from '../../contracts/scalars.ts'
import {
  LoginBody,
  NoBody,
  PasswordBody,
  ProfileBody,
  ProviderLoginBody,
  RefreshBody,
  RegisterBody,
  RolesBody,
} from '../auth/bodies.ts'
import { FileQuery } from './certificate-file-routes.ts'
import { credentialRouteDocuments } from '../credentials/documented-routes.ts'
import { FaceData } from './face.ts'
import { commandData } from './generated-routes.ts'
import { PresenceData } from './presence-routes.ts'
import { PriceBody, PriceData, PriceParams } from './price-routes.ts'
import type { RouteDocument } from './route.ts'

const message = z.string()
const SignedIn = z.object({
  userId: Id,
  token: z.string().describe('JWT of 15 minutes'),
  refreshToken: z.string().describe('For one use'),
  expiresAt: StoredInstant,
  message,
})
const publicId = z.int()
const Done = z.object({ userId: Id, message })
const Blocked = z.object({ userId: Id, blocked: z.boolean() })
const Profile = z.object({
  userId: Id,
  publicId,
  orgId: Id,
  username: z.string(),
  email: z.string(),
  phone: z.string().nullable(),
  name: z.string(),
  avatarUrl: z.string().nullable(),
  role: z.enum(['admin', 'instructor', 'student']),
  roles: z.array(z.enum(ROLES)),
})

type Described = Pick<RouteDocument, 'operationId' | 'summary' | 'data'> & Partial<RouteDocument>

const route = (group: string, at: string, described: Described): RouteDocument => {
  const [method, url] = at.split(' ') as [RouteDocument['method'], string]
  return { group, method, url, status: 200, ...described }
}

/** Routes that no contract describes: files, signing in, users, and the state of the server. */
export const otherRoutes: readonly RouteDocument[] = [
  route('imports', 'POST /api/v1/certifications/import', {
    operationId: 'imports.upload',
    summary: 'Upload a CSV file of certifications and start its import',
    status: 202,
    command: true,
    bodyType: 'text/csv',
    body: z.string(),
    data: commandData(importContract.view).omit({ allowed: true, position: true }),
  }),
  route('sign-in', 'POST /api/auth/user/register', {
    operationId: 'auth.register',
    summary: 'Register as a student',
    open: true,
    body: RegisterBody,
    data: SignedIn.extend({ publicId }),
  }),
  route('sign-in', 'POST /api/auth/user/login', {
    operationId: 'auth.login',
    summary: 'Sign in',
    open: true,
    body: z.union([LoginBody, ProviderLoginBody]),
    data: SignedIn.extend({ publicId }),
  }),
  route('sign-in', 'POST /api/auth/token/refresh', {
    operationId: 'auth.refresh',
    summary: 'Exchange the refresh token for new tokens',
    open: true,
    body: RefreshBody,
    data: SignedIn,
  }),
  route('sign-in', 'POST /api/auth/user/logout', {
    operationId: 'auth.logout',
    summary: 'Sign out',
    body: NoBody,
    data: Done,
  }),
  route('sign-in', 'GET /api/auth/user/profile', {
    operationId: 'auth.profile',
    summary: "The caller's own profile",
    data: Profile,
  }),
  route('sign-in', 'GET /currentuser', {
    operationId: 'auth.currentUser',
    summary: 'The sign-in that a request speaks for, and whose it is',
    data: Profile.extend({
      sessionId: Id,
      expiresAt: StoredInstant.describe('When the token of the request ends'),
    }),
  }),
  route('sign-in', 'PUT /api/auth/user/profile', {
    operationId: 'auth.updateProfile',
    summary: "Change the caller's own profile",
    body: ProfileBody,
    data: Done,
  }),
  route('sign-in', 'POST /api/auth/user/password', {
    operationId: 'auth.changePassword',
    summary: 'Change the password, which ends all other sign-ins',
    body: PasswordBody,
    data: Done,
  }),
  route('users', 'PUT /api/v1/users/:id/roles', {
    operationId: 'users.changeRoles',
    summary: 'Give a user other roles (administrators)',
    body: RolesBody,
    data: z.object({ userId: Id, roles: RolesBody.shape.roles }),
  }),
  route('users', 'POST /api/v1/users/:id/block', {
    operationId: 'users.block',
    summary: 'Block a user, which ends all sign-ins (administrators)',
    body: NoBody,
    data: Blocked,
  }),
  route('users', 'POST /api/v1/users/:id/unblock', {
    operationId: 'users.unblock',
    summary: 'Let a blocked user sign in again (administrators)',
    body: NoBody,
    data: Blocked,
  }),
  route('prices', 'PUT /api/v1/prices/:offeringId', {
    operationId: 'prices.set',
    summary: 'Say what an offering costs, or that it is not for sale any more (administrators)',
    params: PriceParams,
    body: PriceBody,
    data: PriceData,
    statuses: { price_below_minimum: 400 },
  }),
  route('prices', 'GET /api/v1/prices', {
    operationId: 'prices.list',
    summary:
      'What the offerings of the organisation cost; administrators see those that are not for sale, too',
    data: z.object({ items: z.array(PriceData) }),
  }),
  route('payments', 'GET /api/v1/payments/authorizations', {
    operationId: 'payments.authorizations',
    summary: "The caller's saved cards",
    data: z.object({ items: z.array(z.object({ id: Id, card: Card })) }),
  }),
  route('payments', 'DELETE /api/v1/payments/authorizations/:id', {
    operationId: 'payments.removeAuthorization',
    summary: 'Forget a saved card for good',
    data: z.object({ id: Id, removed: z.literal(true) }),
  }),
  route('certificates', 'GET /api/certificates/:id/download', {
    operationId: 'certificates.download',
    summary: 'One certificate as a file, for those who may see it, unless it is suspended or revoked',
    query: FileQuery,
    data: z.string().meta({ format: 'binary' }),
    answerType: 'application/pdf',
    statuses: { not_allowed_in_state: 409, overloaded: 503 },
  }),
  ...credentialRouteDocuments,
  route('server', 'GET /api/v1/presence', {
    operationId: 'presence.counts',
    summary: 'How many of the organisation are connected (administrators and coordinators)',
    data: PresenceData,
  }),
  route('server', 'GET /', {
    operationId: 'server.face',
    summary: 'What this is, and where things are; a page for whoever prefers HTML',
    open: true,
    data: FaceData,
  }),
  route('server', 'GET /admin/health', {
    operationId: 'server.adminHealth',
    summary: 'What /ready checks, and which versions run (administrators)',
    data: z.object({
      ready: z.boolean(),
      checks: z.record(z.string(), z.string()).describe('`ok`, or what is wrong'),
      redis: z.enum(['there', 'away']).optional(),
      database: z.enum(['postgres', 'pglite']),
      versions: z.object({ laurel: z.string(), protocol: z.string(), node: z.string() }),
      uptimeSeconds: z.number(),
    }),
  }),
  route('server', 'GET /health', {
    operationId: 'server.health',
    summary: 'Whether the process is alive',
    open: true,
    data: z.object({ alive: z.literal(true), uptimeSeconds: z.number() }),
  }),
  route('server', 'GET /ready', {
    operationId: 'server.ready',
    summary: 'Whether the server may have traffic; 503 when not',
    open: true,
    data: z.object({
      checks: z.record(z.string(), z.literal('ok')),
      redis: z
        .enum(['there', 'away'])
        .optional()
        .describe('A server whose Redis is away has traffic, and does without'),
    }),
  }),
]

import { z } from 'zod'
import { CredentialLink, CredentialNumber, Verification } from '../../contracts/verification.ts'
import { Id, StoredInstant } from '../../contracts/scalars.ts'
import type { RouteDocument } from '../gateway/route.ts'
import { DisclosuresQuery, DownloadQuery, WishQuery } from './download-routes.ts'
import { Format } from './files.ts'

type Described = Pick<RouteDocument, 'url' | 'operationId' | 'summary' | 'data'> & Partial<RouteDocument>

const get = (group: 'verification' | 'credentials', described: Described): RouteDocument => ({
  group,
  method: 'GET',
  status: 200,
  ...described,
})

const Reference = z.object({
  reference: CredentialNumber.meta({ description: 'The number; with `.json` behind it, JSON in any case' }),
})
const Link = z.object({
  reference: CredentialLink.meta({ description: 'The end of the link, as the number' }),
})
const Key = z.object({
  kty: z.literal('RSA'),
  n: z.string(),
  e: z.string(),
  kid: z.string().describe('The address of the key'),
  alg: z.literal('RS256'),
  use: z.literal('sig'),
})
const Token = z.string().describe('A signed token')

/** The verification of credentials and what it needs, for the documents. */
export const credentialRouteDocuments: readonly RouteDocument[] = [
  get('verification', {
    url: '/verify/:reference',
    operationId: 'verification.byNumber',
    summary: 'How a certificate stands, by its number; a page for whoever prefers HTML',
    open: true,
    params: Reference,
    data: Verification,
  }),
  get('verification', {
    url: '/training/certificates/verify/:reference',
    operationId: 'verification.certificate',
    summary: 'The same (S3.24)',
    open: true,
    params: Reference,
    data: Verification,
  }),
  get('verification', {
    url: '/verify/l/:reference',
    operationId: 'verification.byLink',
    summary: 'How a credential stands, and whose it is, by the link that its holder has given away',
    open: true,
    params: Link,
    data: Verification,
  }),
  get('verification', {
    url: '/verify/l/:reference/credential/:format',
    operationId: 'verification.credential',
    summary: 'The signed credential by its link: as a token, as JSON, or baked into a picture',
    open: true,
    params: z.object({ reference: Link.shape.reference, format: Format }),
    data: Token,
    answerType: 'text/plain',
  }),
  get('verification', {
    url: '/.well-known/jwks.json',
    operationId: 'verification.keys',
    summary: 'Every public key that has ever signed a credential',
    open: true,
    data: z.object({ keys: z.array(Key) }),
    answerType: 'application/jwk-set+json',
  }),
  get('verification', {
    url: '/credentials/keys/:kid',
    operationId: 'verification.key',
    summary: 'One of them, at the address that credentials name',
    open: true,
    params: z.object({ kid: z.string() }),
    data: Key,
    answerType: 'application/jwk+json',
  }),
  get('verification', {
    url: '/credentials/issuers/:orgId',
    operationId: 'verification.issuer',
    summary: 'An organisation as issuer (Open Badges 3.0 Profile)',
    open: true,
    params: z.object({ orgId: Id }),
    data: z.object({ id: z.string(), type: z.array(z.string()), name: z.string() }),
    answerType: 'application/ld+json',
  }),
  get('verification', {
    url: '/credentials/status/:orgId/:purpose/:list',
    operationId: 'verification.statusList',
    summary: 'A Bitstring Status List, signed; with a tag, to be asked for again',
    open: true,
    params: z.object({ orgId: Id, purpose: z.enum(['revocation', 'suspension']), list: z.int().min(0) }),
    data: Token,
    answerType: 'application/vc+jwt',
  }),
  get('credentials', {
    url: '/api/v1/credentials/:id',
    operationId: 'credentials.get',
    summary: 'A badge or certificate as an Open Badge 3.0 (its holder, and administrators)',
    query: WishQuery,
    data: z.object({
      id: Id,
      link: z.string().describe('To give away: whoever has it may see the credential and whose it is'),
      verification: Verification,
      credential: z.record(z.string(), z.unknown()).describe('What is signed'),
      jwt: Token,
    }),
  }),
  get('credentials', {
    url: '/api/v1/credentials/:id/download',
    operationId: 'credentials.download',
    summary: 'The same as a file: a token, JSON, or a picture with the credential baked in',
    query: DownloadQuery,
    data: Token,
    answerType: 'text/plain',
  }),
  get('credentials', {
    url: '/api/v1/credentials/:id/disclosures',
    operationId: 'credentials.disclosures',
    summary: 'To whom it was shown, the latest first (its holder, and administrators)',
    query: DisclosuresQuery,
    data: z.object({
      items: z.array(
        z.object({
          means: z.enum(['number', 'link', 'watch', 'download']),
          nameShown: z.boolean(),
          userId: Id.nullable().describe('Who looked, when that is known'),
          viewer: z.string().nullable().describe('The same for equal addresses, which are not kept'),
          at: StoredInstant,
        }),
      ),
      next: z.int().optional().describe('`before` of the next page'),
    }),
  }),
]

import { z } from 'zod'
import { StoredInstant } from './scalars.ts'

/** What anybody may ask for who has the number or the link of a credential. */

const CREDENTIAL_KINDS = ['badge', 'track_certificate', 'course_certificate'] as const
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** `expired` and `suspended` may be over one day; `revoked` is for good. */
const STANDINGS = ['valid', 'expired', 'suspended', 'revoked'] as const

/** How a credential stands, and nothing of whose it is. */
export const CredentialStanding = z.object({
  status: z.enum(STANDINGS),
  since: StoredInstant.describe('Since when it stands so'),
  expiresAt: StoredInstant.nullable(),
  checkedAt: StoredInstant.describe('When the answer was read from the database; nothing is remembered'),
})
export type CredentialStanding = z.output<typeof CredentialStanding>

/** What the public page says, for machines. */
export const Verification = CredentialStanding.extend({
  kind: z.enum(CREDENTIAL_KINDS),
  number: z.string().nullable(),
  title: z.string(),
  issuer: z.string().describe('The name of the organisation'),
  issuedAt: StoredInstant,
  holder: z
    .string()
    .optional()
    .describe('The name, when the holder lets it be shown, or has given the link away'),
})
export type Verification = z.output<typeof Verification>

/** `CERT-2026-00001`: what may be asked for, not what there is. */
export const CredentialNumber = z
  .string()
  .max(40)
  .regex(/^[A-Z]{2,10}-\d{4}-\d{5,12}$/, 'is not the number of a certificate')

/** `<id>.<seal>`, the end of the link that is printed on a credential. */
export const CredentialLink = z
  .string()
  .max(80)
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[\w-]{22}$/, 'is not the end of a link')

/** `watch` and `unwatch` in the namespace `/verify`: one of the two. */
export const WatchInput = z.union([
  z.strictObject({ number: CredentialNumber }),
  z.strictObject({ link: CredentialLink }),
])
export type WatchInput = z.output<typeof WatchInput>

/** `credential.status`: what has been watched stands otherwise now. */
export const StandingChanged = z.object({
  of: z.string().describe('The number or the link, as it was asked for'),
  ...CredentialStanding.shape,
})
export type StandingChanged = z.output<typeof StandingChanged>

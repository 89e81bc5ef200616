import { z } from 'zod'
import { Id, Instant, Note, StoredInstant } from './scalars.ts'

/** What became of the dates of a certificate each time that it was renewed. */
export const Renewal = z.strictObject({
  renewedAt: StoredInstant,
  previousIssuedAt: StoredInstant,
  previousExpiresAt: StoredInstant,
  renewedBy: Id.nullable(),
  notes: Note.optional(),
})
export type Renewal = z.output<typeof Renewal>

/** Whether the dates that are given stand in their order. */
export const inOrder = ({
  issuedAt,
  expiresAt,
}: {
  issuedAt?: string | undefined
  expiresAt?: string | undefined
}) => issuedAt === undefined || expiresAt === undefined || issuedAt < expiresAt

export const outOfOrder = { error: 'must be after issuedAt', path: ['expiresAt'] }

/** The input of a renewal. */
export const RenewalInput = z
  .strictObject({ issuedAt: Instant, expiresAt: Instant, notes: Note.optional() })
  .refine(inOrder, outOfOrder)

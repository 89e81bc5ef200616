import type { DueEffect } from '../../../actors/engine/effects.ts'
import type { Engine } from '../../../actors/engine/engine.ts'
import type { DisputeReport } from '../../../contracts/dispute.ts'
import type { PaymentReport } from '../../../contracts/payment.ts'
import type { RefundReport } from '../../../contracts/refund.ts'
import type { Authorizations } from '../../../persistence/authorizations.ts'
import type { Database } from '../../../persistence/database.ts'
import { User } from '../../../persistence/identity.ts'
import type { EffectOutcome } from '../../effects/handler.ts'
import type { Vault } from '../../vault.ts'
import type { PaymentProvider, ProviderFailure } from '../provider.ts'

/** What the effects of payments, refunds and disputes are made of. */
export type Parts = {
  provider: PaymentProvider
  engine: Engine
  /** Tells the effect's owner, whose turn settles the effect. */
  report: (
    effect: DueEffect,
    message: PaymentReport | RefundReport | DisputeReport | typeof SKIPPED,
  ) => Promise<EffectOutcome>
  vault: Vault
  database: Database
  authorizations: Authorizations
  now: () => number
  newId: () => string
  failed: (error: unknown, context?: object) => void
}

/** How long one attempt of one request may take: the provider's answer, and what has to be written. Milliseconds. */
export const ONE_REQUEST_MS = 45_000
/** The same for what needs several requests. */
export const SOME_REQUESTS_MS = 120_000

export const doubling =
  (firstMs: number, mostMs: number) =>
  (attempts: number): number =>
    Math.min(firstMs * 2 ** attempts, mostMs)

/** No machine knows it: it settles an effect that nobody waits for any more. */
export const SKIPPED = { type: 'effect.skipped' } as const

export const again = ({ code, message }: ProviderFailure): EffectOutcome => ({ retry: `${code}: ${message}` })

/** Where the receipt goes: what was given for this payment, or else the payer's own address. */
export const emailOf = async (
  { database, vault }: Parts,
  { email, payerId }: { email: string | null; payerId: string },
): Promise<string | undefined> => (email === null ? accountEmailOf(database, payerId) : vault.open(email))

export const accountEmailOf = async (database: Database, userId: string): Promise<string | undefined> => {
  const user = await database.read((em) => em.findOne(User, { id: userId }, { fields: ['email'] }))
  return user?.email
}

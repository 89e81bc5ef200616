import { z } from 'zod'
import type { PaymentReport } from '../../../contracts/payment.ts'
import { Id } from '../../../contracts/scalars.ts'
import type { EffectHandler } from '../../effects/handler.ts'
import type { Transaction } from '../provider.ts'
import { accountEmailOf, again, doubling, ONE_REQUEST_MS, type Parts } from './parts.ts'

const Params = z.object({ reference: Id, payerId: Id, keepCard: z.boolean() })

/** Asks the provider what has become of a payment: the only source of facts about its money. */
export const createVerifyPayment = (parts: Parts): EffectHandler => {
  const { provider, report, failed } = parts
  return {
    attempts: 8,
    backoffMs: doubling(1_000, 60_000),
    timeoutMs: ONE_REQUEST_MS,
    concurrency: 32,
    run: async (effect, signal) => {
      const { reference, payerId, keepCard } = Params.parse(effect.params)
      const answer = await provider.verify(reference, signal)
      if (!answer.ok)
        return answer.kind === 'missing' ? report(effect, { type: 'provider.missing' }) : again(answer)
      // A card that cannot be kept is no reason to keep the money's fate to ourselves.
      if (keepCard)
        await keep(parts, payerId, answer.data).catch((error: unknown) =>
          failed(error, { effect: effect.id }),
        )
      return report(effect, verified(answer.data))
    },
    exhausted: (effect) => report(effect, { type: 'provider.unknown', reason: 'provider_unavailable' }),
  }
}

export const verified = (transaction: Transaction): PaymentReport => {
  const { status, reference, amountMinor, currency, paidAt, card } = transaction
  return { type: 'provider.verified', status, reference, amountMinor, currency, paidAt, card }
}

/** Where the bank lets the customer be charged again, who pays under the address of the payer's own account. */
const keep = async (parts: Parts, userId: string, paid: Transaction) => {
  const { database, authorizations, vault, now, newId } = parts
  const { status, authorization, card, customerEmail } = paid
  if (status !== 'success' || !card || !customerEmail) return
  if (!authorization?.reusable || authorization.signature === null) return
  // A payment that was made out to another address may have been paid with another person's card.
  if (customerEmail.toLowerCase() !== (await accountEmailOf(database, userId))?.toLowerCase()) return
  const code = vault.seal(authorization.code)
  await authorizations.save({
    id: newId(),
    userId,
    signature: authorization.signature,
    code,
    email: vault.seal(customerEmail),
    // v1.<key id>.…
    keyId: code.split('.')[1]!,
    card,
    createdAt: new Date(now()),
  })
}

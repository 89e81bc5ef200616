import type { SnapshotFrom } from 'xstate'
import { z } from 'zod'
import { Money } from '../../../contracts/money.ts'
import { PaymentMethod, type PaymentReport } from '../../../contracts/payment.ts'
import { Id } from '../../../contracts/scalars.ts'
import type { paymentMachine } from '../../../machines/payment.ts'
import type { EffectHandler } from '../../effects/handler.ts'
import { again, doubling, emailOf, SOME_REQUESTS_MS, SKIPPED, type Parts } from './parts.ts'

const Params = z.object({
  reference: Id,
  payerId: Id,
  email: z.string().nullable(),
  amount: Money,
  method: PaymentMethod,
  offeringId: Id,
})

/** Asks the provider for a page where the customer can pay. */
export const createInitializePayment = (parts: Parts): EffectHandler => {
  const { provider, report } = parts
  return {
    attempts: 6,
    backoffMs: doubling(1_000, 30_000),
    timeoutMs: SOME_REQUESTS_MS,
    concurrency: 32,
    lookUp: async (effect, signal) => {
      const { reference } = Params.parse(effect.params)
      const answer = await provider.verify(reference, signal)
      // The page's code got lost with the answer to that attempt, and is not told a second time.
      if (answer.ok) return report(effect, unknown('duplicate_reference'))
      return answer.kind === 'missing' ? 'not_done' : again(answer)
    },
    run: async (effect, signal) => {
      const params = Params.parse(effect.params)
      const { reference, amount, method, offeringId } = params
      const reason = await reasonNotTo(parts, reference)
      if (reason) return report(effect, reason)
      const email = await emailOf(parts, params)
      if (email === undefined) return report(effect, refused('payer_missing'))
      const request = {
        reference,
        email,
        amountMinor: amount.minor,
        currency: amount.currency,
        metadata: { payment_id: reference, offering_id: offeringId },
        ...(method === 'card' ? { channels: ['card'] } : {}),
      }
      const answer = await provider.initialize(request, signal)
      if (answer.ok) {
        const { accessCode, authorizationUrl } = answer.data
        return report(effect, { type: 'provider.initialized', accessCode, authorizationUrl })
      }
      if (answer.kind === 'not_done') return again(answer)
      return report(effect, answer.kind === 'unknown' ? unknown(answer.code) : refused(answer.code))
    },
    // Nobody has got a page, so nobody can have paid.
    exhausted: (effect) => report(effect, refused('provider_unavailable')),
  }
}

/** A payment may have been given up meanwhile, or everybody was away for so long that its customer has gone. */
export const reasonNotTo = async (
  { engine, now }: Pick<Parts, 'engine' | 'now'>,
  reference: string,
): Promise<PaymentReport | typeof SKIPPED | undefined> => {
  const active = await engine.peek('payment', reference)
  // The type of the actor says which machine it is.
  const snapshot = active?.snapshot as SnapshotFrom<typeof paymentMachine> | undefined
  if (!snapshot?.matches('open') || snapshot.context.answered) return SKIPPED
  const { initiatedAt, policy } = snapshot.context
  return now() - Date.parse(initiatedAt) >= policy.abandonAfterMs ? refused('too_late') : undefined
}

export const refused = (reason: string): PaymentReport => ({ type: 'provider.refused', reason })
export const unknown = (reason: string): PaymentReport => ({ type: 'provider.unknown', reason })

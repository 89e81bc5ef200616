import type { SnapshotFrom } from 'xstate'
import { z } from 'zod'
import type { Engine } from '../../../actors/engine/engine.ts'
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
  const { provider, engine, report } = parts
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
      if (!(await isAwaited(engine, reference))) return report(effect, SKIPPED)
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

/** Whether the payment still waits for the answer to its first request; it may have been given up. */
export const isAwaited = async (engine: Engine, reference: string): Promise<boolean> => {
  const active = await engine.peek('payment', reference)
  // The type of the actor says which machine it is.
  const snapshot = active?.snapshot as SnapshotFrom<typeof paymentMachine> | undefined
  return snapshot !== undefined && snapshot.matches('open') && !snapshot.context.answered
}

export const refused = (reason: string): PaymentReport => ({ type: 'provider.refused', reason })
export const unknown = (reason: string): PaymentReport => ({ type: 'provider.unknown', reason })

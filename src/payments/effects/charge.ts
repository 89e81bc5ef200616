import { z } from 'zod'
import { Money } from '../../../contracts/money.ts'
import { Id } from '../../../contracts/scalars.ts'
import type { DueEffect } from '../../../actors/engine/effects.ts'
import type { EffectHandler, EffectOutcome } from '../../effects/handler.ts'
import type { Transaction } from '../provider.ts'
import { reasonNotTo, refused, unknown } from './initialize.ts'
import { again, doubling, SOME_REQUESTS_MS, type Parts } from './parts.ts'
import { verified } from './verify.ts'

const Params = z.object({ reference: Id, payerId: Id, authorizationId: Id, amount: Money })

/** Charges a saved card, once: an attempt that may have arrived is looked for and never repeated. */
export const createChargeAuthorization = (parts: Parts): EffectHandler => {
  const { provider, report, vault, authorizations } = parts
  // A charge that has not come to its end is looked at again later, like one whose answer got lost.
  const tell = (effect: DueEffect, transaction: Transaction): Promise<EffectOutcome> =>
    report(effect, HAS_ENDED.has(transaction.status) ? verified(transaction) : unknown(transaction.status))
  return {
    attempts: 6,
    backoffMs: doubling(1_000, 30_000),
    timeoutMs: SOME_REQUESTS_MS,
    concurrency: 32,
    lookUp: async (effect, signal) => {
      const { reference } = Params.parse(effect.params)
      const answer = await provider.verify(reference, signal)
      if (answer.ok) return tell(effect, answer.data)
      return answer.kind === 'missing' ? 'not_done' : again(answer)
    },
    run: async (effect, signal) => {
      const { reference, payerId, authorizationId, amount } = Params.parse(effect.params)
      const reason = await reasonNotTo(parts, reference)
      if (reason) return report(effect, reason)
      const saved = await authorizations.find(authorizationId, payerId)
      if (!saved) return report(effect, refused('card_removed'))
      const request = {
        reference,
        // The provider takes the code with the address that it was given to, and with no other.
        email: vault.open(saved.email),
        authorizationCode: vault.open(saved.code),
        amountMinor: amount.minor,
        currency: amount.currency,
      }
      const answer = await provider.charge(request, signal)
      if (answer.ok) {
        if ('status' in answer.data) return tell(effect, answer.data)
        const { accessCode, authorizationUrl } = answer.data
        return report(effect, { type: 'provider.initialized', accessCode, authorizationUrl })
      }
      if (answer.kind === 'not_done') return again(answer)
      return report(effect, answer.kind === 'unknown' ? unknown(answer.code) : refused(answer.code))
    },
    // The last attempts may have been lookups for one that did arrive.
    exhausted: (effect) => report(effect, unknown('provider_unavailable')),
  }
}

const HAS_ENDED: ReadonlySet<Transaction['status']> = new Set(['success', 'failed', 'reversed'])

import { z } from 'zod'
import { Money } from '../../../contracts/money.ts'
import type { RefundReport } from '../../../contracts/refund.ts'
import { Id } from '../../../contracts/scalars.ts'
import type { EffectHandler, EffectOutcome } from '../../effects/handler.ts'
import type { ProviderFailure, ProviderRefund } from '../provider.ts'
import { again, doubling, SKIPPED, SOME_REQUESTS_MS, type Parts } from './parts.ts'

const Submission = z.object({ refundId: Id, reference: Id, amount: Money, submission: z.int() })
const Search = z.object({ refundId: Id, reference: Id, round: z.int() })
const Retry = z.object({
  ...Search.shape,
  providerRefundId: z.string(),
  accountNumber: z.string(),
  bankId: z.string(),
  currency: z.string(),
})

/** Requests about refunds that one node makes at the same time: an offering that goes gives thousands of them back. */
const AT_ONCE = 32

/** The provider has no idempotency key for refunds; this is how ours is found again. */
const noteOf = (refundId: string) => `laurel:${refundId}`

/**
 * Gives money back, once. An attempt of which nobody can tell that it never left is not repeated here, even when the
 * provider has nothing of it: it may still be on its way, so the refund waits before it submits again.
 */
export const createSubmitRefund = ({ provider, engine, report, now }: Parts): EffectHandler => ({
  // About a quarter of an hour, and then somebody looks.
  attempts: 20,
  backoffMs: doubling(1_000, 60_000),
  timeoutMs: SOME_REQUESTS_MS,
  concurrency: AT_ONCE,
  lookUp: async (effect, signal) => {
    const { refundId, reference } = Submission.parse(effect.params)
    const answer = await provider.refundsOf(reference, signal)
    if (!answer.ok) return again(answer)
    const seen = whatIsSeen(answer.data, { refundId, round: 0, askedAt: instant(now()) })
    return report(effect, seen.type === 'provider.refundMissing' ? unknown('interrupted') : seen)
  },
  run: async (effect, signal) => {
    const { refundId, reference, amount, submission } = Submission.parse(effect.params)
    const isAwaited = (await engine.peek('refund', refundId))?.state === 'submitting'
    if (!isAwaited) return report(effect, SKIPPED)
    if (submission > 1) {
      // The one before was missing when it was looked for; it may have arrived in this very moment.
      const answer = await provider.refundsOf(reference, signal)
      if (!answer.ok) return unsent(answer)
      const seen = whatIsSeen(answer.data, { refundId, round: 0, askedAt: instant(now()) })
      if (seen.type !== 'provider.refundMissing') return report(effect, seen)
    }
    const money = { amountMinor: amount.minor, currency: amount.currency }
    const answer = await provider.refund({ reference, ...money, note: noteOf(refundId) }, signal)
    if (answer.ok) return report(effect, seenAs(answer.data, 0))
    if (answer.kind === 'unknown') return report(effect, unknown(answer.code))
    if (answer.kind === 'not_done') return unsent(answer)
    return report(effect, { type: 'provider.refused', reason: answer.code })
  },
})

export const createFindRefund = ({ provider, report, now }: Parts): EffectHandler => ({
  attempts: 12,
  backoffMs: doubling(1_000, 60_000),
  timeoutMs: SOME_REQUESTS_MS,
  concurrency: AT_ONCE,
  run: async (effect, signal) => {
    const { refundId, reference, round } = Search.parse(effect.params)
    const askedAt = instant(now())
    const answer = await provider.refundsOf(reference, signal)
    return answer.ok ? report(effect, whatIsSeen(answer.data, { refundId, round, askedAt })) : again(answer)
  },
})

/** Tells the provider where the money can go when the card did not take it back. */
export const createRetryRefund = ({ provider, report, vault }: Parts): EffectHandler => ({
  attempts: 20,
  backoffMs: doubling(1_000, 60_000),
  timeoutMs: SOME_REQUESTS_MS,
  concurrency: 8,
  lookUp: async (effect, signal) => {
    const { reference, providerRefundId, round } = Retry.parse(effect.params)
    const answer = await provider.refundsOf(reference, signal)
    if (!answer.ok) return again(answer)
    const refund = answer.data.find(({ id }) => id === providerRefundId)
    return refund && refund.status !== 'needs-attention' ? report(effect, seenAs(refund, round)) : 'not_done'
  },
  run: async (effect, signal) => {
    const { providerRefundId, accountNumber, bankId, currency, round } = Retry.parse(effect.params)
    const details = { currency, accountNumber: vault.open(accountNumber), bankId }
    const answer = await provider.retryRefund(providerRefundId, details, signal)
    if (answer.ok) return report(effect, seenAs(answer.data, round))
    if (answer.kind === 'not_done' || answer.kind === 'unknown') return again(answer)
    return report(effect, { type: 'provider.refused', reason: answer.code })
  },
})

/** The money has certainly not moved, so the next attempt is as good as a first one. */
const unsent = ({ code, message }: ProviderFailure): EffectOutcome => ({
  retry: `${code}: ${message}`,
  begun: false,
})

const unknown = (reason: string): RefundReport => ({ type: 'provider.unknown', reason })

const instant = (ms: number) => new Date(ms).toISOString()

type Lookup = { refundId: string; round: number; askedAt: string }

const whatIsSeen = (
  refunds: readonly ProviderRefund[],
  { refundId, round, askedAt }: Lookup,
): RefundReport => {
  const [first, ...others] = refunds.filter(({ note }) => note?.includes(noteOf(refundId)))
  if (!first) return { type: 'provider.refundMissing', askedAt }
  return others.length > 0 ? { type: 'provider.refundDoubled' } : seenAs(first, round)
}

const seenAs = ({ id, status, expectedAt }: ProviderRefund, round: number): RefundReport => ({
  type: 'provider.refundSeen',
  providerRefundId: id,
  status,
  expectedAt,
  round,
})

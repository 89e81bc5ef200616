import { z } from 'zod'
import type { DisputeReport } from '../../../contracts/dispute.ts'
import type { EffectHandler } from '../../effects/handler.ts'
import type { ProviderDispute } from '../provider.ts'
import { again, doubling, ONE_REQUEST_MS, SOME_REQUESTS_MS, type Parts } from './parts.ts'

const Search = z.object({ providerDisputeId: z.string() })
const Evidence = z.object({
  ...Search.shape,
  customerEmail: z.string(),
  customerName: z.string(),
  customerPhone: z.string(),
  serviceDetails: z.string(),
  deliveryAddress: z.string().optional(),
  deliveryDate: z.string().optional(),
})
const Concession = z.object({ ...Search.shape, amountMinor: z.int(), message: z.string() })

const OFTEN = { attempts: 12, backoffMs: doubling(1_000, 60_000), concurrency: 8 }

export const createLookUpDispute = ({ provider, report }: Parts): EffectHandler => ({
  ...OFTEN,
  timeoutMs: ONE_REQUEST_MS,
  run: async (effect, signal) => {
    const { providerDisputeId } = Search.parse(effect.params)
    const answer = await provider.dispute(providerDisputeId, signal)
    if (!answer.ok) return again(answer)
    const { amountMinor } = answer.data
    // Nobody guesses about money.
    if (!Number.isSafeInteger(amountMinor) || amountMinor < 0)
      return { final: `the provider says that ${amountMinor} minor units are disputed` }
    return report(effect, seenAs(answer.data))
  },
})

/** Evidence that is handed in twice does no harm; the answer to the dispute is given once. */
export const createSubmitEvidence = ({ provider, report, vault }: Parts): EffectHandler => ({
  ...OFTEN,
  timeoutMs: SOME_REQUESTS_MS,
  lookUp: async (effect, signal) => {
    const { providerDisputeId } = Search.parse(effect.params)
    const answer = await provider.dispute(providerDisputeId, signal)
    if (!answer.ok) return again(answer)
    if (answer.data.status === 'awaiting-bank-feedback') return report(effect, TAKEN)
    return answer.data.status === 'resolved' ? report(effect, seenAs(answer.data)) : 'not_done'
  },
  run: async (effect, signal) => {
    const { providerDisputeId, ...sealed } = Evidence.parse(effect.params)
    const evidence = {
      serviceDetails: sealed.serviceDetails,
      customerEmail: vault.open(sealed.customerEmail),
      customerName: vault.open(sealed.customerName),
      customerPhone: vault.open(sealed.customerPhone),
      ...(sealed.deliveryAddress ? { deliveryAddress: vault.open(sealed.deliveryAddress) } : {}),
      ...(sealed.deliveryDate ? { deliveryDate: sealed.deliveryDate } : {}),
    }
    const answer = await provider.contestDispute(providerDisputeId, evidence, signal)
    if (answer.ok) return report(effect, TAKEN)
    if (answer.kind === 'not_done' || answer.kind === 'unknown') return again(answer)
    return report(effect, { type: 'provider.refused', reason: answer.code })
  },
})

export const createAcceptDispute = ({ provider, report }: Parts): EffectHandler => ({
  ...OFTEN,
  timeoutMs: SOME_REQUESTS_MS,
  lookUp: async (effect, signal) => {
    const { providerDisputeId } = Concession.parse(effect.params)
    const answer = await provider.dispute(providerDisputeId, signal)
    if (!answer.ok) return again(answer)
    if (answer.data.status !== 'resolved') return 'not_done'
    const isConceded = answer.data.resolution === 'merchant-accepted'
    return report(effect, isConceded ? CONCEDED : seenAs(answer.data))
  },
  run: async (effect, signal) => {
    const { providerDisputeId, ...concession } = Concession.parse(effect.params)
    const answer = await provider.acceptDispute(providerDisputeId, concession, signal)
    if (answer.ok) return report(effect, CONCEDED)
    if (answer.kind === 'not_done' || answer.kind === 'unknown') return again(answer)
    return report(effect, { type: 'provider.refused', reason: answer.code })
  },
})

const TAKEN: DisputeReport = { type: 'provider.evidenceTaken' }
const CONCEDED: DisputeReport = { type: 'provider.disputeConceded' }

const seenAs = ({ status, resolution, amountMinor, currency, dueAt }: ProviderDispute): DisputeReport => ({
  type: 'provider.disputeSeen',
  status,
  resolution,
  amountMinor,
  currency,
  dueAt,
})

import { z } from 'zod'
import { derivedId } from '../../actors/derived-id.ts'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { PaymentHint } from '../../contracts/payment.ts'
import type { Database } from '../../persistence/database.ts'
import { createWebhookStore } from '../../persistence/webhooks.ts'
import type { EffectHandler, EffectOutcome } from '../effects/handler.ts'
import type { Report } from '../effects/report.ts'
import type { Vault } from '../vault.ts'
import { DISPUTE, readWebhook, type WebhookBody } from './webhook-body.ts'

type Dependencies = {
  database: Database
  report: Report
  vault: Pick<Vault, 'open'>
  paystack: { secretKey: string }
}

const Params = z.object({ webhookId: z.uuid() })

/**
 * Tells the payment that a webhook names to look at the provider. What concerns no payment of ours becomes a dead letter:
 * somebody has paid for it.
 */
export const createTakeWebhook = ({ database, report, vault, paystack }: Dependencies): EffectHandler => {
  const store = createWebhookStore(database)
  const mode = /^sk_(test|live)_/.exec(paystack.secretKey)?.[1]

  const take = async (effect: DueEffect): Promise<EffectOutcome> => {
    const webhook = await store.find(Params.parse(effect.params).webhookId)
    if (!webhook) return { final: 'the webhook is not stored' }
    if (!webhook.body) return { final: 'the body was removed for its age' }
    const read = readWebhook(Buffer.from(vault.open(webhook.body), 'base64'))
    if (!read.ok) return { final: read.reason }

    const { event, domain, reference } = read.body
    if (!concernsPayments(event)) {
      await store.settle(effect.id)
      return { settled: true }
    }
    if (mode && domain && domain !== mode) return { final: `the event is not of the mode '${mode}'` }
    const hint = hintOf(read.body)
    if (!hint) return { final: 'the dispute has no id' }
    if (!reference) return { final: 'the reference is none of ours' }
    return report(effect, hint, { type: 'payment', id: reference })
  }

  return {
    attempts: 10,
    backoffMs: (attempts) => Math.min(1_000 * 2 ** attempts, 60_000),
    timeoutMs: 30_000,
    concurrency: 64,
    run: take,
  }
}

const concernsPayments = (event: string) =>
  event === 'charge.success' || event.startsWith('refund.') || event.startsWith(DISPUTE)

const hintOf = ({ event, providerDisputeId }: WebhookBody): PaymentHint | undefined => {
  if (event === 'charge.success') return { type: 'webhook.charged' }
  if (!event.startsWith(DISPUTE)) return { type: 'webhook.refundChanged' }
  if (providerDisputeId === undefined) return undefined
  return {
    type: 'webhook.disputeChanged',
    disputeId: derivedId('paystack dispute', providerDisputeId),
    providerDisputeId,
  }
}

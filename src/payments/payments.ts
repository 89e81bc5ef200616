import type { FastifyPluginAsync } from 'fastify'
import type { SavedAuthorization } from '../../actors/ports.ts'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import { createAuthorizations } from '../../persistence/authorizations.ts'
import type { Database } from '../../persistence/database.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { createReport } from '../effects/report.ts'
import type { Vault } from '../vault.ts'
import { createChargeAuthorization } from './effects/charge.ts'
import { createAcceptDispute, createLookUpDispute, createSubmitEvidence } from './effects/dispute.ts'
import { createInitializePayment } from './effects/initialize.ts'
import { createFindRefund, createRetryRefund, createSubmitRefund } from './effects/refund.ts'
import { createVerifyPayment } from './effects/verify.ts'
import { createPaystack } from './paystack.ts'
import { createTakeWebhook } from './take-webhook.ts'
import { webhooks } from './webhooks.ts'

export type PaystackOptions = {
  /** `sk_…`; signs webhooks, too. */
  secretKey: string
  /** Without a slash at its end. */
  url: string
  /** Addresses from which webhooks are taken; every address when there is none. */
  webhookSources?: readonly string[]
}

export type Payments = {
  /** By the name of the effect. */
  handlers: Readonly<Record<string, EffectHandler>>
  /** `/webhooks/paystack` */
  webhooks: FastifyPluginAsync
  authorization: (id: string, userId: string) => Promise<SavedAuthorization | undefined>
}

export type PaymentsDependencies = {
  database: Database
  engine: Engine
  vault: Vault
  paystack: PaystackOptions
  now: () => number
  newId: () => string
  /** Runs effects that have been stored without a turn. */
  push: (effects: readonly DueEffect[]) => void
  failed: (error: unknown, context?: object) => void
}

/** Everything between the payment machines and Paystack. */
export const createPayments = ({ paystack, ...deps }: PaymentsDependencies): Payments => {
  const { database, engine, now, failed } = deps
  const authorizations = createAuthorizations(database)
  const { url, secretKey } = paystack
  const provider = createPaystack({ url, secretKey, failed })
  const parts = { ...deps, provider, authorizations, report: createReport(engine, now) }
  return {
    handlers: {
      initializePayment: createInitializePayment(parts),
      chargeAuthorization: createChargeAuthorization(parts),
      verifyPayment: createVerifyPayment(parts),
      submitRefund: createSubmitRefund(parts),
      findRefund: createFindRefund(parts),
      retryRefund: createRetryRefund(parts),
      lookUpDispute: createLookUpDispute(parts),
      submitEvidence: createSubmitEvidence(parts),
      acceptDispute: createAcceptDispute(parts),
      takeWebhook: createTakeWebhook({ ...parts, paystack }),
    },
    webhooks: webhooks({ ...deps, paystack }),
    authorization: async (id, userId) => {
      const found = await authorizations.find(id, userId)
      return found && { id, userId, card: found.card }
    },
  }
}

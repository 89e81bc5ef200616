import type { FastifyPluginAsync } from 'fastify'
import type { SavedAuthorization } from '../../actors/ports.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Database } from '../../persistence/database.ts'
import type { EffectHandler } from '../effects/handler.ts'
import type { Vault } from '../vault.ts'

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
  failed: (error: unknown, context?: object) => void
}

/** Everything between the payment machines and Paystack. */
export const createPayments = (_deps: PaymentsDependencies): Payments => ({
  handlers: {},
  webhooks: async () => {},
  authorization: async () => undefined,
})

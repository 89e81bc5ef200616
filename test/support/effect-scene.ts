import { randomUUID } from 'node:crypto'
import { dispute } from '../../actors/dispute.ts'
import type { DueEffect } from '../../actors/engine/effects.ts'
import { createEngine } from '../../actors/engine/engine.ts'
import { payment } from '../../actors/payment.ts'
import { refund } from '../../actors/refund.ts'
import { createActorStore } from '../../persistence/actor-store.ts'
import { createAuthorizations } from '../../persistence/authorizations.ts'
import type { Database } from '../../persistence/database.ts'
import { createEffectStore } from '../../persistence/effects.ts'
import { User } from '../../persistence/identity.ts'
import { createOrganisation } from '../../src/auth/organisations.ts'
import { createPayments } from '../../src/payments/payments.ts'
import { createRunner } from '../../src/queue/runner.ts'
import { createVault } from '../../src/vault.ts'

type Message = { type: string; [field: string]: unknown }

export const SECRET = 'sk_test_0123456789abcdef'
export const amount = { minor: 500_000, currency: 'NGN' }

/**
 * An engine and the effects of payments, refunds and disputes, which are carried out when the test says so, against
 * whatever stands at the URL.
 */
export const anEffectScene = async (url: string, database: Database) => {
  const failures: unknown[] = []
  const failed = (error: unknown) => void failures.push(error)
  const now = Date.now
  const engine = createEngine({
    store: createActorStore(database),
    definitions: [payment, refund, dispute],
    committed: () => {},
    failed,
  })
  const vault = createVault([{ id: 'k1', key: Buffer.alloc(32, 7) }])
  const paystack = { url, secretKey: SECRET }
  const deps = { database, engine, vault, paystack, now, newId: randomUUID, failed, push: () => {} }
  const { handlers, authorization } = createPayments(deps)
  const buried: string[] = []
  const bury = async ({ id }: DueEffect, reason: string) => {
    buried.push(reason)
    await database.sql.query({ name: 'scene_bury', text: 'delete from effect where id = $1' }, [id])
  }
  const run = createRunner({ store: createEffectStore(database.sql), handlers, now, bury })

  const orgId = randomUUID()
  const payer = { id: randomUUID(), email: `payer.${orgId}@example.test` }
  await createOrganisation(database, { id: orgId, name: 'Scene', createdAt: now() })
  await database.transaction(async (em) => {
    const at = new Date(now())
    const account = {
      orgId,
      username: `payer-${orgId.slice(0, 8)}`,
      passwordHash: '',
      name: 'Payer',
      createdAt: at,
      updatedAt: at,
    }
    await em.insert(User, { ...payer, ...account, phone: null, avatarUrl: null, blockedAt: null })
  })

  const send = async (type: string, id: string, message: Message, creation?: object) => {
    const { type: name, ...payload } = message
    const reply = await engine.send({
      id: randomUUID(),
      actor: { type, id },
      cause: 'signal',
      type: name,
      payload,
      at: new Date(now()).toISOString(),
      ...(creation ? { creation: { input: creation } } : {}),
    })
    if (!reply.ok) throw new Error(reply.error.message)
  }
  const make = async (type: string, input: object, id: string = randomUUID()) => {
    await send(type, id, { type: 'created' }, { orgId, payerId: payer.id, ...input })
    return id
  }
  const due = (name: string, actorId: string): Promise<DueEffect[]> =>
    database.sql.query(DUE, [name, actorId])

  return {
    database,
    handlers,
    vault,
    payer,
    failures,
    buried,
    authorization,
    authorizations: createAuthorizations(database),
    send,
    due,
    /** Carries out one effect, as an attempt that nobody can have begun before unless `fresh` is false. */
    attempt: async (name: string, actorId: string, fresh = true) => {
      const [effect] = await due(name, actorId)
      if (!effect) throw new Error(`no ${name} is due`)
      return run(effect, fresh)
    },
    /** All attempts that its handler has; what is left of it afterwards is one that could not tell its end. */
    exhaust: async (name: string, actorId: string) => {
      for (let [effect] = await due(name, actorId); effect; [effect] = await due(name, actorId))
        await run(effect, effect.attempts === 0)
    },
    stateOf: async (type: string, id: string) => (await engine.peek(type, id))?.state,
    contextOf: async (type: string, id: string) => (await engine.peek(type, id))?.snapshot.context,
    aPayment: async (input: object = {}) => {
      const policy = { abandonAfterMs: 30 * 60_000 }
      const parties = { offeringId: randomUUID(), purchaseId: randomUUID(), autoRefundId: randomUUID() }
      const terms = { amount, method: 'card', email: null, authorizationId: null, policy }
      const id = await make('payment', { ...parties, ...terms, ...input })
      await send('payment', id, { type: 'purchase.granted' })
      return id
    },
    aRefund: (paymentId: string, id?: string) => {
      const request = { reason: 'I changed my mind', requestedBy: null, approved: true }
      return make('refund', { paymentId, amount: { minor: 10_000, currency: 'NGN' }, ...request }, id)
    },
    aDispute: (paymentId: string, providerDisputeId: string) =>
      make('dispute', { paymentId, providerDisputeId }),
    /** Everything that is stored about the payer's affairs, as one text. */
    stored: async () => {
      const rows = await database.sql.query({ name: 'scene_stored', text: STORED }, [payer.id])
      return JSON.stringify(rows)
    },
  }
}

const DUE = {
  name: 'scene_due',
  text: `select id, actor_type as "actorType", actor_id as "actorId", version, name, params,
    correlation_id as "correlationId", attempts, taken
  from effect where name = $1 and actor_id = $2 order by version, id`,
}

const STORED = `with everything as (
  select to_jsonb(t) as row from journal t union all select to_jsonb(t) from effect t
  union all select to_jsonb(t) from payment t union all select to_jsonb(t) from refund t
  union all select to_jsonb(t) from dispute t union all select to_jsonb(t) from saved_authorization t
) select row from everything where row::text like '%' || $1 || '%'`

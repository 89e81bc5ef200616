import { defineEntity, p, raw } from '@mikro-orm/core'
import type { DueEffect } from '../actors/engine/effects.ts'
import type { Database } from './database.ts'

const WebhookSchema = defineEntity({
  name: 'Webhook',
  tableName: 'webhook',
  properties: {
    id: p.uuid().primary(),
    provider: p.text(),
    /** What the provider's repetitions have in common; unique for each provider. */
    dedupeKey: p.text(),
    event: p.text().nullable(),
    /** The payment that it says it is about. */
    reference: p.text().nullable(),
    /** Sealed; null when it has been removed for its age. */
    body: p.text().nullable(),
    receivedAt: p.datetime(3),
    times: p.integer(),
  },
})
export class Webhook extends WebhookSchema.class {}
WebhookSchema.setClass(Webhook)

export type NewWebhook = Pick<
  Webhook,
  'id' | 'provider' | 'dedupeKey' | 'event' | 'reference' | 'receivedAt'
> & {
  body: string
}

/** What the payment provider has posted, each with the effect that carries it on. */
export type WebhookStore = {
  /**
   * Stores it with its effect, or counts one that is known. `newsBefore`: one that was received until then is news again.
   * @returns the effect, when there is something to do
   */
  receive: (webhook: NewWebhook, effect: DueEffect, newsBefore?: Date) => Promise<DueEffect | undefined>
  find: (id: string) => Promise<Webhook | undefined>
  /** Settles an effect that concerns no actor. */
  settle: (effectId: string) => Promise<void>
  /** Removes the bodies of what was received before an instant; everything else stays, so that repetitions are known. */
  removeBodies: (before: Date) => Promise<void>
}

/** How long the node that took a webhook has it for itself; after that any node's sweep finds it. Milliseconds. */
const LEASE_MS = 5_000

export const createWebhookStore = (database: Database): WebhookStore => ({
  receive: (webhook, effect, newsBefore) =>
    database.transaction(async (em) => {
      const { provider, dedupeKey, receivedAt, body } = webhook
      const { affectedRows } = await em
        .createQueryBuilder(Webhook)
        .insert({ ...webhook, times: 1 })
        .onConflict(['provider', 'dedupeKey'])
        .ignore()
        .execute('run')
      const once = { times: raw<number>('times + 1') }
      const known = { provider, dedupeKey }
      const isAgain =
        affectedRows === 0 &&
        newsBefore !== undefined &&
        (await em.nativeUpdate(
          Webhook,
          { ...known, receivedAt: { $lte: newsBefore } },
          { ...once, receivedAt, body },
        )) > 0
      if (affectedRows === 0 && !isAgain) {
        await em.nativeUpdate(Webhook, known, once)
        return undefined
      }
      // Whoever is told knows the message by the effect's id.
      const due = isAgain ? { ...effect, id: `${effect.id}:${receivedAt.getTime()}` } : effect
      const { id, actorType, actorId, version, name, params, correlationId } = due
      const nextAt = new Date(receivedAt.getTime() + LEASE_MS)
      const row = [id, actorType, actorId, version, name, JSON.stringify(params), correlationId, nextAt]
      await em.execute(ADD_EFFECT, row)
      return due
    }),
  find: async (id) => (await database.read((em) => em.findOne(Webhook, { id }))) ?? undefined,
  settle: async (effectId) => {
    await database.read((em) => em.execute(SETTLE, [effectId]))
  },
  removeBodies: async (before) => {
    await database.read((em) =>
      em.nativeUpdate(Webhook, { body: { $ne: null }, receivedAt: { $lt: before } }, { body: null }),
    )
  },
})

/** As the commit of a turn does it. */
const ADD_EFFECT = `insert into effect
(id, actor_type, actor_id, version, name, params, correlation_id, next_at) values (?, ?, ?, ?, ?, ?::jsonb, ?, ?)`

const SETTLE = `delete from effect where id = ?`

import type { SnapshotFrom } from 'xstate'
import { z } from 'zod'
import type { DueEffect } from '../../actors/engine/effects.ts'
import type { Engine } from '../../actors/engine/engine.ts'
import type { Read } from '../../actors/ports.ts'
import { preference } from '../../actors/preference.ts'
import { DeliveryChannel, type CourierReport } from '../../contracts/delivery.ts'
import { DEFAULT_SETTINGS, type NotificationSettings } from '../../contracts/preference.ts'
import { Id } from '../../contracts/scalars.ts'
import type { notificationMachine } from '../../machines/notification.ts'
import type { Database } from '../../persistence/database.ts'
import { User } from '../../persistence/identity.ts'
import type { EffectHandler, EffectOutcome } from '../effects/handler.ts'
import type { Report } from '../effects/report.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import { linksOf, type LetterLink } from './addresses.ts'
import { isWanted } from './choices.ts'
import { letterOf, type Told } from './compose.ts'
import type { Mailer } from './mail.ts'
import { createPushCourier, type PushCourier } from './push-courier.ts'
import type { PushProvider } from './push-provider.ts'
import { quietUntil } from './quiet-hours.ts'
import type { Vault } from '../vault.ts'

export type CourierParts = {
  engine: Engine
  database: Database
  read: Pick<Read, 'search'>
  report: Report
  vault: Pick<Vault, 'open'>
  mailer: Mailer | undefined
  provider: PushProvider | undefined
  links: Pick<VerificationLinks, 'page' | 'file'> | undefined
  now: () => number
  /** Between 0 and 1. */
  random: () => number
}

const Params = z.object({
  notificationId: Id,
  recipientId: Id,
  channel: DeliveryChannel,
  topic: z.string(),
  urgent: z.boolean(),
  expiresAt: z.string(),
  reached: z.array(z.string()),
})
export type Errand = z.output<typeof Params>

/** What another node has told stays here until it is pushed out. */
const MOST_UNTOLD = 10_000

/** No machine knows it: it settles an errand that nobody waits for any more. */
const SKIPPED = { type: 'effect.skipped' } as const

/**
 * Brings one notification to one person over one channel. It runs at least once: an e-mail that is sent twice has the same
 * Message-ID, and a push the same topic. Whom, where and in which language it looks up now, because that may have changed.
 */
export const createDeliver = (parts: CourierParts): EffectHandler => {
  const { engine, report, random } = parts
  const pushes = createPushCourier(parts)
  /** What has happened outside and could not be told yet: that is told again, and not done again. */
  const untold = new Map<string, CourierReport>()

  const tell = async (effect: DueEffect, message: CourierReport): Promise<EffectOutcome> => {
    untold.set(effect.id, message)
    const [oldest] = untold.keys()
    if (untold.size > MOST_UNTOLD && oldest !== undefined) untold.delete(oldest)
    const outcome = await report(effect, message)
    if (!('retry' in outcome)) untold.delete(effect.id)
    return outcome
  }

  return {
    // Only what keeps it from being told counts here; attempts to send are the delivery's own.
    attempts: 8,
    backoffMs: (attempts) => Math.min(250 * 2 ** attempts, 30_000),
    timeoutMs: 90_000,
    concurrency: 32,
    run: async (effect, signal) => {
      const known = untold.get(effect.id)
      if (known) return tell(effect, known)
      const errand = Params.parse(effect.params)
      const isAwaited = (await engine.peek('delivery', effect.actorId))?.state === 'sending'
      if (!isAwaited) return report(effect, SKIPPED)
      return tell(effect, await carry(parts, pushes, { ...errand, deliveryId: effect.actorId }, signal))
    },
    exhausted: (effect) =>
      tell(
        effect,
        untold.get(effect.id) ?? {
          type: 'courier.failed',
          reason: 'interrupted',
          jitter: random(),
          retryAfterMs: null,
          reached: Params.parse(effect.params).reached,
        },
      ),
  }
}

const suppressed = (reason: string): CourierReport => ({ type: 'courier.suppressed', reason })

const carry = async (
  parts: CourierParts,
  pushes: PushCourier,
  errand: Errand & { deliveryId: string },
  signal: AbortSignal,
): Promise<CourierReport> => {
  const { engine, database, read, mailer, provider, now } = parts
  const { notificationId, recipientId, channel, topic, urgent, expiresAt } = errand
  const active = await engine.peek('notification', notificationId)
  if (!active) return suppressed('notification_missing')
  // The type of the actor says which machine it is.
  const { value, context } = active.snapshot as SnapshotFrom<typeof notificationMachine>
  if (value === 'read') return suppressed('already_read')
  if (new Date(now()).toISOString() >= expiresAt) return suppressed('expired')
  if (channel === 'email' ? !mailer : !provider) return suppressed(`${channel}_unavailable`)
  const recipient = await database.read((em) => em.findOne(User, { id: recipientId }))
  if (!recipient || recipient.blockedAt) return suppressed('recipient_unavailable')
  const settings = await settingsOf(read, recipientId)
  if (!isWanted(settings, topic, channel)) return suppressed('preference_off')
  const until = urgent ? undefined : quietUntil(settings, now())
  if (until !== undefined) return { type: 'courier.quiet', until }
  const { text, subject, data = {}, createdAt } = context
  const told: Told = { topic, text, data, createdAt, settings }
  return channel === 'email'
    ? mail(
        parts,
        { told, links: parts.links ? linksOf(parts.links, { topic, subject }) : [] },
        recipient,
        errand.deliveryId,
        signal,
      )
    : pushes.send(told, errand, signal)
}

const settingsOf = async (read: CourierParts['read'], userId: string): Promise<NotificationSettings> => {
  const { found } = await read.search(preference, { scopes: [{ userId }], limit: 1 })
  return found[0]?.view ?? DEFAULT_SETTINGS
}

/** What mail servers take; whatever else stands in an account is no address. */
const Address = z.email().max(254)

const mail = async (
  { mailer, random }: CourierParts,
  { told, links }: { told: Told; links: readonly LetterLink[] },
  { name, email }: Pick<User, 'name' | 'email'>,
  id: string,
  signal: AbortSignal,
): Promise<CourierReport> => {
  const address = Address.safeParse(email).data
  if (address === undefined) return { type: 'courier.refused', reason: 'bad_address' }
  const answer = await mailer!.send({ id, to: { name, address }, ...letterOf(told, name, links) }, signal)
  if (answer.ok) return { type: 'courier.sent' }
  if (answer.permanent) return { type: 'courier.refused', reason: answer.code }
  return { type: 'courier.failed', reason: answer.code, jitter: random(), retryAfterMs: null, reached: [] }
}

import type { Lookup } from '../../actors/actor.ts'
import { createEvaluateBadges } from '../badges/evaluate-badges.ts'
import type { EffectHandler } from '../effects/handler.ts'
import { createImportRows } from '../effects/import-rows.ts'
import { createReport } from '../effects/report.ts'
import type { VerificationLinks } from '../credentials/links.ts'
import type { Dispatcher } from '../gateway/dispatcher.ts'
import type { MessageBox } from '../notifications/message-box.ts'
import { createNotifications, type Notifications } from '../notifications/notifications.ts'
import { createPayments, type Payments } from '../payments/payments.ts'
import { removalEffects } from '../removals/removals.ts'
import type { Runtime } from '../runtime.ts'
import type { Ground } from './ground.ts'
import type { Storage } from './storage.ts'

type Parts = { storage: Storage; runtime: Runtime }

/** Absent where nobody takes payments. */
export const paymentsOf = (
  { options: { paystack }, database, now, newId, failed }: Ground,
  { storage: { vault }, runtime: { engine, push } }: Parts,
): Payments | undefined =>
  paystack && createPayments({ database, engine, vault, paystack, push, now, newId, failed })

export const notificationsOf = (
  { options: { mail, push, publicUrl, showMessages }, database, now }: Ground,
  {
    storage,
    runtime: { engine },
    links,
    box,
  }: Parts & { links: VerificationLinks; box: MessageBox | undefined },
): Notifications => {
  const { read, vault } = storage
  return createNotifications({
    database,
    engine,
    read,
    vault,
    // An address that only this machine knows is of no use to those who get letters.
    links: publicUrl !== undefined || showMessages ? links : undefined,
    mail,
    box,
    push,
    now,
    random: Math.random,
  })
}

/** Says how each effect is carried out that needs more than the engine, by the name that machines give it. */
export const handleEffects = (
  { now, failed }: Ground,
  parts: Parts & {
    payments: Payments | undefined
    notifications: Notifications
    lookup: Lookup
    dispatcherOf: (lookup: Lookup) => Dispatcher
    stopping: () => boolean
  },
): void => {
  const { storage, runtime, payments, notifications, lookup, dispatcherOf, stopping } = parts
  const { engine } = runtime
  const { read, imports: store } = storage
  const report = createReport(engine, now)
  const handlers: Readonly<Record<string, EffectHandler>> = {
    ...payments?.handlers,
    ...notifications.handlers,
    ...removalEffects({ engine, read, now }),
    importRows: createImportRows({ engine, store, lookup, dispatcherOf, now, stopping, failed }),
    evaluateBadges: createEvaluateBadges({ engine, lookup, report, now }),
  }
  for (const [name, handler] of Object.entries(handlers)) runtime.handle(name, handler)
}

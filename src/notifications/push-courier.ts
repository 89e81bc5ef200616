import { derivedId } from '../../actors/derived-id.ts'
import { pushSubscription } from '../../actors/push-subscription.ts'
import type { CourierReport } from '../../contracts/delivery.ts'
import { MOST_DEVICES, type CourierNews } from '../../contracts/push-subscription.ts'
import type { PushSubscriptionContext } from '../../machines/push-subscription.ts'
import { pushPayloadOf, type Told } from './compose.ts'
import type { CourierParts, Errand } from './deliver.ts'
import type { PushAnswer } from './push-provider.ts'

export type PushCourier = {
  send: (told: Told, errand: Errand & { deliveryId: string }, signal: AbortSignal) => Promise<CourierReport>
}

type Parts = Pick<CourierParts, 'engine' | 'read' | 'vault' | 'provider' | 'now' | 'random'>

/** A push goes to every browser of its recipient. Those that are gone are dropped, and those that have it are left alone. */
export const createPushCourier = (parts: Parts): PushCourier => {
  const { engine, vault, provider, now, random } = parts

  const drop = async (id: string) => {
    const type: CourierNews['type'] = 'courier.gone'
    const at = new Date(now()).toISOString()
    const actor = { type: 'pushSubscription', id }
    // What could not be told now is found out again with the next push.
    await engine.send({
      id: derivedId('push device gone', id),
      actor,
      cause: 'signal',
      type,
      payload: {},
      at,
    })
  }

  return {
    send: async (told, { notificationId, deliveryId, recipientId, urgent, expiresAt, reached }, signal) => {
      const devices = (await devicesOf(parts, recipientId)).filter(({ id }) => !reached.includes(id))
      if (devices.length === 0)
        return reached.length > 0
          ? { type: 'courier.sent' }
          : { type: 'courier.suppressed', reason: 'no_devices' }
      const push = {
        payload: pushPayloadOf(told, { notificationId, deliveryId }),
        ttlSeconds: Math.max(0, Math.floor((Date.parse(expiresAt) - now()) / 1_000)),
        // 32 letters, as many as there may be.
        topic: notificationId.replaceAll('-', ''),
        urgency: urgent ? ('high' as const) : ('normal' as const),
      }
      const answers = await Promise.all(
        devices.map(async ({ id, sealed }): Promise<Answered> => {
          try {
            const device = {
              endpoint: vault.open(sealed.endpoint),
              p256dh: vault.open(sealed.p256dh),
              auth: vault.open(sealed.auth),
            }
            return { id, answer: await provider!.send(device, push, signal) }
          } catch {
            // What the others have is not forgotten for it.
            return { id, answer: { ok: false, kind: 'again', code: 'unreadable' } }
          }
        }),
      )
      for (const { id, answer } of answers) if (!answer.ok && answer.kind === 'gone') await drop(id)
      return reportOf(answers, reached, random())
    },
  }
}

type Answered = { id: string; answer: PushAnswer }

const reportOf = (answers: readonly Answered[], before: readonly string[], jitter: number): CourierReport => {
  const reached = [...before, ...answers.flatMap(({ id, answer }) => (answer.ok ? [id] : []))]
  const failures = answers.flatMap(({ answer }) => (answer.ok ? [] : [answer]))
  const waiting = failures.filter(({ kind }) => kind === 'again')
  const [first] = waiting
  if (first) {
    const waits = waiting.flatMap(({ retryAfterMs }) => (retryAfterMs === undefined ? [] : [retryAfterMs]))
    const retryAfterMs = waits.length > 0 ? Math.max(...waits) : null
    return { type: 'courier.failed', reason: first.code, jitter, retryAfterMs, reached }
  }
  if (reached.length > 0) return { type: 'courier.sent' }
  return { type: 'courier.refused', reason: failures[0]!.code }
}

type Device = { id: string; sealed: NonNullable<PushSubscriptionContext['sealed']> }

const devicesOf = async ({ read }: Parts, userId: string): Promise<Device[]> => {
  const { found } = await read.search(pushSubscription, {
    scopes: [{ userId }],
    where: [{ column: 'status', is: '=', value: 'active' }],
    limit: MOST_DEVICES,
  })
  return found.flatMap(({ id, snapshot }) => {
    const { sealed } = snapshot.context
    return sealed ? [{ id, sealed }] : []
  })
}

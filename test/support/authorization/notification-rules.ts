import { randomUUID } from 'node:crypto'
import { aNotification, aSentDelivery } from '../by-system.ts'
import { done } from '../catalog-scene.ts'
import { EVERYBODY, ONLY_SELF, ANY_ADMIN } from './verdicts.ts'
import { VAPID, type Target, type Rule, type World } from './world.ts'

/** What only its owner can have made. */
const owned =
  (name: string, payload: (target: Target) => object = () => ({})) =>
  async (target: Target, { clients }: World) => {
    const { id } = await done(clients.get(target.userId)!, name, payload(target))
    return { id: id as string }
  }

export const anInbox = owned('inboxes.readAll')
export const aPreference = owned('preferences.set')
/** Where nobody takes pushes. */
const browserOf = (name: string) => ({
  endpoint: `http://127.0.0.1:9/${name}`,
  p256dh: VAPID.publicKey,
  auth: 'A'.repeat(22),
})
export const aSubscription = owned('push-subscriptions.add', ({ userId }) => browserOf(userId))

export const NOTIFICATION_RULES: Record<string, Rule> = {
  'notifications.markRead': {
    verdicts: ONLY_SELF,
    payload: (target, { server }) => aNotification(server, target),
  },
  'notifications.get': {
    verdicts: ONLY_SELF,
    payload: (target, { server }) => aNotification(server, target),
  },
  'notifications.journal': {
    verdicts: ONLY_SELF,
    payload: (target, { server }) => aNotification(server, target),
  },
  'notifications.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'notifications.unread': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'notifications.send': {
    verdicts: ANY_ADMIN,
    absent: { ...ANY_ADMIN, admin: 'not_found' },
    payload: ({ userId: recipientId }) => ({ recipientId, text: 'Hello.' }),
    names: 'recipientId',
  },
  'inboxes.readAll': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'inboxes.get': { verdicts: ONLY_SELF, payload: anInbox },
  'inboxes.journal': { verdicts: ONLY_SELF, payload: anInbox },
  'deliveries.confirm': {
    verdicts: { ...ONLY_SELF, admin: 'forbidden' },
    payload: (target, { server }) => aSentDelivery(server, target),
  },
  'deliveries.get': {
    verdicts: { ...ONLY_SELF, admin: 'ok' },
    payload: (target, { server }) => aSentDelivery(server, target),
  },
  'deliveries.journal': {
    verdicts: { ...ONLY_SELF, admin: 'ok' },
    payload: (target, { server }) => aSentDelivery(server, target),
  },
  'deliveries.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'deliveries.log': {
    verdicts: { ...ONLY_SELF, admin: 'ok' },
    payload: async (target, { server }) => {
      await aNotification(server, target)
      return { userId: target.userId }
    },
    names: 'userId',
  },
  'preferences.set': { verdicts: EVERYBODY, payload: () => ({ language: 'fr' }), names: '' },
  'preferences.own': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'preferences.get': { verdicts: ONLY_SELF, payload: aPreference },
  'preferences.journal': { verdicts: ONLY_SELF, payload: aPreference },
  'push-subscriptions.add': { verdicts: EVERYBODY, payload: () => browserOf(randomUUID()), names: '' },
  'push-subscriptions.key': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'push-subscriptions.list': { verdicts: EVERYBODY, payload: () => ({}), names: '' },
  'push-subscriptions.remove': { verdicts: ONLY_SELF, payload: aSubscription },
  'push-subscriptions.get': { verdicts: ONLY_SELF, payload: aSubscription },
  'push-subscriptions.journal': { verdicts: ONLY_SELF, payload: aSubscription },
}

import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { hydrate } from '../actors/engine/step.ts'
import { notification } from '../actors/notification.ts'
import { preferenceMachine } from '../machines/preference.ts'
import { inboxMachine } from '../machines/inbox.ts'
import { notificationMachine } from '../machines/notification.ts'
import { pushSubscriptionMachine } from '../machines/push-subscription.ts'
import { DEFAULT_SETTINGS } from '../contracts/preference.ts'
import { given } from './given.ts'

const at = '2026-01-01T09:00:00.000Z'
const later = '2026-01-01T10:00:00.000Z'
const input = {
  id: 'notification-1',
  orgId: 'org-1',
  recipientId: 'user-1',
  topic: 'badge.earned',
  subject: { actor: 'badge', id: 'badge-1' },
  text: 'You have earned it.',
  data: { name: 'Helper' },
  at,
}
const facts = {
  recipientId: 'user-1',
  topic: 'badge.earned',
  text: 'You have earned it.',
  channels: ['in_app', 'email', 'push'],
}
const carried = (channel: string, urgent = false) => ({
  name: 'create',
  params: {
    actor: 'delivery',
    input: {
      orgId: 'org-1',
      notificationId: 'notification-1',
      recipientId: 'user-1',
      channel,
      topic: 'badge.earned',
      urgent,
    },
  },
})
const markRead = { type: 'markRead', at: later, by: 'user-1' } as const
const readUpTo = (upTo: string) => ({ type: 'inbox.read', upTo, at: later }) as const

describe('a notification', () => {
  const created = given(notificationMachine, input)

  it('U7 S4.38 is in the inbox at once, and has one delivery for each other channel', () =>
    created.expect({
      state: 'unread',
      events: [{ type: 'notification.created', ...facts }],
      effects: [carried('email'), carried('push')],
    }))

  it.each([
    [['in_app'], []],
    [['email'], [carried('email')]],
    [['push'], [carried('push')]],
  ] as const)('C25 that is narrowed to %s goes nowhere else', (channels, effects) => {
    given(notificationMachine, { ...input, channels }).expect({
      state: 'unread',
      events: [{ type: 'notification.created', ...facts, channels: [...channels] }],
      effects: [...effects],
    })
  })

  it('that is urgent says so to its deliveries', () =>
    given(notificationMachine, { ...input, urgent: true, channels: ['push'] }).expect({
      state: 'unread',
      events: [{ type: 'notification.created', ...facts, channels: ['push'] }],
      effects: [carried('push', true)],
    }))

  it('is read once', () =>
    created
      .when(markRead)
      .expect({
        state: 'read',
        events: [{ type: 'notification.read', ...facts }],
        context: { readAt: later },
      })
      .when(markRead)
      .expect({ state: 'read', refused: true }))

  it('is read with the inbox when it was there by then', () => {
    created.when(readUpTo(at)).expect({ state: 'read', events: [{ type: 'notification.read', ...facts }] })
    created.when(readUpTo('2026-01-01T08:59:59.999Z')).expect({ state: 'unread', refused: true })
  })

  it('of the time before there was anything but the inbox is read as it was stored', () => {
    const { id, orgId, recipientId, topic, subject, text, at: createdAt } = input
    const stored = { id, orgId, recipientId, topic, subject, text }
    const old = hydrate(notificationMachine, {
      value: 'unread',
      context: { ...stored, createdAt, readAt: null },
    })
    expect(notification.view(old as never, input.id)).toMatchObject({ channels: ['in_app'], data: {} })
  })
})

describe('an inbox', () => {
  const opened = given(inboxMachine, { id: 'inbox-1', orgId: 'org-1', userId: 'user-1', at })
  const told = (upTo: string) => ({
    name: 'tellAll',
    params: {
      actor: 'notification',
      where: { recipientId: 'user-1', status: 'unread' },
      message: { type: 'inbox.read', upTo },
    },
  })

  it('tells every unread notification that it has been read up to an instant', () =>
    opened
      .expect({
        state: 'open',
        events: [{ type: 'inbox.readAll', userId: 'user-1', upTo: at }],
        effects: [told(at)],
      })
      .when({ type: 'readAll', upTo: at, at: later })
      .expect({
        state: 'open',
        events: [{ type: 'inbox.readAll', userId: 'user-1', upTo: at }],
        effects: [told(at)],
      }))

  it('never reads what is yet to come', () =>
    opened.when({ type: 'readAll', upTo: '2199-01-01T00:00:00.000Z', at: later }).expect({
      state: 'open',
      events: [{ type: 'inbox.readAll', userId: 'user-1', upTo: later }],
      effects: [told(later)],
      context: { readUpTo: later },
    }))
})

test('a preference keeps what a change does not name', () =>
  given(preferenceMachine, {
    id: 'preference-1',
    orgId: 'org-1',
    userId: 'user-1',
    at,
    ...DEFAULT_SETTINGS,
    language: 'fr',
  })
    .when({ type: 'set', at: later, quietHours: { from: '22:00', to: '07:00' } })
    .expect({
      state: 'set',
      events: [
        {
          type: 'preference.changed',
          userId: 'user-1',
          ...DEFAULT_SETTINGS,
          language: 'fr',
          quietHours: { from: '22:00', to: '07:00' },
        },
      ],
    }))

describe('a push subscription', () => {
  const sealed = { endpoint: 'v1.k.e', p256dh: 'v1.k.p', auth: 'v1.k.a' }
  const added = given(pushSubscriptionMachine, {
    id: 'subscription-5',
    orgId: 'org-1',
    userId: 'user-1',
    device: 'Phone',
    mark: 'mark-1',
    ...sealed,
    at,
  })
  const taken = (since: string, id: string) =>
    ({
      type: 'pushSubscription.taken',
      since,
      at: later,
      source: { actor: 'pushSubscription', id, version: 1 },
    }) as const
  const ended = (reason: string) => ({
    type: 'pushSubscription.ended',
    userId: 'user-1',
    device: 'Phone',
    reason,
  })

  it('tells whoever had the same browser before', () =>
    added.expect({
      state: 'active',
      events: [{ type: 'pushSubscription.added', userId: 'user-1', device: 'Phone' }],
      effects: [
        {
          name: 'tellAll',
          params: {
            actor: 'pushSubscription',
            where: { mark: 'mark-1' },
            message: { type: 'pushSubscription.taken', since: at },
          },
        },
      ],
    }))

  it.each([
    ['removed', { type: 'remove', at: later }],
    ['gone', { type: 'courier.gone', at: later }],
    ['superseded', taken(later, 'subscription-1')],
  ] as const)('that is %s forgets the way to the browser', (reason, message) => {
    added
      .when(message)
      .expect({ state: 'ended', events: [ended(reason)], context: { sealed: null, endReason: reason } })
      .when({ type: 'remove', at: later })
      .expect({ state: 'ended', refused: true })
  })

  it('of two at the same instant, one stays', () => {
    added.when(taken(at, 'subscription-4')).expect({ state: 'active', refused: true })
    added.when(taken(at, 'subscription-5')).expect({ state: 'active', refused: true })
    added.when(taken(at, 'subscription-6')).expect({ state: 'ended', events: [ended('superseded')] })
    added.when(taken('2025-12-31T00:00:00.000Z', 'subscription-6')).expect({ state: 'active', refused: true })
  })
})

test('no order of messages reads a notification twice or unreads it', () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(markRead, readUpTo(at), readUpTo('2025-01-01T00:00:00.000Z')), {
        maxLength: 10,
      }),
      (messages) => {
        let story = given(notificationMachine, input)
        let reads = 0
        for (const message of messages) {
          story = story.when(message)
          reads += story.facts.filter(({ event }) => event.type === 'notification.read').length
        }
        expect(reads).toBe(story.snapshot.value === 'read' ? 1 : 0)
      },
    ),
  ))

test('every state of a notification can be reached', () => {
  const paths = getShortestPaths(notificationMachine, { input, events: [markRead] })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(['unread', 'read']))
})

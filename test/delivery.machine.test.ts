import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { CourierReport, DeliveryAttempt } from '../contracts/delivery.ts'
import { deliveryMachine, type DeliveryContext } from '../machines/delivery.ts'
import { given, type Story } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const inMs = (ms: number) => new Date(Date.parse(at) + ms).toISOString()

const input = {
  id: 'delivery-1',
  orgId: 'org-1',
  notificationId: 'notification-1',
  recipientId: 'user-1',
  channel: 'email',
  topic: 'badge.earned',
  urgent: false,
  at,
} as const
const facts = {
  notificationId: 'notification-1',
  recipientId: 'user-1',
  channel: 'email',
  topic: 'badge.earned',
}
const errand = (reached: string[] = []) => ({
  name: 'deliver',
  params: { ...facts, urgent: false, queuedAt: at, expiresAt: inMs(72 * HOUR), reached },
})

const sent = (when = at) => ({ type: 'courier.sent', at: when }) as const
const failed = (when = at, change: object = {}) =>
  ({
    type: 'courier.failed',
    reason: 'unreachable',
    jitter: 0,
    retryAfterMs: null,
    reached: [],
    at: when,
    ...change,
  }) as const
const refused = { type: 'courier.refused', reason: 'smtp_550', at } as const
const suppressed = { type: 'courier.suppressed', reason: 'preference_off', at } as const
const quiet = (until: string) => ({ type: 'courier.quiet', until, at }) as const
const confirm = { type: 'confirm', at, by: 'user-1' } as const

const begun = given(deliveryMachine, input)
const postponed = (dueAt: string, reason = 'unreachable') => ({
  type: 'delivery.postponed',
  ...facts,
  reason,
  dueAt,
})

describe('a delivery', () => {
  it('§2.9 is sent, and perhaps confirmed by the device', () =>
    begun
      .expect({ state: 'sending', effects: [errand()], timers: {} })
      .when(sent())
      .expect({
        state: 'sent',
        events: [{ type: 'delivery.sent', ...facts }],
        context: { sentAt: at, attempts: [{ number: 1, at, outcome: 'sent', reason: null }] },
      })
      .when(confirm)
      .expect({
        state: 'delivered',
        events: [{ type: 'delivery.confirmed', ...facts }],
        context: { deliveredAt: at },
      })
      .when(confirm)
      .expect({ state: 'delivered', refused: true }))

  it('is confirmed also by a device that is faster than the courier', () =>
    begun
      .when(confirm)
      .expect({ state: 'sending', events: [], effects: [] })
      .when(confirm)
      .expect({ state: 'sending', refused: true })
      .when(sent())
      .expect({
        state: 'delivered',
        events: [
          { type: 'delivery.sent', ...facts },
          { type: 'delivery.confirmed', ...facts },
        ],
        context: { sentAt: at, deliveredAt: at },
      }))

  it('§2.9 is tried again after 1 s, 5 s, 30 s, 5 min and 1 h, and then has failed', () => {
    let story = begun
    let now = at
    for (const waitMs of [SECOND, 5 * SECOND, 30 * SECOND, 5 * MINUTE, HOUR]) {
      const dueAt = new Date(Date.parse(now) + waitMs).toISOString()
      story = story
        .when(failed(now))
        .expect({ state: 'queued', events: [postponed(dueAt)], timers: { due: dueAt } })
        .fire('due')
        .expect({ state: 'sending', effects: [errand()], timers: {} })
      now = dueAt
    }
    story.when(failed(now)).expect({
      state: 'failed',
      events: [{ type: 'delivery.failed', ...facts, reason: 'unreachable' }],
      timers: {},
    })
    expect(attemptsOf(story.when(failed(now)))).toHaveLength(6)
  })

  it('§2.9 waits a little longer by chance, and as long as it is asked to', () => {
    const byChance = inMs(1_250)
    begun
      .when(failed(at, { jitter: 1 }))
      .expect({ state: 'queued', events: [postponed(byChance)], timers: { due: byChance } })
    const asked = inMs(10 * MINUTE)
    begun
      .when(failed(at, { retryAfterMs: 10 * MINUTE }))
      .expect({ state: 'queued', events: [postponed(asked)], timers: { due: asked } })
  })

  it('§2.9 that is refused for good is not tried again', () =>
    begun
      .when(refused)
      .expect({ state: 'failed', events: [{ type: 'delivery.failed', ...facts, reason: 'smtp_550' }] })
      .when(sent())
      .expect({ state: 'failed', refused: true }))

  it('§2.9 that nobody wants is suppressed', () =>
    begun
      .when(suppressed)
      .expect({
        state: 'suppressed',
        events: [{ type: 'delivery.suppressed', ...facts, reason: 'preference_off' }],
        context: { attempts: [] },
      })
      .when(sent())
      .expect({ state: 'suppressed', refused: true }))

  it('waits for the end of quiet hours, which is no attempt', () => {
    const until = inMs(7 * HOUR)
    begun
      .when(quiet(until))
      .expect({
        state: 'queued',
        events: [postponed(until, 'quiet_hours')],
        timers: { due: until },
        context: { attempts: [] },
      })
      .until(until)
      .expect({ state: 'sending', effects: [errand()], timers: {} })
  })

  it('is suppressed when its time is over before the quiet hours are', () =>
    given(deliveryMachine, { ...input, channel: 'push' })
      .when(quiet(inMs(24 * HOUR)))
      .expect({
        state: 'suppressed',
        events: [{ type: 'delivery.suppressed', ...facts, channel: 'push', reason: 'expired' }],
      }))

  it('is not tried again when its time is over by then', () =>
    begun.when(failed(at, { retryAfterMs: 72 * HOUR })).expect({
      state: 'failed',
      events: [{ type: 'delivery.failed', ...facts, reason: 'unreachable' }],
    }))

  it('leaves devices alone that have it, and has been sent when others never answer', () => {
    const some = { reached: ['device-1'] }
    let story: Story<typeof deliveryMachine> = begun
    let now = at
    for (let attempt = 0; attempt < 5; attempt++) {
      story = story.when(failed(now, some)).fire('due')
      expect(story.effects).toEqual([errand(['device-1'])])
      now = new Date(Date.parse(now) + HOUR).toISOString()
    }
    story.when(failed(now, some)).expect({ state: 'sent', events: [{ type: 'delivery.sent', ...facts }] })
  })
})

const attemptsOf = ({ snapshot }: Story<typeof deliveryMachine>): readonly DeliveryAttempt[] =>
  (snapshot.context as DeliveryContext).attempts

const report = fc.oneof(
  fc.constant<CourierReport>({ type: 'courier.sent' }),
  fc.record({
    type: fc.constant('courier.failed' as const),
    reason: fc.constant('unreachable'),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    retryAfterMs: fc.option(fc.nat(100 * HOUR)),
    reached: fc.constantFrom([], ['device-1']),
  }),
  fc.constant<CourierReport>({ type: 'courier.refused', reason: 'smtp_550' }),
  fc.constant<CourierReport>({ type: 'courier.suppressed', reason: 'no_devices' }),
  fc.nat(100).map((hours): CourierReport => ({ type: 'courier.quiet', until: inMs(hours * HOUR) })),
)

test('S4.39 whatever the courier reports: attempts are only ever added, one at a time, and the end is one', () =>
  fc.assert(
    fc.property(fc.array(report, { maxLength: 20 }), (reports) => {
      let story: Story<typeof deliveryMachine> = begun
      let now = at
      let ends = 0
      for (const message of reports) {
        const before = attemptsOf(story)
        const [due] = Object.values(story.timers)
        if (due) {
          now = due.dueAt
          story = story.fire('due')
        }
        story = story.when({ ...message, at: now })
        const after = attemptsOf(story)
        expect(after.slice(0, before.length)).toEqual(before)
        expect(after.length - before.length).toBeLessThanOrEqual(1)
        expect(after.length).toBeLessThanOrEqual(6)
        ends += story.facts.filter(({ event }) => /sent|failed|suppressed/.test(event.type)).length
        expect(ends).toBeLessThanOrEqual(1)
        // Who waits is woken, and nobody else.
        expect(Object.keys(story.timers)).toEqual(story.snapshot.value === 'queued' ? ['due'] : [])
        for (const { dueAt } of Object.values(story.timers)) expect(dueAt < inMs(72 * HOUR)).toBe(true)
      }
    }),
  ))

test('every state can be reached', () => {
  const paths = getShortestPaths(deliveryMachine, {
    input,
    events: [sent(), failed(), refused, suppressed, confirm],
    limit: 500,
    stopWhen: ({ context }) => context.attempts.length > 1,
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(
    new Set(['sending', 'queued', 'sent', 'delivered', 'failed', 'suppressed']),
  )
})

import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import { paymentMachine } from '../machines/payment.ts'
import { given } from './given.ts'
import {
  SECOND,
  MINUTE,
  HOUR,
  DAY,
  at,
  later,
  price,
  input,
  card,
  granted,
  refused,
  initialized,
  verified,
  paid,
  missing,
  unknown,
  declined,
  effectFailed,
  webhook,
  verify,
  cancel,
  claim,
  settle,
  release,
  look,
  bySystem,
  event,
  some,
  settledEvent,
  told,
  claiming,
  initializing,
  awaiting,
  uncertain,
  settled,
  abandoned,
  cancelled,
} from './payment-messages.ts'

describe('a payment that begins', () => {
  it('F04 exists with its reference, and holds the purchase, before the provider hears of it', () =>
    claiming
      .expect({
        state: 'claiming',
        events: [event('initiated', { method: 'card' })],
        effects: [claim],
        timers: {},
      })
      .when(granted())
      .expect({
        state: { open: 'initializing' },
        effects: [
          {
            name: 'initializePayment',
            params: {
              reference: 'payment-1',
              payerId: 'payer-1',
              email: null,
              amount: price,
              method: 'card',
              offeringId: 'offering-1',
            },
          },
        ],
        timers: {},
      })
      .when(initialized())
      .expect({
        state: { open: 'awaitingCustomer' },
        events: [
          event('checkoutReady', { accessCode: 'access-1', authorizationUrl: 'https://pay.example/1' }),
        ],
        effects: [],
        timers: { poll: later(10 * SECOND), abandonment: later(30 * MINUTE) },
      }))

  it('never asks the provider when the purchase belongs to another payment', () =>
    claiming.when(refused()).expect({
      state: { closed: 'failed' },
      events: [event('failed', { reason: 'payment_in_progress' })],
      effects: [release],
    }))

  it('fails when the claim cannot be made, and gives back what was claimed after all', () => {
    const failed = claiming.when(effectFailed('tell')).expect({
      state: { closed: 'failed' },
      events: [event('failed', { reason: 'internal' })],
      effects: [told('failed'), release],
    })
    expect(failed.when(granted()).effects).toEqual([release])
  })

  it('gives back a claim that is granted after it was cancelled', () => {
    const gone = claiming.when(cancel()).expect({
      state: { closed: 'cancelled' },
      events: [event('cancelled')],
      effects: [release],
    })
    expect(gone.when(granted()).effects).toEqual([release])
  })

  it('fails when the provider says no', () =>
    initializing.when(declined()).expect({
      state: { closed: 'failed' },
      events: [event('failed', { reason: 'invalid_key' })],
      effects: [told('failed'), release],
    }))

  it('hears of its page once', () =>
    awaiting.when(initialized()).expect({ state: { open: 'awaitingCustomer' }, refused: true }))
})

describe('a payment that is made', () => {
  it('F07 settles once, however often the provider is asked', () =>
    awaiting
      .when(webhook(), webhook())
      .expect({
        state: { open: 'verifying' },
        events: [event('verifying')],
        effects: [look, look],
      })
      .when(paid(), paid())
      .expect({
        state: 'settled',
        refused: true,
        events: [settledEvent()],
        effects: [settle, told('settled')],
        timers: {},
        context: { charged: price.minor, settledAt: at, card },
      }))

  it('F08 settles when the webhook beats the answer to the request', () => {
    const verifying = initializing
      .when(webhook())
      .expect({ state: { open: 'verifying' }, events: [event('verifying')], effects: [look] })
    verifying.when(paid()).expect({ state: 'settled', events: [settledEvent()] })
    verifying
      .when(paid(), initialized())
      .expect({ state: 'settled', refused: true, events: [settledEvent()] })
    verifying
      .when(initialized())
      .expect({ state: { open: 'awaitingCustomer' }, events: [some('checkoutReady')] })
    verifying
      .when(initialized(), paid())
      .expect({ state: 'settled', events: [some('checkoutReady'), settledEvent()] })
  })

  it('F08 waits for the page when a look beats the answer to the request', () => {
    const verifying = initializing.when(verify())
    for (const answer of [missing(), verified('abandoned')])
      verifying
        .when(answer)
        .expect({ state: { open: 'initializing' } })
        .when(initialized())
        .expect({ state: { open: 'awaitingCustomer' }, events: [some('checkoutReady')] })
  })

  it('F09 does not mind an answer that is older than the success', () =>
    settled
      .when(verified('abandoned', MINUTE), verified('failed', MINUTE), missing(MINUTE), unknown(MINUTE))
      .expect({ state: 'settled', refused: true }))

  it('fails when the provider says that it failed', () =>
    awaiting.when(verified('failed')).expect({
      state: { closed: 'failed' },
      events: [event('failed', { reason: 'declined' })],
      effects: [told('failed'), release],
    }))

  it('is reversed when the provider has taken it back before anybody looked', () =>
    awaiting.when(verified('reversed')).expect({
      state: 'reversed',
      events: [event('reversed')],
      effects: [release],
      context: { charged: 0 },
    }))
})

describe('a payment that was given up', () => {
  it('goes on looking when the provider could not be asked', () =>
    abandoned
      .when(webhook(5 * DAY), unknown(5 * DAY + MINUTE))
      .expect({ state: { closed: 'abandoned' }, effects: [look, look] }))

  it('is not begun after its time, when nobody was there to grant its claim', () =>
    claiming.when(granted(30 * MINUTE)).expect({
      state: { closed: 'abandoned' },
      events: [event('abandoned', { reason: 'initialization_lost' })],
      effects: [release],
    }))

  it('stays closed when people have seen to the money that the books cannot hold', () =>
    awaiting
      .when(paid(0, { currency: 'USD' }), cancel(MINUTE))
      .expect({
        state: { closed: 'cancelled' },
        events: [some('needsReview'), event('cancelled')],
        effects: [release],
      })
      .when(paid(HOUR, { currency: 'USD' }))
      .expect({ state: { closed: 'cancelled' }, refused: true, effects: [] }))
})

describe('a client that asks for a look', () => {
  it('causes a look and nothing else', () => {
    awaiting
      .when(verify())
      .expect({ state: { open: 'verifying' }, events: [event('verifying')], effects: [look] })
      .when(verify())
      .expect({ state: { open: 'verifying' }, refused: true, effects: [] })
    for (const story of [abandoned, cancelled, awaiting.when(paid(0, { amountMinor: 1 }))]) {
      const asked = story.when(verify(HOUR))
      expect(asked.effects).toEqual([look])
      expect(asked.facts).toEqual([])
      expect(asked.snapshot.value).toEqual(story.snapshot.value)
    }
  })

  it('does so once in half a minute when nothing is expected any more', () =>
    abandoned
      .when(verify(HOUR))
      .when(verify(HOUR + 29_999))
      .expect({ state: { closed: 'abandoned' }, refused: true, effects: [] })
      .when(verify(HOUR + 30_000))
      .expect({ state: { closed: 'abandoned' }, effects: [look] }))

  it('is told that there is nothing to look for when it has settled, or has not begun', () => {
    settled.when(verify()).expect({ state: 'settled', refused: true, effects: [] })
    claiming.when(verify()).expect({ state: 'claiming', refused: true, effects: [] })
  })

  it('F10 gets nothing from a webhook that says nothing', () =>
    settled.when(webhook(), webhook()).expect({ state: 'settled', refused: true, effects: [] }))
})

describe('a request of which nobody knows whether it arrived', () => {
  it('F05 is uncertain and never failed', () =>
    uncertain.expect({
      state: { open: 'unknown' },
      events: [event('uncertain', { reason: 'timeout' })],
      effects: [],
      timers: { janitor: later(15 * SECOND) },
    }))

  it.each(['initializePayment', 'verifyPayment'])('F05 is uncertain when %s fails for good', (effect) => {
    initializing.when(effectFailed(effect)).expect({
      state: { open: 'unknown' },
      events: [event('uncertain', { reason: 'internal' })],
    })
  })

  it('F05 is looked for after 15 s, 1 m, 5 m, 1 h and five days, and then people have to', () => {
    const waits = [15 * SECOND, MINUTE, 5 * MINUTE, HOUR, DAY, DAY, DAY, DAY, DAY]
    let story = uncertain
    let ms = 0
    for (const wait of waits) {
      ms += wait
      story.expect({
        state: { open: 'unknown' },
        events: story.facts.map(({ event: fact }) => fact),
        timers: { janitor: later(ms) },
      })
      story = story.until(later(ms))
      expect(story.effects).toEqual([look])
    }
    story
      .expect({
        state: { open: 'unresolved' },
        events: [event('needsReview', { reason: 'outcome_unknown', received: null })],
        timers: {},
        context: { charged: 0 },
      })
      .when(unknown(ms))
      .expect({ state: { open: 'unresolved' }, refused: true })
  })

  it('F05 that the provider does not know stays uncertain for an hour, then it has failed', () => {
    uncertain
      .when(missing(HOUR - 1))
      .expect({ state: { open: 'unknown' }, refused: true })
      .when(missing(HOUR))
      .expect({
        state: { closed: 'failed' },
        events: [event('failed', { reason: 'never_arrived' })],
        effects: [told('failed'), release],
      })
    initializing.when(unknown(), verify(), missing()).expect({
      state: { open: 'unknown' },
      events: [
        event('uncertain', { reason: 'timeout' }),
        event('verifying'),
        event('uncertain', { reason: 'not_found' }),
      ],
    })
  })

  it('F05 settles when it arrived and was paid', () =>
    uncertain
      .until(later(15 * SECOND))
      .when(paid(15 * SECOND))
      .expect({
        state: 'settled',
        events: [settledEvent()],
        timers: {},
      }))

  it('F05 goes on when its answer comes after all', () =>
    uncertain.when(initialized(MINUTE)).expect({
      state: { open: 'awaitingCustomer' },
      events: [some('checkoutReady')],
      timers: { poll: later(MINUTE + 10 * SECOND), abandonment: later(30 * MINUTE) },
    }))

  it('is given up when it arrived but its page got lost with the answer: nobody can pay it', () =>
    uncertain.when(verified('abandoned', 15 * SECOND)).expect({
      state: { closed: 'abandoned' },
      events: [event('abandoned', { reason: 'initialization_lost' })],
      effects: [release],
    }))

  it('still counts whatever the provider says when it was left to people', () => {
    const unresolved = uncertain.until(later(10 * DAY))
    unresolved.when(paid(11 * DAY)).expect({ state: 'settled', events: [settledEvent()] })
    unresolved.when(missing(11 * DAY)).expect({ state: { closed: 'failed' }, events: [some('failed')] })
    unresolved.when(verified('failed', 11 * DAY)).expect({
      state: { closed: 'failed' },
      events: [event('failed', { reason: 'declined' })],
    })
    unresolved.when(verified('abandoned', 11 * DAY)).expect({
      state: { closed: 'abandoned' },
      events: [some('abandoned')],
    })
    unresolved.when(paid(11 * DAY, { amountMinor: 7 })).expect({
      state: 'needsReview',
      events: [some('needsReview')],
      context: { charged: 7 },
    })
    unresolved.when(cancel(11 * DAY)).expect({
      state: { closed: 'cancelled' },
      events: [event('cancelled')],
      effects: [release],
    })
    unresolved.when(verify(11 * DAY)).expect({
      state: { open: 'verifying' },
      events: [event('verifying')],
      effects: [look],
    })
  })
})

describe('a customer who takes time', () => {
  const minutes = 30 * MINUTE

  it('is looked for after 10 s, 30 s, 2 m, 5 m and 15 m, and for the last time when time is up', () => {
    let now = awaiting
    const polls: string[] = []
    for (const wait of [10 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE]) {
      const due = new Date(Date.parse(polls.at(-1) ?? at) + wait).toISOString()
      now.expect({
        state: { open: 'awaitingCustomer' },
        events: now.facts.map(({ event: fact }) => fact),
        timers: { poll: due, abandonment: later(minutes) },
      })
      now = now.until(due)
      expect(now.effects).toEqual([look])
      polls.push(due)
    }
    now.until(later(minutes)).expect({
      state: { open: 'verifying' },
      events: [event('verifying')],
      effects: [look],
      timers: {},
    })
  })

  it('is not given up by a poll that says abandoned before the time is up', () => {
    const polled = awaiting.until(later(10 * SECOND))
    for (const status of ['abandoned', 'ongoing', 'pending', 'processing', 'queued'] as const)
      polled.when(verified(status, minutes - 1), missing(11 * SECOND), unknown(11 * SECOND)).expect({
        state: { open: 'awaitingCustomer' },
        refused: true,
        timers: { poll: later(40 * SECOND), abandonment: later(minutes) },
      })
  })

  it('goes back to the page after a look of a client', () =>
    awaiting
      .when(verify(MINUTE))
      .when(verified('abandoned', MINUTE))
      .expect({
        state: { open: 'awaitingCustomer' },
        timers: { poll: later(MINUTE + 10 * SECOND), abandonment: later(minutes) },
      }))

  it('has abandoned it when the last look finds nothing, and it is looked for three times more', () => {
    abandoned.expect({
      state: { closed: 'abandoned' },
      events: [event('abandoned', { reason: 'abandoned' })],
      effects: [release],
      timers: {
        lateLook1: later(minutes + HOUR),
        lateLook2: later(minutes + DAY),
        lateLook3: later(minutes + 3 * DAY),
      },
    })
    const looked = abandoned.until(later(10 * DAY))
    expect(looked.effects).toEqual([look, look, look])
    expect(looked.timers).toEqual({})
  })

  it('F05 is not taken for gone when the last look fails', () =>
    awaiting
      .until(later(minutes))
      .when(unknown(minutes))
      .expect({ state: { open: 'unknown' }, events: [event('uncertain', { reason: 'timeout' })] })
      .when(verified('abandoned', minutes + 15 * SECOND))
      .expect({ state: { closed: 'abandoned' }, events: [event('abandoned', { reason: 'abandoned' })] }))

  it('meets no timer of a state that was left', () => {
    for (const story of [settled, cancelled, awaiting.when(verify())]) {
      const names = Object.keys(story.timers)
      expect(names).not.toEqual(expect.arrayContaining(['poll']))
      expect(names).not.toEqual(expect.arrayContaining(['abandonment']))
      for (const name of ['poll', 'abandonment'])
        story
          .when({ type: `xstate.after.${name}.payment@1.open.awaitingCustomer`, at } as never)
          .expect({ state: story.snapshot.value, refused: true, effects: [] })
    }
  })
})

describe('money that comes late', () => {
  const failed = awaiting.when(verified('failed'))

  it.each([
    ['failed', failed],
    ['was abandoned', abandoned],
  ])('settles a payment that %s when the purchase is still to be had', (_, story) => {
    story
      .when(paid(HOUR))
      .expect({ state: 'reclaiming', effects: [claim], timers: {} })
      .when(granted(HOUR))
      .expect({
        state: 'settled',
        events: [settledEvent(true)],
        effects: [settle, told('settled')],
        context: { failure: null, refunds: [] },
      })
  })

  it.each([
    ['failed', failed],
    ['was abandoned', abandoned],
  ])('goes back at once from a payment that %s when another one has the purchase', (_, story) => {
    story
      .when(paid(HOUR), refused(HOUR))
      .expect({
        state: 'settled',
        events: [settledEvent(true), some('refundRequested', { refundId: 'refund-auto' })],
        effects: [claim, settle, told('settled'), bySystem('paid by another payment')],
        context: { charged: price.minor },
      })
      .when(refused(HOUR), paid(HOUR))
      .expect({ state: 'settled', refused: true, effects: [] })
  })

  it('goes back at once when the payment was cancelled', () =>
    cancelled
      .expect({ state: { closed: 'cancelled' }, events: [event('cancelled')], effects: [release] })
      .when(paid(HOUR), paid(HOUR))
      .expect({
        state: 'settled',
        refused: true,
        events: [settledEvent(true), some('refundRequested', { refundId: 'refund-auto' })],
        effects: [settle, told('settled'), bySystem('paid after it was cancelled')],
      }))

  it('makes a closed payment look when a webhook tells of it', () => {
    for (const story of [failed, abandoned, cancelled])
      expect(story.when(webhook(HOUR), webhook(HOUR)).effects).toEqual([look, look])
  })

  it('is reversed when the provider has taken it back already', () =>
    abandoned
      .when(verified('reversed', HOUR))
      .expect({ state: 'reversed', events: [event('reversed')], effects: [release] }))
})

describe('a saved card', () => {
  const saved = given(paymentMachine, { ...input, authorizationId: 'authorization-1' }).when(granted())

  it('is charged at once', () =>
    saved
      .expect({
        state: { open: 'initializing' },
        effects: [
          {
            name: 'chargeAuthorization',
            params: {
              reference: 'payment-1',
              payerId: 'payer-1',
              email: null,
              amount: price,
              authorizationId: 'authorization-1',
            },
          },
        ],
        events: [],
      })
      .when(paid())
      .expect({ state: 'settled', events: [settledEvent()], effects: [settle, told('settled')] }))

  it('leads to a page when the bank wants to see the customer', () =>
    saved
      .when(initialized())
      .expect({ state: { open: 'awaitingCustomer' }, events: [some('checkoutReady')] })
      .when(paid())
      .expect({ state: 'settled', events: [settledEvent()] }))

  it('is looked for while the bank takes its time, and may still lead to a page', () => {
    const waiting = saved.when(verified('pending')).expect({
      state: { open: 'awaitingCustomer' },
      timers: { poll: later(10 * SECOND), abandonment: later(30 * MINUTE) },
    })
    waiting
      .when(initialized(), initialized())
      .expect({ state: { open: 'awaitingCustomer' }, refused: true, events: [some('checkoutReady')] })
    expect(waiting.until(later(10 * SECOND)).effects).toEqual([look])
    waiting
      .until(later(30 * MINUTE))
      .when(verified('pending', 30 * MINUTE))
      .expect({ state: { closed: 'abandoned' }, events: [event('abandoned', { reason: 'abandoned' })] })
  })

  it('that is declined fails; F05 when nobody knows, it is looked for', () => {
    saved.when(declined()).expect({ state: { closed: 'failed' }, events: [some('failed')] })
    saved.when(unknown()).expect({ state: { open: 'unknown' }, events: [some('uncertain')] })
    saved.when(unknown(), verified('processing')).expect({
      state: { open: 'awaitingCustomer' },
      events: [some('uncertain')],
    })
  })

  it('is kept only by a payment that asks for a card', () => {
    const channels = given(paymentMachine, { ...input, method: 'paystack' }).when(granted(), initialized())
    expect(channels.when(verify()).effects).toEqual([
      { ...look, params: { ...look.params, keepCard: false } },
    ])
  })
})

describe('what is not expected', () => {
  const stories = { claiming, initializing, awaiting, uncertain, settled, abandoned, cancelled }

  it('M5 changes nothing and throws nothing', () => {
    const strange = { effect: 'tell', reason: 'gone', at }
    for (const story of Object.values(stories))
      for (const type of ['provider.refundSeen', 'webhook.unheardOf', 'nonsense', 'effect.failed'])
        if (type !== 'effect.failed' || story !== claiming)
          story
            .when({ type, ...strange } as never)
            .expect({ state: story.snapshot.value, refused: true, effects: [] })
  })

  it('cancel is refused when there is nothing to give up any more', () => {
    for (const story of [
      settled,
      abandoned,
      cancelled,
      abandoned.when(paid(HOUR)),
      abandoned.when(paid(HOUR), granted(HOUR)),
    ])
      story.when(cancel(HOUR)).expect({ state: story.snapshot.value, refused: true, effects: [] })
  })

  it('cancel gives up whatever is open', () => {
    for (const story of [claiming, initializing, awaiting, uncertain, awaiting.when(verify())])
      story
        .when(cancel(MINUTE))
        .expect({ state: { closed: 'cancelled' }, events: [event('cancelled')], effects: [release] })
  })
})

test('every state can be reached', () => {
  const timer = (name: string, state: string) =>
    ({ type: `xstate.after.${name}.payment@1.open.${state}`, at: later(30 * MINUTE) }) as never
  const paths = getShortestPaths(paymentMachine, {
    input,
    events: [
      granted(),
      initialized(),
      unknown(),
      webhook(),
      cancel(),
      paid(),
      paid(0, { amountMinor: 1 }),
      verified('failed'),
      verified('reversed'),
      verified('abandoned', 30 * MINUTE),
      timer('janitor', 'unknown'),
    ],
    serializeState: ({ value, context: { looks } }) => JSON.stringify([value, looks]),
  })
  const reached = new Set(paths.map(({ state }) => JSON.stringify(state.value)))
  const all = Object.entries(paymentMachine.states).flatMap(([name, { states }]): unknown[] => {
    const inner = Object.keys(states)
    return inner.length > 0 ? inner.map((child): object => ({ [name]: child })) : [name]
  })
  expect(reached).toEqual(new Set(all.map((value) => JSON.stringify(value))))
})

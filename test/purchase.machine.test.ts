import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { start } from '../actors/engine/step.ts'
import { purchase, purchaseId } from '../actors/purchase.ts'
import { rosterId } from '../actors/roster.ts'
import { PurchaseView } from '../contracts/purchase.ts'
import { purchaseMachine, type PurchaseContext } from '../machines/purchase.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const input = { id: 'purchase-1', orgId: 'org-1', payerId: 'payer-1', offeringId: 'offering-1', at }

/** What a payment says in one of its turns; `a@3` names both. */
const said = (type: 'payment.claimed' | 'payment.settled' | 'payment.released', sender: string) => {
  const [id = '', version] = sender.split('@')
  return { type, at, source: { actor: 'payment', id, version: Number(version) } } as const
}
const claimed = (sender: string) => said('payment.claimed', sender)
const settled = (sender: string) => said('payment.settled', sender)
const released = (sender: string) => said('payment.released', sender)

const fact = (type: string, paymentId: string) => ({
  type: `purchase.${type}`,
  payerId: 'payer-1',
  offeringId: 'offering-1',
  paymentId,
})
const answer = (id: string, message: object) => ({ name: 'tell', params: { actor: 'payment', id, message } })
const granted = (id: string) => answer(id, { type: 'purchase.granted' })
const refused = (id: string, reason: string) => answer(id, { type: 'purchase.refused', reason })
const holder = (paymentId: string, version: number, paid = false) => ({
  holder: { paymentId, version, paid },
})

const free = given(purchaseMachine, input)
const held = free.when(claimed('a@1'))
const paid = held.when(settled('a@5'))

describe('a purchase', () => {
  it('is granted to the first payment that claims it', () =>
    free
      .expect({ state: 'free', effects: [], timers: {} })
      .when(claimed('a@1'))
      .expect({
        state: 'claimed',
        events: [fact('claimed', 'a')],
        effects: [granted('a')],
        context: holder('a', 1),
      }))

  it('is refused to every other payment, with the reason', () => {
    const asked = held.when(claimed('b@1'))
    expect(asked.snapshot.context).toEqual(held.snapshot.context)
    expect(asked.facts).toEqual([])
    expect(asked.effects).toEqual([refused('b', 'payment_in_progress')])
    expect(paid.when(claimed('b@1')).effects).toEqual([refused('b', 'already_paid')])
  })

  it('is granted again to whoever has it, and nobody hears of that', () => {
    held.when(claimed('a@3')).expect({ state: 'claimed', effects: [granted('a')], context: holder('a', 3) })
    paid
      .when(claimed('a@7'))
      .expect({ state: 'paid', effects: [granted('a')], context: holder('a', 7, true) })
  })

  it('is paid once', () =>
    paid
      .expect({ state: 'paid', events: [fact('paid', 'a')], effects: [], context: holder('a', 1, true) })
      .when(settled('a@5'), settled('b@5'))
      .expect({ state: 'paid', refused: true, effects: [] }))

  it('is free again when its payment gives it back, paid or not', () => {
    for (const story of [held, paid])
      story
        .when(released('a@9'))
        .expect({ state: 'free', events: [fact('released', 'a')], effects: [], context: { holder: null } })
        .when(claimed('b@1'))
        .expect({ state: 'claimed', events: [fact('claimed', 'b')], effects: [granted('b')] })
  })

  it('cannot be given back or paid by a payment that does not have it', () => {
    for (const story of [free, held, paid])
      story
        .when(released('b@9'), settled('b@9'))
        .expect({ state: story.snapshot.value, refused: true, effects: [] })
  })

  it('F09 is not given back by what was said before the latest claim', () =>
    held
      .when(claimed('a@6'), released('a@5'))
      .expect({ state: 'claimed', refused: true, effects: [granted('a')], context: holder('a', 6) })
      .when(claimed('a@1'), released('a@5'))
      .expect({ state: 'claimed', refused: true, effects: [granted('a')], context: holder('a', 6) })
      .when(released('a@8'))
      .expect({ state: 'free', events: [fact('released', 'a')] }))

  it('F09 is free when the money has gone back before anybody heard that it had come', () =>
    held
      .when(released('a@9'), settled('a@5'))
      .expect({ state: 'free', refused: true, events: [fact('released', 'a')] }))

  it('M5 does not mind what it does not understand', () =>
    held.when({ type: 'nonsense', at } as never).expect({ state: 'claimed', refused: true, effects: [] }))
})

describe('an enrollment', () => {
  const price = { minor: 500_000, currency: 'NGN' as const }
  const withRoster = given(purchaseMachine, { ...input, rosterId: 'roster-1' })
  const from = (id: string) => ({ at, source: { actor: 'enrollment', id, version: 1 } })
  const opened = (id: string, openedAt = at) =>
    ({ type: 'enrollment.opened', openedAt, ...from(id) }) as const
  const begun = (id: string, paymentId = 'a') =>
    ({ type: 'enrollment.activated', paymentId, ...from(id) }) as const
  const ended = (id: string, paymentId: string | null = null) =>
    ({ type: 'enrollment.ended', paymentId, ...from(id) }) as const
  const closed = {
    type: 'offering.closed',
    reason: 'taken down',
    at,
    source: { actor: 'roster', id: 'roster-1', version: 2 },
  } as const
  const pays = [claimed('a@1'), { ...settled('a@5'), amount: price }] as const
  const told = (id: string, message: object) => ({
    name: 'tell',
    params: { actor: 'enrollment', id, message },
  })
  const isPaid = (id: string) => told(id, { type: 'purchase.paid', paymentId: 'a', amount: price })
  const alone = {
    name: 'tell',
    params: {
      actor: 'roster',
      id: 'roster-1',
      message: { type: 'purchase.paid' },
      orCreate: { orgId: 'org-1', offeringId: 'offering-1' },
    },
  }
  const giveBack = answer('a', { type: 'refund.due', refundId: null, upToMinor: null, reason: 'taken down' })
  const bought = withRoster.when(...pays)
  const used = bought.when(opened('e1')).when(begun('e1'))

  it('C27 hears that it is paid, whichever of the two came first', () => {
    withRoster
      .when(opened('e1'))
      .expect({ state: 'free', effects: [], context: { enrollment: { id: 'e1', openedAt: at } } })
      .when(...pays)
      .expect({
        state: 'paid',
        events: [fact('claimed', 'a'), fact('paid', 'a')],
        effects: [granted('a'), isPaid('e1')],
      })
    bought.when(opened('e1')).expect({ state: 'paid', effects: [isPaid('e1')] })
  })

  it('that is over leaves what was paid to the next one', () =>
    bought
      .when(opened('e1'))
      .when(ended('e1'))
      .expect({ state: 'paid', effects: [alone], context: { enrollment: null, used: false } })
      .when(opened('e2'))
      .expect({ state: 'paid', effects: [isPaid('e2')] }))

  it('of before is not taken for its successor', () => {
    const second = withRoster.when(opened('e2', '2026-01-02T00:00:00.000Z'))
    for (const late of [opened('e1'), ended('e1')]) {
      const { snapshot, effects } = second.when(late)
      expect(snapshot.context).toMatchObject({ enrollment: { id: 'e2' } })
      expect(effects).toEqual([])
    }
  })

  it('hears that the money is gone', () =>
    used.when(released('a@9')).expect({
      state: 'free',
      events: [fact('released', 'a')],
      effects: [told('e1', { type: 'purchase.released' })],
      context: { holder: null, used: false },
    }))

  it('S2.66 that never began costs nothing when the offering is closed', () => {
    bought.expect({
      state: 'paid',
      events: [fact('claimed', 'a'), fact('paid', 'a')],
      effects: [granted('a'), alone],
    })
    bought.when(closed).expect({ state: 'paid', effects: [giveBack] })
    bought
      .when(opened('e1'), ended('e1'))
      .when(closed)
      .expect({ state: 'paid', effects: [giveBack] })
  })

  it('that has begun, or may be about to, keeps the money in the hands of whoever settles it', () => {
    for (const story of [used, bought.when(opened('e1')), used.when(ended('e1', 'a')), withRoster])
      story.when(closed).expect({ state: story.snapshot.value, refused: true, effects: [] })
  })

  it('has used the money in whatever order it says so, and no other money', () => {
    const over = bought.when(opened('e1'), ended('e1', 'a'))
    over.expect({ state: 'paid', effects: [isPaid('e1')], context: { used: true, enrollment: null } })
    over.when(begun('e1')).when(closed).expect({ state: 'paid', refused: true, effects: [] })
    bought.when(opened('e1'), begun('e1', 'an older one'), ended('e1', 'an older one')).expect({
      state: 'paid',
      effects: [isPaid('e1'), alone],
      context: { used: false },
    })
  })

  it('is unknown to a purchase of before, which begins with nothing used', () => {
    const earlier = purchase.earlier?.find(({ id }) => id === 'purchase@1')
    const row = (known: object | null) => {
      const { id, orgId, payerId, offeringId } = input
      return { value: known ? 'paid' : 'free', context: { id, orgId, payerId, offeringId, holder: known } }
    }
    const lift = earlier!.lift as (row: object) => object
    expect(lift(row({ paymentId: 'a', version: 5, paid: true }))).toMatchObject({
      value: 'paid',
      context: {
        holder: { paymentId: 'a', version: 5, paid: true, amount: null },
        enrollment: null,
        used: false,
        rosterId: rosterId('offering-1'),
      },
    })
    expect(lift(row(null))).toMatchObject({ value: 'free', context: { holder: null } })
  })
})

/**
 * A payment as its purchase sees it. It speaks in its own order, what it says arrives in any: it claims, waits for the
 * answer, and settles, gives back, claims again, and in the end gives back what it has.
 */
type Speaker = { id: string; version: number; asks: boolean; has: boolean; wantsBack: boolean }

test('M8 two payments never have it at once, every claim is answered, and in the end it is free', () => {
  const turn = fc.record({
    who: fc.constantFrom('a', 'b'),
    what: fc.constantFrom('claim', 'settle', 'release'),
    deliver: fc.array(fc.record({ pick: fc.nat(20), again: fc.boolean() }), { maxLength: 3 }),
  })
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 30, size: 'max' }), (turns) => {
      let story = free
      const letters: ReturnType<typeof said>[] = []
      const speakers = new Map<string, Speaker>()
      for (const id of ['a', 'b'])
        speakers.set(id, { id, version: 0, asks: false, has: false, wantsBack: false })
      let claims = 0
      let answers = 0

      const say = (speaker: Speaker, type: Parameters<typeof said>[0]) =>
        letters.push(said(type, `${speaker.id}@${(speaker.version += 1)}`))
      const claim = (speaker: Speaker) => {
        claims += 1
        speaker.asks = true
        speaker.wantsBack = false
        say(speaker, 'payment.claimed')
      }
      const release = (speaker: Speaker) => {
        // An answer that is still awaited is given back when it comes.
        speaker.wantsBack = speaker.asks
        speaker.has = false
        say(speaker, 'payment.released')
      }
      const deliver = (index: number, again: boolean) => {
        const letter = letters[index]
        if (!letter) return
        // The engine takes each message once, and a claim that came again would be another claim.
        if (!again || letter.type === 'payment.claimed') letters.splice(index, 1)
        story = story.when(letter)
        for (const { params } of story.effects) hear(params as { id: string; message: { type: string } })
        const { holder: now } = story.snapshot.context as PurchaseContext
        const keepers = [...speakers.values()].filter(({ has }) => has)
        expect(keepers.length).toBeLessThanOrEqual(1)
        for (const { id } of keepers) expect(now?.paymentId).toBe(id)
      }
      const hear = ({ id, message }: { id: string; message: { type: string } }) => {
        answers += 1
        const speaker = speakers.get(id)!
        speaker.asks = false
        if (message.type !== 'purchase.granted') return
        if (speaker.wantsBack) release(speaker)
        else speaker.has = true
      }

      for (const { who, what, deliver: deliveries } of turns) {
        const speaker = speakers.get(who)!
        if (what === 'claim' && !speaker.asks && !speaker.has) claim(speaker)
        if (what === 'settle' && speaker.has) say(speaker, 'payment.settled')
        if (what === 'release' && (speaker.has || speaker.asks)) release(speaker)
        for (const { pick, again } of deliveries)
          deliver(letters.length > 0 ? pick % letters.length : 0, again)
      }
      for (const speaker of speakers.values()) release(speaker)
      while (letters.length > 0) deliver(letters.length - 1, false)

      expect(answers).toBe(claims)
      expect(story.snapshot).toMatchObject({ value: 'free', context: { holder: null } })
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(purchaseMachine, {
    input,
    events: [claimed('a@1'), settled('a@2'), released('a@3')],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(purchaseMachine.states)))
})

describe('the rules', () => {
  const who = (role: Role, userId = 'payer-1'): Principal => ({ userId, orgId: 'org-1', roles: [role] })

  it('has no commands: only payments and enrollments speak to it', () => {
    expect(purchase.allow).toEqual({})
    expect(purchase.create).toEqual({})
  })

  it('shows operators what belongs to their organisation, and everybody else their own', () => {
    for (const role of ['admin', 'csm', 'system'] as const)
      expect(purchase.scopes(who(role))).toEqual([{ orgId: 'org-1' }])
    for (const role of ['student', 'instructor', 'coordinator', 'peer_mentor'] as const)
      expect(purchase.scopes(who(role))).toEqual([{ orgId: 'org-1', payerId: 'payer-1' }])
  })

  it('is the same for the same payer and offering, and another for any other', () => {
    const ids = [
      purchaseId('payer-1', 'offering-1'),
      purchaseId('payer-1', 'offering-1'),
      purchaseId('payer-1', 'offering-2'),
      purchaseId('payer-2', 'offering-1'),
      purchaseId('offering-1', 'payer-1'),
    ]
    expect(new Set(ids).size).toBe(4)
    expect(ids[0]).toBe(ids[1])
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('the view holds what the contract promises', () => {
    const { snapshot } = start(purchaseMachine, input)
    const shown = { id: 'purchase-1', payerId: 'payer-1', offeringId: 'offering-1', enrollmentId: null }
    const view = purchase.view(snapshot as never, 'purchase-1')
    expect(view).toEqual({ ...shown, paymentId: null, paid: false })
    expect(Object.keys(view).filter((name) => !(name in PurchaseView.shape))).toEqual([])
    expect(purchase.view(paid.snapshot as never, 'purchase-1')).toEqual({
      ...shown,
      paymentId: 'a',
      paid: true,
    })
  })
})

import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { start } from '../actors/engine/step.ts'
import { purchase, purchaseId } from '../actors/purchase.ts'
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

  it('has no commands: only payments speak to it', () => {
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

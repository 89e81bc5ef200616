import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { deadLetter } from '../actors/dead-letter.ts'
import { start } from '../actors/engine/step.ts'
import { DeadLetterView } from '../contracts/dead-letter.ts'
import { deadLetterMachine } from '../machines/dead-letter.ts'
import { redact, redactText } from '../machines/redact.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const later = '2026-01-01T00:10:00.000Z'
const id = '01980000-0000-7000-8000-000000000001'
const refundId = '01980000-0000-7000-8000-000000000002'
const boss = '01980000-0000-7000-8000-000000000003'
const owner = { type: 'refund', id: refundId }
const effect = `refund:${refundId}@3.0`
const subject = { effect, name: 'submitRefund', owner }
const params = { refundId, amount: { minor: 5_000, currency: 'NGN' } }
const reason = 'the provider is not there'
const input = { id, at, ...subject, orgId: 'org-1', params, attempts: 10, reason }

const retry = { type: 'retry', reason: 'it is there again', at: later, by: boss } as const
const discard = { type: 'discard', reason: 'paid by hand', at: later, by: boss } as const
const died = { type: 'effect.died', attempts: 20, reason: 'still not there', at: later } as const
const repeated = { type: 'effect.died', attempts: 10, reason, at: later } as const
const revived = { type: 'effect.revived', at: later } as const
const failed = { type: 'effect.failed', effect: 'reviveEffect', reason: 'no such effect', at: later } as const
const gone = { type: 'effect.discarded', at: later } as const

describe('a dead letter', () => {
  const open = given(deadLetterMachine, input)
  const opened = { type: 'deadLetter.opened', ...subject, by: null }
  const retried = { type: 'deadLetter.retried', ...subject, reason: 'it is there again', by: boss }

  it('is open, and says what failed and why', () =>
    open.expect({ state: 'open', events: [{ ...opened, reason }], effects: [], timers: {} }))

  it('has its effect tried again, and says who wanted it', () =>
    open.when(retry).expect({
      state: 'retrying',
      events: [retried],
      effects: [{ name: 'reviveEffect', params: { effect } }],
      context: { decision: { what: 'retried', by: boss, reason: 'it is there again' } },
    }))

  it('does not say what somebody would have been told', () => {
    const message = {
      orgId: 'org-1',
      recipientId: boss,
      topic: 'payment.settled',
      text: 'NGN 50',
      data: { minor: 5_000 },
    }
    given(deadLetterMachine, {
      ...input,
      name: 'create',
      params: { actor: 'notification', input: message },
    }).expect({
      state: 'open',
      events: [{ ...opened, name: 'create', reason }],
      context: {
        params: {
          actor: 'notification',
          input: {
            orgId: 'org-1',
            recipientId: boss,
            topic: 'payment.settled',
            text: '[hidden]',
            data: '[hidden]',
          },
        },
      },
    })
  })

  it('is open again when that failed, too', () =>
    open
      .when(retry, died)
      .expect({
        state: 'open',
        events: [retried, { ...opened, reason: 'still not there' }],
        effects: [{ name: 'reviveEffect', params: { effect } }],
        context: { attempts: 20, reason: 'still not there', openedAt: at },
      })
      .when(retry)
      .expect({
        state: 'retrying',
        events: [retried],
        effects: [{ name: 'reviveEffect', params: { effect } }],
      }))

  it('is open again when nobody could have it tried again', () =>
    open.when(retry, failed).expect({
      state: 'open',
      events: [retried, { ...opened, reason: 'no such effect' }],
      effects: [{ name: 'reviveEffect', params: { effect } }],
      context: { attempts: 10, reason: 'no such effect' },
    }))

  it('looks whether its effect was carried out, and is resolved when it is there no longer', () =>
    open
      .when(retry, revived)
      .until('2026-01-01T00:10:10.000Z')
      .expect({
        state: 'retrying',
        effects: [{ name: 'findEffect', params: { effect } }],
        timers: { look: '2026-01-01T00:11:10.000Z' },
      })
      .when({ type: 'effect.found', at: later })
      .expect({ state: 'retrying', refused: true })
      .when({ type: 'effect.settled', at: later })
      .expect({
        state: 'resolved',
        events: [{ type: 'deadLetter.resolved', ...subject, reason: 'it is there again', by: null }],
        timers: {},
      }))

  it('gives its effect up for good', () =>
    open
      .when(discard)
      .expect({
        state: 'discarded',
        events: [{ type: 'deadLetter.discarded', ...subject, reason: 'paid by hand', by: boss }],
        effects: [{ name: 'discardEffect', params: { effect } }],
        context: { decision: { what: 'discarded', by: boss, reason: 'paid by hand' } },
      })
      .when(retry, discard, died, failed, gone)
      .expect({ state: 'discarded', refused: true, effects: [] }))

  it('takes one decision at a time', () =>
    open.when(retry).when(retry, discard).expect({ state: 'retrying', refused: true, effects: [] }))

  it('learns of a newer failure while it is open, and of the same one only once', () =>
    open
      .when(repeated)
      .expect({ state: 'open', refused: true })
      .when(died, died)
      .expect({
        state: 'open',
        refused: true,
        events: [{ ...opened, reason: 'still not there' }],
        context: { attempts: 20, decision: null },
      }))

  it('ignores what it has nothing to say to', () => {
    const unknown = { type: 'effect.exploded', at: later } as unknown as typeof gone
    for (const story of [open, open.when(retry), open.when(discard)])
      story.when(revived, gone, unknown).expect({ state: story.snapshot.value, refused: true, effects: [] })
  })

  it('keeps nothing that nobody may read', () => {
    const sealed = `v1.k1.${'A'.repeat(40)}`
    const story = given(deadLetterMachine, {
      ...input,
      params: { payerId: boss, email: sealed },
      reason: `no such customer: ${sealed}`,
    }).when(retry, { ...died, reason: 'card 4084 0840 8408 4081 of AUTH_8dfhjjdt is stolen' })
    expect(JSON.stringify(story)).not.toMatch(/v1\.k1|4084|AUTH_/)
    story.expect({
      state: 'open',
      events: [retried, { ...opened, reason: 'card [card …4081] of [hidden] is stolen' }],
      context: { params: { payerId: boss, email: '[hidden]' } },
    })
  })
})

test('M8 whatever is reported in whatever order, one decision has one effect', () => {
  const anyMessage = fc.constantFrom(retry, discard, died, repeated, revived, failed, gone)
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 20 }), (messages) => {
      const { facts, effects, snapshot } = given(deadLetterMachine, input).when(...messages)
      const decisions = facts.map(({ event }) => event.type).filter((type) => type !== 'deadLetter.opened')
      const wanted = { 'deadLetter.retried': 'reviveEffect', 'deadLetter.discarded': 'discardEffect' }
      expect(effects.map(({ name }) => name)).toEqual(
        decisions.map((type) => wanted[type as keyof typeof wanted]),
      )
      expect(decisions.indexOf('deadLetter.discarded')).toBeOneOf([-1, decisions.length - 1])
      expect(snapshot.value === 'discarded').toBe(decisions.includes('deadLetter.discarded'))
    }),
  )
})

test('every state can be reached', () => {
  const paths = getShortestPaths(deadLetterMachine, {
    input,
    events: [retry, discard, died, { type: 'effect.settled', at: later }],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  expect(new Set(paths.map(({ state }) => state.value))).toEqual(
    new Set(Object.keys(deadLetterMachine.states)),
  )
})

describe('what is hidden', () => {
  it.each([
    ['authorization', 'AUTH_8dfhjjdt'],
    ['authorizationCode', 'AUTH_8dfhjjdt'],
    ['authorization_code', 'AUTH_8dfhjjdt'],
    ['accessCode', 'x'],
    ['code', 'x'],
    ['Token', 'x'],
    ['refreshToken', { deep: 'x' }],
    ['clientSecret', ['x']],
    ['PASSWORD', 'x'],
    ['accountNumber', '0123456'],
    ['account-number', '0123456'],
    ['card_number', '4084'],
    ['customerEmail', 'x'],
    ['customerPhone', '0800'],
    ['cvv', 408],
    ['pin', '1234'],
    ['otp', 123_456],
  ])('a value under %s', (name, value) =>
    expect(redact({ deep: [{ [name]: value, shown: 1 }] })).toEqual({
      deep: [{ [name]: '[hidden]', shown: 1 }],
    }),
  )

  it.each([
    ['a sealed text', `v1.k1.${'aB3-_'.repeat(9)}`],
    ['an e-mail address', 'somebody@example.test'],
    ['a key of the provider', 'sk_test_0123456789'],
  ])('%s, wherever it stands', (_, value) => {
    expect(redact({ notes: value })).toEqual({ notes: '[hidden]' })
    expect(redactText(`refused "${value}": no`)).toBe('refused "[hidden]": no')
  })

  it('is the number of a card', () => {
    for (const text of ['4084084084084081', '5060 6666 6666 6666 666', '4084-0840-8408-4081'])
      expect(redact({ notes: `paid with ${text}` })).toEqual({
        notes: `paid with [card …${text.replaceAll(/\D/g, '').slice(-4)}]`,
      })
    expect(redact({ notes: 4_084_084_084_084_081 })).toEqual({ notes: '[hidden]' })
  })

  it('is nothing else', () => {
    const harmless = {
      ...params,
      reference: '12345678-1234-4123-8123-123456789012',
      effect: `payment:${refundId}@12.0`,
      transactionId: `tx_${'0123456789'.repeat(3)}ab`,
      email: null,
      keepCard: true,
      shipping: 'by post',
      at,
      amountMinor: 9_999_999_999,
      nothing: null,
      list: [1, 'two', { three: 3 }],
    }
    expect(redact(harmless)).toEqual(harmless)
  })
})

describe('the rules', () => {
  const as = (role: Role, orgId = 'org-1'): Principal => ({ userId: boss, orgId, roles: [role] })
  const { snapshot } = start(deadLetterMachine, input)

  it.each([
    ['admin', true, true],
    ['system', true, true],
    ['csm', true, false],
    ['coordinator', false, false],
    ['peer_mentor', false, false],
    ['instructor', false, false],
    ['student', false, false],
  ] as const)('%s may see it: %s, may decide: %s', (role, sees, decides) => {
    expect(deadLetter.scopes(as(role))).toEqual(sees ? [{ orgId: 'org-1' }] : [])
    for (const name of ['retry', 'discard'] as const) {
      expect(deadLetter.allow[name](as(role), snapshot as never)).toBe(decides)
      expect(deadLetter.allow[name](as(role, 'org-2'), snapshot as never)).toBe(false)
    }
  })

  it('the view holds what the contract promises', () => {
    const open = given(deadLetterMachine, input)
    for (const story of [open, open.when(retry), open.when(retry, died), open.when(discard)]) {
      const view = deadLetter.view(story.snapshot as never, id)
      expect(DeadLetterView.parse(view)).toEqual(view)
      expect(view).toMatchObject({ id, ...subject, params, status: story.snapshot.value, openedAt: at })
    }
    expect(deadLetter.view(open.when(discard).snapshot as never, id)).toMatchObject({
      decision: 'discarded',
      decidedBy: boss,
      decisionReason: 'paid by hand',
    })
  })
})

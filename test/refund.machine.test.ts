import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { dehydrate, hydrate, start } from '../actors/engine/step.ts'
import { refund } from '../actors/refund.ts'
import { RefundView, type ProviderRefundStatus } from '../contracts/refund.ts'
import { refundMachine } from '../machines/refund.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const minutes = (count: number) => new Date(Date.parse(at) + count * 60_000).toISOString()
const days = (count: number) => minutes(count * 1_440)

const id = '00000000-0000-4000-8000-000000000001'
const paymentId = '00000000-0000-4000-8000-000000000002'
const payerId = '00000000-0000-4000-8000-000000000003'
const adminId = '00000000-0000-4000-8000-000000000004'
const amount = { minor: 250_000, currency: 'NGN' } as const
const input = {
  id,
  at,
  orgId: 'org-1',
  paymentId,
  payerId,
  amount,
  reason: 'changed my mind',
  requestedBy: payerId,
  approved: true,
}
const facts = { paymentId, payerId, amount }
const fact = (name: string, change = {}) => ({ type: `refund.${name}`, ...facts, ...change })

const approve = { type: 'approve', at: minutes(1), by: adminId } as const
const reject = { type: 'reject', reason: 'too late', at: minutes(1), by: adminId } as const
const bankDetails = (when: string) =>
  ({ type: 'submitBankDetails', accountNumber: 'v1.k.sealed', bankId: '9', at: when, by: payerId }) as const
const seen = (status: ProviderRefundStatus, when = minutes(1), change = {}) =>
  ({
    type: 'provider.refundSeen',
    providerRefundId: '77',
    status,
    expectedAt: null,
    round: 0,
    at: when,
    ...change,
  }) as const
const missing = (when: string) => ({ type: 'provider.refundMissing', at: when, askedAt: when }) as const
const doubled = (when: string) => ({ type: 'provider.refundDoubled', at: when }) as const
const refused = (when: string) => ({ type: 'provider.refused', reason: 'no_balance', at: when }) as const
const unknown = (when: string) => ({ type: 'provider.unknown', reason: 'timeout', at: when }) as const
const hint = (when: string) => ({ type: 'payment.refundsChanged', at: when }) as const
const effectFailed = (effect: string, when: string) =>
  ({ type: 'effect.failed', effect, reason: 'gave up', at: when }) as const

const submitted = (submission: number) => ({
  name: 'submitRefund',
  params: { refundId: id, reference: paymentId, amount, submission },
})
const submission = submitted(1)
const lookup = (round = 0) => ({ name: 'findRefund', params: { refundId: id, reference: paymentId, round } })
const told = (standing: string) => ({
  name: 'tell',
  params: { actor: 'payment', id: paymentId, message: { type: 'refund.changed', refundId: id, standing } },
})
/** The payer is asked for bank details. */
const asksForDetails = {
  name: 'create',
  params: {
    actor: 'notification',
    input: expect.objectContaining({
      topic: 'refund.needsAttention',
      subject: { actor: 'refund', id },
    }) as unknown,
  },
}
const open = (state: string) => ({ state: { open: state } })

const submitting = given(refundMachine, input)

type RefundStory = typeof submitting

/** What a message brings that changes nothing but makes it look. */
const looks = (story: RefundStory, state: string, ...rounds: number[]) => {
  expect(story.snapshot.value).toEqual({ open: state })
  expect(story.facts).toEqual([])
  expect(story.effects).toEqual(rounds.map((round) => lookup(round)))
}

describe('a refund that somebody has to decide on', () => {
  const waiting = given(refundMachine, { ...input, approved: false })

  it('waits, and nothing is submitted', () =>
    waiting.expect({
      state: 'pendingApproval',
      events: [fact('requested', { reason: 'changed my mind' })],
      effects: [],
      timers: {},
    }))

  it('is submitted once it is approved', () =>
    waiting
      .when(approve)
      .expect({ ...open('submitting'), events: [fact('approved')], effects: [submission] })
      .when(approve)
      .expect({ ...open('submitting'), refused: true }))

  it('tells the payment that it was rejected, and stays so', () =>
    waiting
      .when(reject)
      .expect({
        state: 'rejected',
        events: [fact('rejected', { reason: 'too late' })],
        effects: [told('rejected')],
      })
      .when(approve, seen('processed'), hint(days(1)))
      .expect({ state: 'rejected', refused: true, effects: [] }))
})

describe('a submission', () => {
  it('happens at once when nobody has to decide', () =>
    submitting.expect({
      ...open('submitting'),
      events: [fact('requested', { reason: 'changed my mind' })],
      effects: [submission],
      timers: {},
    }))

  it('that the provider takes is followed until the money has arrived', () =>
    submitting
      .when(seen('pending', minutes(1), { expectedAt: days(7) }))
      .expect({
        ...open('pending'),
        events: [fact('submitted')],
        effects: [],
        timers: { silence: days(8) },
        context: { providerRefundId: '77', expectedAt: days(7) },
      })
      .when(seen('processing', days(1)))
      .expect({ ...open('processing'), events: [fact('processing')], timers: { silence: days(8) } })
      .when(seen('processed', days(6)))
      .expect({ state: 'processed', events: [fact('processed')], effects: [told('processed')], timers: {} }))

  it('that the provider refuses has failed', () =>
    submitting.when(refused(minutes(1))).expect({
      state: 'failed',
      events: [fact('failed', { reason: 'no_balance' })],
      effects: [told('failed')],
      context: { failure: 'no_balance' },
    }))

  it('that fails at the provider later has failed, too', () =>
    submitting.when(seen('pending'), seen('failed', days(1))).expect({
      state: 'failed',
      events: [fact('submitted'), fact('failed', { reason: 'failed_at_provider' })],
      effects: [told('failed')],
    }))

  it.each(['processed', 'failed'] as const)('stays %s, whatever is heard afterwards', (status) => {
    submitting
      .when(seen(status))
      .when(
        ...(['pending', 'processing', 'needs-attention', 'processed', 'failed'] as const).map((each) =>
          seen(each, days(1)),
        ),
        doubled(days(1)),
        missing(days(1)),
        refused(days(1)),
        unknown(days(1)),
        hint(days(1)),
      )
      .expect({ state: status, refused: true, effects: [] })
  })
})

describe('a submission of which nobody knows what became', () => {
  const uncertain = submitting.when(unknown(minutes(1)))
  const after = (count: number) => minutes(1 + count)

  it.each([
    ['the provider did not answer', unknown(minutes(1)), 'timeout'],
    ['it could not be carried out', effectFailed('submitRefund', minutes(1)), 'internal'],
  ])('is looked for when %s', (_, message, reason) => {
    submitting.when(message).expect({
      ...open('reconciling'),
      events: [fact('uncertain', { reason })],
      effects: [],
      timers: { nextLookup: '2026-01-01T00:01:15.000Z' },
    })
  })

  it('F05 is looked for again and again, and after six days people have to', () => {
    const story = uncertain.until(days(7))
    expect(story.effects).toEqual(Array.from({ length: 10 }, () => lookup()))
    story.expect({
      ...open('needsReview'),
      events: [fact('needsReview', { reason: 'outcome_unknown' })],
      timers: {},
    })
    expect(story.facts.map((each) => each.at)).toEqual([after(6 * 1_440)])
  })

  it('is looked for after 15 s, 1, 5, 15 and 60 minutes, and then daily', () => {
    let story = uncertain
    const instants: string[] = []
    for (let next = story.timers['nextLookup']; next; next = story.timers['nextLookup']) {
      instants.push(next.dueAt)
      story = story.fire('nextLookup')
    }
    expect(instants).toEqual([0.25, 1, 5, 15, 60, ...[1, 2, 3, 4, 5, 6].map((n) => n * 1_440)].map(after))
  })

  it.each([
    ['pending', open('pending'), 'submitted'],
    ['processing', open('processing'), 'processing'],
    ['needs-attention', open('needsAttention'), 'needsAttention'],
    ['processed', { state: 'processed' }, 'processed'],
  ] as const)('is no longer uncertain when it is found %s', (status, expected, event) => {
    uncertain.when(seen(status, minutes(2))).expect({ ...expected, events: [fact(event)] })
  })

  it('F05 is not submitted again as long as it may still arrive', () =>
    uncertain
      .when(missing(after(1)), missing(after(14.999)))
      .expect({ ...open('reconciling'), refused: true, effects: [] }))

  it('is submitted again when the provider does not have it after a quarter of an hour', () =>
    uncertain
      .until(after(15))
      .when(missing(after(15)))
      .expect({ ...open('submitting'), effects: [submitted(2)], timers: {} })
      .when(unknown(after(16)), missing(after(17)))
      .expect({
        ...open('reconciling'),
        refused: true,
        events: [fact('uncertain', { reason: 'timeout' })],
        effects: [],
      }))

  it('is not submitted again for an answer that was asked for before the last submission', () =>
    uncertain
      .when(missing(after(15)), unknown(after(16)))
      .when({ ...missing(after(90)), askedAt: after(15) })
      .expect({ ...open('reconciling'), refused: true, effects: [] })
      .when(missing(after(91)))
      .expect({ ...open('submitting'), effects: [submitted(3)] }))

  const lostFiveTimes = () => {
    let story = uncertain
    let now = 1
    for (let submissions = 1; submissions < 5; submissions++) {
      story = story.when(missing(minutes(now + 15)), unknown(minutes(now + 16)))
      expect(story.effects).toEqual([submitted(submissions + 1)])
      now += 16
    }
    return story.when(missing(minutes(now + 15)))
  }

  it('needs people when the provider has lost it five times', () => {
    lostFiveTimes().expect({
      ...open('needsReview'),
      events: [fact('needsReview', { reason: 'never_arrived' })],
    })
  })

  it('that needs people is submitted again, or ended, by their word', () => {
    const lost = lostFiveTimes()
    const by = { at: days(9), by: adminId, reason: 'the bank says so' }
    lost.when({ type: 'resubmit', ...by }).expect({ ...open('submitting'), effects: [submitted(6)] })
    for (const as of ['processed', 'failed'] as const)
      lost.when({ type: 'resolve', as, ...by }).expect({
        state: as,
        events: [fact(as, as === 'failed' ? { reason: 'the bank says so' } : {})],
        effects: [told(as)],
      })
  })

  it('does not believe in the refusal of a second submission before it has looked for the first', () => {
    const story = uncertain
      .when(missing(after(15)), refused(after(16)))
      .expect({
        ...open('reconciling'),
        events: [fact('uncertain', { reason: 'no_balance' })],
        effects: [submitted(2)],
      })
      .when(missing(after(17)))
      .expect({ ...open('reconciling'), refused: true })
    story.when(seen('pending', after(18))).expect({ ...open('pending'), events: [fact('submitted')] })
    story.when(missing(after(31))).expect({
      state: 'failed',
      events: [fact('failed', { reason: 'no_balance' })],
      effects: [told('failed')],
    })
  })

  it('does not believe in a refusal either when somebody had a dead submission tried again', () =>
    submitting
      .when(effectFailed('submitRefund', minutes(1)), refused(after(20)))
      .expect({
        ...open('reconciling'),
        events: [fact('uncertain', { reason: 'internal' }), fact('uncertain', { reason: 'no_balance' })],
        timers: { nextLookup: after(20.25) },
      })
      .when(missing(after(34)))
      .expect({ ...open('reconciling'), refused: true })
      .when(missing(after(35)))
      .expect({
        state: 'failed',
        events: [fact('failed', { reason: 'no_balance' })],
        effects: [told('failed')],
      }))

  it('goes on from review when it is found after all', () => {
    const reviewed = uncertain.until(days(7)).when(missing(days(8)), hint(days(8)))
    looks(reviewed, 'needsReview', 0)
    reviewed
      .when(seen('processed', days(8)))
      .expect({ state: 'processed', events: [fact('processed')], effects: [told('processed')] })
  })
})

describe('two refunds that carry our note', () => {
  const twice = submitting.when(seen('pending'), doubled(minutes(2)))

  it('need people, and the reservation stands', () =>
    twice.expect({
      ...open('needsReview'),
      events: [fact('submitted'), fact('needsReview', { reason: 'refunded_twice' })],
      effects: [],
    }))

  it('are not forgotten because of a late answer, or said twice', () =>
    twice.when(doubled(minutes(3)), seen('processing', minutes(3))).expect({
      ...open('needsReview'),
      refused: true,
    }))

  it('come to an end with it', () =>
    twice
      .when(seen('processed', minutes(4)))
      .expect({ state: 'processed', events: [fact('processed')], effects: [told('processed')] }))
})

describe('a hint', () => {
  it.each([
    ['submitting', submitting],
    ['reconciling', submitting.when(unknown(minutes(1)))],
    ['pending', submitting.when(seen('pending'))],
    ['processing', submitting.when(seen('processing'))],
    ['needsAttention', submitting.when(seen('needs-attention'))],
    ['needsReview', submitting.when(doubled(minutes(1)))],
  ] as const)('makes it look when it is %s, and says nothing itself', (state, story) => {
    const hinted = story.when(hint(minutes(2)))
    looks(hinted, state, 0)
    expect(hinted.timers).toEqual(story.timers)
  })
})

describe('silence', () => {
  it('makes it look three days after the submission when nobody has said when to expect the money', () =>
    submitting
      .when(seen('pending'))
      .expect({ ...open('pending'), events: [fact('submitted')], timers: { silence: days(3) } })
      .fire('silence')
      .expect({ ...open('pending'), effects: [lookup()], timers: { silence: days(4) } }))

  it('makes it look thirty times, a day apart, and then people have to', () => {
    const story = submitting.when(seen('processing', minutes(1), { expectedAt: days(5) })).until(days(100))
    expect(story.effects).toEqual(Array.from({ length: 30 }, () => lookup()))
    story.expect({
      ...open('needsReview'),
      events: [fact('needsReview', { reason: 'no_news' })],
      timers: {},
    })
    expect(story.facts[0]?.at).toBe(days(36))
    story
      .when(seen('processing', days(101)))
      .expect({ ...open('needsReview'), refused: true })
      .when(seen('needs-attention', days(101)))
      .expect({ ...open('needsAttention'), events: [fact('needsAttention')], effects: [asksForDetails] })
  })

  it('waits a day at least after news that come late', () =>
    submitting.when(seen('pending'), seen('processing', days(10))).expect({
      ...open('processing'),
      events: [fact('submitted'), fact('processing')],
      timers: { silence: days(11) },
    }))

  it('leaves it open to the customer to send bank details', () => {
    const story = submitting.when(seen('needs-attention')).until(days(100))
    looks(story, 'needsAttention', ...Array.from({ length: 30 }, () => 0))
    expect(story.timers).toEqual({})
  })
})

describe('a refund that needs the bank details of the customer', () => {
  const wanted = submitting.when(seen('pending'), seen('needs-attention', days(2)))
  const sent = wanted.when(bankDetails(days(3)))
  const answered = (status: ProviderRefundStatus, when = days(4)) => seen(status, when, { round: 1 })

  it('says so, and cannot be given them before', () => {
    wanted.expect({ ...open('needsAttention'), events: [fact('submitted'), fact('needsAttention')] })
    submitting
      .when(seen('pending'))
      .when(bankDetails(days(1)))
      .expect({ ...open('pending'), refused: true })
  })

  it('passes them on, and keeps nothing of them', () => {
    sent.expect({
      ...open('processing'),
      events: [fact('bankDetailsSubmitted')],
      effects: [
        {
          name: 'retryRefund',
          params: {
            refundId: id,
            reference: paymentId,
            providerRefundId: '77',
            accountNumber: 'v1.k.sealed',
            bankId: '9',
            currency: 'NGN',
            round: 1,
          },
        },
      ],
      timers: { silence: days(6) },
      context: { round: 1 },
    })
    expect(JSON.stringify(sent.snapshot.context)).not.toContain('sealed')
  })

  it('does not go back because of what was seen before them', () =>
    sent
      .when(seen('needs-attention', days(3)), seen('pending', days(3)))
      .expect({ ...open('processing'), refused: true }))

  it('looks for what was before them until the provider has answered', () => {
    looks(sent.when(hint(days(3))), 'processing', 0)
    const settled = sent.when(hint(days(3)), answered('processing', days(3)))
    looks(settled.when(hint(days(4))), 'processing', 1)
  })

  it('comes to its end in whichever round that was seen', () =>
    sent
      .when(seen('processed', days(3)))
      .expect({ state: 'processed', events: [fact('processed')], effects: [told('processed')] }))

  it('may want others', () =>
    sent
      .when(answered('processing'), answered('needs-attention'))
      .expect({ ...open('needsAttention'), events: [fact('needsAttention')] })
      .when(bankDetails(days(5)))
      .expect({
        ...open('processing'),
        events: [fact('bankDetailsSubmitted')],
        context: { round: 2 },
      }))

  it('says why they were refused, and looks whether they had been taken before', () => {
    const back = sent.when(refused(days(4))).expect({
      ...open('needsAttention'),
      events: [fact('needsAttention')],
      effects: [asksForDetails, lookup(1)],
      context: { failure: 'no_balance' },
    })
    back
      .when(answered('processing'))
      .expect({ ...open('processing'), events: [fact('processing')], context: { failure: null } })
    back
      .when(answered('needs-attention'), answered('processing'))
      .expect({ ...open('needsAttention'), refused: true, context: { failure: 'no_balance' } })
  })

  it('looks what became of them when they could not be passed on', () =>
    sent
      .when(effectFailed('retryRefund', days(4)))
      .expect({ ...open('processing'), effects: [lookup(1)] })
      .when(answered('needs-attention'))
      .expect({ ...open('needsAttention'), events: [fact('needsAttention')] }))

  it('hears a late refusal of them when people look at it already', () => {
    const reviewed = sent.when(doubled(days(4)))
    looks(reviewed.when(refused(days(4)), hint(days(4))), 'needsReview', 1, 1)
  })
})

describe('whatever the order', () => {
  const statuses = ['pending', 'processing', 'needs-attention'] as const
  type Signal = Parameters<RefundStory['when']>[number]
  type Chapter = { waitMinutes: number; isLate: boolean; signal: (when: string) => Signal }

  const round = fc.nat(2)
  const signal: fc.Arbitrary<Chapter['signal']> = fc.oneof(
    fc.tuple(fc.constantFrom(...statuses), round).map(
      ([status, number]) =>
        (when: string) =>
          seen(status, when, { round: number }),
    ),
    fc.constantFrom(missing, doubled, unknown, hint, bankDetails),
    fc
      .constantFrom('submitRefund', 'findRefund', 'retryRefund')
      .map((effect) => (when: string) => effectFailed(effect, when)),
  )
  /** Timers are late when the node was away; then messages overtake them. */
  const chapters = (of = signal) =>
    fc.array(fc.record({ waitMinutes: fc.nat(40), isLate: fc.boolean(), signal: of }), { maxLength: 25 })
  /** Looking for a submission has most turns, so it gets a mix of its own. */
  const doubts = fc.constantFrom<Chapter['signal'][]>(missing, missing, unknown, hint)

  const live = (life: readonly Chapter[]) => {
    let story = submitting
    let now = 0
    let doubtedAt = ''
    const all = [...story.effects]
    const hear = (next: RefundStory, type?: string) => {
      story = next
      for (const { at: when, event } of next.facts) if (event.type === 'refund.uncertain') doubtedAt = when
      all.push(...next.effects)
      if (!next.effects.some(({ name }) => name === 'submitRefund')) return
      expect(type).toBe('provider.refundMissing')
      expect(Date.parse(minutes(now)) - Date.parse(doubtedAt)).toBeGreaterThanOrEqual(15 * 60_000)
    }
    for (const { waitMinutes, isLate, signal: said } of life) {
      now += waitMinutes
      if (!isLate) hear(story.until(minutes(now)))
      const message = said(minutes(now))
      hear(story.when(message), message.type)
    }
    hear(story.until(days(400)))
    const named = (wanted: string) => all.filter(({ name }) => name === wanted)
    return { state: story.snapshot.value, tells: named('tell'), submissions: named('submitRefund').length }
  }

  test('M8 F09 it ends as the provider says, tells so once, and submits again only what is lost', () => {
    const end = fc.constantFrom('processed', 'failed')
    const parts = fc.tuple(chapters(doubts), chapters(), chapters(), end, round, fc.boolean())
    fc.assert(
      fc.property(parts, ([doubtful, before, behind, status, number, isRefused]) => {
        const said = (when: string) => seen(status, when, { round: number })
        const last = { waitMinutes: 1, isLate: false, signal: said }
        // A refusal at the start is an end, too, so it can be told of a refund that fails only.
        const first = { waitMinutes: 1, isLate: true, signal: refused }
        const beginning =
          isRefused && status === 'failed' ? [...before, first, ...doubtful] : [...doubtful, ...before]
        const { state, tells, submissions } = live([...beginning, last, ...behind, last])
        expect(state).toBe(status)
        expect(tells).toEqual([told(status)])
        expect(submissions).toBeLessThanOrEqual(5)
      }),
    )
  })

  test('M8 nothing is told before the provider has said that it is over', () =>
    fc.assert(
      fc.property(fc.tuple(chapters(doubts), chapters()), ([doubtful, others]) => {
        expect(live([...doubtful, ...others]).tells).toEqual([])
      }),
    ))

  test('M8 answers of one round may overtake each other: the furthest counts', () =>
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...statuses), { minLength: 1 }), (answers) => {
        const story = submitting.when(...answers.map((status) => seen(status)))
        const furthest = statuses.findLast((status) => answers.includes(status))
        const state = furthest === 'needs-attention' ? 'needsAttention' : furthest
        expect(story.snapshot.value).toEqual({ open: state })
      }),
    ))
})

test('every state can be reached', () => {
  const paths = getShortestPaths(refundMachine, {
    input: { ...input, approved: false },
    events: [
      approve,
      reject,
      unknown(minutes(1)),
      doubled(minutes(1)),
      ...(['pending', 'processing', 'needs-attention', 'processed', 'failed'] as const).map((status) =>
        seen(status),
      ),
    ],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  const { open: inside, ...outside } = refundMachine.states
  const states = [...Object.keys(outside), ...Object.keys(inside!.states).map((state) => ({ open: state }))]
  const reached = paths.map(({ state }) => state.value)
  expect(reached).toHaveLength(states.length)
  expect(reached).toEqual(expect.arrayContaining(states))
})

describe('the rules', () => {
  const as = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => ({
    userId,
    orgId,
    roles: [role],
  })
  const { snapshot } = start(refundMachine, { ...input, approved: false })

  it.each([
    ['an administrator', as('admin'), ['approve', 'reject', 'resubmit', 'resolve', 'submitBankDetails']],
    ['the system', as('system'), ['approve', 'reject', 'resubmit', 'resolve', 'submitBankDetails']],
    ['an administrator who is the payer', as('admin', payerId), ['submitBankDetails']],
    ['the payer', as('student', payerId), ['submitBankDetails']],
    ['another student', as('student'), []],
    ['a success manager', as('csm'), []],
    ['a coordinator', as('coordinator'), []],
    ['an administrator of another organisation', as('admin', 'somebody', 'org-2'), []],
    ['the payer in another organisation', as('student', payerId, 'org-2'), []],
  ] as const)('%s may %#: what the rules say', (_, principal, allowed) => {
    const names = Object.keys(refund.allow) as (keyof typeof refund.allow)[]
    expect(names.filter((name) => refund.allow[name](principal, snapshot as never))).toEqual(allowed)
  })

  it('operators see the refunds of their organisation, everybody else the own ones', () => {
    for (const role of ['admin', 'csm', 'system'] as const)
      expect(refund.scopes(as(role))).toEqual([{ orgId: 'org-1' }])
    expect(refund.scopes(as('student', payerId))).toEqual([{ orgId: 'org-1', payerId }])
  })

  it.each([
    ['pending_approval', 'pendingApproval', given(refundMachine, { ...input, approved: false })],
    ['submitting', 'submitting', submitting],
    ['uncertain', 'reconciling', submitting.when(unknown(minutes(1)))],
    ['pending', 'pending', submitting.when(seen('pending', minutes(1), { expectedAt: days(7) }))],
    ['needs_attention', 'needsAttention', submitting.when(seen('needs-attention'))],
    ['needs_review', 'needsReview', submitting.when(doubled(minutes(1)))],
    ['failed', 'failed', submitting.when(refused(minutes(1)))],
    ['rejected', 'rejected', given(refundMachine, { ...input, approved: false }).when(reject)],
  ])('the view of one that is %s holds what the contract promises', (status, state, story) => {
    // As it comes back from the database.
    const stored = hydrate(refundMachine, JSON.parse(JSON.stringify(dehydrate(story.snapshot))) as object)
    const view = RefundView.parse(refund.view(stored as never, id))
    expect(view).toMatchObject({ status, paymentId, payerId, amount, requestedBy: payerId, requestedAt: at })
    expect(refund.columns.status.of(stored as never)).toBe(status)
    expect(refund.state?.(stored as never)).toBe(state)
  })
})

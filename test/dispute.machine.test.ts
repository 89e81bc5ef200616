import * as fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getShortestPaths } from 'xstate/graph'
import type { Principal, Role } from '../actors/actor.ts'
import { dispute } from '../actors/dispute.ts'
import { dehydrate, hydrate, start } from '../actors/engine/step.ts'
import { DisputeView, type ProviderDisputeStatus } from '../contracts/dispute.ts'
import { disputeMachine } from '../machines/dispute.ts'
import { given } from './given.ts'

const at = '2026-01-01T00:00:00.000Z'
const hours = (count: number) => new Date(Date.parse(at) + count * 3_600_000).toISOString()

const id = '00000000-0000-4000-8000-000000000001'
const paymentId = '00000000-0000-4000-8000-000000000002'
const payerId = '00000000-0000-4000-8000-000000000003'
const amount = { minor: 250_000, currency: 'NGN' } as const
const dueAt = hours(72)
const input = { id, at, orgId: 'org-1', paymentId, payerId, providerDisputeId: '41' }
const fact = (name: string, change = {}) => ({
  type: `dispute.${name}`,
  paymentId,
  payerId,
  amount,
  dueAt,
  ...change,
})

const seen = (status: ProviderDisputeStatus, when = hours(1), change = {}) =>
  ({
    type: 'provider.disputeSeen',
    status,
    resolution: null,
    amountMinor: amount.minor,
    currency: amount.currency,
    dueAt,
    at: when,
    ...change,
  }) as const
const resolved = (resolution: string | null, when = hours(1)) => seen('resolved', when, { resolution })
const evidence = {
  customerEmail: 'v1.k.email',
  customerName: 'v1.k.name',
  customerPhone: 'v1.k.phone',
  serviceDetails: 'twelve lessons',
}
const submitEvidence = (when: string) => ({ type: 'submitEvidence', ...evidence, at: when, by: 'u' }) as const
const accept = (when: string) => ({ type: 'accept', at: when, by: 'u' }) as const
const evidenceTaken = (when: string) => ({ type: 'provider.evidenceTaken', at: when }) as const
const conceded = (when: string) => ({ type: 'provider.disputeConceded', at: when }) as const
const refused = (when: string) => ({ type: 'provider.refused', reason: 'too late', at: when }) as const
const hint = (when: string) => ({ type: 'payment.disputeChanged', at: when }) as const
const effectFailed = (effect: string, when: string) =>
  ({ type: 'effect.failed', effect, reason: 'gave up', at: when }) as const

const lookup = { name: 'lookUpDispute', params: { providerDisputeId: '41' } }
const told = (standing: string, minor: number = amount.minor) => ({
  name: 'tell',
  params: {
    actor: 'payment',
    id: paymentId,
    message: { type: 'dispute.changed', disputeId: id, minor, standing },
  },
})
const unresolved = (state: string) => ({ state: { unresolved: state } })

const opening = given(disputeMachine, input)
const opened = opening.when(seen('awaiting-merchant-feedback'))
const underReview = opened.when(evidenceTaken(hours(2)))

type DisputeStory = typeof opening

/** What a message brings that changes nothing but makes it look. */
const looks = (story: DisputeStory, state: string, times: number) => {
  expect(story.snapshot.value).toEqual({ unresolved: state })
  expect(story.facts).toEqual([])
  expect(story.effects).toEqual(Array.from({ length: times }, () => lookup))
}

describe('a dispute that has just been heard of', () => {
  it('is looked up before anything is said about it', () =>
    opening.expect({
      ...unresolved('opening'),
      events: [],
      effects: [lookup],
      timers: { nextAttempt: hours(1) },
    }))

  it('is opened with its amount and its deadline, and the payment is told', () =>
    opened.expect({
      ...unresolved('opened'),
      events: [fact('opened')],
      effects: [told('open')],
      timers: { dayBefore: hours(48), hoursBefore: hours(68), overdue: hours(73) },
    }))

  it('is looked up every hour of the first day, and then daily, as long as nobody answers', () => {
    const failed = opening.when(effectFailed('lookUpDispute', hours(0.5)))
    looks(failed, 'opening', 0)
    looks(failed.until(hours(24)), 'opening', 24)
    looks(failed.until(hours(24 + 48)), 'opening', 26)
    looks(failed.until(hours(24 * 100)), 'opening', 123)
  })

  it.each([
    ['merchant-accepted', 'accepted', 'lost'],
    ['auto-accepted', 'accepted', 'lost'],
    ['declined', 'declined', 'won'],
  ])('is over at once when the provider says that it is %s', (resolution, state, standing) => {
    const story = opening.when(resolved(resolution))
    expect(story.snapshot.value).toBe(state)
    expect(story.effects).toEqual([told(standing)])
    expect(story.facts.at(-1)?.event).toEqual(fact('resolved', { resolution, lost: standing === 'lost' }))
    expect(story.timers).toEqual({})
  })
})

describe('the deadline', () => {
  it('is announced a day and four hours before, and is followed by a look', () => {
    const story = opened.until(hours(73))
    expect(story.facts).toEqual([
      { at: hours(48), event: fact('deadlineNear', { hoursLeft: 24 }) },
      { at: hours(68), event: fact('deadlineNear', { hoursLeft: 4 }) },
    ])
    expect(story.effects).toEqual([lookup])
    story.when(resolved('auto-accepted', hours(73))).expect({
      state: 'accepted',
      events: [fact('resolved', { resolution: 'auto-accepted', lost: true })],
      effects: [told('lost')],
      timers: {},
    })
  })

  it('is looked after thirty times, a day apart, and then only when there is a hint', () => {
    const story = opened.until(hours(24 * 100))
    expect(story.effects).toHaveLength(30)
    expect(story.timers).toEqual({})
    looks(story.when(hint(hours(24 * 100))), 'opened', 1)
  })

  it('is not announced when it was near already', () =>
    opening.when(seen('awaiting-merchant-feedback', hours(50))).expect({
      ...unresolved('opened'),
      events: [fact('opened')],
      timers: { hoursBefore: hours(68), overdue: hours(73) },
    }))

  it('moves with what the provider says', () =>
    opened.when(seen('pending', hours(3), { dueAt: hours(100) })).expect({
      ...unresolved('opened'),
      timers: { dayBefore: hours(76), hoursBefore: hours(96), overdue: hours(101) },
      context: { dueAt: hours(100) },
    }))

  it('may be unknown, and then it looks daily', () =>
    opening.when(seen('pending', hours(1), { dueAt: null })).expect({
      ...unresolved('opened'),
      events: [fact('opened', { dueAt: null })],
      timers: { overdue: hours(25) },
    }))

  it('no longer threatens when the evidence is in', () =>
    underReview.expect({
      ...unresolved('underReview'),
      events: [fact('evidenceSubmitted')],
      timers: { overdue: hours(73) },
      context: { evidenceSubmittedAt: hours(2) },
    }))
})

describe('an answer to it', () => {
  it('with evidence goes to the provider, and nothing of it is kept', () => {
    const contested = opened.when(submitEvidence(hours(2)))
    looks({ ...contested, effects: [] }, 'opened', 0)
    expect(contested.effects).toEqual([
      { name: 'submitEvidence', params: { providerDisputeId: '41', ...evidence } },
    ])
    expect(JSON.stringify(contested.snapshot.context)).not.toMatch(/v1\.k|lessons/)
  })

  it.each([
    ['evidence', 'refused', submitEvidence, refused, 'too late'],
    ['evidence', 'lost', submitEvidence, (when: string) => effectFailed('submitEvidence', when), 'gave up'],
    ['concession', 'refused', accept, refused, 'too late'],
    ['concession', 'lost', accept, (when: string) => effectFailed('acceptDispute', when), 'gave up'],
  ] as const)('leaves it open and makes it look when the %s is %s', (_, __, command, answer, reason) => {
    const story = opened.when(command(hours(2))).when(answer(hours(3)))
    expect(story.snapshot.value).toEqual({ unresolved: 'opened' })
    expect(story.facts.map(({ event }) => event)).toEqual([fact('refused', { reason })])
    expect(story.effects).toEqual([lookup])
  })

  it('may concede it, before or after the evidence', () => {
    for (const story of [opened, underReview]) {
      const asked = story.when(accept(hours(3)))
      expect(asked.snapshot.value).toEqual(story.snapshot.value)
      expect(asked.effects).toEqual([
        {
          name: 'acceptDispute',
          params: { providerDisputeId: '41', amountMinor: 250_000, message: expect.any(String) as string },
        },
      ])
      asked.when(conceded(hours(4))).expect({
        state: 'accepted',
        events: [fact('accepted'), fact('resolved', { resolution: 'merchant-accepted', lost: true })],
        effects: [told('lost')],
        timers: {},
      })
    }
  })

  it('can be given to an open dispute only', () => {
    opening
      .when(submitEvidence(hours(1)), accept(hours(1)))
      .expect({ ...unresolved('opening'), refused: true, effects: [] })
    underReview
      .when(submitEvidence(hours(3)))
      .expect({ ...unresolved('underReview'), refused: true, effects: [] })
    opened
      .when(resolved('declined'))
      .when(submitEvidence(hours(3)), accept(hours(3)))
      .expect({ state: 'declined', refused: true, effects: [] })
  })
})

describe('the end', () => {
  it.each([
    ['opened', opened],
    ['underReview', underReview],
  ])('is what the provider says, when it was %s', (_, story) => {
    story.when(resolved('declined', hours(9))).expect({
      state: 'declined',
      events: [fact('resolved', { resolution: 'declined', lost: false })],
      effects: [told('won')],
      context: { resolution: 'declined' },
    })
  })

  it('tells the payment the amount that was decided on', () => {
    const partly = seen('resolved', hours(9), { resolution: 'merchant-accepted', amountMinor: 1_000 })
    expect(opened.when(partly).effects).toEqual([told('lost', 1_000)])
  })

  it.each([
    ['accepted', resolved('auto-accepted', hours(9))],
    ['declined', resolved('declined', hours(9))],
  ])('stays %s', (state, end) => {
    const others = [resolved('declined', hours(9)), resolved('auto-accepted', hours(9)), conceded(hours(9))]
    opened
      .when(end)
      .when(...others, seen('pending', hours(9)), refused(hours(9)), hint(hours(9)))
      .expect({ state, refused: true, effects: [] })
  })

  it.each([
    ['opening', opening],
    ['opened', opened],
    ['underReview', underReview],
  ])('is not guessed from words that nobody knows, when it is %s: it looks daily', (state, story) => {
    for (const word of ['settled-somehow', 'constructor', null]) {
      const unclear = story.when(resolved(word, hours(3)))
      looks(unclear, state, 0)
      looks(unclear.until(hours(27)), state, 1)
      looks(unclear.until(hours(51)), state, 2)
      expect(unclear.when(resolved('declined', hours(4))).effects).toEqual([told('won')])
    }
  })
})

test('an unclear answer does not make it look for ever', () => {
  let story = opened
  let looked = 0
  for (let day = 1; day < 100; day++) {
    story = story.until(hours(24 * day))
    looked += story.effects.length
    story = story.when(resolved('who-knows', hours(24 * day)))
  }
  expect(looked).toBe(30)
})

test('another effect that fails is no answer to the dispute', () =>
  looks(opened.when(effectFailed('lookUpDispute', hours(2)), effectFailed('tell', hours(2))), 'opened', 0))

test('a hint makes it look, and says nothing itself', () => {
  for (const [state, story] of Object.entries({ opening, opened, underReview })) {
    const hinted = story.when(hint(hours(3)))
    looks(hinted, state, 1)
    expect(hinted.timers).toEqual(story.timers)
  }
})

describe('whatever the order', () => {
  type Signal = Parameters<DisputeStory['when']>[number]
  type Chapter = { waitHours: number; isLate: boolean; signal: (when: string) => Signal }

  const deadline = fc.constantFrom(null, hours(72), hours(200))
  const signal: fc.Arbitrary<Chapter['signal']> = fc.oneof(
    fc
      .tuple(fc.constantFrom('awaiting-merchant-feedback', 'awaiting-bank-feedback', 'pending'), deadline)
      .map(
        ([status, due]) =>
          (when: string) =>
            seen(status, when, { dueAt: due }),
      ),
    fc.constantFrom<Chapter['signal'][]>(
      hint,
      refused,
      submitEvidence,
      evidenceTaken,
      accept,
      (when) => resolved('who-knows', when),
      (when) => resolved(null, when),
      (when) => effectFailed('lookUpDispute', when),
      (when) => effectFailed('acceptDispute', when),
    ),
  )
  const chapters = fc.array(fc.record({ waitHours: fc.nat(30), isLate: fc.boolean(), signal }), {
    maxLength: 25,
  })

  const live = (life: readonly Chapter[]) => {
    let story = opening
    let now = 0
    const facts: string[] = []
    const tells: unknown[] = []
    const hear = (next: DisputeStory) => {
      story = next
      facts.push(...next.facts.map(({ event }) => event.type))
      tells.push(...next.effects.filter(({ name }) => name === 'tell'))
    }
    for (const { waitHours, isLate, signal: said } of life) {
      now += waitHours
      if (!isLate) hear(story.until(hours(now)))
      hear(story.when(said(hours(now))))
    }
    hear(story.until(hours(24 * 400)))
    return { state: story.snapshot.value, facts, tells }
  }

  const ends = fc.constantFrom(
    ['accepted', 'lost', (when: string) => resolved('merchant-accepted', when)] as const,
    ['accepted', 'lost', (when: string) => resolved('auto-accepted', when)] as const,
    ['declined', 'won', (when: string) => resolved('declined', when)] as const,
  )

  test('M8 it ends as the provider says, and tells so once', () =>
    fc.assert(
      fc.property(fc.tuple(chapters, ends, chapters), ([before, [end, standing, signalOfEnd], behind]) => {
        const last = { waitHours: 1, isLate: false, signal: signalOfEnd }
        // The answer to a concession says the same as a lookup, and may come before it.
        const answer = { waitHours: 0, isLate: true, signal: conceded }
        const other = standing === 'lost' ? [answer] : []
        const { state, facts, tells } = live([...before, ...other, last, ...behind, last, ...other])
        expect(state).toBe(end)
        const open = facts.includes('dispute.opened') ? [told('open')] : []
        expect(tells).toEqual([...open, told(standing)])
        expect(facts.filter((type) => type === 'dispute.resolved')).toHaveLength(1)
      }),
    ))

  test('M8 nothing is lost or won before the provider has said so', () =>
    fc.assert(
      fc.property(chapters, (life) => {
        const { facts, tells } = live(life)
        expect(tells).toEqual(facts.includes('dispute.opened') ? [told('open')] : [])
      }),
    ))
})

test('every state can be reached', () => {
  const paths = getShortestPaths(disputeMachine, {
    input,
    events: [
      seen('awaiting-merchant-feedback'),
      evidenceTaken(hours(1)),
      resolved('declined'),
      resolved('auto-accepted'),
    ],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  const { unresolved: inside, ...outside } = disputeMachine.states
  const states = [
    ...Object.keys(outside),
    ...Object.keys(inside!.states).map((state) => ({ unresolved: state })),
  ]
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
  const { snapshot } = start(disputeMachine, input)

  it.each([
    ['an administrator', as('admin'), true],
    ['the system', as('system'), true],
    ['a success manager', as('csm'), false],
    ['the payer', as('student', payerId), false],
    ['a coordinator', as('coordinator'), false],
    ['an administrator of another organisation', as('admin', 'somebody', 'org-2'), false],
  ] as const)('%s may answer it: %#', (_, principal, may) => {
    expect(dispute.allow.submitEvidence(principal, snapshot as never)).toBe(may)
    expect(dispute.allow.accept(principal, snapshot as never)).toBe(may)
  })

  it('is for operators of the organisation; the payer neither sees nor hears of it', () => {
    for (const role of ['admin', 'csm', 'system'] as const)
      expect(dispute.scopes(as(role))).toEqual([{ orgId: 'org-1' }])
    for (const role of ['student', 'instructor', 'coordinator', 'peer_mentor'] as const)
      expect(dispute.scopes(as(role, payerId))).toEqual([])
    expect(Object.keys(dispute.topics)).toEqual(['dispute', 'org', 'finance'])
  })

  it.each([
    ['opening', 'opening', opening],
    ['opened', 'opened', opened],
    ['under_review', 'underReview', underReview],
    ['accepted', 'accepted', opened.when(resolved('auto-accepted'))],
    ['declined', 'declined', opened.when(resolved('declined'))],
  ])('the view of one that is %s holds what the contract promises', (status, state, story) => {
    // As it comes back from the database.
    const stored = hydrate(disputeMachine, JSON.parse(JSON.stringify(dehydrate(story.snapshot))) as object)
    const view = DisputeView.parse(dispute.view(stored as never, id))
    expect(view).toMatchObject({ status, paymentId, payerId, providerDisputeId: '41', openedAt: at })
    expect(view.amount).toEqual(status === 'opening' ? null : amount)
    expect(dispute.columns.status.of(stored as never)).toBe(status)
    expect(dispute.state?.(stored as never)).toBe(state)
  })
})

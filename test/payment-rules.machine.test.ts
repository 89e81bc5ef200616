import { describe, expect, it } from 'vitest'
import type { Lookup, Principal, Role } from '../actors/actor.ts'
import { payment } from '../actors/payment.ts'
import { purchase, purchaseId } from '../actors/purchase.ts'
import { rosterId } from '../actors/roster.ts'
import { PaymentView } from '../contracts/payment.ts'
import { paymentMachine } from '../machines/payment.ts'
import { given, type Story } from './given.ts'
import {
  HOUR,
  DAY,
  at,
  later,
  price,
  input,
  card,
  granted,
  initialized,
  verified,
  paid,
  requestRefund,
  refundChanged,
  awaiting,
  uncertain,
  settled,
  abandoned,
  cancelled,
} from './payment-messages.ts'

type PaymentStory = Story<typeof paymentMachine>

describe('the rules', () => {
  const who = (role: Role, userId = 'somebody', orgId = 'org-1'): Principal => ({
    userId,
    orgId,
    roles: [role],
  })
  const payer = who('student', 'payer-1')

  it.each([
    ['the payer', payer, ['initiate', 'verify', 'cancel', 'requestRefund']],
    ['an administrator', who('admin'), ['verify', 'cancel', 'requestRefund', 'retryRefund', 'resolveRefund']],
    ['the system', who('system'), ['verify', 'cancel', 'requestRefund', 'retryRefund', 'resolveRefund']],
    ['another student', who('student'), []],
    ['csm', who('csm'), []],
    ['a coordinator', who('coordinator'), []],
    ['an instructor', who('instructor'), []],
    ['an administrator of another organisation', who('admin', 'somebody', 'org-2'), []],
    ['the payer in another organisation', who('student', 'payer-1', 'org-2'), []],
  ] as const)('%s may do what the rules say', (_, principal, allowed) => {
    const names = Object.keys(payment.allow) as (keyof typeof payment.allow)[]
    expect(names.filter((name) => payment.allow[name](principal, settled.snapshot as never))).toEqual(allowed)
  })

  it('shows operators what belongs to their organisation, and everybody else their own', () => {
    for (const role of ['admin', 'csm', 'system'] as const)
      expect(payment.scopes(who(role))).toEqual([{ orgId: 'org-1' }])
    for (const role of ['student', 'instructor', 'coordinator', 'peer_mentor'] as const)
      expect(payment.scopes(who(role, 'payer-1'))).toEqual([{ orgId: 'org-1', payerId: 'payer-1' }])
  })

  const claimed = purchaseId('payer-1', 'offering-1')
  const holding = (paymentPaid: boolean) => ({
    context: { holder: { paymentId: 'payment-0', version: 1, paid: paymentPaid } },
  })
  const initiate = (
    payload = {},
    world: { holder?: object; minor?: number; takes?: boolean; failed?: number } = {},
  ) => {
    const lookup = {
      takesPayments: () => world.takes ?? true,
      price: (offeringId: string) =>
        Promise.resolve(
          offeringId === 'offering-1'
            ? {
                offeringId,
                orgId: 'org-1',
                title: 'Course',
                amount: { ...price, minor: world.minor ?? price.minor },
              }
            : offeringId === 'offering-2'
              ? { offeringId, orgId: 'org-2', title: 'Course', amount: price }
              : undefined,
        ),
      authorization: (id: string, userId: string) =>
        Promise.resolve(id === 'authorization-1' && userId === 'payer-1' ? { id, userId, card } : undefined),
      actor: (definition: unknown, id: string) =>
        Promise.resolve(definition === purchase && id === claimed ? world.holder : undefined),
      failedPayments: (payerId: string, since: string) =>
        Promise.resolve(payerId === 'payer-1' && since === later(-HOUR) ? (world.failed ?? 0) : 0),
      failedPaymentsPerHour: 3,
    } as unknown as Lookup
    return payment.create.initiate({
      id: 'payment-1',
      payload: { offeringId: 'offering-1', method: 'card', ...payload },
      principal: payer,
      at,
      lookup,
      newId: () => 'refund-auto',
    })
  }

  it('C6 initiate takes the price from the offering, and the purchase from payer and offering', async () => {
    const known = { ...input, offeringTitle: 'Course' }
    const purchased = { ...known, purchaseId: claimed, rosterId: rosterId(input.offeringId) }
    expect(await initiate()).toEqual({ ok: true, input: purchased })
    expect(await initiate({ amountMinor: price.minor })).toEqual({ ok: true, input: purchased })
    expect(await initiate({ authorizationId: 'authorization-1', email: 'sealed' })).toEqual({
      ok: true,
      input: { ...purchased, authorizationId: 'authorization-1', email: 'sealed' },
    })
    expect(await initiate({}, { holder: { context: { holder: null } } })).toMatchObject({ ok: true })
    expect(await initiate({}, { failed: 2 })).toMatchObject({ ok: true })
  })

  it.each([
    ['C28 the offering is free', 'nothing_to_pay', {}, { minor: 0 }],
    ['there is no such offering', 'not_found', { offeringId: 'offering-3' }, {}],
    ['the offering is of another organisation', 'not_found', { offeringId: 'offering-2' }, {}],
    ['C6 the client has been shown another price', 'amount_mismatch', { amountMinor: 5_000 }, {}],
    ['C27 it is paid for', 'already_paid', {}, { holder: holding(true) }],
    ['another payment is under way', 'payment_in_progress', {}, { holder: holding(false) }],
    ['the card is not there or of somebody else', 'not_found', { authorizationId: 'authorization-2' }, {}],
    [
      'the card is to pay by other ways',
      'invalid_input',
      { method: 'paystack', authorizationId: 'authorization-1' },
      {},
    ],
    ['nobody takes payments', 'payments_unavailable', {}, { takes: false }],
    ['A58 too many have failed within an hour', 'rate_limited', {}, { failed: 3 }],
  ])('initiate is refused when %s', async (_, code, payload, world) =>
    expect(await initiate(payload, world)).toMatchObject({ ok: false, error: { code } }),
  )

  it('requestRefund gets a new id, and is approved when the caller may decide', async () => {
    const prepare = (principal: Principal) =>
      payment.prepare?.requestRefund?.({
        id: 'payment-1',
        payload: { full: true, reason: 'changed my mind' },
        principal,
        at,
        lookup: {} as Lookup,
        newId: () => 'refund-1',
      })
    const payload = { full: true, reason: 'changed my mind', refundId: 'refund-1' }
    expect(await prepare(payer)).toEqual({ ok: true, payload: { ...payload, approved: false } })
    expect(await prepare(who('csm'))).toEqual({ ok: true, payload: { ...payload, approved: false } })
    expect(await prepare(who('admin'))).toEqual({ ok: true, payload: { ...payload, approved: true } })
  })

  it('C48 the view holds what the contract promises, in every state, and no secret', () => {
    const secret = given(paymentMachine, { ...input, email: 'sealed' })
    const stories: [PaymentStory, string, string][] = [
      [secret, 'pending', 'claiming'],
      [secret.when(granted(), initialized()), 'pending', 'awaitingCustomer'],
      [uncertain, 'pending', 'unknown'],
      [uncertain.until(later(10 * DAY)), 'needs_review', 'unresolved'],
      [abandoned, 'abandoned', 'abandoned'],
      [abandoned.when(paid(HOUR)), 'pending', 'reclaiming'],
      [cancelled, 'cancelled', 'cancelled'],
      [awaiting.when(verified('failed')), 'failed', 'failed'],
      [awaiting.when(verified('reversed')), 'reversed', 'reversed'],
      [awaiting.when(paid(0, { amountMinor: 7 })), 'needs_review', 'needsReview'],
      [settled, 'settled', 'settled'],
      [
        settled.when(requestRefund('refund-1', 1), refundChanged('refund-1', 'processed')),
        'partially_refunded',
        'partiallyRefunded',
      ],
      [
        settled.when(requestRefund('refund-1'), refundChanged('refund-1', 'processed')),
        'refunded',
        'refunded',
      ],
    ]
    for (const [story, status, state] of stories) {
      const view = payment.view(story.snapshot as never, 'a-b-c')
      expect(view).toMatchObject({ id: 'a-b-c', transactionId: 'tx_abc', status, amount: price })
      expect(payment.state?.(story.snapshot as never)).toBe(state)
      expect(payment.columns.status.of(story.snapshot as never)).toBe(status)
      expect(JSON.stringify(view)).not.toContain('sealed')
      expect(Object.keys(view).filter((name) => !(name in PaymentView.shape))).toEqual([])
      expect('authorizationUrl' in view).toBe(state === 'awaitingCustomer')
    }
  })
})

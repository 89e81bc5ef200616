import { describe, expect, it } from 'vitest'
import { dueOf, type Books } from '../machines/payment-money.ts'
import {
  at,
  awaiting,
  disputeChanged,
  price,
  refundChanged,
  refundOf,
  requestRefund,
  settled,
  some,
  told,
} from './payment-messages.ts'

type Due = { refundId?: string | null; upToMinor?: number | null; actor?: string; id?: string }

const due = ({
  refundId = 'refund-1',
  upToMinor = 250_000,
  actor = 'settlement',
  id = 'settlement-1',
}: Due = {}) =>
  ({
    type: 'refund.due',
    refundId,
    upToMinor,
    reason: 'taken down',
    at,
    source: { actor, id, version: 1 },
  }) as const
const answer = (message: object, actor = 'settlement', id = 'settlement-1') => ({
  name: 'tell',
  params: { actor, id, message },
})
const made = (id: string, minor: number) => refundOf(id, minor, { reason: 'taken down', requestedBy: null })
const began = (minor: number) => answer({ type: 'payment.refundBegan', refundId: 'refund-1', minor })
const ended = (minor: number, standing: string) =>
  answer({ type: 'payment.refundEnded', refundId: 'refund-1', minor, standing })
const nothingOf = (refundId: string) => ({ type: 'payment.nothingDue', refundId })
const nothing = answer(nothingOf('refund-1'))
const heldUp = answer({
  type: 'payment.refundEnded',
  refundId: 'refund-1',
  minor: 0,
  standing: 'failed',
  reason: 'disputed',
})
const effectsOf = (...messages: Parameters<typeof settled.when>) => settled.when(...messages).effects

describe('money that is due', () => {
  it('C11 goes back in exactly the amount that was named, and whoever named it hears of it', () => {
    expect(effectsOf(due())).toEqual([made('refund-1', 250_000), began(250_000)])
    expect(settled.when(due()).when(refundChanged('refund-1', 'processed')).effects).toEqual([
      ended(250_000, 'processed'),
      told('refundIssued', 250_000),
    ])
    expect(settled.when(due()).when(refundChanged('refund-1', 'failed')).effects).toEqual([
      ended(250_000, 'failed'),
    ])
  })

  it('is what is still missing of the amount, once it is known what has gone back', () => {
    const earlier = settled.when(requestRefund('refund-0', 100_000))
    const waiting = earlier.when(due()).expect({ state: 'settled', effects: [] })
    const end = refundChanged('refund-0', 'processed')
    expect(waiting.when(end).effects).toEqual([
      told('refundIssued', 100_000),
      made('refund-1', 150_000),
      began(150_000),
    ])
    expect(earlier.when(end).when(due()).effects).toEqual([made('refund-1', 150_000), began(150_000)])
    // What failed never moved.
    const failed = refundChanged('refund-0', 'failed')
    expect(waiting.when(failed).effects).toEqual([made('refund-1', 250_000), began(250_000)])
    expect(earlier.when(failed).when(due()).effects).toEqual([made('refund-1', 250_000), began(250_000)])
  })

  it('of two goes back one after the other, and the first counts for the second', () => {
    const second = due({ refundId: 'refund-2', upToMinor: 300_000, actor: 'enrollment', id: 'enrollment-1' })
    const both = settled.when(due()).when(second).expect({ state: 'settled', effects: [] })
    expect(both.when(refundChanged('refund-1', 'processed')).effects).toContainEqual(made('refund-2', 50_000))
  })

  it('is nothing when as much has gone back, or nothing came in', () => {
    const gone = settled.when(requestRefund('refund-0', 250_000), refundChanged('refund-0', 'processed'))
    expect(gone.when(due()).effects).toEqual([nothing])
    expect(awaiting.when(due()).effects).toEqual([nothing])
    expect(settled.when(disputeChanged(price.minor, 'lost')).when(due()).effects).toEqual([nothing])
  })

  it('C12 that a bank holds is not said to be nothing, and is given back when it is asked for after that', () => {
    const contested = settled.when(disputeChanged(price.minor, 'open'))
    expect(contested.when(due()).effects).toEqual([heldUp])
    const again = due({ refundId: 'refund-2' })
    const won = contested.when(due(), disputeChanged(price.minor, 'won')).when(again)
    expect(won.effects[0]).toEqual(made('refund-2', 250_000))
    const lost = contested.when(due(), disputeChanged(price.minor, 'lost')).when(again)
    expect(lost.effects).toEqual([
      { ...nothing, params: { ...nothing.params, message: nothingOf('refund-2') } },
    ])
    // As much as is due is there beside what the bank holds.
    expect(settled.when(disputeChanged(250_000, 'open')).when(due()).effects[0]).toEqual(
      made('refund-1', 250_000),
    )
  })

  it('is less what a bank has given back already', () => {
    const lost = settled.when(disputeChanged(100_000, 'lost'))
    expect(lost.when(due()).effects[0]).toEqual(made('refund-1', 150_000))
  })

  it('is never more than was charged', () =>
    expect(effectsOf(due({ upToMinor: 2 * price.minor }))).toEqual([
      made('refund-1', price.minor),
      began(price.minor),
    ]))

  it('is given back once, however often it is said', () => {
    const story = settled.when(due())
    expect(story.when(due()).effects).toEqual([])
    expect(story.when(refundChanged('refund-1', 'processed')).when(due()).effects).toEqual([
      ended(250_000, 'processed'),
    ])
  })

  it('without an amount or an id is all that is left, and a purchase hears nothing of it', () => {
    const all = due({ refundId: null, upToMinor: null, actor: 'purchase', id: 'purchase-1' })
    expect(effectsOf(all)).toEqual([made('refund-auto', price.minor)])
    expect(effectsOf(all, all)).toEqual([made('refund-auto', price.minor)])
    expect(settled.when(requestRefund('refund-0', price.minor)).when(all).effects).toEqual([])
  })

  it('to an enrollment is told to the enrollment', () =>
    expect(effectsOf(due({ actor: 'enrollment', id: 'enrollment-1' }))[1]).toEqual(
      answer(
        { type: 'payment.refundBegan', refundId: 'refund-1', minor: 250_000 },
        'enrollment',
        'enrollment-1',
      ),
    ))
})

it.each([
  [0, 0, 0, 500, 500],
  [100, 50, 0, 500, 350],
  [100, 0, 450, 500, 0],
  [0, 0, 200, 400, 300],
  [300, 0, 0, 200, 0],
])(
  '%d refunded, %d pending and %d contested of 500: of %d there are %d due',
  (refunded, pending, disputed, upTo, left) => {
    const books: Books = {
      charged: 500,
      refunds: [
        { refundId: 'a', minor: refunded, standing: 'processed' },
        { refundId: 'b', minor: pending, standing: 'pending' },
        { refundId: 'c', minor: 77, standing: 'failed' },
      ],
      disputes: [{ disputeId: 'd', minor: disputed, standing: 'open' }],
    }
    expect(dueOf(books, upTo)).toBe(left)
  },
)

describe('what was to go back and could not', () => {
  const retry = { type: 'retryRefund', refundId: 'refund-2', at, by: 'admin-1' } as const
  const resolve = { type: 'resolveRefund', note: 'by hand', at, by: 'admin-1' } as const
  const granted = due({ actor: 'enrollment', id: 'enrollment-1' })
  const failed = refundChanged('refund-1', 'failed')
  const stuck = (minor: number) => some('refundStuck', { due: { minor, currency: price.currency } })

  it('is said, tried again for what is missing, and heard of under its first name', () => {
    const kept = settled.when(granted).when(failed)
    kept.expect({ state: 'settled', events: [some('refundFailed'), stuck(250_000)] })
    const again = kept.when(retry)
    expect(again.effects).toEqual([
      refundOf('refund-2', 250_000, { reason: 'taken down', requestedBy: 'admin-1' }),
    ])
    again.when(retry).expect({ state: 'settled', refused: true })
    expect(again.when(refundChanged('refund-2', 'processed')).effects).toEqual([
      answer(
        { type: 'payment.refundEnded', refundId: 'refund-1', minor: 250_000, standing: 'processed' },
        'enrollment',
        'enrollment-1',
      ),
      told('refundIssued', 250_000),
    ])
    again
      .when(refundChanged('refund-2', 'failed'))
      .expect({ state: 'settled', events: [some('refundFailed'), stuck(250_000)] })
  })

  it('is no more than is left, and nothing when people have given it back or say that they have', () => {
    const kept = settled.when(granted, failed)
    const partly = kept.when(requestRefund('refund-3', 100_000))
    partly.when(retry).expect({ state: 'settled', refused: true })
    expect(partly.when(refundChanged('refund-3', 'processed')).when(retry).effects).toEqual([
      refundOf('refund-2', 150_000, { reason: 'taken down', requestedBy: 'admin-1' }),
    ])
    kept.when(requestRefund('refund-3'), refundChanged('refund-3', 'processed'), retry).expect({
      state: 'settled',
      refused: true,
      events: [some('refundRequested'), some('refundIssued')] as never,
    })
    kept
      .when(resolve)
      .expect({ state: 'settled', events: [some('refundResolved', { note: 'by hand' })], effects: [] })
      .when(retry)
      .expect({ state: 'settled', refused: true })
  })

  it('is not what a settlement sees to, nor what a bank holds before it has let it go', () => {
    settled
      .when(due())
      .when(failed)
      .expect({ state: 'settled', events: [some('refundFailed')] })
    const held = settled.when(disputeChanged(price.minor, 'open'), due({ refundId: null, actor: 'purchase' }))
    held.when(retry).expect({ state: 'settled', refused: true })
    held.when(disputeChanged(price.minor, 'won')).expect({
      state: 'settled',
      events: [some('disputeResolved'), stuck(250_000)],
    })
    held
      .when(disputeChanged(price.minor, 'lost'))
      .expect({ state: 'settled', events: [some('disputeResolved')] })
  })
})

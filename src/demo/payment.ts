import { setTimeout as wait } from 'node:timers/promises'
import type { PaymentView } from '../../contracts/payment.ts'
import type { EventFrame } from '../../contracts/protocol.ts'
import { ADMIN_EMAIL, LEARNER_EMAIL } from './accounts.ts'
import { DemoStopped, goLive, signIn, type Live } from './client.ts'
import { choose, inMajor } from './offerings.ts'
import { PAUSE_MS, pushed, type Screen } from './screen.ts'
import { isSimulated, pressPay } from './simulated-page.ts'

/** For somebody with a browser; the sign-in ends soon after it. */
const CUSTOMER_MS = 10 * 60_000
/** For everybody else. */
const PATIENCE_MS = 60_000

/** How a payment can end that is not settled. */
const ENDINGS = ['payment.failed', 'payment.abandoned', 'payment.cancelled', 'payment.needsReview']

type Options = { url: string; password: string; screen: Screen; pay: boolean }

/** A learner pays for an offering, and the administrator gives a part of it back. */
export const showPayment = async (options: Options): Promise<void> => {
  const { paid, isReal } = await payAsLearner(options)
  await wait(PAUSE_MS)
  await refundAsAdmin(options, paid, isReal)
  summarise(options.screen)
}

const payAsLearner = async ({ url, password, screen, pay }: Options) => {
  const { say } = screen
  const me = await signIn(url, LEARNER_EMAIL, password)
  const live = await goLive(url, me, `user:${me.userId}`, (event) => say(pushed(event, described(event))))
  try {
    say(`You are ${LEARNER_EMAIL}, a learner. Every line with "pushed" came over the socket by itself.`)
    const { title, offeringId, price } = await choose({ url, me, live, screen })

    say()
    say(`1  You pay ${inMajor(price.minor, price.currency)} for ${title}.`)
    const initiation = { offeringId, method: 'card', amountMinor: price.minor }
    const { id } = await live.command('payments.initiate', initiation)
    const isIts = ({ actor }: EventFrame) => actor.id === id
    const ready = await live.pushed(['payment.checkoutReady', ...ENDINGS], isIts, PATIENCE_MS)
    const { authorizationUrl: page } = viewOf(ready)
    if (page === undefined) throw notPaid(ready)

    const isReal = !(await isSimulated(page))
    if (pay && isReal) throw await refuseToPay(live, id)
    say()
    say(pay ? '   The demo presses "Pay" on this page:' : '   Open this page in a browser, and pay:')
    say(`   ${page}`)
    say()
    if (pay) await pressPay(page)
    const end = await live.pushed(['payment.settled', ...ENDINGS], isIts, CUSTOMER_MS)
    if (end.type !== 'payment.settled') throw notPaid(end)
    return { paid: viewOf(end), isReal }
  } finally {
    live.close()
  }
}

const refundAsAdmin = async (
  { url, password, screen: { say } }: Options,
  paid: PaymentView,
  isReal: boolean,
) => {
  const { id, amount } = paid
  const me = await signIn(url, ADMIN_EMAIL, password)
  const live = await goLive(url, me, `finance:${me.orgId}`, (event) => {
    if (concerns(event, id)) say(pushed(event, described(event)))
  })
  try {
    const refund = { ...amount, minor: Math.floor(amount.minor / 4) }
    say()
    say(`2  You are ${ADMIN_EMAIL}, and give ${inMajor(refund.minor, refund.currency)} of it back.`)
    await live.command('payments.requestRefund', {
      id,
      amount: refund,
      reason: 'One of four lessons fell out',
    })
    const isIts = ({ actor }: EventFrame) => actor.id === id
    await live.pushed('payment.refundRequested', isIts, PATIENCE_MS)
    if (isReal) return say('   Paystack takes some days; payment.refundIssued will be pushed then.')
    const end = await live.pushed(['payment.refundIssued', 'payment.refundFailed'], isIts, PATIENCE_MS)
    if (end.type === 'payment.refundFailed')
      say('   This card does not take money back: what was reserved is free again.')
  } finally {
    live.close()
  }
}

const notPaid = ({ type, view }: EventFrame) => {
  const { failure } = view as PaymentView
  return new DemoStopped(
    `${type}${failure === undefined ? '' : ` (${failure})`}. Run the demo again for another try.`,
  )
}

const refuseToPay = async (live: Live, id: string) => {
  await live.command('payments.cancel', { id })
  return new DemoStopped(
    '--pay works with the simulator only, and this server has a key of Paystack. The payment is cancelled; run `npm run demo -- payment` and pay by hand.',
  )
}

const viewOf = ({ view }: EventFrame) => view as PaymentView

const concerns = ({ actor, view }: EventFrame, paymentId: string) =>
  actor.id === paymentId || (view as { paymentId?: string }).paymentId === paymentId

const described = ({ actor, type, view }: EventFrame): string => {
  if (actor.type !== 'payment') return ''
  const { amount, charged, refundPending, refunded } = view as PaymentView
  const { currency } = amount
  if (type.startsWith('payment.refund'))
    return `charged ${inMajor(charged)}, to be refunded ${inMajor(refundPending)}, refunded ${inMajor(refunded)} ${currency}`
  return type === 'payment.settled' ? `charged ${inMajor(charged)} ${currency}` : ''
}

const summarise = ({ say }: Screen) => {
  say()
  say('What you have seen:')
  say('  - the price is the offering’s: no client says what a payment costs;')
  say('  - a webhook made the payment look (verifying), and only what the provider answered settled it;')
  say('  - a refund is a statechart of its own; the payment says at any time where the money is.')
  say()
  say('Where to go on:')
  say('  docs/payments.md             what else can happen, and how to go live')
  say('  machines/payment.ts          the whole life of a payment in one statechart')
  say('  docs/paystack-simulator.md   make the provider fail, and watch')
}

import { z } from 'zod'
import { Money } from '../../contracts/money.ts'
import type { PurchaseView } from '../../contracts/purchase.ts'
import { ask, DemoStopped, type Live, type Me } from './client.ts'
import type { Screen } from './screen.ts'

const PriceList = z.object({
  items: z.array(z.object({ offeringId: z.string(), title: z.string(), price: Money })),
})
type Offering = z.output<typeof PriceList>['items'][number]

const PATIENCE_MS = 20_000

/** Shows the price list, and takes the cheapest offering that is not paid for. */
export const choose = async (options: {
  url: string
  me: Me
  live: Live
  screen: Screen
}): Promise<Offering> => {
  const { url, me, live, screen } = options
  const headers = { authorization: `Bearer ${me.token}` }
  const { items } = PriceList.parse((await ask(`${url}/api/v1/prices`, { headers })).data)
  const offerings = items
    .filter(({ price }) => price.minor > 0)
    .toSorted((one, other) => one.price.minor - other.price.minor)
  const of = ({ offeringId }: Offering) =>
    purchasesIn(live).find((bought) => bought.offeringId === offeringId)
  screen.say()
  for (const offering of offerings) {
    const { title, price } = offering
    const amount = inMajor(price.minor, price.currency).padStart(16)
    screen.say(`  ${title.padEnd(36)}${amount}${of(offering)?.paid ? '  paid' : ''}`)
  }
  const chosen = offerings.find((offering) => !of(offering)?.paid)
  if (!chosen)
    throw new DemoStopped(
      'Everything is paid for by now. Stop Laurel, delete its data folder and start afresh.',
    )
  await giveUp(of(chosen)?.paymentId, live, screen)
  return chosen
}

/** What is bought or being bought was in the snapshot that the subscription began with. */
const purchasesIn = ({ subscribed }: Live): PurchaseView[] =>
  subscribed.topics[0]!.snapshot.filter(({ actor }) => actor.type === 'purchase').map(
    ({ view }) => view as PurchaseView,
  )

/** Only one payment at a time may pay for an offering: another run may have left one. */
const giveUp = async (paymentId: string | null | undefined, live: Live, { say }: Screen) => {
  if (!paymentId) return
  say()
  say('   An earlier payment for it was left unfinished: you cancel that first.')
  await live.command('payments.cancel', { id: paymentId })
  const isIts = ({ data }: { data: unknown }) => (data as { paymentId: string }).paymentId === paymentId
  await live.pushed('purchase.released', isIts, PATIENCE_MS)
}

/** All currencies count in hundredths. */
export const inMajor = (minor: number, currency?: string): string => {
  const amount = (minor / 100).toLocaleString('en', { minimumFractionDigits: 2 })
  return currency === undefined ? amount : `${currency} ${amount}`
}

import { CommandHandler } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { newContext, STEPS, type PaymentContext, type PaymentState } from './payment.ts'
import { servePeer } from './peer.ts'

type Stepped = { type: (typeof STEPS)[PaymentState]['event']; data: { amount: number } }
type Payment = { state: PaymentState; context: PaymentContext }

const SUMS = {
  'payment.authorised': ['authorised', 'authorised'],
  'payment.captured': ['captured', 'captured'],
  'payment.refunded': ['created', 'refunded'],
} as const

const evolve = ({ context }: Payment, { type, data }: Stepped): Payment => {
  const [state, sum] = SUMS[type]
  return { state, context: { ...context, [sum]: context[sum] + data.amount, turns: context.turns + 1 } }
}

/** Emmett's PostgreSQL event store: the stream is read, folded and appended to at the version that was read. */
await servePeer(async ({ postgresUrl }) => {
  const store = getPostgreSQLEventStore(postgresUrl)
  // Many at once would each take a connection and wait for the one that makes the tables.
  await store.schema.migrate()
  const handle = CommandHandler<Payment, Stepped>({
    evolve,
    initialState: () => ({ state: 'created', context: newContext('payer') }),
    retry: { onVersionConflict: 20 },
  })
  const decide = ({ state }: Payment, amount: number): Stepped => {
    if (!(amount > 0)) throw new Error('not an amount')
    return { type: STEPS[state].event, data: { amount } }
  }
  return { proceed: (key) => handle(store, `payment-${key}`, (payment) => decide(payment, 1)) }
})

import { z } from 'zod'
import { payment } from '../../actors/payment.ts'
import { Currency, Minor } from '../../contracts/money.ts'
import { PaymentMethod, type PaymentStatus, type PaymentView } from '../../contracts/payment.ts'
import { Id, StoredInstant } from '../../contracts/scalars.ts'
import { HttpRefusal } from './http-envelope.ts'
import { majorOf } from './major-units.ts'
import { InitiateBody, initiationOf, isDecided, outcomeOf } from './payment-initiation.ts'
import { refuseQuery } from './rest-payload.ts'
import type { Asked, Route } from './route.ts'

const common = { definition: payment, group: 'payments' } as const

const Status = z.enum(['pending', 'success', 'failed', 'refunded', 'reversed'])

const amounts = {
  amount: z.number().describe('Major units'),
  amountMinor: Minor,
  currency: Currency,
}
const named = { paymentId: Id, transactionId: z.string().describe('`tx_…`'), status: Status }

/** The routes of S4 for payments: amounts in major units, with `amountMinor` beside them (C6). */
export const paymentRoutes: readonly Route[] = [
  {
    ...common,
    method: 'POST',
    url: '/api/payments/initiate',
    operationId: 'payments.initiateForCourse',
    summary: 'Start paying for a course, and wait until the customer can pay or a saved card is charged',
    status: 201,
    command: true,
    body: InitiateBody,
    data: z.object({
      ...named,
      ...amounts,
      message: z.string(),
      accessCode: z.string().optional().describe("While pending: for the provider's inline form"),
      authorizationUrl: z.string().optional().describe("While pending: the provider's page"),
    }),
    errors: ['already_paid', 'payment_in_progress'],
    statuses: {
      amount_mismatch: 400,
      nothing_to_pay: 400,
      payment_declined: 402,
      payments_unavailable: 503,
    },
    answer: (asked) => initiate(asked),
  },
  {
    ...common,
    method: 'GET',
    url: '/api/payments/status/:transactionId',
    operationId: 'payments.statusOfTransaction',
    summary: 'Where one payment stands',
    status: 200,
    params: z.strictObject({ transactionId: z.string() }),
    data: z.object({
      ...named,
      ...amounts,
      paymentDate: StoredInstant.describe('When it was paid; when it began, until then'),
      method: PaymentMethod,
    }),
    answer: (asked) => status(asked),
  },
]

const initiate = async ({ request, principal, command, until }: Asked): Promise<unknown> => {
  const { id } = await command('initiate', initiationOf(request.body, principal))
  const view = (await until(id, (seen) => isDecided(seen as PaymentView))) as PaymentView
  return { ...factsOf(view), ...outcomeOf(view) }
}

/** An unknown transaction, a malformed one and somebody else's are the same to whoever asks (C49). */
const status = async ({ request, query }: Asked): Promise<unknown> => {
  refuseQuery(request)
  const { transactionId } = request.params as { transactionId: string }
  const parts = /^tx_(\w{8})(\w{4})(\w{4})(\w{4})(\w{12})$/.exec(transactionId)
  const id = Id.safeParse(parts?.slice(1).join('-')).data
  const found = id && (await query('get', { id }).catch(unlessMissing))
  if (!found) throw new HttpRefusal({ code: 'not_found', message: 'Transaction not found' })
  const view = found.data as PaymentView
  return { ...factsOf(view), paymentDate: view.settledAt ?? view.initiatedAt, method: view.method }
}

const unlessMissing = (error: unknown): undefined => {
  if (!(error instanceof HttpRefusal) || error.refusal.code !== 'not_found') throw error
}

const factsOf = ({ id: paymentId, transactionId, status: word, amount }: PaymentView) => ({
  paymentId,
  transactionId,
  status: STATUS[word],
  amount: majorOf(amount),
  amountMinor: amount.minor,
  currency: amount.currency,
})

const STATUS: Record<PaymentStatus, z.output<typeof Status>> = {
  pending: 'pending',
  needs_review: 'pending',
  settled: 'success',
  partially_refunded: 'success',
  refund_stuck: 'success',
  refunded: 'refunded',
  reversed: 'reversed',
  failed: 'failed',
  abandoned: 'failed',
  cancelled: 'failed',
}

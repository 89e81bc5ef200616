import { z } from 'zod'
import {
  ChargeAnswer,
  CheckoutAnswer,
  PagesAnswer,
  RefundAnswer,
  TransactionAnswer,
} from './paystack-answers.ts'
import { createPaystackDisputes } from './paystack-disputes.ts'
import {
  createPaystackCall,
  dataOf,
  failure,
  whole,
  type PaystackCall,
  type PaystackConnection,
  type PaystackRequest,
} from './paystack-http.ts'
import type { PaymentProvider, ProviderAnswer, ProviderRefund } from './provider.ts'

const PAGE = 100
const MOST_PAGES = 50
/** The reason stays here: people wrote it. */
const CUSTOMER_NOTE = 'Your payment is being given back.'

/** https://paystack.com/docs/api/ */
export const createPaystack = (connection: PaystackConnection): PaymentProvider => {
  const call = createPaystackCall(connection)
  const post = async <Data>(request: Omit<PaystackRequest<Data>, 'method'>) =>
    dataOf(await call({ method: 'POST', ...request }))
  const verify: PaymentProvider['verify'] = async (reference, signal) => {
    const path = `/transaction/verify/${encodeURIComponent(reference)}`
    return dataOf(await call({ method: 'GET', path, answer: TransactionAnswer, signal }))
  }

  return {
    verify,
    initialize: async ({ email, amountMinor, currency, reference, channels, metadata }, signal) => {
      const body = { email, amount: whole(amountMinor), currency, reference, metadata }
      const request = { path: '/transaction/initialize', body: channels ? { ...body, channels } : body }
      return ofUs(reference, await post({ ...request, answer: CheckoutAnswer, signal }))
    },
    charge: async ({ email, amountMinor, currency, reference, authorizationCode }, signal) => {
      const money = { amount: whole(amountMinor), currency }
      const body = { email, ...money, reference, authorization_code: authorizationCode }
      const request = { path: '/transaction/charge_authorization', body, answer: ChargeAnswer, signal }
      return ofUs(reference, await post(request))
    },
    refund: ({ reference, amountMinor, currency, note }, signal) => {
      const notes = { customer_note: CUSTOMER_NOTE, merchant_note: note }
      const body = { transaction: reference, amount: whole(amountMinor), currency, ...notes }
      return post({ path: '/refund', body, answer: RefundAnswer, signal })
    },
    refundsOf: async (reference, signal) => {
      // The list answers a reference with no rows at all: it knows transactions by their own number only.
      const transaction = await verify(reference, signal)
      return transaction.ok ? refundsOf(call, transaction.data.id, signal) : transaction
    },
    retryRefund: (providerRefundId, { currency, accountNumber, bankId }, signal) => {
      const body = { refund_account_details: { currency, account_number: accountNumber, bank_id: bankId } }
      const path = `/refund/retry_with_customer_details/${encodeURIComponent(providerRefundId)}`
      return post({ path, body, answer: RefundAnswer, signal })
    },
    ...createPaystackDisputes(call),
  }
}

/** Rows may move to the next page while it is read, so they are told apart by their ids. */
const refundsOf = async (
  call: PaystackCall,
  transactionId: string,
  signal: AbortSignal,
): Promise<ProviderAnswer<ProviderRefund[]>> => {
  const found = new Map<string, ProviderRefund>()
  for (let page = 1; page <= MOST_PAGES; page++) {
    const path = `/refund?transaction=${encodeURIComponent(transactionId)}&perPage=${PAGE}&page=${page}`
    const answer = await call({ method: 'GET', path, answer: z.array(RefundAnswer), signal })
    if (!answer.ok) return answer
    const { data, meta } = answer.data
    for (const refund of data) found.set(refund.id, refund)
    const pages = PagesAnswer.parse(meta)?.pageCount ?? Infinity
    if (data.length === 0 || page >= pages) return { ok: true, data: [...found.values()] }
  }
  return failure('unknown', 'too_many_pages', 'a list without end')
}

/** A request that another reference answers may or may not have been carried out. */
const ofUs = <Data extends { reference: string }>(
  reference: string,
  answer: ProviderAnswer<Data>,
): ProviderAnswer<Data> => {
  if (answer.ok)
    return answer.data.reference === reference
      ? answer
      : failure('unknown', 'other_reference', 'an answer about something else')
  // It exists, so an earlier request has arrived.
  return answer.code === 'duplicate_reference' ? { ...answer, kind: 'unknown' } : answer
}

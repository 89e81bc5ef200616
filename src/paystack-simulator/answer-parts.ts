import type { AuthorizationRecord, Books, TransactionRecord } from './books.ts'
import { missing } from './refusal.ts'
import { BANK, SCENARIOS } from './scenarios.ts'
import { statusOf } from './standing.ts'

/** What several answers have in common. */

export const INTEGRATION = 100_043
export const MERCHANT = 'merchant@example.com'
export const NO_RECEIVER = { receiver_bank_account_number: null, receiver_bank: null }

export const instant = (at: number): string => new Date(at).toISOString()

export const paidInstants = ({ paidAt }: TransactionRecord) => {
  const at = paidAt === null ? null : instant(paidAt)
  return { paid_at: at, paidAt: at }
}

/** One and a half percent: what it is does not matter, but that it is there. */
export const feesOf = ({ amountMinor }: TransactionRecord): number => Math.round(amountMinor * 0.015)

export const customerFields = (books: Books, email: string) => {
  const known = books.customers.get(email)
  if (!known) throw missing('Customer', 'customer_not_found')
  return {
    id: known.id,
    first_name: '',
    last_name: '',
    email,
    customer_code: known.code,
    phone: '',
    risk_action: 'default',
    international_format_phone: '',
  }
}

export const cardFields = ({ code, signature, scenario }: AuthorizationRecord) => {
  const { brand, bin, last4, again } = SCENARIOS[scenario]
  return {
    authorization_code: code,
    bin,
    last4,
    exp_month: '12',
    exp_year: '2030',
    channel: 'card',
    card_type: brand,
    bank: BANK,
    country_code: 'NG',
    brand,
    reusable: again !== 'never',
    signature,
    account_name: null,
  }
}

/** The card that has paid. */
export const cardOf = (books: Books, { status, authorizationCode }: TransactionRecord) =>
  status === 'success' ? books.authorizations.get(authorizationCode ?? '') : undefined

export const transactionFields = (books: Books, transaction: TransactionRecord) => ({
  id: transaction.id,
  domain: 'test' as const,
  status: statusOf(books, transaction),
  reference: transaction.reference,
  amount: transaction.amountMinor,
  message: null,
  gateway_response: transaction.gatewayResponse,
  created_at: instant(transaction.createdAt),
  channel: 'card',
  currency: transaction.currency,
  ip_address: '127.0.0.1',
  log: null,
  fees_split: null,
  split: {},
  order_id: null,
  createdAt: instant(transaction.createdAt),
  pos_transaction_data: null,
  source: null,
  fees_breakdown: null,
  connect: null,
  subaccount: {},
})

import type { z } from 'zod'
import {
  cardFields,
  cardOf,
  customerFields,
  feesOf,
  instant,
  NO_RECEIVER,
  paidInstants,
  transactionFields,
} from './answer-parts.ts'
import type { AuthorizationRecord, Books, TransactionRecord } from './books.ts'
import {
  AuthorizationCharged,
  Charged,
  ChargeOpensPage,
  ChargePaused,
  Initialized,
  Verified,
} from './shapes.ts'

/** Where the customer pays. */
type PageOf = (transaction: TransactionRecord) => string

export const initialized = (transaction: TransactionRecord, pageOf: PageOf) =>
  Initialized.parse({
    status: true,
    message: 'Authorization URL created',
    data: {
      authorization_url: pageOf(transaction),
      access_code: transaction.accessCode,
      reference: transaction.reference,
    },
  } satisfies z.input<typeof Initialized>)

export const verified = (books: Books, transaction: TransactionRecord) => {
  const card = cardOf(books, transaction)
  return Verified.parse({
    status: true,
    message: 'Verification successful',
    data: {
      ...transactionFields(books, transaction),
      ...paidInstants(transaction),
      receipt_number: null,
      metadata: transaction.metadata ?? '',
      fees: transaction.status === 'success' ? feesOf(transaction) : null,
      authorization: card ? { ...cardFields(card), ...NO_RECEIVER } : {},
      customer: { ...customerFields(books, transaction.email), metadata: null },
      plan: null,
      requested_amount: transaction.amountMinor,
      transaction_date: instant(transaction.createdAt),
      plan_object: {},
    },
  } satisfies z.input<typeof Verified>)
}

export const authorizationCharged = (
  books: Books,
  transaction: TransactionRecord,
  card: AuthorizationRecord,
) => {
  const { metadata } = transaction
  return AuthorizationCharged.parse({
    status: true,
    message: 'Charge attempted',
    data: {
      amount: transaction.amountMinor,
      currency: transaction.currency,
      transaction_date: instant(transaction.createdAt),
      status: transaction.status,
      reference: transaction.reference,
      domain: 'test',
      metadata: typeof metadata === 'string' ? metadata : metadata === null ? '' : JSON.stringify(metadata),
      gateway_response: transaction.gatewayResponse,
      message: null,
      channel: 'card',
      ip_address: null,
      log: null,
      fees: feesOf(transaction),
      authorization: cardFields(card),
      customer: { ...customerFields(books, transaction.email), metadata: {} },
      plan: null,
      id: transaction.id,
    },
  } satisfies z.input<typeof AuthorizationCharged>)
}

export const chargePaused = (transaction: TransactionRecord, pageOf: PageOf) =>
  ChargePaused.parse({
    status: true,
    message: 'Please, redirect your customer to the authorization url provided',
    data: {
      authorization_url: pageOf(transaction),
      reference: transaction.reference,
      access_code: transaction.accessCode,
      paused: true,
    },
  } satisfies z.input<typeof ChargePaused>)

export const charged = (books: Books, transaction: TransactionRecord, card: AuthorizationRecord) =>
  Charged.parse({
    status: true,
    message: 'Charge attempted',
    data: {
      ...transactionFields(books, transaction),
      ...paidInstants(transaction),
      receipt_number: null,
      metadata: { custom_fields: [] },
      fees: feesOf(transaction),
      authorization: { ...cardFields(card), ...NO_RECEIVER },
      customer: { ...customerFields(books, transaction.email), metadata: {} },
      plan: null,
      requested_amount: transaction.amountMinor,
      transaction_date: instant(transaction.createdAt),
      plan_object: {},
    },
  } satisfies z.input<typeof Charged>)

export const chargeOpensPage = (transaction: TransactionRecord, pageOf: PageOf) =>
  ChargeOpensPage.parse({
    status: true,
    message: 'Charge attempted',
    data: { status: 'open_url', url: pageOf(transaction), reference: transaction.reference },
  } satisfies z.input<typeof ChargeOpensPage>)

import { createHmac } from 'node:crypto'
import type { AuthorizationRecord, Books, TransactionRecord } from './books.ts'
import { ApiRefusal, missing } from './refusal.ts'
import type { AuthorizationCharge, Initialization } from './requests.ts'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'
import { chargeSucceeded } from './webhook-bodies.ts'
import type { Webhooks } from './webhooks.ts'

/** The smallest charges, from the guide; not shared with anybody, so that each side finds the other's mistakes. */
const LEAST_MINOR = { GHS: 10, KES: 300, NGN: 5_000, USD: 200, XOF: 100, ZAR: 100 }

const NOT_COMPLETED = 'The transaction was not completed'

export type Payment = { paid: boolean; transaction: TransactionRecord }

export type Transactions = {
  initialize: (input: Initialization) => TransactionRecord
  /** The customer's card does what the scenario says; `otp` waits for `confirm`. */
  pay: (reference: string, scenario?: ScenarioName) => Payment
  /** The customer has typed the one-time password. */
  confirm: (reference: string) => Payment
  decline: (reference: string, gatewayResponse?: string) => TransactionRecord
  abandon: (reference: string) => TransactionRecord
  /** The provider has not made up its mind. */
  stall: (reference: string, status: 'ongoing' | 'pending' | 'processing' | 'queued') => TransactionRecord
  charge: (input: AuthorizationCharge) => {
    transaction: TransactionRecord
    challenged: boolean
    card: AuthorizationRecord
  }
  /** @throws ApiRefusal 404 */
  get: (referenceOrId: string | number) => TransactionRecord
}

type Dependencies = { books: Books; webhooks: Webhooks; now: () => number; secretKey: string }

export const createTransactions = ({ books, webhooks, now, secretKey }: Dependencies): Transactions => {
  const get = (key: string | number) => {
    const found = books.transaction(key)
    if (!found) throw missing('Transaction reference', 'transaction_not_found')
    return found
  }
  const codeOf = createCodes(secretKey)
  const create = (input: Initialization | AuthorizationCharge): TransactionRecord => {
    const transaction = begun(books, input, { at: now(), codeOf })
    books.transactions.set(transaction.reference, transaction)
    const { email } = transaction
    const id = books.customers.get(email)?.id ?? books.newId()
    books.customers.set(email, { id, email, code: `CUS_${codeOf(`customer ${email}`, 15)}` })
    books.changed()
    return transaction
  }
  const authorize = (transaction: TransactionRecord, scenario: ScenarioName) => {
    const code = `AUTH_${codeOf(`card ${transaction.id}`, 14)}`
    // The signature tells that two authorizations are the same card.
    const signature = `SIG_${codeOf(`signature ${transaction.email} ${scenario}`, 20)}`
    books.authorizations.set(code, { code, signature, email: transaction.email, scenario })
    transaction.authorizationCode = code
  }

  const succeed = (transaction: TransactionRecord) => {
    transaction.status = 'success'
    transaction.gatewayResponse = 'Successful'
    transaction.charges++
    transaction.paidAt = now()
    books.changed()
    webhooks.send('charge.success', transaction.reference, chargeSucceeded(books, transaction))
    return { paid: true, transaction }
  }
  const fail = (transaction: TransactionRecord, gatewayResponse: string) => {
    transaction.status = 'failed'
    transaction.gatewayResponse = gatewayResponse
    books.changed()
    return { paid: false, transaction }
  }
  const unpaid = (reference: string) => {
    const transaction = get(reference)
    if (transaction.status === 'success')
      throw new ApiRefusal('Transaction has been paid already', { code: 'already_paid' })
    return transaction
  }

  const become = (reference: string, status: TransactionRecord['status'], gatewayResponse: string) => {
    const transaction = unpaid(reference)
    Object.assign(transaction, { status, gatewayResponse })
    books.changed()
    return transaction
  }

  return {
    get,
    initialize: create,
    pay: (reference, scenario = 'success') => {
      const transaction = unpaid(reference)
      const { pays, otp } = SCENARIOS[scenario]
      transaction.scenario = scenario
      if (pays !== true) return fail(transaction, pays)
      authorize(transaction, scenario)
      if (!otp) return succeed(transaction)
      transaction.status = 'ongoing'
      transaction.gatewayResponse = 'Waiting for a one-time password'
      books.changed()
      return { paid: false, transaction }
    },
    confirm: (reference) => {
      const transaction = unpaid(reference)
      if (transaction.status !== 'ongoing' || transaction.authorizationCode === null)
        throw new ApiRefusal('No one-time password is awaited', { code: 'invalid_state' })
      return succeed(transaction)
    },
    decline: (reference, gatewayResponse = 'Declined') =>
      fail(unpaid(reference), gatewayResponse).transaction,
    abandon: (reference) => become(reference, 'abandoned', NOT_COMPLETED),
    stall: (reference, status) => become(reference, status, 'Waiting'),
    charge: (input) => {
      const card = chargeable(books, input)
      const { again } = SCENARIOS[card.scenario]
      const transaction = create(input)
      transaction.scenario = card.scenario
      if (again === 'challenge') return { transaction, card, challenged: true }
      transaction.authorizationCode = card.code
      if (again === 'declined') fail(transaction, 'Declined')
      else succeed(transaction)
      return { transaction, card, challenged: false }
    },
  }
}

type CodeOf = (text: string, length: number) => string

/** Long enough that nobody guesses another one, and the same after a restart. */
const createCodes =
  (secretKey: string): CodeOf =>
  (text, length) =>
    createHmac('sha256', secretKey).update(text).digest('hex').slice(0, length)

/** @throws ApiRefusal when the reference is taken, or the amount too small */
const begun = (
  books: Books,
  input: Initialization | AuthorizationCharge,
  { at, codeOf }: { at: number; codeOf: CodeOf },
): TransactionRecord => {
  const id = books.newId()
  const { email, amount, currency, metadata = null, reference = `T${id}` } = input
  if (books.transactions.has(reference))
    throw new ApiRefusal('Duplicate Transaction Reference', {
      code: 'duplicate_reference',
      nextStep: 'Use another reference',
    })
  if (amount < LEAST_MINOR[currency])
    throw new ApiRefusal('Invalid Amount Sent', {
      code: 'invalid_amount',
      nextStep: `The least is ${LEAST_MINOR[currency]} in ${currency}, in the subunit`,
    })
  return {
    id,
    reference,
    accessCode: codeOf(`access ${id}`, 20),
    email,
    amountMinor: amount,
    currency,
    metadata,
    callbackUrl: typeof input['callback_url'] === 'string' ? input['callback_url'] : null,
    status: 'abandoned',
    charges: 0,
    gatewayResponse: NOT_COMPLETED,
    createdAt: at,
    paidAt: null,
    scenario: null,
    authorizationCode: null,
    refundPlan: null,
  }
}

/** @throws ApiRefusal when there is no such card, or it is not to be charged so */
const chargeable = (books: Books, { authorization_code, email }: AuthorizationCharge) => {
  const card = books.authorizations.get(authorization_code)
  if (!card || SCENARIOS[card.scenario].again === 'never')
    throw new ApiRefusal('Authorization code is invalid or cannot be used again', {
      code: 'invalid_authorization',
    })
  if (card.email.toLowerCase() !== email.toLowerCase())
    throw new ApiRefusal('Email does not match Authorization code', { code: 'email_mismatch' })
  return card
}

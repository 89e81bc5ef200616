import { z } from 'zod'

/**
 * What the simulator answers, in the words of Paystack's OpenAPI description. The objects are strict on both sides: a
 * field that the description lacks does not leave the simulator, except where `paystack-contract.unit.test.ts` says why.
 */

export const Nothing = z.null()
export const Empty = z.strictObject({})

const Log = z.strictObject({
  start_time: z.int(),
  time_spent: z.int(),
  attempts: z.int(),
  errors: z.int(),
  success: z.boolean(),
  mobile: z.boolean(),
  input: z.array(Nothing),
  history: z.array(z.strictObject({ type: z.string(), message: z.string(), time: z.int() })),
})

export const customerOf = <Metadata extends z.ZodType>(metadata: Metadata) =>
  z.strictObject({
    id: z.int(),
    first_name: z.string(),
    last_name: z.string(),
    email: z.string(),
    customer_code: z.string(),
    phone: z.string(),
    metadata,
    risk_action: z.string(),
    international_format_phone: z.string(),
  })

const CardAuthorization = z.strictObject({
  authorization_code: z.string(),
  bin: z.string(),
  last4: z.string(),
  exp_month: z.string(),
  exp_year: z.string(),
  channel: z.string(),
  card_type: z.string(),
  bank: z.string(),
  country_code: z.string(),
  brand: z.string(),
  reusable: z.boolean(),
  signature: z.string(),
  account_name: Nothing,
})

export const BankReceiver = { receiver_bank_account_number: Nothing, receiver_bank: Nothing }

export const transactionFields = {
  id: z.int(),
  domain: z.literal('test'),
  status: z.string(),
  reference: z.string(),
  amount: z.int(),
  message: z.string().nullable(),
  gateway_response: z.string(),
  created_at: z.iso.datetime(),
  channel: z.string(),
  currency: z.string(),
  ip_address: z.string(),
  log: Log.nullable(),
  fees_split: Nothing,
  split: Empty,
  order_id: Nothing,
  createdAt: z.iso.datetime(),
  pos_transaction_data: Nothing,
  source: Nothing,
  fees_breakdown: Nothing,
  connect: Nothing,
  subaccount: Empty,
}

export const succeeded = <Data extends z.ZodType>(data: Data) =>
  z.strictObject({ status: z.literal(true), message: z.string(), data })

export const listed = <Item extends z.ZodType, Meta extends z.ZodType>(item: Item, meta: Meta) =>
  z.strictObject({ status: z.literal(true), message: z.string(), data: z.array(item), meta })

export const Failure = z.strictObject({
  status: z.literal(false),
  message: z.string(),
  meta: z.strictObject({ nextStep: z.string() }).optional(),
  type: z.enum(['api_error', 'validation_error', 'processor_error']).optional(),
  code: z.string().optional(),
})
export type Failure = z.output<typeof Failure>

export const Initialized = succeeded(
  z.strictObject({ authorization_url: z.string(), access_code: z.string(), reference: z.string() }),
)

export const Verified = succeeded(
  z.strictObject({
    ...transactionFields,
    receipt_number: Nothing,
    paid_at: z.iso.datetime().nullable(),
    paidAt: z.iso.datetime().nullable(),
    metadata: z.union([z.string(), z.record(z.string(), z.unknown())]),
    fees: z.int().nullable(),
    authorization: z.union([z.strictObject({ ...CardAuthorization.shape, ...BankReceiver }), Empty]),
    customer: customerOf(Nothing),
    plan: Nothing,
    requested_amount: z.int(),
    transaction_date: z.iso.datetime(),
    plan_object: Empty,
  }),
)

export const AuthorizationCharged = succeeded(
  z.strictObject({
    amount: z.int(),
    currency: z.string(),
    transaction_date: z.iso.datetime(),
    status: z.string(),
    reference: z.string(),
    domain: z.literal('test'),
    metadata: z.string(),
    gateway_response: z.string(),
    message: z.string().nullable(),
    channel: z.string(),
    ip_address: Nothing,
    log: Log.nullable(),
    fees: z.int().nullable(),
    authorization: CardAuthorization,
    customer: customerOf(Empty),
    plan: Nothing,
    id: z.int(),
  }),
)

/** The bank wants to see the customer, who has to open the page. */
export const ChargePaused = succeeded(
  z.strictObject({
    authorization_url: z.string(),
    reference: z.string(),
    access_code: z.string(),
    paused: z.literal(true),
  }),
)

export const CustomField = z.strictObject({
  value: z.string(),
  display_name: z.string(),
  variable_name: z.string(),
})

export const Charged = succeeded(
  z.strictObject({
    ...transactionFields,
    receipt_number: Nothing,
    paid_at: z.iso.datetime().nullable(),
    paidAt: z.iso.datetime().nullable(),
    metadata: z.strictObject({ custom_fields: z.array(CustomField) }),
    fees: z.int(),
    authorization: z.strictObject({ ...CardAuthorization.shape, ...BankReceiver }),
    customer: customerOf(Empty),
    plan: Nothing,
    requested_amount: z.int(),
    transaction_date: z.iso.datetime(),
    plan_object: Empty,
  }),
)

export const ChargeOpensPage = succeeded(
  z.strictObject({ status: z.literal('open_url'), url: z.string(), reference: z.string() }),
)

export const pageMeta = {
  total: z.int(),
  skipped: z.int(),
  page: z.int(),
  pageCount: z.int(),
}

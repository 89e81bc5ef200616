import { z } from 'zod'
import { ApiRefusal } from './refusal.ts'

/** What the simulator takes: JSON, or a form, in which every number is text. */

/** The description has the first five; the guide adds XOF. */
const Currency = z.enum(['GHS', 'KES', 'NGN', 'USD', 'ZAR', 'XOF'])

const Digits = z
  .string()
  .regex(/^\d{1,12}$/)
  .transform(Number)
const Whole = z.union([z.int(), Digits])
const Amount = Whole.refine((minor) => minor > 0, 'must be more than 0')

const Reference = z.string().regex(/^[\w.=-]+$/, 'only letters, digits, - . and = are allowed')
const Metadata = z.union([z.string(), z.record(z.string(), z.unknown())])

const charge = {
  email: z.email(),
  amount: Amount,
  currency: Currency.default('NGN'),
  reference: Reference.optional(),
  metadata: Metadata.optional(),
}

export const Initialization = z.looseObject({
  ...charge,
  channels: z
    .array(z.enum(['card', 'bank', 'ussd', 'qr', 'eft', 'mobile_money', 'bank_transfer', 'apple_pay']))
    .optional(),
  callback_url: z.url({ protocol: /^https?$/ }).optional(),
})
export type Initialization = z.output<typeof Initialization>

export const AuthorizationCharge = z.looseObject({ ...charge, authorization_code: z.string() })
export type AuthorizationCharge = z.output<typeof AuthorizationCharge>

export const RefundCreate = z.looseObject({
  transaction: z.union([z.string(), z.int()]),
  amount: Amount.optional(),
  currency: Currency.optional(),
  customer_note: z.string().optional(),
  merchant_note: z.string().optional(),
})
export type RefundCreate = z.output<typeof RefundCreate>

export const RefundRetry = z.looseObject({
  refund_account_details: z.looseObject({
    currency: Currency,
    account_number: z.string().regex(/^\d{6,20}$/),
    bank_id: z.union([z.string().min(1), z.int()]),
  }),
})

const Page = {
  perPage: Whole.pipe(z.int().min(1).max(1_000)).default(50),
  page: Whole.pipe(z.int().min(1)).default(1),
  from: z.coerce.date().optional(),
  to: z.coerce.date().optional(),
}

export const RefundList = z.looseObject({
  ...Page,
  transaction: z.string().optional(),
  currency: Currency.optional(),
})

export const DisputeList = z.looseObject({
  ...Page,
  transaction: z.string().optional(),
  status: z.enum(['awaiting-merchant-feedback', 'awaiting-bank-feedback', 'pending', 'resolved']).optional(),
})

export const DisputeUpdate = z.looseObject({
  refund_amount: Whole,
  uploaded_filename: z.string().optional(),
})
export type DisputeUpdate = z.output<typeof DisputeUpdate>

export const DisputeEvidence = z.looseObject({
  customer_email: z.email(),
  customer_name: z.string().min(1),
  customer_phone: z.string().min(1),
  service_details: z.string().min(1),
  delivery_address: z.string().default(''),
  delivery_date: z.string().default(''),
})
export type DisputeEvidence = z.output<typeof DisputeEvidence>

export const DisputeResolution = z.looseObject({
  resolution: z.enum(['merchant-accepted', 'declined']),
  message: z.string().min(1),
  refund_amount: Whole,
  uploaded_filename: z.string().min(1),
  evidence: Whole.optional(),
})
export type DisputeResolution = z.output<typeof DisputeResolution>

/** @throws ApiRefusal naming the first field that is wrong, and never what was in it */
export const understood = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const result = schema.safeParse(value ?? {})
  if (result.success) return result.data
  const [issue] = result.error.issues
  const field = issue?.path.join('.') ?? ''
  throw new ApiRefusal(field ? `Invalid ${field} passed` : 'Invalid request', {
    code: field ? `invalid_${field.replaceAll(/\W/g, '_')}` : 'invalid_params',
  })
}

/** @throws ApiRefusal when there is anything that could be a card: a merchant's server has no business with one */
export const refuseCards = (value: unknown, name = ''): void => {
  if (name === 'card')
    throw new ApiRefusal('Card data are not taken: use the checkout page or an authorization', {
      code: 'card_refused',
    })
  if (Array.isArray(value)) for (const item of value) refuseCards(item)
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) refuseCards(item, key)
  else if (name !== 'account_number' && isCardNumber(String(value)))
    throw new ApiRefusal('A card number is not taken anywhere', { code: 'card_refused' })
}

const isCardNumber = (text: string): boolean => {
  if (!/^\d(?:[ -]?\d){12,18}$/.test(text.trim())) return false
  const digits = text.replaceAll(/\D/g, '').split('').toReversed().map(Number)
  const sum = digits.reduce((total, digit, index) => {
    const weighed = index % 2 === 0 ? digit : digit * 2
    return total + (weighed > 9 ? weighed - 9 : weighed)
  }, 0)
  return sum % 10 === 0
}

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Validator } from '@seriousme/openapi-schema-validator'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createPaystack } from '../src/payments/paystack.ts'
import type { ProviderAnswer } from '../src/payments/provider.ts'
import {
  DisputeFetched,
  DisputeResolved,
  DisputesListed,
  EvidenceTaken,
  UploadPrepared,
} from '../src/paystack-simulator/dispute-shapes.ts'
import {
  RefundCreated,
  RefundFetched,
  RefundRetried,
  RefundsListed,
} from '../src/paystack-simulator/refund-shapes.ts'
import {
  AuthorizationCharged,
  Charged,
  ChargeOpensPage,
  ChargePaused,
  Failure,
  Initialized,
  Verified,
} from '../src/paystack-simulator/shapes.ts'
import { createSimulator } from '../src/paystack-simulator/simulator.ts'

/**
 * Holds the simulator's answers and the adapter's requests against Paystack's own OpenAPI description, which is not
 * part of this project: https://github.com/PaystackOSS/openapi
 */

const FILE = process.env['PAYSTACK_OPENAPI'] ?? ''

const ANSWERS: [method: string, path: string, status: number, shape: z.ZodType][] = [
  ['post', '/transaction/initialize', 200, Initialized],
  ['post', '/transaction/initialize', 400, Failure],
  ['get', '/transaction/verify/{reference}', 200, Verified],
  ['get', '/transaction/verify/{reference}', 401, Failure],
  ['get', '/transaction/verify/{reference}', 404, Failure],
  ['post', '/transaction/charge_authorization', 200, AuthorizationCharged],
  ['post', '/charge', 200, Charged],
  ['post', '/refund', 200, RefundCreated],
  ['get', '/refund', 200, RefundsListed],
  ['get', '/refund/{id}', 200, RefundFetched],
  ['post', '/refund/retry_with_customer_details/{id}', 200, RefundRetried],
  ['post', '/refund/retry_with_customer_details/{id}', 422, Failure],
  ['get', '/dispute', 200, DisputesListed],
  ['get', '/dispute/{id}', 200, DisputeFetched],
  ['put', '/dispute/{id}', 200, DisputeFetched],
  ['post', '/dispute/{id}/evidence', 200, EvidenceTaken],
  ['put', '/dispute/{id}/resolve', 200, DisputeResolved],
  ['get', '/dispute/{id}/upload_url', 200, UploadPrepared],
]

const GUIDE = 'https://paystack.com/docs/payments'
const SWAPPED =
  'the shared error schema has the three types in `code`; that of the 400, the guide and real answers have them in `type`'

/** Everything in which our answers differ from the description on purpose; nothing else may. */
const DIFFERENCES: Record<string, string> = {
  'get /transaction/verify/{reference} 401 code: more than the listed values': SWAPPED,
  'get /transaction/verify/{reference} 404 code: more than the listed values': SWAPPED,
  'post /refund/retry_with_customer_details/{id} 422 code: more than the listed values': SWAPPED,
  'post /charge 200 data.paid_at: null': 'a charge that was declined has not been paid',
  'post /charge 200 data.paidAt: null': 'a charge that was declined has not been paid',
}

/** Whole answers that the description lacks. */
const BEYOND: { shape: z.ZodType; path: string; reason: string }[] = [
  {
    shape: ChargePaused,
    path: '/transaction/charge_authorization',
    reason: `a card that the bank challenges: ${GUIDE}/recurring-charges/`,
  },
  {
    shape: ChargeOpensPage,
    path: '/charge',
    reason: `the status open_url, with its url: ${GUIDE}/payment-channels/`,
  },
]

/** What the adapter sends beyond the description. */
const REQUEST_DIFFERENCES: Record<string, string> = {
  'post /transaction/initialize currency: "XOF" is not listed':
    'the guide has XOF: https://paystack.com/docs/api/',
  'post /refund currency: "XOF" is not listed': 'the guide has XOF: https://paystack.com/docs/api/refund/',
}

type OpenApiSchema = {
  type?: string
  nullable?: boolean
  enum?: unknown[]
  properties?: Record<string, OpenApiSchema>
  required?: string[]
  items?: OpenApiSchema
  allOf?: OpenApiSchema[]
  anyOf?: OpenApiSchema[]
  oneOf?: OpenApiSchema[]
}
type Content = { content?: { 'application/json'?: { schema: OpenApiSchema } } }
type Operation = {
  parameters?: { name: string }[]
  requestBody?: Content
  responses: Record<string, Content>
}
type Description = { paths: Record<string, Record<string, Operation>> }

type OurSchema = z.core.JSONSchema.BaseSchema

describe.skipIf(FILE === '')("Paystack's official description, which PAYSTACK_OPENAPI names", () => {
  let description: Description

  beforeAll(async () => {
    const validator = new Validator()
    const { errors } = await validator.validate(FILE)
    if (errors !== undefined) throw new Error(`${FILE}: ${JSON.stringify(errors)}`)
    description = validator.resolveRefs() as unknown as Description
  })

  const operation = (method: string, path: string) => description.paths[path]![method]!

  it('has every field, type and value that the simulator answers, and the simulator all that it requires', () => {
    const found = ANSWERS.flatMap(([method, path, status, shape]) => {
      const theirs = operation(method, path).responses[status]?.content?.['application/json']?.schema
      if (!theirs) return [`${method} ${path} ${status} has no schema`]
      const ours = z.toJSONSchema(shape, { io: 'output' })
      return differences(ours, theirs).map((one) => `${method} ${path} ${status} ${one}`)
    })
    expect(found.toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted())
  })

  it.each(BEYOND)('lacks an answer of $path that the guide has: $reason', ({ shape, path }) => {
    const theirs = operation('post', path).responses['200']!.content!['application/json']!.schema
    expect(differences(z.toJSONSchema(shape, { io: 'output' }), theirs)).not.toEqual([])
  })

  it('does not say that refunds can be listed by transaction, which the guide does', () => {
    const names = (path: string) => operation('get', path).parameters?.map(({ name }) => name)
    expect(names('/refund')).not.toContain('transaction')
    expect(names('/dispute')).toContain('transaction')
  })

  it('takes every request that our adapter sends', async () => {
    const sent = await requestsOfOurs()
    const operations = new Set(sent.map(({ method, path }) => `${method} ${path}`))
    expect([...operations].toSorted()).toEqual([
      'get /dispute/{id}',
      'get /dispute/{id}/upload_url',
      'get /refund',
      'get /transaction/verify/{reference}',
      'post /dispute/{id}/evidence',
      'post /refund',
      'post /refund/retry_with_customer_details/{id}',
      'post /transaction/charge_authorization',
      'post /transaction/initialize',
      'put /dispute/{id}/resolve',
    ])
    const found = sent.flatMap(({ method, path, body }) => {
      const schema = operation(method, path).requestBody?.content?.['application/json']?.schema
      if (body === undefined || !schema) return []
      return misfits(body, schema).map((one) => `${method} ${path} ${one}`)
    })
    expect([...new Set(found)].toSorted()).toEqual(Object.keys(REQUEST_DIFFERENCES).toSorted())
  })
})

/** Where one of our answers could be what the description does not allow. */
const differences = (ours: OurSchema, theirs: OpenApiSchema, path = ''): string[] => {
  const forms = Array.isArray(ours.type) ? ours.type.map((type) => ({ ...ours, type })) : ours.anyOf
  if (forms) return forms.flatMap((one) => differences(one, theirs, path))
  const choices = [...(theirs.anyOf ?? []), ...(theirs.oneOf ?? [])]
  if (choices.length > 0 && theirs.type === undefined)
    return shortest(choices.map((one) => differences(ours, one, path)))
  if (theirs.type === undefined && !theirs.properties && !theirs.allOf) return []
  const at = (what: string) => [`${path}: ${what}`]
  if (ours.type === 'null') return theirs.nullable === true ? [] : at('null')
  const type = ours.type ?? typeof ours.const
  if (type !== theirs.type && !(type === 'integer' && theirs.type === 'number'))
    return at(`${String(type)} in place of ${theirs.type}`)
  if (theirs.enum) {
    const values = ours.enum ?? (ours.const === undefined ? undefined : [ours.const])
    if (!values?.every((value) => theirs.enum?.includes(value))) return at('more than the listed values')
  }
  if (type === 'array')
    return theirs.items ? differences((ours.items ?? {}) as OurSchema, theirs.items, `${path}[]`) : []
  return type === 'object' ? objectDifferences(ours, theirs, path) : []
}

const objectDifferences = (ours: OurSchema, theirs: OpenApiSchema, path: string): string[] => {
  const { properties: known = {}, required = [] } = merged(theirs)
  const inside = (name: string) => (path === '' ? name : `${path}.${name}`)
  const lacking = required
    .filter((name) => !ours.required?.includes(name))
    .map((name) => `${inside(name)}: missing`)
  if (Object.keys(known).length === 0) return lacking
  const extra = Object.entries(ours.properties ?? {}).flatMap(([name, schema]) =>
    known[name]
      ? differences(schema as OurSchema, known[name], inside(name))
      : [`${inside(name)}: not described`],
  )
  return [...lacking, ...extra]
}

/** What a value has that the description does not allow. */
const misfits = (value: unknown, theirs: OpenApiSchema, path = ''): string[] => {
  const schema = merged(theirs)
  const at = (what: string) => [`${path}: ${what}`]
  if (value === null) return schema.nullable ? [] : at('null')
  const type = Array.isArray(value) ? 'array' : typeof value
  if (schema.type === 'integer' ? !Number.isInteger(value) : schema.type && schema.type !== type)
    return at(`${type} in place of ${schema.type}`)
  if (schema.enum && !schema.enum.includes(value)) return at(`${JSON.stringify(value)} is not listed`)
  if (Array.isArray(value)) return value.flatMap((item) => misfits(item, schema.items ?? {}, `${path}[]`))
  if (typeof value !== 'object' || !schema.properties) return []
  const known = schema.properties
  const inside = (name: string) => (path === '' ? name : `${path}.${name}`)
  return [
    ...(schema.required ?? []).filter((name) => !(name in value)).map((name) => `${inside(name)}: missing`),
    ...Object.entries(value).flatMap(([name, item]) =>
      known[name] ? misfits(item, known[name], inside(name)) : [`${inside(name)}: not described`],
    ),
  ]
}

const merged = (schema: OpenApiSchema): OpenApiSchema =>
  (schema.allOf ?? []).reduce<OpenApiSchema>(
    (all, one) => ({
      ...all,
      ...one,
      properties: { ...all.properties, ...one.properties },
      required: [...(all.required ?? []), ...(one.required ?? [])],
    }),
    schema,
  )

const shortest = (lists: string[][]): string[] =>
  lists.toSorted((one, other) => one.length - other.length)[0] ?? []

type Sent = { method: string; path: string; body?: unknown }

/** Every request of the adapter, against the simulator, with a recorder between them. */
const requestsOfOurs = async (): Promise<Sent[]> => {
  const secretKey = 'sk_test_contract'
  const simulator = await createSimulator({ port: 0, host: '127.0.0.1', secretKey, now: Date.now })
  onTestFinished(simulator.close)
  const sent: Sent[] = []
  const recorder = await aRecorder(simulator.url, sent)
  const { control } = simulator
  const paystack = createPaystack({ url: recorder, secretKey, failed: () => {} })
  const signal = new AbortController().signal
  const email = 'payer@example.test'
  const metadata = { offering: 'one' }

  for (const currency of ['NGN', 'XOF']) {
    const request = { email, amountMinor: 10_000, currency, channels: ['card'], metadata }
    await good(paystack.initialize({ ...request, reference: `r-${currency}` }, signal))
    control.pay(`r-${currency}`, { scenario: 'refund_needs_attention' })
    const wish = { reference: `r-${currency}`, amountMinor: 4_000, currency, note: 'laurel:1', reason: 'why' }
    const { id } = await good(paystack.refund(wish, signal))
    await control.idle()
    const details = { currency, accountNumber: '0001234567', bankId: '9' }
    await good(paystack.retryRefund(id, details, signal))
    await good(paystack.refundsOf(`r-${currency}`, signal))
  }
  const authorizationCode = control.authorizations()[0]!.code
  const charge = { reference: 'r-again', email, amountMinor: 10_000, currency: 'NGN', authorizationCode }
  await good(paystack.charge(charge, signal))
  const [one, other] = [control.openDispute('r-NGN'), control.openDispute('r-again')].map(String)
  await good(paystack.dispute(one!, signal))
  await good(paystack.contestDispute(one!, EVIDENCE, signal))
  await good(paystack.acceptDispute(other!, { message: 'It is true.', amountMinor: 10_000 }, signal))
  return sent
}

const EVIDENCE = {
  customerEmail: 'payer@example.test',
  customerName: 'A Payer',
  customerPhone: '+2348000000000',
  serviceDetails: 'A certificate',
  deliveryAddress: 'Lagos',
  deliveryDate: '2026-11-20',
}

const good = async <Data>(answering: Promise<ProviderAnswer<Data>>): Promise<Data> => {
  const answer = await answering
  if (!answer.ok) throw new Error(`${answer.kind} ${answer.code}: ${answer.message}`)
  return answer.data
}

/** Passes requests on, and keeps what they were. */
const aRecorder = async (target: string, sent: Sent[]): Promise<string> => {
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const text = Buffer.concat(await Array.fromAsync(request)).toString()
    const path = url
      .replace(/\?.*/, '')
      .replace(/(verify\/).+$/, '$1{reference}')
      .replace(/\/\d+(?=\/|$)/, '/{id}')
    sent.push({ method: method.toLowerCase(), path, ...(text && { body: JSON.parse(text) as unknown }) })
    const answer = await fetch(target + url, {
      method,
      headers: { authorization: headers.authorization ?? '', 'content-type': 'application/json' },
      ...(text && { body: text }),
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

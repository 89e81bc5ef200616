import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { RefundPlan, ScenarioName } from './scenarios.ts'

/** Milliseconds since 1970. */
const At = z.int()

export const TransactionRecord = z.strictObject({
  id: z.int(),
  reference: z.string(),
  accessCode: z.string(),
  email: z.string(),
  amountMinor: z.int(),
  currency: z.string(),
  metadata: z.union([z.string(), z.record(z.string(), z.unknown())]).nullable(),
  callbackUrl: z.string().nullable(),
  status: z.enum(['abandoned', 'failed', 'ongoing', 'pending', 'processing', 'queued', 'success']),
  /** How often money was taken for it. */
  charges: z.int(),
  gatewayResponse: z.string(),
  createdAt: At,
  paidAt: At.nullable(),
  /** What the customer chose; a one-time password is awaited while the status is `ongoing`. */
  scenario: ScenarioName.nullable(),
  authorizationCode: z.string().nullable(),
  refundPlan: RefundPlan.nullable(),
})
export type TransactionRecord = z.output<typeof TransactionRecord>

export const RefundStatus = z.enum(['pending', 'processing', 'processed', 'failed', 'needs-attention'])
export type RefundStatus = z.output<typeof RefundStatus>

const RefundRecord = z.strictObject({
  id: z.int(),
  reference: z.string(),
  amountMinor: z.int(),
  currency: z.string(),
  customerNote: z.string(),
  merchantNote: z.string(),
  status: RefundStatus,
  /** Still to come, without anybody doing anything. */
  steps: z.array(RefundStatus),
  createdAt: At,
  updatedAt: At,
})
export type RefundRecord = z.output<typeof RefundRecord>

const DisputeRecord = z.strictObject({
  id: z.int(),
  reference: z.string(),
  amountMinor: z.int(),
  status: z.enum(['awaiting-merchant-feedback', 'awaiting-bank-feedback', 'pending', 'resolved']),
  resolution: z.string().nullable(),
  category: z.string(),
  dueAt: At.nullable(),
  resolvedAt: At.nullable(),
  evidence: z.int().nullable(),
  uploadedFile: z.string().nullable(),
  history: z.array(z.strictObject({ status: z.string(), by: z.string(), at: At })),
  messages: z.array(z.strictObject({ sender: z.string(), body: z.string(), at: At })),
  createdAt: At,
  updatedAt: At,
})
export type DisputeRecord = z.output<typeof DisputeRecord>

const AuthorizationRecord = z.strictObject({
  code: z.string(),
  signature: z.string(),
  email: z.string(),
  scenario: ScenarioName,
})
export type AuthorizationRecord = z.output<typeof AuthorizationRecord>

const CustomerRecord = z.strictObject({ id: z.int(), code: z.string(), email: z.string() })
export type CustomerRecord = z.output<typeof CustomerRecord>

/** A webhook that has not arrived yet. */
const WebhookRecord = z.strictObject({
  id: z.int(),
  event: z.string(),
  reference: z.string(),
  /** The exact bytes, as text. */
  body: z.string(),
  attempts: z.int(),
})
export type WebhookRecord = z.output<typeof WebhookRecord>

const Kept = z.strictObject({
  nextId: z.int(),
  transactions: z.array(TransactionRecord),
  refunds: z.array(RefundRecord),
  disputes: z.array(DisputeRecord),
  authorizations: z.array(AuthorizationRecord),
  customers: z.array(CustomerRecord),
  webhooks: z.array(WebhookRecord),
})

export type Books = {
  /** By reference. */
  transactions: Map<string, TransactionRecord>
  refunds: Map<number, RefundRecord>
  disputes: Map<number, DisputeRecord>
  /** By code. */
  authorizations: Map<string, AuthorizationRecord>
  /** By e-mail address. */
  customers: Map<string, CustomerRecord>
  webhooks: Map<number, WebhookRecord>
  newId: () => number
  /** By its reference or its number. */
  transaction: (referenceOrId: string | number) => TransactionRecord | undefined
  refundsOf: (reference: string) => RefundRecord[]
  disputesOf: (reference: string) => DisputeRecord[]
  /** Writes the file before long. */
  changed: () => void
  /** Writes what is not written yet. */
  close: () => Promise<void>
}

/** Beyond 32 bits, as the real ones are. */
const FIRST_ID = 5_000_000_000

/** Where the money is. With a file, it is there again after a restart. */
export const openBooks = (file: string | undefined): Books => {
  const kept = file === undefined ? undefined : readBooks(file)
  let nextId = kept?.nextId ?? FIRST_ID
  const books = {
    transactions: new Map(kept?.transactions.map((one) => [one.reference, one])),
    refunds: new Map(kept?.refunds.map((one) => [one.id, one])),
    disputes: new Map(kept?.disputes.map((one) => [one.id, one])),
    authorizations: new Map(kept?.authorizations.map((one) => [one.code, one])),
    customers: new Map(kept?.customers.map((one) => [one.email, one])),
    webhooks: new Map(kept?.webhooks.map((one) => [one.id, one])),
  }
  const content = () =>
    JSON.stringify({
      nextId,
      ...Object.fromEntries(Object.entries(books).map(([name, map]) => [name, [...map.values()]])),
    } satisfies { nextId: number })
  const writer = file === undefined ? undefined : createWriter(file, content)
  return {
    ...books,
    newId: () => nextId++,
    transaction: (key) =>
      books.transactions.get(String(key)) ??
      books.transactions.values().find(({ id }) => String(id) === String(key)),
    refundsOf: (reference) => [...books.refunds.values()].filter((one) => one.reference === reference),
    disputesOf: (reference) => [...books.disputes.values()].filter((one) => one.reference === reference),
    changed: () => writer?.changed(),
    close: async () => writer?.close(),
  }
}

export class BooksUnreadable extends Error {
  override name = 'BooksUnreadable'
}

const readBooks = (file: string): z.output<typeof Kept> | undefined => {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  try {
    return Kept.parse(JSON.parse(text))
  } catch (error) {
    throw new BooksUnreadable(`${file} does not hold the books of a Paystack simulator; move it away`, {
      cause: error,
    })
  }
}

const WRITE_AFTER_MS = 200

/** One write at a time, to a file beside it that then takes its name: whoever reads it never sees a half. */
const createWriter = (file: string, content: () => string) => {
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()
  const write = () => {
    timer = undefined
    writing = writing.then(async () => {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(`${file}.new`, content(), { mode: 0o600 })
      await rename(`${file}.new`, file)
    })
    return writing
  }
  return {
    changed: () => {
      timer ??= setTimeout(write, WRITE_AFTER_MS)
    },
    close: async () => {
      if (timer !== undefined) {
        clearTimeout(timer)
        await write()
      }
      await writing
    },
  }
}

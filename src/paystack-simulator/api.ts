import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { FastifyPluginAsync } from 'fastify'
import type { Books, TransactionRecord } from './books.ts'
import type { Calls } from './calls.ts'
import {
  disputeFetched,
  disputeResolved,
  disputesListed,
  evidenceTaken,
  uploadPrepared,
} from './dispute-answers.ts'
import type { Disputes } from './disputes.ts'
import { parseForms } from './forms.ts'
import { missing } from './refusal.ts'
import { refundCreated, refundFetched, refundRetried, refundsListed, type Page } from './refund-answers.ts'
import type { Refunds } from './refunds.ts'
import {
  AuthorizationCharge,
  DisputeEvidence,
  DisputeList,
  DisputeResolution,
  DisputeUpdate,
  Initialization,
  RefundCreate,
  RefundList,
  RefundRetry,
  understood,
} from './requests.ts'
import {
  authorizationCharged,
  charged,
  chargeOpensPage,
  chargePaused,
  initialized,
  verified,
} from './transaction-answers.ts'
import type { Transactions } from './transactions.ts'

type Dependencies = {
  books: Books
  calls: Calls
  transactions: Transactions
  refunds: Refunds
  disputes: Disputes
  /** Known once the server listens. */
  url: () => string
}

/** The part of Paystack's API that Laurel uses. */
export const api =
  (dependencies: Dependencies): FastifyPluginAsync =>
  async (app) => {
    parseForms(app)
    await app.register(transactionRoutes(dependencies))
    await app.register(refundRoutes(dependencies))
    await app.register(disputeRoutes(dependencies))
    app.setNotFoundHandler((_request, reply) => reply.code(404).send(missing('Route', 'not_found').body))
  }

const transactionRoutes =
  ({ books, calls, transactions, url }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    const pageOf = ({ accessCode }: TransactionRecord) => `${url()}/checkout/${accessCode}`
    app.post(
      '/transaction/initialize',
      calls.handler('initialize', ({ body }) =>
        initialized(transactions.initialize(understood(Initialization, body)), pageOf),
      ),
    )
    app.get(
      '/transaction/verify/:reference',
      calls.handler('verify', (request) => {
        const { reference } = request.params as { reference: string }
        const found = books.transactions.get(reference)
        if (!found) throw missing('Transaction reference', 'transaction_not_found')
        return verified(books, found)
      }),
    )
    app.post(
      '/transaction/charge_authorization',
      calls.handler('chargeAuthorization', ({ body }) => {
        const input = understood(AuthorizationCharge, body)
        const { transaction, card, challenged } = transactions.charge(input)
        return challenged ? chargePaused(transaction, pageOf) : authorizationCharged(books, transaction, card)
      }),
    )
    app.post(
      '/charge',
      calls.handler('charge', ({ body }) => {
        const input = understood(AuthorizationCharge, body)
        const { transaction, card, challenged } = transactions.charge(input)
        return challenged ? chargeOpensPage(transaction, pageOf) : charged(books, transaction, card)
      }),
    )
  }

const refundRoutes =
  ({ books, calls, refunds }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.post(
      '/refund',
      calls.handler('refund.create', ({ body }) =>
        refundCreated(books, refunds.create(understood(RefundCreate, body))),
      ),
    )
    app.get(
      '/refund',
      calls.handler('refund.list', ({ query }) => {
        const { transaction, currency, ...page } = understood(RefundList, query)
        const wanted = ofTransaction(books, transaction)
        const found = [...books.refunds.values()].filter(
          (one) => wanted(one) && (currency === undefined || one.currency === currency),
        )
        const [shown, meta] = paged(found, page)
        return refundsListed(books, shown, meta)
      }),
    )
    app.get(
      '/refund/:id',
      calls.handler('refund.fetch', (request) => refundFetched(books, refunds.get(idOf(request)))),
    )
    app.post(
      '/refund/retry_with_customer_details/:id',
      calls.handler('refund.retry', (request) => {
        understood(RefundRetry, request.body)
        return refundRetried(books, refunds.retry(idOf(request)))
      }),
    )
  }

const disputeRoutes =
  ({ books, calls, disputes, url }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    app.get(
      '/dispute',
      calls.handler('dispute.list', ({ query }) => {
        const { transaction, status, ...page } = understood(DisputeList, query)
        const wanted = ofTransaction(books, transaction)
        const found = [...books.disputes.values()].filter(
          (one) => wanted(one) && (status === undefined || one.status === status),
        )
        const [shown, meta] = paged(found, page)
        return disputesListed(books, shown, meta)
      }),
    )
    app.get(
      '/dispute/:id',
      calls.handler('dispute.fetch', (request) => disputeFetched(books, disputes.get(idOf(request)))),
    )
    app.put(
      '/dispute/:id',
      calls.handler('dispute.update', (request) => {
        const input = understood(DisputeUpdate, request.body)
        return disputeFetched(books, disputes.update(idOf(request), input), 'Dispute successfully updated')
      }),
    )
    app.post(
      '/dispute/:id/evidence',
      calls.handler('dispute.evidence', (request) => {
        const input = understood(DisputeEvidence, request.body)
        const id = idOf(request)
        return evidenceTaken(disputes.get(id), input, disputes.addEvidence(id))
      }),
    )
    app.put(
      '/dispute/:id/resolve',
      calls.handler('dispute.resolve', (request) => {
        const input = understood(DisputeResolution, request.body)
        return disputeResolved(books, disputes.answer(idOf(request), input), input.resolution)
      }),
    )
    app.get(
      '/dispute/:id/upload_url',
      calls.handler('dispute.uploadUrl', (request) => {
        const { id } = disputes.get(idOf(request))
        const fileName = `evidence-${id}-${books.newId()}`
        return uploadPrepared(`${url()}/uploads/${fileName}`, fileName)
      }),
    )
    // Where the signed address leads; nothing of what arrives is kept.
    app.addContentTypeParser('*', async (_request: unknown, payload: Readable) => {
      await finished(payload.resume())
    })
    app.put('/uploads/:name', (_request, reply) => reply.code(200).send())
  }

/** Lists know transactions by their numbers only: a reference finds nothing. */
const ofTransaction = (books: Books, id: string | undefined) => {
  if (id === undefined) return () => true
  const wanted = books.transactions.values().find((one) => String(one.id) === id)?.reference
  return ({ reference }: { reference: string }) => reference === wanted
}

const idOf = ({ params }: { params: unknown }): string => (params as { id: string }).id

type Asked = { perPage: number; page: number; from?: Date | undefined; to?: Date | undefined }

/** The newest first. */
const paged = <Item extends { id: number; createdAt: number }>(
  items: readonly Item[],
  { perPage, page, from, to }: Asked,
): [Item[], Page] => {
  const found = items
    .filter(({ createdAt }) => (!from || createdAt >= +from) && (!to || createdAt <= +to))
    .toSorted((one, other) => other.id - one.id)
  const skipped = (page - 1) * perPage
  const pageCount = Math.ceil(found.length / perPage)
  return [found.slice(skipped, skipped + perPage), { total: found.length, skipped, perPage, page, pageCount }]
}

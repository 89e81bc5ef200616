import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { Books, TransactionRecord } from './books.ts'
import { missingPage, pagePolicy, payPage, passwordPage, resultPage } from './checkout-page.ts'
import { parseForms } from './forms.ts'
import { ApiRefusal } from './refusal.ts'
import { ONE_TIME_PASSWORD, ScenarioName } from './scenarios.ts'
import type { Transactions } from './transactions.ts'

type Dependencies = { books: Books; transactions: Transactions }
type Params = { Params: { accessCode: string } }

/** Where a customer pays: in place of a card number there is a choice of what the card does. */
export const checkout =
  ({ books, transactions }: Dependencies): FastifyPluginAsync =>
  async (app) => {
    parseForms(app)
    const find = (accessCode: string) =>
      books.transactions.values().find((one) => one.accessCode === accessCode)

    app.get<Params>('/checkout/:accessCode', ({ params }, reply) => {
      const transaction = find(params.accessCode)
      return transaction ? page(reply, pageFor(transaction)) : page(reply, missingPage(), 404)
    })
    app.get<Params>('/checkout/:accessCode/result', ({ params }, reply) => {
      const transaction = find(params.accessCode)
      return transaction ? page(reply, resultPage(transaction)) : page(reply, missingPage(), 404)
    })
    app.post<Params>('/checkout/:accessCode', ({ params, body }, reply) => {
      const transaction = find(params.accessCode)
      if (!transaction) return page(reply, missingPage(), 404)
      const wrong = act(transactions, transaction, body ?? {})
      if (wrong !== undefined) return page(reply, pageFor(transaction, wrong), 400)
      // 303, so that loading the result again does not pay again.
      const next = transaction.status === 'ongoing' ? '' : '/result'
      return reply.redirect(`/checkout/${transaction.accessCode}${next}`, 303)
    })
  }

const pageFor = (transaction: TransactionRecord, wrong?: string): string => {
  if (transaction.status === 'success') return resultPage(transaction)
  return transaction.status === 'ongoing' ? passwordPage(transaction, wrong) : payPage(transaction, wrong)
}

/** @returns what is wrong with the form, in words for the customer */
const act = (
  transactions: Transactions,
  { reference, status }: TransactionRecord,
  form: Partial<Record<string, string>>,
): string | undefined => {
  if (status === 'success') return undefined
  try {
    switch (form['action'] ?? '') {
      case 'pay': {
        const scenario = ScenarioName.safeParse(form['scenario'])
        if (!scenario.success) return 'Choose what the card does.'
        transactions.pay(reference, scenario.data)
        return undefined
      }
      case 'confirm':
        if (form['otp']?.trim() !== ONE_TIME_PASSWORD) return 'That is not the one-time password.'
        transactions.confirm(reference)
        return undefined
      case 'decline':
        transactions.decline(reference)
        return undefined
      case 'abandon':
        transactions.abandon(reference)
        return undefined
      default:
        return 'Choose Pay, Decline or Abandon.'
    }
  } catch (error) {
    if (error instanceof ApiRefusal) return error.message
    throw error
  }
}

const page = (reply: FastifyReply, html: string, status = 200) =>
  reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': pagePolicy(),
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .send(html)

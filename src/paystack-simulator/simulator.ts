import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { createAgenda } from './agenda.ts'
import { api } from './api.ts'
import { openBooks } from './books.ts'
import { createCalls } from './calls.ts'
import { checkout } from './checkout.ts'
import { createControl, type Control } from './control.ts'
import { controlRoutes } from './control-routes.ts'
import { createDisputes } from './disputes.ts'
import { createFaults } from './faults.ts'
import { ApiRefusal } from './refusal.ts'
import { createRefunds } from './refunds.ts'
import { createTransactions } from './transactions.ts'
import { createWebhooks } from './webhooks.ts'

export type SimulatorOptions = {
  /** 0 takes any free port. */
  port: number
  host: string
  /** `sk_test_…`; calls must bear it, and it signs the webhooks. */
  secretKey: string
  /** Nobody is told while there is none; `control.setWebhookUrl` changes it. */
  webhookUrl?: string
  /** Milliseconds since 1970. Every wait of the simulator goes by this clock. */
  now: () => number
  /** Keeps the books, so that they are there again after a restart. */
  file?: string
  /** Between two steps of a refund, in milliseconds. */
  refundStepMs?: number
}

export type Simulator = {
  url: string
  control: Control
  close: () => Promise<void>
}

/** Behaves as Paystack is documented to behave, and as badly as a test asks for. */
export const createSimulator = async (options: SimulatorOptions): Promise<Simulator> => {
  const { secretKey, now, webhookUrl, refundStepMs: stepMs = 0 } = options
  const books = openBooks(options.file)
  const agenda = createAgenda(now)
  const faults = createFaults(books.newId)
  const webhooks = createWebhooks({ books, agenda, faults, secretKey, url: webhookUrl })
  const transactions = createTransactions({ books, webhooks, now, secretKey })
  const refunds = createRefunds({ books, transactions, webhooks, agenda, now, stepMs })
  const disputes = createDisputes({ books, transactions, webhooks, agenda, now })
  const calls = createCalls({ faults, webhooks, agenda, moving: refunds.moving, secretKey, now })
  const control = createControl({ books, agenda, faults, webhooks, transactions, refunds, disputes, calls })

  const app = fastify({ forceCloseConnections: true, bodyLimit: 1024 * 1024 })
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const refused = error instanceof ApiRefusal ? error : asRefusal(error)
    return reply.code(refused.httpStatus).send(refused.body)
  })
  let url = ''
  let closing: Promise<void> | undefined
  const stop = async () => {
    webhooks.stop()
    agenda.stop()
    await app.close()
    await books.close()
  }
  const close = () => (closing ??= stop())
  try {
    await app.register(api({ books, calls, transactions, refunds, disputes, url: () => url }))
    await app.register(checkout({ books, transactions }))
    await app.register(controlRoutes(control))
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await close()
    throw error
  }
  const { port } = app.server.address() as AddressInfo
  url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`
  return { url, control, close }
}

const asRefusal = ({ statusCode = 500, message }: Error & { statusCode?: number }) =>
  statusCode < 500
    ? new ApiRefusal('The request cannot be read', { httpStatus: statusCode })
    : new ApiRefusal(`The simulator has a bug: ${message}`, {
        httpStatus: 500,
        type: 'api_error',
        code: 'simulator_bug',
      })

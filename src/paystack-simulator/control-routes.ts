import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { RefundStatus } from './books.ts'
import type { Control } from './control.ts'
import { Hostility, Rule } from './faults.ts'
import { ApiRefusal } from './refusal.ts'
import { understood } from './requests.ts'
import { RefundPlan, ScenarioName } from './scenarios.ts'

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/
const LOCAL_NAME = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i

const Transaction = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('pay'),
    scenario: ScenarioName.optional(),
    afterMs: z.number().min(0).optional(),
  }),
  z.strictObject({ do: z.literal('confirm') }),
  z.strictObject({ do: z.literal('decline'), gatewayResponse: z.string().optional() }),
  z.strictObject({ do: z.literal('abandon') }),
  z.strictObject({
    do: z.literal('stall'),
    status: z.enum(['ongoing', 'pending', 'processing', 'queued']),
  }),
  z.strictObject({
    do: z.literal('dispute'),
    amountMinor: z.int().min(1).optional(),
    dueInMs: z.number().optional(),
  }),
  z.strictObject({ do: z.literal('planRefunds'), plan: RefundPlan }),
])

const Dispute = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('remind') }),
  z.strictObject({
    do: z.literal('resolve'),
    resolution: z.enum(['merchant-accepted', 'declined', 'auto-accepted']),
  }),
])

/** The simulator's own controls, in JSON, for this machine only. */
export const controlRoutes =
  (control: Control): FastifyPluginAsync =>
  async (app) => {
    // A page on the web may point its own name at this machine, hence the look at the name.
    app.addHook('onRequest', async ({ socket, headers }) => {
      if (!LOOPBACK.test(socket.remoteAddress ?? '') || !LOCAL_NAME.test(headers.host ?? ''))
        throw new ApiRefusal('Only this machine may control the simulator', {
          httpStatus: 403,
          code: 'forbidden',
        })
    })
    // Without a body of JSON a page on the web could post here, too.
    app.addHook('preHandler', async ({ method, body }) => {
      if (method === 'POST' && (typeof body !== 'object' || body === null))
        throw new ApiRefusal('Send JSON', { httpStatus: 415 })
    })
    await app.register(readRoutes(control), { prefix: '/_control' })
    await app.register(changeRoutes(control), { prefix: '/_control' })
  }

const readRoutes =
  (control: Control): FastifyPluginAsync =>
  async (app) => {
    app.get('/books', () => control.books())
    app.get('/transactions', () => control.transactions())
    app.get('/authorizations', () => control.authorizations())
    app.get('/calls', () => control.calls())
    app.get('/webhooks', () => control.webhooks())
    app.get('/rules', () => control.rules())
    app.get('/idle', async () => {
      await control.idle()
      return DONE
    })
  }

const changeRoutes =
  (control: Control): FastifyPluginAsync =>
  async (app) => {
    app.post<{ Params: { reference: string } }>('/transactions/:reference', ({ params, body }) =>
      changeTransaction(control, params.reference, understood(Transaction, body)),
    )
    app.post<{ Params: { id: string } }>('/refunds/:id', ({ params, body }) => {
      control.moveRefund(params.id, understood(z.strictObject({ status: RefundStatus }), body).status)
      return DONE
    })
    app.post('/refunds', ({ body }) => {
      control.planRefunds(understood(z.strictObject({ plan: RefundPlan }), body).plan)
      return DONE
    })
    app.post<{ Params: { id: string } }>('/disputes/:id', ({ params, body }) => {
      const input = understood(Dispute, body)
      if (input.do === 'remind') control.remindDispute(params.id)
      else control.resolveDispute(params.id, input.resolution)
      return DONE
    })
    app.post('/rules', ({ body }) => ({ id: control.rule(understood(Rule, body)) }))
    app.delete<{ Params: { id: string } }>('/rules/:id', ({ params }) => ({
      removed: control.removeRule(Number(params.id)),
    }))
    app.post('/hostile', ({ body }) => {
      control.hostile(understood(Hostility, body))
      return DONE
    })
    app.post('/calm', () => {
      control.calm()
      return DONE
    })
    app.post('/webhook-url', ({ body }) => {
      const { url } = understood(z.strictObject({ url: z.url({ protocol: /^https?$/ }).nullable() }), body)
      control.setWebhookUrl(url ?? undefined)
      return DONE
    })
    app.post<{ Params: { id: string } }>('/webhooks/:id/again', ({ params }) => ({
      sent: control.sendAgain(Number(params.id)),
    }))
  }

const DONE = { done: true }

const changeTransaction = (control: Control, reference: string, input: z.output<typeof Transaction>) => {
  if (input.do === 'dispute') {
    const { amountMinor, dueInMs } = input
    return { id: control.openDispute(reference, defined({ amountMinor, dueInMs })) }
  }
  switch (input.do) {
    case 'pay':
      control.pay(reference, defined({ scenario: input.scenario, afterMs: input.afterMs }))
      break
    case 'decline':
      control.decline(reference, input.gatewayResponse)
      break
    case 'stall':
      control.stall(reference, input.status)
      break
    case 'planRefunds':
      control.planRefunds(input.plan, reference)
      break
    case 'confirm':
    case 'abandon':
      control[input.do](reference)
  }
  return DONE
}

/** Without the fields that were not given. */
const defined = <Fields extends object>(fields: Fields) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>
  }

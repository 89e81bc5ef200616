import { emit } from 'xstate'
import { z } from 'zod'
import { defineActor } from '../../actors/actor.ts'
import { getActor } from '../../actors/queries.ts'
import { defineContract } from '../../contracts/contract.ts'
import { GetInput } from '../../contracts/queries.ts'
import { actorTable } from '../../persistence/migrations/actor-table.ts'
import { paymentMachine } from './payment.ts'

const view = z.strictObject({ authorised: z.int(), captured: z.int(), refunded: z.int() })
const sum = z.strictObject({ amount: z.int() })

const contract = defineContract({
  actor: 'benchPayment',
  namespace: 'benchPayments',
  commands: {
    open: { summary: 'Open', creates: true, input: z.strictObject({}) },
    proceed: { summary: 'The next step', input: z.strictObject({ amount: z.int().positive() }) },
  },
  queries: { get: { summary: 'One payment', input: GetInput, output: view } },
  events: { 'payment.authorised': sum, 'payment.captured': sum, 'payment.refunded': sum },
  view,
})

const machine = paymentMachine.provide({
  actions: { announce: emit(({ event }, params) => ({ type: params.event, amount: event.amount })) },
})

/** The payment as an actor of Laurel: contract, rules, topics and view as every other one has them. */
export const benchPayment = defineActor({
  contract,
  machine,
  columns: { owner: { type: 'uuid', indexed: true, of: ({ context }) => context.owner } },
  topics: { benchPayment: 'id', user: 'owner' },
  scopes: ({ userId }) => [{ owner: userId }],
  allow: { open: () => true, proceed: ({ userId }, { context }) => context.owner === userId },
  create: { open: async ({ principal }) => ({ ok: true, input: { owner: principal.userId } }) },
  queries: { get: getActor },
  view: ({ context: { authorised, captured, refunded } }) => ({ authorised, captured, refunded }),
})

export const benchPaymentMigration = {
  name: '9001-bench-payment',
  class: actorTable('bench_payment', { owner: 'uuid, indexed' }),
}

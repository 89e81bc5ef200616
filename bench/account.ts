import { assign, emit, setup } from 'xstate'
import { z } from 'zod'
import { defineActor } from '../actors/actor.ts'
import { getActor } from '../actors/queries.ts'
import { defineContract, type CommandOf, type EventOf } from '../contracts/contract.ts'
import { GetInput } from '../contracts/queries.ts'
import { actorTable } from '../persistence/migrations/actor-table.ts'

/** What is measured: half a kilobyte of state, a guard, an event for each turn, no effect. */
const view = z.strictObject({ balance: z.int() })

const contract = defineContract({
  actor: 'account',
  namespace: 'accounts',
  commands: {
    open: { summary: 'Open', creates: true, input: z.strictObject({}) },
    deposit: { summary: 'Deposit', input: z.strictObject({ amount: z.int().positive() }) },
  },
  queries: { get: { summary: 'One account', input: GetInput, output: view } },
  events: { 'account.opened': z.strictObject({}), 'account.deposited': z.strictObject({ amount: z.int() }) },
  view,
})

type Context = { owner: string; balance: number; pad: string }

export const accountMachine = setup({
  types: {
    context: {} as Context,
    input: {} as { owner: string },
    events: {} as CommandOf<typeof contract>,
    emitted: {} as EventOf<typeof contract>,
  },
  guards: { isPositive: ({ event }) => event.type === 'deposit' && event.amount > 0 },
}).createMachine({
  id: 'account@1',
  context: ({ input }) => ({ owner: input.owner, balance: 0, pad: 'x'.repeat(400) }),
  initial: 'open',
  entry: emit({ type: 'account.opened' }),
  states: {
    open: {
      on: {
        deposit: {
          guard: 'isPositive',
          actions: [
            assign({ balance: ({ context, event }) => context.balance + event.amount }),
            emit(({ event }) => ({ type: 'account.deposited', amount: event.amount })),
          ],
        },
      },
    },
  },
})

export const account = defineActor({
  contract,
  machine: accountMachine,
  columns: { owner: { type: 'uuid', indexed: true, of: ({ context }) => context.owner } },
  topics: { account: 'id', user: 'owner' },
  scopes: ({ userId }) => [{ owner: userId }],
  allow: { open: () => true, deposit: ({ userId }, { context }) => context.owner === userId },
  create: { open: async ({ principal }) => ({ ok: true, input: { owner: principal.userId } }) },
  queries: { get: getActor },
  view: ({ context }) => ({ balance: context.balance }),
})

export const accountMigration = {
  name: '9000-account',
  class: actorTable('account', { owner: 'uuid, indexed' }),
}

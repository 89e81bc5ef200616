import { emit, setup } from 'xstate'
import { z } from 'zod'
import { defineActor } from '../actors/actor.ts'
import { getActor } from '../actors/queries.ts'
import { defineContract, type EventOf } from '../contracts/contract.ts'
import { GetInput } from '../contracts/queries.ts'
import { actorTable } from '../persistence/migrations/actor-table.ts'

/** An actor that asks somebody outside and waits for the answer: two turns and one effect each time. */
const view = z.strictObject({ id: z.string() })

const contract = defineContract({
  actor: 'probe',
  namespace: 'probes',
  commands: {
    open: { summary: 'Open', creates: true, input: z.strictObject({}) },
    ask: { summary: 'Ask', input: z.strictObject({}) },
  },
  queries: { get: { summary: 'One probe', input: GetInput, output: view } },
  events: { 'probe.answered': z.strictObject({ status: z.string() }) },
  view,
})

type Context = { id: string; owner: string }

const probeMachine = setup({
  types: {
    context: {} as Context,
    input: {} as Context,
    events: {} as { type: 'ask' } | { type: 'provider.answered'; status: string },
    emitted: {} as EventOf<typeof contract>,
  },
  actions: { askProvider: (_, _params: { reference: string }) => {} },
}).createMachine({
  id: 'probe@1',
  context: ({ input: { id, owner } }) => ({ id, owner }),
  initial: 'idle',
  states: {
    idle: { on: { ask: { target: 'waiting' } } },
    waiting: {
      entry: { type: 'askProvider', params: ({ context }) => ({ reference: context.id }) },
      on: {
        'provider.answered': {
          target: 'idle',
          actions: emit(({ event: { status } }) => ({ type: 'probe.answered', status })),
        },
      },
    },
  },
})

export const probe = defineActor({
  contract,
  machine: probeMachine,
  columns: { owner: { type: 'uuid', of: ({ context }) => context.owner } },
  topics: { probe: 'id', user: 'owner' },
  scopes: ({ userId }) => [{ owner: userId }],
  allow: { open: () => true, ask: ({ userId }, { context }) => context.owner === userId },
  create: {
    open: async ({ id, principal }) => ({ ok: true, input: { id, owner: principal.userId } }),
  },
  queries: { get: getActor },
  view: ({ context }) => ({ id: context.id }),
})

export const probeMigration = { name: '9001-probe', class: actorTable('probe', { owner: 'uuid' }) }

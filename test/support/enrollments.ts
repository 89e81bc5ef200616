import { randomUUID } from 'node:crypto'
import { assign, setup } from 'xstate'
import { z } from 'zod'
import { defineActor } from '../../actors/actor.ts'
import { getActor, listActors } from '../../actors/queries.ts'
import { actors } from '../../actors/registry.ts'
import { defineContract } from '../../contracts/contract.ts'
import { GetInput, PageFields, pageOf } from '../../contracts/queries.ts'
import { Id } from '../../contracts/scalars.ts'
import { actorTable } from '../../persistence/migrations/actor-table.ts'
import { migrations } from '../../persistence/migrations/list.ts'
import type { ServerOptions } from '../../src/server.ts'
import { madeBySystem } from './by-system.ts'
import type { TestServer } from './server.ts'

/** Enrollments as far as the catalogue looks at them: who learns what, and where that stands. */

const View = z.strictObject({ id: Id, offeringId: Id, status: z.string() })

const contract = defineContract({
  actor: 'enrollment',
  namespace: 'enrollments',
  commands: {},
  queries: {
    get: { summary: 'One enrollment', input: GetInput, output: View },
    list: { summary: 'Enrollments', input: z.strictObject(PageFields), output: pageOf(View) },
  },
  events: {},
  view: View,
})

type Context = { orgId: string; userId: string; offeringId: string; status: string; live: boolean }

const machine = setup({
  types: {
    context: {} as Context,
    input: {} as Context,
    events: {} as { type: 'becomes'; status: string; live: boolean },
  },
}).createMachine({
  id: 'enrollment@test',
  context: ({ input: { orgId, userId, offeringId, status, live } }) => ({
    orgId,
    userId,
    offeringId,
    status,
    live,
  }),
  on: {
    becomes: { actions: assign(({ event: { status, live } }) => ({ status, live })) },
  },
})

const enrollment = defineActor({
  contract,
  machine,
  columns: {
    orgId: { type: 'uuid', of: ({ context }) => context.orgId },
    userId: { type: 'uuid', of: ({ context }) => context.userId },
    offeringId: { type: 'uuid', of: ({ context }) => context.offeringId },
    status: { type: 'text', of: ({ context }) => context.status },
    live: { type: 'boolean', of: ({ context }) => context.live },
  },
  topics: { enrollment: 'id' },
  scopes: ({ orgId, userId }) => [{ orgId, userId }],
  allow: {},
  create: {},
  queries: { get: getActor, list: listActors },
  view: ({ context: { offeringId, status } }, id) => ({ id, offeringId, status }),
})

/** For `aServer`. */
export const withEnrollments: Partial<ServerOptions> = {
  definitions: [...actors, enrollment],
  migrations: [
    ...migrations,
    {
      name: '9000-test-enrollment',
      class: actorTable('enrollment', {
        orgId: 'uuid',
        userId: 'uuid',
        offeringId: 'uuid',
        status: 'text',
        live: 'boolean',
      }),
    },
  ],
}

type Enrolled = { orgId: string; userId: string; offeringId: string; status?: string; live?: boolean }

export const anEnrollment = (server: TestServer, { status = 'active', live = true, ...of }: Enrolled) =>
  madeBySystem(server, { type: 'enrollment', id: randomUUID() }, { ...of, status, live })

export const becomes = async (server: TestServer, id: string, status: string, live: boolean) => {
  const reply = await server.engine.send({
    id: randomUUID(),
    actor: { type: 'enrollment', id },
    cause: 'signal',
    type: 'becomes',
    payload: { status, live },
    at: server.clock.at(),
  })
  if (!reply.ok) throw new Error(reply.error.message)
}

import { refused } from '../contracts/protocol.ts'
import { MOST_DEVICES, pushSubscriptionContract } from '../contracts/push-subscription.ts'
import { pushSubscriptionMachine } from '../machines/push-subscription.ts'
import { defineActor, type Principal } from './actor.ts'
import { invalidField } from './fields.ts'
import { actorJournal, getActor, listActors } from './queries.ts'

const PUSH_SUBSCRIPTION = { contract: pushSubscriptionContract, machine: pushSubscriptionMachine }

type Owned = { context: { userId: string } }
const isOwner = ({ userId }: Principal, { context }: Owned) => context.userId === userId

export const pushSubscription = defineActor({
  contract: pushSubscriptionContract,
  machine: pushSubscriptionMachine,
  columns: {
    orgId: { type: 'uuid', of: ({ context }) => context.orgId },
    userId: { type: 'uuid', indexed: true, of: ({ context }) => context.userId },
    status: { type: 'text', of: ({ value }) => value },
    mark: { type: 'text', indexed: true, of: ({ context }) => context.mark },
  },
  topics: { pushSubscription: 'id' },
  scopes: ({ orgId, userId }) => [{ orgId, userId }],
  unique: {
    push_subscription_of_one: { code: 'already_exists', message: 'this browser takes pushes already' },
  },
  allow: { add: isOwner, remove: isOwner },
  create: {
    add: async ({ id, payload, principal: { orgId, userId }, at, lookup }) => {
      if (!lookup.takesPushes()) return refused('push_unavailable', 'this server sends no pushes')
      const mark = lookup.pushMark(payload.endpoint)
      if (mark === undefined) return invalidField('endpoint', 'must be the https address of a push service')
      const { found } = await lookup.search(PUSH_SUBSCRIPTION, {
        scopes: [{ orgId, userId }],
        where: [{ column: 'status', is: '=', value: 'active' }],
        limit: MOST_DEVICES,
      })
      const known = found.find(({ snapshot }) => snapshot.context.mark === mark)
      if (known) return { ok: true, existing: known.id }
      if (found.length === MOST_DEVICES)
        return refused('too_many_devices', `at most ${MOST_DEVICES} browsers; remove one first`)
      return { ok: true, input: { id, at, orgId, userId, mark, ...payload } }
    },
  },
  queries: {
    get: getActor,
    list: listActors,
    key: async ({ read }) => ({ ok: true, data: { publicKey: read.pushKey() } }),
    journal: actorJournal,
  },
  view: ({ value, context: { userId, device, createdAt, endReason } }, id) => ({
    id,
    userId,
    device,
    status: value,
    createdAt,
    endReason,
  }),
})
